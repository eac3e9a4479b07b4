"""Names and sizes as they stand in a sentence."""

import difflib
import heapq
import itertools
from collections.abc import Iterable

from pastur._foreign import shown as shown
from pastur._format import bytes_text as bytes_text

# For a suggestion: letters of a word, candidates looked through, and those compared closely.
_LONGEST, _MOST, _CLOSELY = 200, 100_000, 100


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for the nearest spellings; empty where none is near.

    Candidates may be many, long, and hostile: the cost is bounded by comparing closely only those
    that begin and end most like the word.
    """
    word = word[:_LONGEST]
    # Of other lengths none is near: twice the common letters would be less than 0.6 of all.
    least, most = 3 * len(word) / 7, 7 * len(word) / 3
    fitting = (name for name in candidates if least <= len(name) <= most)
    known = dict.fromkeys(itertools.islice(fitting, _MOST))
    likely = heapq.nlargest(_CLOSELY, known, key=lambda name: _ends_alike(word, name))
    near = difflib.get_close_matches(word, sorted(likely), n=2)
    return f" Did you mean {' or '.join(shown(name) for name in near)}?" if near else ""


def _ends_alike(one: str, other: str) -> int:
    """Return how many letters two words share at their beginning and at their end."""
    start = _begin_alike(one, other)
    return start + _begin_alike(one[start:][::-1], other[start:][::-1])


def _begin_alike(one: str, other: str) -> int:
    for count, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return count
    return min(len(one), len(other))


def some_of(names: Iterable[str], limit: int = 5) -> str:
    """Return the first `limit` names in quotes, and how many more there are."""
    listed = list(names)
    text = ", ".join(shown(name) for name in listed[:limit])
    more = len(listed) - limit
    return f"{text} and {more} more" if more > 0 else text
