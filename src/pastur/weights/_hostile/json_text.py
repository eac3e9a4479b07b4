"""JSON, whose values can take fifty times the memory of their text."""

import json
from collections.abc import Callable
from typing import Any

from pastur.weights._hostile.budget import Budget

# Bytes that a mark of the text leaves behind, at most, while it is parsed.
_COSTS = {b"[": 90, b"{": 240, b":": 110, b",": 40, b'"': 30}
_PLAIN, _WIDE = 2, 8  # of a letter: in the text, and in a word of it


def parse_json(
    text: bytes,
    budget: Budget,
    *,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Return what `json.loads` does of UTF-8, once `budget` has given the memory that it may take.

    Raises
    ------
    FileFormatError
        When `budget` has not enough left.
    ValueError, RecursionError
        As `json.loads`: when the text is not valid, or nested too deeply.
    """
    budget.take(len(text) * (_PLAIN if text.isascii() else _WIDE))
    budget.take(sum(cost * text.count(mark) for mark, cost in _COSTS.items()))
    return json.loads(text.decode("utf-8-sig"), object_pairs_hook=pairs)
