"""Conditions: how they are written, and when they hold."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from pastur._conditions import Figure, Flag, Known, Range, judge, read_condition
from pastur._errors import InvalidInputError


@dataclass(frozen=True)
class Named:
    """A matrix with one figure, or without."""

    name: str
    figure: Range | None


KNOWN: Known = {
    "broken": Flag(lambda result: result),
    "size": Figure(lambda matrix: matrix.figure),
}


@pytest.mark.parametrize(
    ("text", "written", "limit"),
    [
        ("size > 0.5", "size > 0.5", 0.5),
        ("size>=5e-2", "size >= 5e-2", 0.05),
        ("  size<-1 ", "size < -1", -1.0),
        ("size <= +3", "size <= +3", 3.0),
    ],
)
def test_a_figure_is_compared(text: str, written: str, limit: float) -> None:
    condition = read_condition(text, KNOWN)
    assert (condition.text, condition.limit) == (written, limit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "sise > 1",
            "No condition named 'sise'. Did you mean 'size'? Allowed are broken; and NAME",
        ),
        ("", "'' is not a condition. Allowed are broken"),
        ("size", "compared with a number, as in 'size > 0.1'. Got 'size'"),
        ("broken > 3", "The condition 'broken' has no number. Got 'broken > 3'"),
        ("size == 3", "is not a condition"),
        ("size = 3", "is not a condition"),
        ("size > 1 < 2", "is not a condition"),
        ("size > a", "'a' in 'size > a' is not a number"),
        ("size > nan", "is not a number"),
        ("size > inf", "is not a number"),
        ("size > 10%", "is not a number"),
        ("size >", "is not a condition"),
        ("> 3", "is not a condition"),
        ("3 > size", "No condition named '3'"),
    ],
)
def test_anything_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_condition(text, KNOWN)
    assert words in str(caught.value)


def judged(text: str, *figures: Range | None, result: Any = (), unread: int = 0) -> Any:
    matrices = [Named(f"m{k}", figure) for k, figure in enumerate(figures)]
    return judge(read_condition(text, KNOWN), result, matrices, unread)


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("size > 1", False),
        ("size >= 1", True),
        ("size < 1", False),
        ("size <= 1", True),
        ("size > 0.999", True),
        ("size < 1.001", True),
    ],
)
def test_an_exact_figure(text: str, fires: bool) -> None:
    found = judged(text, Range.exact(1.0))
    assert (found.fired == (("m0", "1"),)) is fires
    assert found.possible and not found.reservation


@pytest.mark.parametrize(
    ("text", "fires", "undecided"),
    [
        ("size > 1.9", False, 1),
        ("size > 1.4", True, 0),
        ("size > 2.6", False, 0),
        ("size < 1.9", False, 1),
        ("size < 2.6", True, 0),
        ("size < 1.4", False, 0),
        # The end itself belongs to the interval.
        ("size > 1.5", False, 1),
        ("size >= 1.5", True, 0),
    ],
)
def test_an_interval_must_lie_on_one_side(text: str, fires: bool, undecided: int) -> None:
    found = judged(text, Range(2.0, 1.5, 2.5))
    assert (bool(found.fired), found.undecided) == (fires, undecided)
    assert ("1 matrix whose interval has the limit inside" in found.reservation) == bool(undecided)


def test_an_open_interval() -> None:
    found = judged("size > 1", Range(2.0, 1.5, math.inf))
    assert found.fired == (("m0", "2 [1.500, ∞)"),)
    assert judged("size < 100", Range(2.0, 1.5, math.inf)).undecided == 1


def test_what_has_no_figure_does_not_fire_and_is_counted() -> None:
    found = judged("size > 1", Range.exact(3), None, None, unread=2)
    assert found.fired == (("m0", "3"),)
    assert (found.without, found.judged) == (4, 1)
    assert found.reservation == "not decided for 4 matrices without it, or not read"


def test_a_figure_that_no_matrix_has_is_not_judged() -> None:
    found = judged("size > 1", None, None, unread=1)
    assert not found.possible and not found.fired


def test_a_flag_is_what_it_finds() -> None:
    found = judged("broken", Range.exact(1), result=[("w", "holds 1 NaN value")])
    assert found.fired == (("w", "holds 1 NaN value"),)
    assert judged("broken", Range.exact(1)).possible
