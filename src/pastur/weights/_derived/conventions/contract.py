"""What a convention is: stored tensors that stand for one weight, and how it is made of them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.weights._axes.layout import UNKNOWN, Layout
from pastur.weights.tensors import TensorInfo

# Bytes read along with the headers: sizes and descriptions, never weights.
_SMALL = 4096


@dataclass(frozen=True, eq=False)
class Codes:
    """Numbers as codes: each is ``(level - zero)·scale + bias``, rounded to a step of its own.

    Attributes
    ----------
    levels : array
        What the codes stand for before the scale.
    scale, zero, bias : array or number
        Shaped like `levels`, or stretching to it.
    widths : array or number
        Distance of neighbouring levels, before the scale: 1 where they are integers.
    """

    levels: AnyArray
    scale: Any = 1.0
    zero: Any = 0.0
    bias: Any = 0.0
    widths: Any = 1.0

    @property
    def values(self) -> AnyArray:
        """Return the numbers, in float32: exact for codes of 8 bits and scales of 16."""
        with np.errstate(all="ignore"):  # damaged scales may be anything; that is seen afterwards
            values = self.levels.astype(np.float32)
            values -= self.zero
            values *= self.scale
            values += self.bias
        return values

    @property
    def variances(self) -> AnyArray:
        """Return the variance of rounding each number, step²/12, as if it fell evenly."""
        with np.errstate(all="ignore"):
            step = np.asarray(self.widths, np.float64) * np.asarray(self.scale, np.float64)
            return np.broadcast_to(step**2 / 12, self.levels.shape)


@dataclass(frozen=True, eq=False)
class Derived:
    """A weight that is made of stored tensors.

    Attributes
    ----------
    name : str
        As the weight would be called.
    shape : tuple of int
    parts : mapping of str to str
        The stored tensors, and what each is: ``"the scale"``.
    make : callable
        ``make(read)`` returns the weight, or its `Codes`; ``read(name)`` reads a stored tensor. A
        `ValueError` says in words that follow the name why it cannot be made.
    packing : str
        Name of a lossy packing; empty where the weight is exact.
    layout : Layout
        What the convention says about the axes.
    reason : str
        Why it cannot be made, where that is known from the headers.
    dtype : str
        Type of the numbers that are made.
    """

    name: str
    shape: tuple[int, ...]
    parts: Mapping[str, str]
    make: Callable[[Callable[[str], AnyArray]], AnyArray | Codes] = field(repr=False)
    packing: str = ""
    layout: Layout = UNKNOWN
    reason: str = ""
    dtype: str = "float32"


class Stored:
    """The tensors of a source, those that a convention has taken left out.

    Attributes
    ----------
    entries : dict of str to TensorInfo
        Entries of the readable tensors, by name.
    config : mapping
        What the configuration next to the model says about its packing.
    """

    def __init__(
        self,
        entries: Mapping[str, TensorInfo],
        config: Mapping[str, Any],
        read: Callable[[str], AnyArray],
    ) -> None:
        self.entries, self.config, self._read = dict(entries), config, read
        self._sorted = sorted(self.entries)

    def take(self, names: Mapping[str, str]) -> None:
        """Leave out what belongs to a weight that was found."""
        for name in names:
            self.entries.pop(name, None)

    def ending(self, *endings: str) -> Iterator[tuple[str, str, TensorInfo]]:
        """Yield what precedes one of the endings, the name and the header of such tensors."""
        for name, entry in list(self.entries.items()):
            ending = next((e for e in endings if name.endswith(e) and len(name) > len(e)), None)
            if ending is not None and name in self.entries:
                yield name.removesuffix(ending), name, entry

    def under(self, prefix: str) -> list[str]:
        """Return the names that begin in this way."""
        first = bisect_left(self._sorted, prefix)
        names = takewhile(lambda n: n.startswith(prefix), islice(self._sorted, first, None))
        return [name for name in names if name in self.entries]

    def small(self, name: str, most: int = _SMALL) -> AnyArray | None:
        """Return the numbers of a short tensor; None where there is none, or it cannot be read."""
        entry = self.entries.get(name)
        if entry is None or entry.nbytes > most:
            return None
        try:
            return self._read(name)
        except FileFormatError:
            return None


@dataclass(frozen=True)
class Convention:
    """A way of storing weights.

    Attributes
    ----------
    name : str
    find : callable
        ``find(stored)`` yields the weights that are kept in this way.
    """

    name: str
    find: Callable[[Stored], Iterator[Derived]]


def refused(
    name: str, entry: TensorInfo, parts: Mapping[str, str], reason: str, packing: str = ""
) -> Derived:
    """Return a weight that cannot be made, with the reason, in words that follow its name."""

    def make(read: Callable[[str], AnyArray]) -> AnyArray:
        raise ValueError(reason)

    return Derived(name, entry.shape, parts, make, packing or entry.dtype, reason=reason)


def companion(what: str, name: str) -> str:
    """Return the reason for leaving out a tensor that belongs to a weight."""
    return f"is {what} of {shown(name)}"
