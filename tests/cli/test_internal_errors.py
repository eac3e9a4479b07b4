"""What nobody foresaw is a sentence, with --debug a traceback; what stops a run is let through."""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.core import Command, Group
from click.testing import Result

import pastur
from pastur._errors import InternalError, InvalidInputError, PasturWarning
from pastur._typing import FloatArray
from pastur.analysis import MatrixAnalysis, Metrics
from pastur.analysis._matrix.metrics import metrics as metrics_of
from pastur.cli import main
from pastur.cli._terminal.errors import QuietGroup
from pastur.report._build.layers import Layer
from pastur.report._build.overview import Scale

FAULTS = [ValueError("a\nb"), KeyError("k"), AssertionError(), RecursionError("deep"), TypeError()]


def planted(fault: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> None:
        raise fault

    return fail


@pytest.fixture
def two(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "two.npz"
    np.savez(path, good=rng.standard_normal((20, 30)), bad=rng.standard_normal((21, 30)))
    return path


def break_one(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    """Let the metrics of the matrix of 21 rows fail."""
    import pastur.analysis._matrix.fit_matrix as module

    sound = metrics_of

    def metrics(values: FloatArray, **more: Any) -> Metrics:
        if values.size == 21:
            raise fault
        return sound(values, **more)

    monkeypatch.setattr(module, "metrics", metrics)


@pytest.mark.internal_error
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_fault_in_one_matrix_is_its_reason(
    invoke: Callable[..., Result], two: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    break_one(monkeypatch, fault)
    result = invoke("analyze", two, "--json", "a.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"internal error: {type(fault).__name__}" in result.stdout
    (skipped,) = pastur.Analysis.from_json("a.json").skipped
    assert skipped.name == "bad"
    assert skipped.reason.startswith(f"internal error: {type(fault).__name__}")
    assert skipped.reason.endswith("; please report it")
    assert "\n" not in skipped.reason


@pytest.mark.internal_error
def test_debug_shows_where(
    invoke: Callable[..., Result], two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_one(monkeypatch, ValueError("a \x1b[2J b"))
    result = invoke("analyze", two, "--debug")
    assert result.exit_code == 0
    assert "Traceback" in result.stderr
    assert "in metrics" in result.stderr
    assert "\x1b" not in result.stderr
    result = invoke("--debug", "analyze", two, "--include", "bad")
    assert result.exit_code == 1
    assert "in metrics" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("pastur: Nothing to analyse in ")


@pytest.mark.internal_error
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (MemoryError(), r"too large for the memory at hand (21 × 30 in float64)"),
        (np.linalg.LinAlgError("no"), "its singular values could not be computed: no"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (InvalidInputError("holds 1 NaN"), "holds 1 NaN"),
    ],
    ids=repr,
)
def test_a_fault_that_was_foreseen_is_none_of_ours(
    invoke: Callable[..., Result],
    two: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
    reason: str,
) -> None:
    break_one(monkeypatch, fault)
    result = invoke("analyze", two)
    assert result.exit_code == 0
    assert f"bad: {reason}\n" in result.stdout


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), SystemExit(7)], ids=repr)
def test_what_stops_a_run_is_not_caught(
    invoke: Callable[..., Result],
    two: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: SystemExit | KeyboardInterrupt,
) -> None:
    break_one(monkeypatch, fault)
    result = invoke("analyze", two)
    if isinstance(fault, SystemExit):
        assert result.exit_code == 7
    else:
        assert (result.exit_code, result.stderr) == (130, "pastur: interrupted.\n")


def test_in_tests_such_a_fault_is_a_failure(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_one(monkeypatch, ValueError("planted"))
    with pytest.raises(ValueError, match="planted"):
        pastur.analyze(two)


COMMANDS = {
    "analyze": (["analyze", "two.npz"], "pastur.cli._analyze.analyze_model.analyze"),
    "compare": (
        ["compare", "two.npz", "two.npz"],
        "pastur.cli._compare.compare_models.compare",
    ),
    "demo": (["demo"], "pastur.cli._analyze.analyze_model.analyze"),
    "law": (["law", "--atoms", "0"], "pastur.models.spiked.describe"),
    "verify": (["verify", "lemma-4.1"], "pastur.cli._verify.verify_claims.verify"),
    "experiment": (
        ["experiment", "fashion-mnist"],
        "pastur.cli._experiment.train_networks.expected_time",
    ),
}


@pytest.mark.internal_error
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_the_whole_command_is_one_line(
    invoke: Callable[..., Result],
    two: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    debug: bool,
) -> None:
    arguments, place = COMMANDS[command]
    monkeypatch.setattr(place, planted(ZeroDivisionError("x" * 10_000)))
    result = invoke(*arguments, *(["--debug"] if debug else []))
    assert result.exit_code == 1
    *trace, line = result.stderr.splitlines()
    assert line.startswith("pastur: internal error: ZeroDivisionError: xxx")
    assert line.endswith("…; please report it")
    assert len(line) <= 400
    assert bool(trace) == debug
    assert ("Traceback" in result.stderr) == debug


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (MemoryError(), "pastur: not enough memory"),
        (OSError(28, "No space left on device"), "pastur: No space left on device."),
        (ImportError("libblas.so: failed to map"), "pastur: a package that pastur needs cannot"),
        (InvalidInputError("Bad."), "pastur: Bad."),
    ],
    ids=repr,
)
def test_faults_that_are_none_of_ours_are_one_line(
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    fault: Exception,
    line: str,
) -> None:
    arguments, place = COMMANDS[command]
    monkeypatch.setattr(place, planted(fault))
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


@pytest.mark.internal_error
def test_a_file_that_cannot_be_written_costs_neither_table_nor_other_files(
    invoke: Callable[..., Result], two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pastur.report.write_report", planted(ZeroDivisionError()))
    result = invoke("analyze", two, "-o", "r.html", "--json", "/dev/full", "--csv", "a.csv")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "pastur: internal error: ZeroDivisionError; please report it",
        "pastur: Cannot write '/dev/full': No space left on device.",
    ]
    assert "good" in result.stdout
    assert "CSV: a.csv" in result.stdout
    assert "r.html" not in result.stdout


@pytest.mark.internal_error
@pytest.mark.parametrize("part", ["layer", "spectrum"])
def test_a_matrix_that_cannot_be_drawn_costs_no_report(
    invoke: Callable[..., Result], two: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    import pastur.report._build.render as module

    sound = getattr(module, part)

    def draw(matrix: MatrixAnalysis, *more: Scale | int) -> dict[str, Any] | Layer:
        if matrix.name == "bad":
            raise ZeroDivisionError("planted")
        result: dict[str, Any] | Layer = sound(matrix, *more)
        return result

    monkeypatch.setattr(module, part, draw)
    assert invoke("analyze", two, "-o", "r.html").exit_code == 0
    page = (two.parent / "r.html").read_text("utf-8")
    assert "analysed, but not drawn: internal error: ZeroDivisionError: planted" in page
    assert page.count('data-layer="1"') == 3
    assert 'data-layer="2"' not in page


# --- lines ---


@pytest.mark.parametrize("letters", ["a", "\x1b[2J", "\u202e", "\n", "\u200b", "漢", "\udcf6"])
def test_an_error_line_is_one_line_and_short(invoke: Callable[..., Result], letters: str) -> None:
    name = (letters * 5000)[:4000]
    result = invoke("analyze", name)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) <= 400
    assert result.stderr[:-1].isprintable()


def test_usage_errors_are_harmless(invoke: Callable[..., Result]) -> None:
    # As a shell makes of * in a folder of strange names.
    for arguments in (["analyze", "a", "b\x1b[2J\u202e"], ["--\x1b[2J"], ["analyze", "--\x1b[2J"]):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert "\x1b" not in result.stderr
        assert "\u202e" not in result.stderr
        assert "Usage:" in result.stderr


def test_a_warning_of_ours_is_one_line(
    invoke: Callable[..., Result], two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn(*_: Path, **__: Any) -> None:
        warnings.warn("Damaged\n\x1b[2J" + "x" * 1000, PasturWarning, stacklevel=2)
        raise InvalidInputError("Bad.")

    monkeypatch.setattr("pastur.cli._analyze.analyze_model.analyze", warn)
    first, second = invoke("analyze", two).stderr.splitlines()
    assert first.startswith(r"pastur: warning: Damaged \x1b[2Jxxx")
    assert len(first) <= 400
    assert second == "pastur: Bad."


def test_every_command_has_the_option() -> None:
    def commands(group: Group | QuietGroup) -> Iterator[Command]:
        for command in group.commands.values():
            if isinstance(command, click.Group):
                yield from commands(command)
            else:
                yield command

    found = list(commands(main))
    assert len(found) == 9
    for command in [main, *found]:
        assert any("--debug" in option.opts for option in command.params), command.name


# --- the sentence ---


@pytest.mark.internal_error
def test_the_sentence_of_an_internal_error() -> None:
    try:
        raise ValueError("a\n b")
    except ValueError as error:
        found = InternalError.of(error)
    assert str(found) == "internal error: ValueError: a b; please report it"
    assert "test_the_sentence" in found.trace
    assert InternalError("x").trace == ""
    assert len(str(InternalError.of(ValueError("x" * 10**6)))) < 250
    assert sys.exc_info() == (None, None, None)
