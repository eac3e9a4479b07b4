"""Conditions on a result, such as ``sigma > 0.05``: written, read, and judged tensor by tensor."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pastur._errors import InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._format import count, number

_WRITTEN = re.compile(r"\s*([^\s<>=]+)\s*(?:(<=|>=|<|>)\s*(\S+)\s*)?")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Range(NamedTuple):
    """A figure, and the least and the most that it can be: itself where it is exact."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Range":
        """Return a figure without an interval."""
        return cls(value, value, value)

    def __str__(self) -> str:
        text = _text(self.value)
        if self.low == self.high:
            return text
        end = "∞)" if math.isinf(self.high) else f"{_text(self.high)}]"
        return f"{text} [{_text(self.low)}, {end}"


def _text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e6 else number(value)


@dataclass(frozen=True)
class Flag:
    """A condition without a number, which holds of some tensors.

    Attributes
    ----------
    found : callable
        ``found(result)``: name and what is wrong, of each tensor of which it holds.
    """

    found: Callable[[Any], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Figure:
    """A figure of each matrix, which a condition compares with a number.

    Attributes
    ----------
    of : callable
        ``of(matrix)``: a `Range`, or None where the matrix does not have it.
    """

    of: Callable[[Any], Range | None]


Known = Mapping[str, Flag | Figure]


@dataclass(frozen=True)
class Condition:
    """A condition that can be judged; ``limit`` is None without a number."""

    text: str
    subject: Flag | Figure
    compared: str = ""
    limit: float = math.nan


@dataclass(frozen=True)
class Judgement:
    """What became of a condition.

    Attributes
    ----------
    text : str
        The condition.
    fired : tuple of pairs of str
        Name and value of each tensor of which it holds.
    undecided : int
        Matrices whose interval has the limit inside.
    without : int
        Matrices that do not have the figure, or could not be read.
    judged : int
        Matrices that have it.
    """

    text: str
    fired: tuple[tuple[str, str], ...]
    undecided: int
    without: int
    judged: int

    @property
    def possible(self) -> bool:
        """Whether the condition could be judged anywhere."""
        return self.judged > 0

    @property
    def reservation(self) -> str:
        """For how many matrices nothing was decided, in words; empty where all was."""
        parts = []
        if self.undecided:
            one, several = "matrix whose interval has", "matrices whose intervals have"
            parts.append(f"{count(self.undecided, one, several)} the limit inside")
        if self.without:
            parts.append(f"{count(self.without, 'matrix', 'matrices')} without it, or not read")
        return f"not decided for {' and '.join(parts)}" if parts else ""


def read_condition(text: str, known: Known) -> Condition:
    """Return the condition that is written as ``NAME`` or ``NAME OP NUMBER``.

    Raises
    ------
    InvalidInputError
        When it is not written like that, or of an unknown name; all that are known are listed.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise InvalidInputError(f"{shown(text)} is not a condition. {allowed(known)}")
    name, compared, limit = match.groups()
    subject = known.get(name)
    if subject is None:
        near = suggestion(name, known)
        raise InvalidInputError(f"No condition named {shown(name)}.{near} {allowed(known)}")
    written = f"{name} {compared} {limit}" if compared else name
    if isinstance(subject, Flag):
        if compared:
            raise InvalidInputError(f"The condition '{name}' has no number. Got {shown(text)}.")
        return Condition(written, subject)
    if not compared:
        raise InvalidInputError(
            f"The condition '{name}' is compared with a number, as in '{name} > 0.1'. "
            f"Got {shown(text)}."
        )
    return Condition(written, subject, compared, _number(limit, text))


def _number(written: str, text: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInputError(f"{shown(written)} in {shown(text)} is not a number.")
    return value


def allowed(known: Known) -> str:
    """Return all conditions that are known, in words."""
    flags = [name for name, subject in known.items() if isinstance(subject, Flag)]
    figures = [name for name, subject in known.items() if isinstance(subject, Figure)]
    return (
        f"Allowed are {', '.join(flags)}; and NAME OP NUMBER, NAME one of {', '.join(figures)}, OP "
        "one of <, <=, >, >=."
    )


def judge(condition: Condition, result: Any, matrices: Sequence[Any], unread: int) -> Judgement:
    """Return of which tensors a condition holds.

    A figure with an interval must fulfil it wherever in the interval it lies.

    Parameters
    ----------
    condition : Condition
    result : object
        What a `Flag` is about.
    matrices : sequence
        What a `Figure` is about, each with a ``name``.
    unread : int
        How many matrices could not be read.
    """
    subject = condition.subject
    if isinstance(subject, Flag):
        found = tuple(subject.found(result))
        return Judgement(condition.text, found, 0, 0, max(len(matrices), 1))
    fired, undecided, without = [], 0, unread
    holds = _COMPARED[condition.compared]
    for matrix in matrices:
        figure = subject.of(matrix)
        if figure is None:
            without += 1
            continue
        ends = [holds(end, condition.limit) for end in (figure.low, figure.high)]
        if all(ends):
            fired.append((matrix.name, str(figure)))
        undecided += any(ends) and not all(ends)
    judged = len(matrices) + unread - without
    return Judgement(condition.text, tuple(fired), undecided, without, judged)
