"""Numbers and counts as a reader wants them."""

from math import isfinite

from pastur import _format
from pastur._foreign import shortened, visible

SMALLEST_P = 1e-300
_LONGEST_NAME = 300


def number(value: float | None) -> str:
    """Return four significant digits, zeros at the end included, with a true minus sign."""
    if value is None or not isfinite(value):
        return "–"
    text = f"{value:#.4g}".removesuffix(".") if value else "0"
    return text.replace("-", "−")


def fraction(value: float | None) -> str:
    """Return three decimals: for a number between 0 and 1."""
    return "–" if value is None or not isfinite(value) else f"{value:.3f}"


def interval(low: float, high: float) -> str:
    """Return the two ends of an interval."""
    return f"{number(low)} to {number(high)}"


def chance(p: float | None) -> str:
    """Return a p-value with two digits, one where it is tiny."""
    if p is None or not isfinite(p):
        return "–"
    if p < SMALLEST_P:
        return f"< {_power(SMALLEST_P)}"
    if p < 1e-3:
        return _power(p)
    return f"{p:.2f}" if p >= 0.1 else f"{p:.2g}"


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent."""
    if not isfinite(share):
        return "–"
    return _format.percent(share, digits=3)


def name(text: str) -> str:
    """Return a name from a file, visible, and cut in the middle where it is far too long."""
    return shortened(visible(shortened(text, _LONGEST_NAME)), _LONGEST_NAME)


def words(name: str) -> str:
    """Return the name of a method as words."""
    return name.replace("_", " ")


def shape(lengths: tuple[int, ...]) -> str:
    """Return 384 × 1536, or the word for a single number."""
    return " × ".join(str(length) for length in lengths) or "a single number"


def count(total: int, one: str, several: str) -> str:
    """Return '1 spike' or '7 spikes'."""
    return f"{total} {one if total == 1 else several}"


def _power(p: float) -> str:
    digit, exponent = f"{p:.0e}".split("e")
    return f"{digit}e{int(exponent)}".replace("-", "−")
