"""Regular expressions of a configuration, matched in a bounded number of steps.

Python's own machine goes back on its steps, for longer than anyone waits where a pattern asks for
it. This one follows all ways at the same time, over the places of the name that they have reached.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_LONGEST = 1000
_MOST_STEPS = 30_000_000
# A key that matches only itself.
_PLAIN = re.compile(r"\w+", re.ASCII)
_UNBOUNDED = int(_constants.MAXREPEAT)


class PatternError(ValueError):
    """Why a pattern is not matched, in words that follow it."""


class Steps:
    """How many steps are left, for all patterns and all layers of a file."""

    def __init__(self, left: int = _MOST_STEPS) -> None:
        self.left = left

    def take(self, count: int) -> None:
        """Take some of them."""
        self.left -= count
        if self.left < 0:
            raise PatternError("takes too many steps to match")


class _Walk:
    """The places of one text that a pattern reaches."""

    def __init__(self, text: str, steps: Steps) -> None:
        self.text, self.steps = text, steps

    def after(self, items: Any, places: frozenset[int]) -> frozenset[int]:
        """Return where the text may go on when `items` have matched from one of the places."""
        for operation, argument in items:
            if not places:
                break
            places = self._step(str(operation), argument, places)
        return places

    def _step(self, operation: str, argument: Any, places: frozenset[int]) -> frozenset[int]:
        self.steps.take(1 + len(places))
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            end = len(self.text)
            return frozenset(
                p + 1 for p in places if p < end and _is_one(operation, argument, self.text[p])
            )
        if operation == "SUBPATTERN":
            _, adds, drops, items = argument
            if adds or drops:
                raise PatternError("sets flags")
            return self.after(items, places)
        if operation == "BRANCH":
            return frozenset().union(*(self.after(items, places) for items in argument[1]))
        if operation in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, items = argument
            return self._repeated(least, most, items, places)
        if operation == "AT":
            return frozenset(p for p in places if self._is_at(str(argument), p))
        raise PatternError("uses what only Python's own machine can match")

    def _repeated(
        self, least: int, most: int, items: Any, places: frozenset[int]
    ) -> frozenset[int]:
        for _ in range(least):
            self.steps.take(1)
            places = self.after(items, places)
            if not places:
                return places
        reached, fresh, count = places, places, least
        while fresh and (count < most or most == _UNBOUNDED):
            fresh = self.after(items, fresh) - reached
            reached |= fresh
            count += 1
        return reached

    def _is_at(self, where: str, place: int) -> bool:
        if where in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return place == 0
        if where == "AT_END":
            return self.text[place:] in ("", "\n")
        if where == "AT_END_STRING":
            return place == len(self.text)
        raise PatternError("uses what only Python's own machine can match")


def _is_one(operation: str, argument: Any, letter: str) -> bool:
    if operation == "ANY":
        return letter != "\n"
    if operation == "LITERAL":
        return bool(ord(letter) == argument)
    if operation == "NOT_LITERAL":
        return bool(ord(letter) != argument)
    inverted = bool(argument) and str(argument[0][0]) == "NEGATE"
    return any(_in_class(str(kind), value, letter) for kind, value in argument) != inverted


_CLASSES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _in_class(kind: str, value: Any, letter: str) -> bool:
    if kind == "LITERAL":
        return bool(ord(letter) == value)
    if kind == "RANGE":
        return bool(value[0] <= ord(letter) <= value[1])
    return kind == "CATEGORY" and re.match(_CLASSES[str(value)], letter) is not None


def names_layer(key: str, layer: str, steps: Steps) -> bool:
    """Tell whether a key of ``alpha_pattern`` or ``rank_pattern`` is that of a layer.

    For PEFT it is where ``(.*\\.)?(KEY)$`` matches the layer's name.

    Raises
    ------
    PatternError
        When the key is no regular expression, or one that is not matched here.
    """
    if layer == key or layer.endswith(f".{key}"):
        return True
    if len(key) <= _LONGEST and _PLAIN.fullmatch(key) and "\n" not in layer:
        return False
    starts = frozenset((0, *(place + 1 for place, letter in enumerate(layer) if letter == ".")))
    try:
        ends = _Walk(layer, steps).after(_parsed(key), starts)
    except RecursionError:
        raise PatternError("is nested too deeply") from None
    return any(layer[end:] in ("", "\n") for end in ends)


# All patterns of a configuration, which each layer is held against, are at most a thousand.
@lru_cache(maxsize=1024)
def _parsed(key: str) -> Any:
    if len(key) > _LONGEST:
        raise PatternError(f"has more than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            # What a later Python may read otherwise is no concern of who analyses the adapter.
            warnings.simplefilter("ignore")
            items = _parser.parse(key)
    except (re.error, OverflowError, RecursionError):
        raise PatternError("is not a regular expression") from None
    if items.state.flags & ~re.UNICODE.value:
        raise PatternError("sets flags")
    return items
