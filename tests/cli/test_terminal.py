"""In a terminal: the table in the width there is, and the bar."""

import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pastur.analysis import MatrixAnalysis, analyze
from pastur.cli._analyze.matrices_table import matrices_table
from pastur.estimation import Fit


@pytest.fixture(scope="module")
def matrices(model: Path) -> tuple[MatrixAnalysis, ...]:
    return analyze(model).matrices


def printed(matrices: tuple[MatrixAnalysis, ...], width: int) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    console.print(matrices_table(matrices, console))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def level(fit: Fit) -> str:
    """σ as the table has it: the upper end alone where there is no lower one."""
    if fit.sigma is None:
        return "–"
    low, high = fit.sigma_interval
    return f"≤ {high:#.4g}" if low == 0 < fit.sigma else f"{fit.sigma:#.4g}"


@pytest.mark.parametrize("width", [70, 80, 120, 200])
def test_nothing_is_cut_and_no_line_is_too_long(
    matrices: tuple[MatrixAnalysis, ...], width: int
) -> None:
    lines = printed(matrices, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for matrix in matrices:
        for part in (matrix.name, level(matrix.fit), matrix.fit.goodness.verdict):
            assert part in text
    assert "…" not in text
    for heading in ("layer", "shape", "σ", "edge", "spikes", "strongest θ", "D", "p", "verdict"):
        assert heading in text


@pytest.mark.parametrize("width", [50, 70, 80, 120, 200])
def test_other_estimators_do_not_break_the_lines(model: Path, width: int) -> None:
    asked: dict[str, Any] = {
        "baseline": ["bema", "kritchman_nadler", "parallel_analysis"],
        "randomize": 1,
    }
    found = analyze(model, **asked).matrices
    lines = printed(found, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for heading in ("spikes", "bema", "kritchman nadler", "parallel analysis", "shuffled"):
        assert heading in text
    for matrix in found:
        assert any(line.startswith(matrix.name) for line in lines)
        leading = matrix.leading
        assert leading is None or f"[{leading.low:#.4g}, {leading.high:#.4g}]" in text


def test_a_narrow_terminal_gets_two_lines_a_matrix(matrices: tuple[MatrixAnalysis, ...]) -> None:
    assert len(printed(matrices, 70)) > len(printed(matrices, 200))


def in_terminal(model: Path, columns: int, *options: str) -> str:
    """Return what the command writes to a terminal of so many columns."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pastur", "analyze", str(model), *options],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "COLUMNS": str(columns),
            "TERM": "xterm-256color",
        },
    )
    os.close(follower)
    output = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
    os.close(leader)
    assert process.wait(timeout=60) == 0
    return output.decode()


@pytest.mark.lengthy
def test_the_bar_counts_the_matrices_and_goes_away(model: Path) -> None:
    output = in_terminal(model, 100)
    counts = list(re.finditer(r"(\d+)/(\d+)", output[: output.index("strongest θ")]))
    done, total = map(int, counts[-1].groups())
    # Three that are analysed, and one that turns out to be skipped once its entries are read.
    assert done == total == 4
    # Erased (ESC [ 2 K) before the table is printed.
    assert "\x1b[2K" in output


def test_quiet_is_silent_in_a_terminal_too(model: Path) -> None:
    assert in_terminal(model, 100, "--quiet") == ""


@pytest.mark.lengthy
def test_colours_only_in_a_terminal(
    model: Path, spawn: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert re.search(r"\x1b\[3\dm", in_terminal(model, 100))
    assert "\x1b" not in spawn("analyze", model).stdout
