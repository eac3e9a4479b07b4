"""What `pastur compare` prints and writes."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len
from safetensors.numpy import save_file

from pastur.cli import main
from pastur.comparison import Comparison


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two checkpoints: noise scaled, a direction added, some unchanged, one broken, one missing."""
    rng = np.random.default_rng(9)
    shape = (60, 90)
    noise = rng.normal(size=shape) / 90**0.5
    left, right = (np.linalg.qr(rng.normal(size=(n, 2)))[0] for n in shape)
    signal = noise + left * [5.0, 4.0] @ right.T
    broken = np.where(np.eye(*shape) > 0, np.nan, noise)
    old = {"h.0.weight": noise, "h.1.weight": signal, "h.2.weight": signal, "h.3.weight": broken}
    new = {"h.0.weight": 1.4 * noise, "h.1.weight": noise, "h.2.weight": signal}
    old |= {f"h.{k}.bias": np.zeros(60) for k in range(15)} | {"head.weight": noise}
    new |= {f"h.{k}.bias": np.zeros(60) for k in range(15)} | {"h.3.weight": noise}
    folder = tmp_path_factory.mktemp("pair")
    for name, tensors in (("old", old), ("new", new)):
        save_file(tensors, folder / f"{name}.safetensors")
    return folder / "old.safetensors", folder / "new.safetensors"


def test_every_matrix_and_tensor_is_in_the_output(
    invoke: Callable[..., Result], pair: tuple[Path, Path]
) -> None:
    result = invoke("compare", *pair)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith("h.")}
    assert "unchanged" in rows["h.2.weight"]
    assert " 40 % " in rows["h.0.weight"] and " → " in rows["h.0.weight"]
    assert " 2 → 0 " in rows["h.1.weight"]
    assert "In OLD only: 1 tensor" in lines
    assert "  h.3.weight" in result.stdout or "h.3.weight: in OLD: holds 60 NaN" in result.stdout
    assert "h.*.bias  (15)" in result.stdout
    assert "Of two shapes" not in result.stdout


def test_the_files_hold_the_same(
    invoke: Callable[..., Result], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    result = invoke("compare", *pair, "--json", "c.json", "--csv", "c.csv", "-o", "c.html")
    assert result.stdout.splitlines()[-3:] == ["Report: c.html", "JSON: c.json", "CSV: c.csv"]
    comparison = Comparison.from_json(tmp_path / "c.json")
    assert result.stdout.splitlines()[-4] == comparison.summary()
    assert comparison.summary() in (tmp_path / "c.html").read_text("utf-8")
    assert [m.name for m in comparison.matrices] == [f"h.{k}.weight" for k in range(3)]
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == [m.name for m in comparison.matrices]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(
    pair: tuple[Path, Path], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(width))
    output = CliRunner().invoke(main, ["compare", *map(str, pair)]).stdout
    lines = output.splitlines()
    assert max(map(cell_len, lines)) <= width
    joined = " ".join(output.split())
    for heading in ("shape", "change", "stand out", "lost", "gained", "overlap", "random", "U out"):
        assert heading in joined
    assert "…" not in joined


def test_the_same_file_twice_is_said(
    invoke: Callable[..., Result], pair: tuple[Path, Path]
) -> None:
    result = invoke("compare", pair[1], pair[1])
    assert result.exit_code == 0
    assert "OLD and NEW are one and the same." in result.stdout


def test_quiet_prints_nothing(invoke: Callable[..., Result], pair: tuple[Path, Path]) -> None:
    result = invoke("compare", *pair, "--quiet", "--json", "c.json", "--include", "h.0.weight")
    assert (result.exit_code, result.output) == (0, "")
    assert json.loads(Path("c.json").read_text("utf-8"))["schema"] == 1


def test_bad_input_is_one_line(invoke: Callable[..., Result], pair: tuple[Path, Path]) -> None:
    for arguments, status, words in (
        ((pair[0], "nowhere"), 1, "No file or folder 'nowhere'"),
        ((*pair, "--json", pair[0]), 1, "is OLD too. Name another file."),
        ((*pair, "--csv", pair[1]), 1, "is NEW too. Name another file."),
        ((*pair, "--include", "nothing"), 1, "No layer named 'nothing'"),
        ((pair[0],), 2, "Missing argument 'NEW'"),
    ):
        result = invoke("compare", *arguments)
        assert result.exit_code == status
        assert words in result.stderr
        assert "Traceback" not in result.output


@pytest.mark.lengthy
def test_as_a_process(
    spawn: Callable[..., subprocess.CompletedProcess[str]], pair: tuple[Path, Path]
) -> None:
    result = spawn("compare", *pair, "--jobs", "2", "--memory", "1GB")
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.splitlines()[-1].startswith("3 matrices of 16,200 weights compared")
