"""A real Dask cluster on this machine: the same bits, and workers and clients that are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from pastur._workers import Workers
from pastur.analysis import Analysis, analyze
from pastur.datasets import FashionMnist
from pastur.experiments import TrainingConfig, run_fashion_mnist, verify

pytest.importorskip("distributed")
# The cluster alone takes seconds; `test_pool` covers the same loop with other executors.
pytestmark = pytest.mark.slow

_ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
_PATIENCE = 60.0
COUNT = 30


class Cluster:
    """A scheduler and workers, each a process of its own, started by the commands of Dask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = os.environ | _ONE | {"PYTHONPATH": os.pathsep.join(sys.path)}
        self.file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", self.file
        )
        wait_until(self.file.exists)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, so that one which is killed stays dead."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        place = ("--local-directory", self._folder)
        return self._start("worker", "--scheduler-file", self.file, *options, *place)

    def close(self) -> None:
        """End every process that is left."""
        for process in self._processes[::-1]:
            process.kill()
            process.wait()

    def _start(self, *arguments: Path | str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, arguments)],
            stdout=log,
            stderr=log,
            env=self.environment,
        )
        log.close()
        self._processes.append(process)
        return process


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not happened():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        found.workers = [found.start_worker() for _ in range(2)]
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Iterator[Any]:
    import distributed

    with distributed.Client(scheduler_file=str(cluster.file), set_as_default=False) as found:
        found.wait_for_workers(2, timeout=_PATIENCE)
        yield found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matrices that take a few seconds together, one of them skipped."""
    rng = np.random.default_rng(5)
    tensors = {f"layer.{k}": rng.normal(size=(150 + k, 200)) for k in range(COUNT)}
    tensors["layer.7"][3, 4] = np.nan
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def content(analysis: Analysis) -> dict[str, Any]:
    """Return all that an analysis holds, without the times."""
    result: dict[str, Any] = json.loads(json.dumps(analysis.to_dict()))
    for matrix in result["matrices"]:
        del matrix["seconds"]
    return result


@pytest.fixture(scope="module")
def here(model: Path) -> dict[str, Any]:
    """What this process finds."""
    with threadpool_limits(1):
        return content(analyze(model))


def test_analyze_gives_the_same_bits(client: Any, model: Path, here: dict[str, Any]) -> None:
    assert content(analyze(model, executor=client, memory="500 MB")) == here


def test_verify_gives_the_same_bits(client: Any) -> None:
    names = ["lemma-4.1", "assumption-1"]
    there = verify(names, executor=client).to_dict()
    assert there == verify(names).to_dict()
    with client.as_current(), joblib.parallel_config(backend="dask"):
        assert verify(names).to_dict() == there
        assert Workers.of(None, None) == Workers(joblib=True)


def test_a_sweep_gives_the_same_bits(client: Any, real_data: FashionMnist, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    configs = [TrainingConfig(size=size, seed=1, epochs=1, batch_size=2000) for size in (8, 9)]
    there = run_fashion_mnist(configs, tmp_path / "there", executor=client)
    assert there == run_fashion_mnist(configs, tmp_path / "here")


def test_killed_workers_and_clients_cost_what_was_under_way(
    cluster: Cluster, model: Path, here: dict[str, Any], tmp_path: Path
) -> None:
    kept, result = tmp_path / "kept", tmp_path / "result.json"
    options = ("--scheduler", cluster.file, "--resume", kept, "--json", result, "--quiet")
    command = [sys.executable, "-m", "pastur", "analyze", *map(str, (model, *options))]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=cluster.environment)

    def records() -> dict[str, tuple[int, int]]:
        entries = [path.stat() for path in sorted(kept.glob("*.json"))]
        names = [path.name for path in sorted(kept.glob("*.json"))]
        return {n: (e.st_ino, e.st_mtime_ns) for n, e in zip(names, entries, strict=True)}

    client = start()
    wait_until(lambda: len(records()) >= 3)
    cluster.workers.pop().send_signal(signal.SIGKILL)
    wait_until(lambda: len(records()) >= 8)
    client.send_signal(signal.SIGKILL)
    client.wait()
    before = records()
    assert len(before) < COUNT - 1
    cluster.workers.append(cluster.start_worker())
    assert start().wait(_PATIENCE) == 0
    assert content(Analysis.from_json(result)) == here
    after = records()
    assert len(after) == COUNT - 1
    assert {name: after[name] for name in before} == before
