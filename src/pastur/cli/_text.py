"""Numbers and foreign text, made fit for a terminal."""

from pastur._foreign import shortened, visible

_LONGEST = 200
_LONGEST_LINE = 380
NOTHING = "–"


def printable(text: str) -> str:
    """Return `text` without what could drive the terminal: a tensor's name comes from a file."""
    return shortened(visible(shortened(text, _LONGEST)), _LONGEST)


def one_line(text: str) -> str:
    """Return `text` as a single printable line of bounded length."""
    start = shortened(text, 10 * _LONGEST_LINE)
    return shortened(visible(" ".join(start.split())), _LONGEST_LINE)


def number(value: float) -> str:
    """Return four significant digits."""
    # The sharp keeps the zeros at the end, so that the ends of an interval look alike.
    return f"{value:#.4g}".removesuffix(".")


def p_value(value: float | None) -> str:
    """Return two significant digits; very small ones as a bound; a dash where there is none."""
    if value is None:
        return NOTHING
    return "<0.0001" if value < 1e-4 else f"{value:.2g}"


def distance(value: float | None) -> str:
    """Return three decimals, or a dash where there is no number."""
    return NOTHING if value is None else f"{value:.3f}"


def interval(low: float, high: float) -> str:
    """Return ``[low, high]``."""
    return f"[{number(low)}, {number(high)}]"


def size(shape: tuple[int, ...]) -> str:
    """Return ``300 × 784``."""
    return " × ".join(str(length) for length in shape) or "scalar"


def plural(count: int, one: str, several: str) -> str:
    """Return the count with its noun."""
    return f"{count} {one if count == 1 else several}"
