"""Numbers as text, once: the same for terminal, page, notebook, sentences and error messages."""

from collections.abc import Sequence
from math import inf, isfinite

NOTHING = "–"
# Below it a p-value, which rests on a limit in law, is given as a bound.
LEAST_P = 1e-4
# Ends of an interval that agree to so many digits are the same but for rounding.
_DIGITS, _MOST_DIGITS = 4, 9


def number(value: float | None) -> str:
    """Return four significant digits, those at the end that are zero included.

    A dash stands for what is missing, not finite or not a number.

    Examples
    --------
    >>> number(1.8), number(-0.0), number(1e308), number(None)
    ('1.800', '0.000', '1.000e+308', '–')
    """
    return _significant(value, _DIGITS)


def interval(low: float, high: float) -> str:
    """Return the interval as ``[low, high]``, with as many digits as its ends need to differ.

    Examples
    --------
    >>> interval(1.5, 2), interval(1.00001, 1.00002), interval(2, 2), interval(2, float("inf"))
    ('[1.500, 2.000]', '[1.00001, 1.00002]', '[2.000, 2.000]', '[2.000, ∞)')
    """
    before, after = "(" if low == -inf else "[", ")" if high == inf else "]"
    return "{}{}, {}{}".format(before, *_ends(low, high), after)


def span(low: float, high: float) -> str:
    """Return the interval as ``low to high``; see `interval`."""
    return "{} to {}".format(*_ends(low, high))


def fraction(value: float | None) -> str:
    """Return a number between 0 and 1 with three decimals, or a dash.

    Examples
    --------
    >>> fraction(0.0421), fraction(None)
    ('0.042', '–')
    """
    return NOTHING if value is None or not isfinite(value) else f"{value:.3f}"


def p_value(p: float | None) -> str:
    """Return a p-value with two digits; as a bound where it is tiny; a dash where there is none.

    Examples
    --------
    >>> p_value(0.5), p_value(0.041), p_value(1e-320), p_value(None)
    ('0.5', '0.041', '<0.0001', '–')
    """
    if p is None or not isfinite(p):
        return NOTHING
    return f"<{LEAST_P:.4f}" if p < LEAST_P else f"{p:.2g}"


def p_equals(p: float) -> str:
    """Return ``p = 0.041`` or ``p < 0.0001``.

    Examples
    --------
    >>> p_equals(0.041), p_equals(0.0)
    ('p = 0.041', 'p < 0.0001')
    """
    text = p_value(p)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share between 0 and 1 in percent: neither all nor nothing unless it is.

    A dash stands for what is missing or not a number.

    Examples
    --------
    >>> percent(0.4321), percent(1.0), percent(0.99999), percent(3e-9), percent(0.996)
    ('43 %', '100 %', 'over 99.99 %', 'under 0.01 %', '99.6 %')
    """
    if share is None or not isfinite(share):
        return NOTHING
    hundredth = 100 * share
    if 0 < hundredth < 0.01:
        return "under 0.01 %"
    if 99.99 < hundredth < 100:
        return "over 99.99 %"
    decimals = max(digits - len(f"{int(hundredth)}"), 0) if hundredth >= 1 else digits
    while decimals < 2 and hundredth < 100 and f"{hundredth:.{decimals}f}" == f"{100:.{decimals}f}":
        decimals += 1
    return f"{hundredth:.{decimals}f} %"


def level(alpha: float) -> str:
    """Return the level of an interval that fails with chance alpha, in percent, not rounded to all.

    Examples
    --------
    >>> level(0.05), level(1e-9)
    ('95 %', '99.9999999 %')
    """
    return f"{100 - 100 * alpha:.15g} %"


def count(total: int, one: str, several: str) -> str:
    """Return the count with its noun.

    Examples
    --------
    >>> count(1, "spike", "spikes"), count(0, "spike", "spikes")
    ('1 spike', '0 spikes')
    """
    return f"{total} {one if total == 1 else several}"


def words(name: str) -> str:
    """Return the name of a method as words.

    Examples
    --------
    >>> words("parallel_analysis")
    'parallel analysis'
    """
    return name.replace("_", " ")


def large(total: int) -> str:
    """Return a large count in words.

    Examples
    --------
    >>> large(812), large(90_000), large(22_600_000)
    ('812', '90,000', '22.6 million')
    """
    for unit, word in ((10**9, "billion"), (10**6, "million")):
        if total >= unit:
            return f"{total / unit:.3g} {word}"
    return f"{total:,}"


def shape(lengths: Sequence[int]) -> str:
    """Return the sides of an array.

    Examples
    --------
    >>> shape((384, 1536)), shape(())
    ('384 × 1536', 'a single number')
    """
    return " × ".join(str(length) for length in lengths) or "a single number"


def bytes_text(total: int) -> str:
    """Return a number of bytes to three digits, in decimal units.

    Examples
    --------
    >>> bytes_text(812), bytes_text(22_600_000)
    ('812 bytes', '22.6 MB')
    """
    if total < 1000:
        return f"{total} bytes"
    value = float(min(total, 10**30))
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.3g} {unit}"
    return f"{value / 1000:.3g} EB"


def _significant(value: float | None, digits: int) -> str:
    if value is None or not isfinite(value):
        return NOTHING
    # The sharp keeps the zeros at the end, so that numbers in a column look alike.
    return f"{value or 0.0:#.{digits}g}".removesuffix(".")


def _ends(low: float, high: float) -> tuple[str, str]:
    ends = [
        (_significant(low, digits), _significant(high, digits))
        for digits in range(_DIGITS, _MOST_DIGITS + 1)
    ]
    first, last = next((pair for pair in ends if pair[0] != pair[1]), ends[0])
    return "-∞" if low == -inf else first, "∞" if high == inf else last
