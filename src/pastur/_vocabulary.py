"""Words of a fixed vocabulary, and tables that have an entry for each of them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

_Entry = TypeVar("_Entry")


class Word(StrEnum):
    """A word of a fixed vocabulary: a string in every respect, its representation included."""

    def __repr__(self) -> str:
        return str.__repr__(self)


def table(words: type[Word], entries: Mapping[Word, _Entry]) -> Mapping[Word, _Entry]:
    """Return `entries` in the order of the vocabulary, read-only.

    Raises
    ------
    ValueError
        When a word has no entry, or an entry no word.
    """
    without = [word.name for word in words if word not in entries]
    if without or len(entries) > len(words):
        lacking = f" Without an entry: {', '.join(without)}." if without else ""
        raise ValueError(f"A table of {words.__name__} has one entry for each word.{lacking}")
    return MappingProxyType({word: entries[word] for word in words})
