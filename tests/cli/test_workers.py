"""Who does the work of a command: options, a cluster that does not answer, an interrupt."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import Signals

import numpy as np
import pytest
from click.testing import Result
from safetensors.numpy import save_file

from pastur.analysis import Analysis, analyze

COMMANDS = {
    "analyze": ("analyze", "x.npy"),
    "compress": ("compress", "x.npy", "-o", "y.npz", "--method", "edge"),
    "verify": ("verify", "lemma-4.1"),
}


@pytest.fixture
def here(invoke: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Run a command in a folder with a matrix."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 40)))
    return invoke


@pytest.mark.parametrize("command", COMMANDS)
def test_jobs_and_a_cluster_exclude_each_other(here: Callable[..., Result], command: str) -> None:
    result = here(*COMMANDS[command], "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert "Choose --jobs or --scheduler, not both." in result.stderr


@pytest.mark.parametrize(
    ("scheduler", "line"),
    [
        ("gone.json", "Cannot read 'gone.json'"),
        ("x.npy", "'x.npy' is not a JSON file"),
        ("odd.json", "'odd.json' is not a file of a Dask scheduler: `address` is missing."),
    ],
)
def test_what_is_not_a_scheduler_file_is_a_line(
    here: Callable[..., Result], tmp_path: Path, scheduler: str, line: str
) -> None:
    (tmp_path / "odd.json").write_text("{}")
    result = here("analyze", "x.npy", "--scheduler", scheduler)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"pastur: {line}") and result.stderr.count("\n") == 1


def test_without_distributed_it_says_what_to_install(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = here("analyze", "x.npy", "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 1
    assert "--scheduler needs distributed" in result.stderr
    assert "pip install pastur[dask]" in result.stderr


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "tcp://"])
def test_a_scheduler_that_does_not_answer_is_a_line(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("pastur.cli._terminal.workers._PATIENCE", 1)
    result = here("analyze", "x.npy", "--scheduler", address)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"pastur: No Dask scheduler answers at {address}")
    assert result.stderr.count("\n") == 1


def test_memory_that_is_not_a_size_is_a_line(here: Callable[..., Result]) -> None:
    result = here("analyze", "x.npy", "--memory", "much")
    assert result.exit_code == 1
    assert result.stderr.startswith("pastur: `memory` must be a number of bytes, or text such as")


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("number", "status", "jobs"), [(signal.SIGINT, 130, "2"), (signal.SIGTERM, 143, "1")]
)
def test_an_interrupt_writes_what_is_finished_and_says_so(
    tmp_path: Path, number: Signals, status: int, jobs: str
) -> None:
    rng = np.random.default_rng(0)
    tensors = {f"m.{k}": rng.normal(size=(80, 90)).astype(np.float32) for k in range(200)}
    save_file(tensors, tmp_path / "model.safetensors")
    kept = tmp_path / "kept"
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import pastur.cli; pastur.cli.main()"
    )
    options = ("--json", "a.json", "-o", "a.html", "--resume", "kept", "--jobs", jobs)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "analyze", "model.safetensors", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(list(kept.glob("*.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    # As a terminal does it: to the workers too.
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    word = {130: "interrupted", 143: "terminated"}[status]
    assert (process.returncode, stderr) == (status, f"pastur: {word}.\n")
    partial = Analysis.from_json(tmp_path / "a.json")
    assert 3 <= len(partial.matrices) < 200
    assert len(partial.matrices) + len(partial.skipped) == 200
    assert "Partial: the run was interrupted" in " ".join(stdout.split())
    assert "Partial: the run was interrupted" in (tmp_path / "a.html").read_text("utf-8")
    # What was kept is used, and is what one run finds.
    names = [matrix.name for matrix in partial.matrices]
    whole = analyze(tmp_path / "model.safetensors", include=names, resume=kept)
    seconds = {matrix.name: matrix.seconds for matrix in partial.matrices}
    assert {matrix.name: matrix.seconds for matrix in whole.matrices} == seconds
    assert json.dumps([m.to_dict() for m in whole.matrices]) == json.dumps(
        [m.to_dict() for m in partial.matrices]
    )
