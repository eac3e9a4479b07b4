"""Names and sizes as they stand in a sentence."""

import difflib
from collections.abc import Iterable

from pastur._foreign import shown as shown


def bytes_text(count: int) -> str:
    """Return a number of bytes to three digits, in decimal units."""
    if count < 1000:
        return f"{count} bytes"
    value = float(min(count, 10**30))
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.3g} {unit}"
    return f"{value / 1000:.3g} EB"


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for the nearest spellings; empty where none is near."""
    near = difflib.get_close_matches(word, sorted(set(candidates)), n=2)
    return f" Did you mean {' or '.join(shown(name) for name in near)}?" if near else ""


def some_of(names: Iterable[str], limit: int = 5) -> str:
    """Return the first `limit` names in quotes, and how many more there are."""
    listed = list(names)
    text = ", ".join(shown(name) for name in listed[:limit])
    more = len(listed) - limit
    return f"{text} and {more} more" if more > 0 else text
