"""Foreign text, made fit for a terminal."""

from pastur._foreign import shortened, visible

_LONGEST = 200
_LONGEST_LINE = 380


def printable(text: str) -> str:
    """Return `text` without what could drive the terminal: a tensor's name comes from a file."""
    return shortened(visible(shortened(text, _LONGEST)), _LONGEST)


def one_line(text: str) -> str:
    """Return `text` as a single printable line of bounded length."""
    start = shortened(text, 10 * _LONGEST_LINE)
    return shortened(visible(" ".join(start.split())), _LONGEST_LINE)
