"""In a terminal: the table in the width there is, and the bar."""

import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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
    console.print(matrices_table(matrices, console)[0])
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def level(fit: Fit) -> str:
    """σ as the table has it: the upper end alone where there is no lower one."""
    if fit.sigma is None:
        return "–"
    low, high = fit.sigma_interval
    return f"≤ {high:#.4g}" if low == 0 < fit.sigma else f"{fit.sigma:#.4g}"


HEADINGS = ("shape", "σ", "edge", "spikes", "rank", "keeps", "strongest θ", "D", "p", "verdict")


@pytest.mark.parametrize("width", [40, 200])
def test_nothing_is_cut_where_there_is_room_or_none_for_a_table(
    matrices: tuple[MatrixAnalysis, ...], width: int
) -> None:
    lines = printed(matrices, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for matrix in matrices:
        for part in (matrix.name, level(matrix.fit), matrix.fit.goodness.verdict):
            assert part in text
    assert "…" not in text
    for heading in ("layer", *HEADINGS):
        assert heading in text


@pytest.mark.parametrize("width", [70, 80, 100, 120, 140])
def test_one_line_a_matrix_and_what_is_left_out_is_named(
    matrices: tuple[MatrixAnalysis, ...], width: int
) -> None:
    lines = printed(matrices, width)
    assert max(map(len, lines)) <= width
    # The matrices differ in one number alone: an ending that all share is in the heading.
    assert lines[0].startswith("layer (….weight)")
    for matrix, line in zip(matrices, lines[2:], strict=False):
        assert line.startswith(matrix.name.removesuffix(".weight"))
        assert str(matrix.suggested_rank) in line
        assert matrix.fit.goodness.verdict in line or matrix.kind.label in line
        leading = matrix.leading
        assert leading is None or f"{leading.theta:#.4g}" in line
    (start,) = (i for i, line in enumerate(lines) if line.startswith("Too narrow for: "))
    note = " ".join(lines[start:]).removeprefix("Too narrow for: ").split(". --csv")[0]
    left_out = note.split(", ")
    for heading in HEADINGS:
        assert (f" {heading} " in f"{lines[0]} ") != (heading in left_out), heading


def test_matrices_of_a_block_stand_under_its_name(matrices: tuple[MatrixAnalysis, ...]) -> None:
    names = ["emb.weight", "h.0.attn.q.weight", "h.0.attn.k.weight", "h.1.attn.q.weight"]
    renamed = [replace(matrices[0], name=name) for name in names]
    lines = [line.split("   ")[0] for line in printed(tuple(renamed), 90)]
    assert [line for line in lines if line.strip("─ ")][:6] == [
        "layer (….weight)",
        "emb",
        "h.0",
        "  attn.q",
        "  attn.k",
        "h.1.attn.q",
    ]


def test_a_fit_that_did_not_converge_is_marked(matrices: tuple[MatrixAnalysis, ...]) -> None:
    fit = matrices[0].fit
    status = replace(fit.status, converged=False)
    doubtful = replace(matrices[0], fit=replace(fit, status=status))
    narrow = printed((doubtful, *matrices[1:]), 70)
    assert narrow[2].endswith("Noise only *") and "*: not converged" in " ".join(narrow)
    assert ", not converged" in printed((doubtful, *matrices[1:]), 200)[2]
    assert "*" not in "".join(printed(matrices, 70))


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
        name = matrix.name.removesuffix(".weight")
        assert any(line.startswith(name) for line in lines)
        leading = matrix.leading
        assert leading is None or f"{leading.theta:#.4g}" in text


def test_without_room_a_matrix_has_several_lines(matrices: tuple[MatrixAnalysis, ...]) -> None:
    assert len(printed(matrices, 40)) > len(printed(matrices, 200))


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
