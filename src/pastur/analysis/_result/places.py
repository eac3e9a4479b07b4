"""Where a matrix stands in its model, read off its name: the block, and what it is in the block."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pastur.analysis._matrix.initial_values import SUFFIX

# A name in pieces, with what separates them.
_PIECES = re.compile(r"([./])")
_NUMBER = re.compile(r"\d+")
_NUMBERED = re.compile(r".*\d")


class Place(NamedTuple):
    """A place in a model of blocks alike.

    Attributes
    ----------
    block : str
        What comes up to the first number in the name, with it: "encoder.layer.3"; empty where
        there is none.
    kind : str
        What follows, further numbers as asterisks: "attention.self.query.weight".
    rest : str
        What follows as it is; without a block, the whole name.
    """

    block: str
    kind: str
    rest: str


def place_of_name(name: str) -> Place:
    """Return the place that a name stands for.

    Examples
    --------
    >>> place_of_name("h.3.mlp.experts.7.w1.weight:q")
    Place(block='h.3', kind='mlp.experts.*.w1.weight:q', rest='mlp.experts.7.w1.weight:q')
    >>> place_of_name("fc1.weight").block, place_of_name("head.weight").block
    ('fc1', '')
    """
    stem, colon, part = name.partition(":")
    pieces = _PIECES.split(stem)
    # The last piece says what the tensor is: 'weight'.
    inner = range(0, len(pieces) - 2, 2)
    last = next((i for i in inner if _NUMBER.fullmatch(pieces[i])), None)
    if last is None:
        last = next((i for i in inner if _NUMBERED.fullmatch(pieces[i])), None)
    if last is None:
        return Place("", name, name)
    after = pieces[last + 2 :]
    alike = ("*" if _NUMBER.fullmatch(piece) else piece for piece in after)
    kind, rest = ("".join(some) + colon + part for some in (alike, after))
    return Place("".join(pieces[: last + 1]), kind, rest)


def blocks_alike(names: Sequence[str]) -> bool:
    """Return whether a model with matrices of these names has blocks alike: a kind in several."""
    seen: dict[str, str] = {}
    for name in names:
        place = place_of_name(name)
        if place.block and seen.setdefault(place.kind, place.block) != place.block:
            return True
    return False


def has_groups(names: Sequence[str]) -> bool:
    """Return whether some block holds several of the matrices of these names.

    A matrix and its own initial value do not make a block.
    """
    known = set(names)
    names = [name for name in names if name.removesuffix(SUFFIX) not in known - {name}]
    blocks = [block for name in names if (block := place_of_name(name).block)]
    return len(set(blocks)) < len(blocks)
