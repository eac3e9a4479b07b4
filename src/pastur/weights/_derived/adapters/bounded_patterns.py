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
# Of a file, and for each of its tensors.
_STEPS, _STEPS_EACH = 500_000, 300
_PLAIN = re.compile(r"[\w.\-/]+")
_UNBOUNDED = int(_constants.MAXREPEAT)


class PatternError(ValueError):
    """Why a pattern is not matched, in words that follow it."""


class Steps:
    """How many steps are left, for all patterns and all layers of a file."""

    def __init__(self, tensors: int = 0) -> None:
        self.left = _STEPS + _STEPS_EACH * tensors

    def take(self, count: int) -> None:
        """Take some of them."""
        self.left -= count
        if self.left < 0:
            raise PatternError("takes too many steps to match")


class _Walk:
    """The places of one text that a pattern reaches: bit k of a number is place k."""

    def __init__(self, text: str, steps: Steps) -> None:
        self.text, self.steps = text, steps
        steps.take(len(text))
        self.letters: dict[str, int] = {}
        for place, letter in enumerate(text):
            self.letters[letter] = self.letters.get(letter, 0) | 1 << place

    def after(self, items: Any, places: int) -> int:
        """Return where the text may go on when `items` have matched from one of the places."""
        for operation, argument in items:
            if not places:
                break
            places = self._step(str(operation), argument, places)
        return places

    def _step(self, operation: str, argument: Any, places: int) -> int:
        self.steps.take(1)
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return (places & self._of_kind(operation, argument)) << 1
        if operation == "SUBPATTERN":
            _, adds, drops, items = argument
            if adds or drops:
                raise PatternError("sets flags")
            return self.after(items, places)
        if operation == "BRANCH":
            reached = 0
            for items in argument[1]:
                reached |= self.after(items, places)
            return reached
        if operation in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, items = argument
            return self._repeated(least, most, items, places)
        if operation == "AT":
            return places & self.at(str(argument))
        raise PatternError("uses what only Python's own machine can match")

    def _of_kind(self, operation: str, argument: Any) -> int:
        """Return the places of the letters that one letter of a pattern matches."""
        if operation == "LITERAL":
            return self.letters.get(chr(argument), 0)
        found = (m for letter, m in self.letters.items() if _is_one(operation, argument, letter))
        return sum(found)

    def _repeated(self, least: int, most: int, items: Any, places: int) -> int:
        for _ in range(least):
            self.steps.take(1)
            places = self.after(items, places)
            if not places:
                return places
        reached, fresh, count = places, places, least
        while fresh and (count < most or most == _UNBOUNDED):
            fresh = self.after(items, fresh) & ~reached
            reached |= fresh
            count += 1
        return reached

    def at(self, where: str) -> int:
        """Return the places that an anchor stands for."""
        if where in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return 1
        end = len(self.text)
        if where == "AT_END":
            return 1 << end | (1 << end - 1 if self.text.endswith("\n") else 0)
        if where == "AT_END_STRING":
            return 1 << end
        raise PatternError("uses what only Python's own machine can match")


def _is_one(operation: str, argument: Any, letter: str) -> bool:
    if operation == "ANY":
        return letter != "\n"
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
        When the key is not a regular expression, or one that is not matched here.
    """
    if len(key) <= _LONGEST and "\n" not in layer and _PLAIN.fullmatch(key):
        # Hundreds of layers by name are usual. A dot stands for any letter.
        end = layer[-len(key) :]
        whole = layer == end or layer[-len(key) - 1] == "."
        return len(end) == len(key) and whole and (end == key or _match(key, end))
    starts = 1 | sum(1 << place + 1 for place, letter in enumerate(layer) if letter == ".")
    walk = _Walk(layer, steps)
    try:
        return bool(walk.after(_parsed(key), starts) & walk.at("AT_END"))
    except RecursionError:
        raise PatternError("is nested too deeply") from None


def _match(key: str, text: str) -> bool:
    return all(one in (".", two) for one, two in zip(key, text, strict=True))


# All patterns of a configuration, which each layer is held against, are at most a thousand.
@lru_cache(maxsize=1024)
def _parsed(key: str) -> Any:
    if len(key) > _LONGEST:
        raise PatternError(f"has more than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            # What a later Python may read otherwise does not concern whoever analyses the adapter.
            warnings.simplefilter("ignore")
            items = _parser.parse(key)
    except (re.error, OverflowError, RecursionError):
        raise PatternError("is not a regular expression") from None
    if items.state.flags & ~re.UNICODE.value:
        raise PatternError("sets flags")
    return items
