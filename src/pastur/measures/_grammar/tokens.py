"""A text cut into numbers, names and symbols, each with its place; errors that name the place."""

from __future__ import annotations

import re
from typing import NamedTuple

from pastur._errors import InvalidInputError
from pastur._foreign import visible

# A text is typed by hand: longer ones are a mistake, deeper ones would exhaust the stack.
LONGEST, DEEPEST = 4000, 60
_SHOWN = 60
_SAME = str.maketrans({"−": "-", "·": "*", "×": "*", "–": "-"})
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<symbol>\*\*|[-+*/^(),]))"
)


class Token(NamedTuple):
    """A piece of the text.

    Attributes
    ----------
    kind : {"number", "name", "symbol", "end"}
    text : str
    place : int
        Of its first character, from 0.
    """

    kind: str
    text: str
    place: int


def refusal(sentence: str, text: str, place: int) -> InvalidInputError:
    """Return the error that says what is wrong, and at which character of the text."""
    start = max(0, min(place - _SHOWN // 2, len(text) - _SHOWN))
    shown = visible(text[start : start + _SHOWN])
    before, after = "…" * (start > 0), "…" * (start + _SHOWN < len(text))
    where = "the end" if place >= len(text) else f"character {place + 1}"
    return InvalidInputError(f"{sentence} At {where} of '{before}{shown}{after}'.")


def tokens_of(text: str) -> list[Token]:
    """Cut a text into tokens, the last of kind "end".

    Raises
    ------
    InvalidInputError
        If the text is too long, or has a character that the grammar does not know.
    """
    if len(text) > LONGEST:
        raise InvalidInputError(
            f"A measure may be written with {LONGEST} characters at most. Got {len(text)}."
        )
    found, at = [], 0
    plain = text.translate(_SAME)
    while match := _TOKEN.match(plain, at):
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    if rest := plain[at:].lstrip():
        place = len(plain) - len(rest)
        raise refusal(f"'{visible(text[place])}' has no meaning here.", text, place)
    return [*found, Token("end", "", len(text))]
