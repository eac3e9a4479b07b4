"""Text of the page: numbers with a true minus sign, names cut where they are far too long."""

from pastur import _format
from pastur._foreign import shortened, visible

NOTHING = _format.NOTHING
count, fraction, shape, words = _format.count, _format.fraction, _format.shape, _format.words

_LONGEST_NAME = 300


def number(value: float | None) -> str:
    """Return four significant digits."""
    return _true_minus(_format.number(value))


def interval(low: float, high: float) -> str:
    """Return the two ends of an interval."""
    return _true_minus(_format.span(low, high))


def chance(p: float | None) -> str:
    """Return a p-value."""
    return _format.p_value(p)


def percent(share: float | None) -> str:
    """Return a share between 0 and 1 in percent."""
    return _format.percent(share, digits=3)


def name(text: str) -> str:
    """Return a name from a file, visible, and cut in the middle where it is far too long."""
    return shortened(visible(shortened(text, _LONGEST_NAME)), _LONGEST_NAME)


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
