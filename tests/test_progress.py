"""The bar for long work: in a notebook, in a terminal, and nowhere else."""

import io
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pastur
from pastur import _progress
from pastur._errors import InvalidTypeError
from pastur.experiments import verify
from pastur.models import sample_outliers


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def every_call_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "_PAUSE", 0.0)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook is given to show, in the place of one output."""
    shown: list[str] = []

    def display(piece: str, *, display_id: bool) -> Any:
        assert display_id and not shown
        shown.append(piece)
        return SimpleNamespace(update=shown.append)

    package, parts = ModuleType("IPython"), ModuleType("IPython.display")
    package.__dict__["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    parts.__dict__.update(display=display, HTML=str)
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", parts)
    return shown


def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"<b>a": rng.normal(size=(20, 30)), "b": rng.normal(size=(20, 30))}


def test_a_notebook_shows_one_bar_that_goes_at_the_end(cell: list[str]) -> None:
    pastur.analyze(arrays(), progress=True)
    assert [part.count("<progress") for part in cell] == [1, 1, 0]
    assert 'value="1" max="2"' in cell[1] and "1 of 2 b" in cell[1]
    assert "&lt;b&gt;a" in cell[0]
    assert cell[-1] == ""


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "work",
    [
        lambda progress: pastur.compare(arrays(), arrays(), progress=progress),
        lambda progress: pastur.sample_spiked_outliers(10**9, [3.0, 2.0], rng=0, progress=progress),
        lambda progress: sample_outliers(
            pastur.DeformedWigner(pastur.Atoms([0.0])), 10**6, spikes=[3.0, 2.0], progress=progress
        ),
        lambda progress: verify("lemma-4.1", progress=progress),
    ],
    ids=["compare", "sample_spiked_outliers", "sample_outliers", "verify"],
)
def test_whatever_takes_a_function_takes_true(
    work: Callable[[bool], object], cell: list[str]
) -> None:
    work(False)
    assert cell == []
    work(True)
    assert cell and cell[-1] == ""


def test_a_terminal_shows_a_line_that_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    report = _progress.reporter(True)
    report(1, 3, "layer\x1b[31m")
    report(3, 3, "")
    first, last = terminal.getvalue().split("\x1b[K")[:2]
    assert first == f"\r[{'#' * 10}{' ' * 20}] 1 of 3 layer\\x1b[31m"
    assert last == "\r"


def test_elsewhere_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _progress.reporter(True)(1, 3, "layer")
    _progress.reporter(None)(1, 3, "layer")
    assert capsys.readouterr() == ("", "")


def test_an_interactive_shell_is_not_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", shell)
    for state in (None, SimpleNamespace()):
        shell.__dict__["get_ipython"] = lambda state=state: state
        assert not _progress._in_notebook()


def test_between_two_pictures_there_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    now = iter([10.0, 10.05, 10.2, 10.21])
    monkeypatch.setattr(_progress, "_PAUSE", 0.1)
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    bar = _progress._Bar(lambda done, total, what: drawn.append(done))
    for done in range(4):
        bar(done, 3, "")
    assert drawn == [0, 2, 3]


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"`progress` must be True.*Got str"):
        pastur.analyze(arrays(), progress="yes")  # type: ignore[arg-type]
