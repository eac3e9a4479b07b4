"""Bad input: one line on stderr, exit status 1, nothing else; wrong usage: status 2."""

import errno
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from pastur._typing import AnyArray
from pastur.cli._terminal.errors import INTERRUPTED
from pastur.cli._terminal.result_files import ResultFiles


def header(text: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + data


def tensor(shape: Sequence[int], end: int, dtype: str = "F32") -> str:
    return json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}})


def array(value: AnyArray) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        np.save(path, value, allow_pickle=True)

    return write


def content(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


NAN = np.random.default_rng(0).normal(size=(20, 30))
NAN[1, 1] = np.nan
TEN_TB = 10**13

# File name, what is in it, the useful part of the sentence.
BAD = {
    "missing": ("gone.safetensors", None, r"No file or folder 'gone\.safetensors'"),
    "empty file": ("w.safetensors", content(b""), "is empty"),
    "unknown suffix": (
        "w.xyz",
        content(b"hello, world, this is text"),
        "not of a kind that",
    ),
    "empty folder": ("folder", lambda path: path.mkdir(), "folder"),
    "truncated data": (
        "w.safetensors",
        content(header(tensor([20, 30], 2400), b"\0" * 100)),
        "safetensors",
    ),
    "truncated header": ("w.safetensors", content(header(tensor([20, 30], 2400))[:30]), "w.safe"),
    "tensor of 10 TB": (
        "w.safetensors",
        content(header(tensor([TEN_TB // 40, 10], TEN_TB), b"\0" * 8)),
        "10 TB|shorter|damaged|truncated|ends|bytes",
    ),
    "header of 10 TB": ("w.safetensors", content(struct.pack("<Q", TEN_TB) + b"{}"), "TB|bytes"),
    "garbage header": ("w.safetensors", content(header("{'no json")), "w.safetensors"),
    "no tensors": ("w.safetensors", content(header("{}")), "holds no tensor"),
    "truncated npy": ("w.npy", content(b"\x93NUMPY\x01\x00v\x00{'descr'"), r"w\.npy"),
    "NaN": ("w.npy", array(NAN), r"was skipped: .*1 NaN"),
    "infinite": ("w.npy", array(np.full((20, 30), np.inf)), r"was skipped: .*600 infinite"),
    "1-D": ("w.npy", array(np.ones(5)), r"was skipped: .*not a matrix.*\(5,\)"),
    "no entries": ("w.npy", array(np.ones((0, 5))), r"was skipped: .*no entries"),
    "one row": ("w.npy", array(np.ones((1, 5))), r"was skipped: .*one row"),
    "zeros": ("w.npy", array(np.zeros((20, 30))), r"was skipped: .*every entry is zero"),
    "complex": ("w.npy", array(np.ones((20, 30), complex)), r"complex"),
    "booleans": ("w.npy", array(np.ones((20, 30), bool)), r"boolean"),
    "objects": ("w.npy", array(np.array([[1, "a"], [None, 2]], dtype=object)), r"object"),
    "strings": ("w.npy", array(np.array([["a", "b"], ["c", "d"]])), r"holds text, not numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_1(
    invoke: Callable[..., Result], tmp_path: Path, case: str
) -> None:
    name, write, sentence = BAD[case]
    if write is not None:
        write(tmp_path / name)
    result = invoke("analyze", name, "--json", "result.json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("pastur: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    assert re.search(sentence, result.stderr)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("case", ["missing", "truncated data", "header of 10 TB", "NaN", "objects"])
def test_the_same_from_a_process_of_its_own(
    spawn: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, case: str
) -> None:
    name, write, _ = BAD[case]
    if write is not None:
        write(tmp_path / name)
    result = spawn("analyze", name, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("pastur: ")
    assert result.stderr.count("\n") == 1


def test_what_the_operating_system_says_is_one_line_too(
    invoke: Callable[..., Result], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Path, **__: Any) -> None:
        raise OSError(errno.EIO, "Input/output error", "some\nfile")

    monkeypatch.setattr("pastur.cli._analyze.analyze_model.analyze", fail)
    result = invoke("analyze", model)
    assert result.exit_code == 1
    assert result.stderr == "pastur: Input/output error: 'some file'.\n"


def test_a_name_cannot_break_the_line_or_drive_the_terminal(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    arrays: dict[str, Any] = {"a\n\x1b[31mb": np.ones(3)}
    np.savez(tmp_path / "w.npz", **arrays)
    result = invoke("analyze", "w.npz")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--json", "gone/a.json"], r"Cannot write 'gone/a\.json': no folder 'gone'"),
        (["-o", "."], r"Cannot write '\.': it is a folder"),
        (["--json", "a", "--csv", "./a"], r"The CSV file 'a' is the JSON file too"),
        (["--include", "layer.0.weight"], r"No layer named 'layer\.0\.weight'\. Did you mean"),
        (["--device", "tpu"], r"`device` must be 'cpu', 'cuda' or 'cuda:1'\. Got 'tpu'"),
        (["--exclude", "*"], r"Nothing to analyse in .*: all \d+ tensors were skipped"),
    ],
)
def test_wishes_that_cannot_be_met(
    invoke: Callable[..., Result], model: Path, options: Sequence[str], sentence: str
) -> None:
    result = invoke("analyze", model, *options)
    assert result.exit_code == 1
    assert re.fullmatch(rf"pastur: {sentence}.*\n", result.stderr)


def test_the_model_is_never_overwritten(invoke: Callable[..., Result], model: Path) -> None:
    before = model.read_bytes()
    result = invoke("analyze", model, "-o", model)
    assert result.exit_code == 1
    assert "is the model too" in result.stderr
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyse", "x"],
        ["analyze"],
        ["analyze", "x", "y"],
        ["analyze", "x", "--alpha", "0"],
        ["analyze", "x", "--alpha", "two"],
        ["analyze", "x", "--jobs", "0"],
        ["demo", "--color"],
    ],
)
def test_wrong_usage_is_status_2(invoke: Callable[..., Result], arguments: Sequence[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_interrupt_is_status_130(
    invoke: Callable[..., Result], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Path | ResultFiles, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pastur.cli._analyze.analyze_model.run", stop)
    result = invoke("analyze", model)
    assert result.exit_code == INTERRUPTED == 130
    assert result.stderr == "pastur: interrupted.\n"


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_no_traceback(
    tmp_path: Path, number: Signals, status: int, words: str
) -> None:
    # Enough to be at work for seconds, in steps short enough to stop soon.
    weight = np.random.default_rng(0).integers(-100, 100, size=(500, 500), dtype=np.int8)
    arrays: dict[str, Any] = {f"w{i}": weight for i in range(100)}
    np.savez(tmp_path / "w.npz", **arrays)
    # What is started in the background may inherit that the signal is ignored.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import pastur.analysis, pastur.cli; print(flush=True); pastur.cli.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "analyze", "w.npz"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == status
    assert stderr == f"pastur: {words}.\n"


def test_a_closed_pipe_is_quiet(model: Path, tmp_path: Path) -> None:
    program = f"'{sys.executable}' -m pastur analyze '{model}' --json a.json | true"
    result = subprocess.run(
        ["bash", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stderr == ""
    assert json.loads((tmp_path / "a.json").read_text())["schema"] == 2
