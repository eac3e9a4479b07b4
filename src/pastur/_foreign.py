"""Text from elsewhere, made harmless: a name in a file may hold any characters, any number."""

import difflib
import heapq
import itertools
import re
from collections.abc import Iterable

# Printable for Python, and yet invisible: fillers, joiners, variation selectors, the empty Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LONGEST = 120
# For a suggestion: letters of a word, candidates considered, and those compared closely.
_LONGEST_WORD, _CANDIDATES, _COMPARED = 200, 100_000, 100


def visible(text: str) -> str:
    r"""Return `text` with an escape such as \x1b for each character that does not show as itself.

    Control characters, marks of direction, characters of no width and halves of surrogate pairs.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return _INVISIBLE.sub(lambda found: ascii(found.group())[1:-1], text)


def shortened(text: str, longest: int) -> str:
    """Return `text`, cut in the middle where it has more than `longest` letters."""
    if len(text) <= longest:
        return text
    end = longest // 4
    return f"{text[: longest - end - 1]}…{text[-end:]}"


def shown(name: object, longest: int = _LONGEST) -> str:
    """Return `name` in quotes, on one line, short and visible."""
    quoted = visible(repr(shortened(str(name), longest)))
    return shortened(quoted, 2 * longest)


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for the nearest spellings; empty where none is near.

    Candidates may be many, long, and hostile: the cost is bounded by comparing closely only those
    that begin and end most like the word.
    """
    word = word[:_LONGEST_WORD]
    # Of other lengths none is near: twice the common letters would be less than 0.6 of all.
    least, most = 3 * len(word) / 7, 7 * len(word) / 3
    fitting = (name for name in candidates if least <= len(name) <= most)
    known = dict.fromkeys(itertools.islice(fitting, _CANDIDATES))
    likely = heapq.nlargest(_COMPARED, known, key=lambda name: _ends_alike(word, name))
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
