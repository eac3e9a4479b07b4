"""A real Dask cluster on this machine: the same bits, and workers and clients that are killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from pastur.analysis import Analysis, analyze
from pastur.experiments import verify

pytest.importorskip("distributed")
pytestmark = pytest.mark.lengthy

_ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
_PATIENCE = 60.0


class Cluster:
    """A scheduler and workers, each a process of its own, started by the commands of Dask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = folder / "scheduler.json"
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
            env=os.environ | _ONE | {"PYTHONPATH": os.pathsep.join(sys.path)},
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
        for _ in range(2):
            found.start_worker()
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
    """Forty matrices, one of them skipped."""
    rng = np.random.default_rng(5)
    tensors = {f"layer.{k}": rng.normal(size=(60 + k, 90)) for k in range(40)}
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


def test_analyze_gives_the_same_bits(client: Any, model: Path) -> None:
    assert content(analyze(model, executor=client, memory="10 MB")) == content(analyze(model))


def test_verify_gives_the_same_bits(client: Any) -> None:
    names = ["lemma-4.1", "assumption-*"]
    there = verify(names, executor=client).to_dict()
    assert there == verify(names).to_dict()
