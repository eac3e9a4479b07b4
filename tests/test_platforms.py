"""The commands without what only POSIX systems have; docs/platforms.md says what is then lost."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Taken away before anything of pastur is imported; what others need of it they have by then.
WITHOUT = """
import os, signal, sys
import numpy, scipy.linalg, joblib, threadpoolctl, rich.console, plotly, jinja2
for module in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[module] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "fchown", "chown", "sysconf", "geteuid", "link", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
from pastur.cli import main
main(sys.argv[1:], prog_name="pastur")
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "m.npz", a=rng.standard_normal((30, 40)), b=rng.standard_normal((20, 30)))
    return tmp_path


@pytest.mark.lengthy
def test_analyze_writes_its_files(folder: Path) -> None:
    for _ in range(2):
        result = run(
            folder, "analyze", "m.npz", "--json", "a.json", "--csv", "a.csv", "-o", "a.html"
        )
        assert (result.returncode, result.stderr) == (0, "")
    assert sorted(os.listdir(folder)) == ["a.csv", "a.html", "a.json", "m.npz"]
    assert len(json.loads((folder / "a.json").read_text())["matrices"]) == 2


@pytest.mark.lengthy
def test_an_input_is_not_overwritten(folder: Path) -> None:
    before = (folder / "m.npz").read_bytes()
    (folder / "hard.npz").hardlink_to(folder / "m.npz")
    for output in ("m.npz", "hard.npz"):
        result = run(folder, "analyze", "m.npz", "--json", output)
        assert result.returncode == 1
        assert "Name another file" in result.stderr
    assert (folder / "m.npz").read_bytes() == before


@pytest.mark.lengthy
def test_verify_records_and_makes_good_what_is_damaged(folder: Path) -> None:
    arguments = ("verify", "lemma-4.1", "--jobs", "1", "--quiet", "-o", "v")
    assert run(folder, *arguments).returncode == 0
    record = folder / "v" / "records" / "lemma-4.1.json"
    sound = record.read_text()
    record.write_text(sound[:100])
    result = run(folder, *arguments)
    assert result.returncode == 0
    assert result.stderr.startswith("pastur: warning: ")
    assert record.read_text() == sound


@pytest.mark.lengthy
def test_hdf5_is_read(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "m.h5", "w") as file:
        file["w"] = np.random.default_rng(0).standard_normal((20, 30))
    result = run(folder, "analyze", "m.h5", "--quiet")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("missing", ["os.sysconf", "builtins.open"])
def test_the_reader_of_hdf5_has_a_limit_where_its_own_size_is_not_known(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    from pastur.weights._formats.hdf5 import worker

    def absent(*_: str, **__: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/proc/self/statm")

    limits = []
    monkeypatch.setattr(worker, "limit", lambda kind, wanted: limits.append((kind, wanted)))
    if missing == "os.sysconf":
        monkeypatch.delattr(missing)
    else:
        monkeypatch.setattr(missing, absent)
    worker.limit_memory(100)
    monkeypatch.undo()
    ((kind, wanted),) = limits
    assert kind == "RLIMIT_AS"
    assert wanted > 1e9


def test_the_reader_of_hdf5_goes_on_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    from pastur.weights._formats.hdf5 import worker

    monkeypatch.setitem(sys.modules, "resource", None)
    worker.limit("RLIMIT_AS", 10)
    np.ones(10**6)
