"""Codes that pastur wrote: whole numbers of a few bits times steps, with factors or without.

``pastur.apply_compression`` stores a rounded tensor as ``NAME_codes``, ``NAME_steps``,
``NAME_unit`` and ``NAME_layout``, and what a product of ``NAME_left`` and ``NAME_right`` leaves.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

_PARTS = {"_codes": "the codes", "_steps": "the steps", "_unit": "a unit", "_layout": "the layout"}
_FACTORS = ("_left", "_right")
_BITS = range(2, 9)
_BLOCK = 1 << 20  # codes that are unpacked together
_UNSOUND = "is codes that pastur wrote, whose parts do not go together"


class _Layout(NamedTuple):
    """What the numbers of ``NAME_layout`` say: 2·offset is `twice`, and `shape` the tensor's."""

    bits: int
    group: int
    twice: int
    turned: int
    shape: tuple[int, ...]

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns as they are packed."""
        first, rest = self.shape[0], prod(self.shape[1:])
        return (rest, first) if self.turned else (first, rest)


def _find(stored: Stored) -> Iterator[Derived]:
    for stem, _, entry in stored.ending("_codes"):
        parts = {f"{stem}{ending}": what for ending, what in _PARTS.items()}
        if entry.dtype != "uint8" or not parts.keys() <= stored.entries.keys():
            continue
        factors = {f"{stem}{ending}": "a factor" for ending in _FACTORS}
        in_factors = factors.keys() <= stored.entries.keys()
        parts |= factors if in_factors else {}
        layout = _layout(stored.small(f"{stem}_layout"))
        if layout is None or not _fits(stored, stem, layout):
            yield refused(stem, entry, parts, _UNSOUND)
            continue
        make = partial(_made, stem=stem, layout=layout, in_factors=in_factors)
        yield Derived(stem, layout.shape, parts, make, f"pastur int{layout.bits}")


def _layout(numbers: AnyArray | None) -> _Layout | None:
    """Return what a layout says; None where it is none."""
    if numbers is None or numbers.shape != (12,) or numbers.dtype != np.int32:
        return None
    bits, group, twice, turned, *sides = (int(number) for number in numbers)
    shape = tuple(side for side in sides if side)
    if not shape or min(shape) < 1 or bits not in _BITS or group < 1:
        return None
    if turned not in (0, 1) or (turned and len(shape) != 2):
        return None
    return _Layout(bits, group, twice, turned, shape)


def _fits(stored: Stored, stem: str, layout: _Layout) -> bool:
    rows, columns = layout.matrix
    packed, steps = (stored.entries[f"{stem}{ending}"] for ending in ("_codes", "_steps"))
    unit = stored.entries[f"{stem}_unit"]
    return (
        packed.shape == (rows, -(-columns * layout.bits // 8))
        and steps.shape == (rows, -(-columns // layout.group))
        and (steps.dtype, unit.dtype, unit.shape) == ("float16", "float32", (1,))
    )


def _made(
    read: Callable[[str], AnyArray], *, stem: str, layout: _Layout, in_factors: bool
) -> AnyArray | Codes:
    columns = layout.matrix[1]
    levels = _levels(read(f"{stem}_codes"), columns, layout.bits)
    steps = read(f"{stem}_steps").astype(np.float32) * read(f"{stem}_unit")
    # A file may name groups longer than its rows, of any length.
    scale = np.repeat(steps, min(layout.group, columns), axis=1)[:, :columns]
    codes = Codes(_lying(levels, layout), _lying(scale, layout), zero=layout.twice / 2)
    if not in_factors:
        return codes
    left, right = (read(f"{stem}{ending}").astype(np.float32) for ending in _FACTORS)
    if left.ndim != 2 or right.ndim < 2 or left.shape[1] != right.shape[0]:
        raise ValueError(_UNSOUND)
    if (left.shape[0], *right.shape[1:]) != layout.shape:
        raise ValueError(_UNSOUND)
    product = left @ right.reshape(right.shape[0], -1)
    return np.asarray(codes.values + product.reshape(layout.shape))


def _levels(packed: AnyArray, columns: int, bits: int) -> AnyArray:
    """Return the codes, their bits next to one another, each row from a new byte on."""
    levels = np.empty((len(packed), columns), np.uint8)
    places = (1 << np.arange(bits)[::-1]).astype(np.uint8)
    # Each bit takes a byte meanwhile.
    rows = max(1, _BLOCK // columns)
    for start in range(0, len(packed), rows):
        planes = np.unpackbits(packed[start : start + rows], axis=1, count=columns * bits)
        levels[start : start + rows] = planes.reshape(-1, columns, bits) @ places
    return levels


def _lying(matrix: AnyArray, layout: _Layout) -> AnyArray:
    """Return a packed matrix as it lies in the tensor."""
    return matrix.T if layout.turned else matrix.reshape(layout.shape)


COMPRESSED = Convention("pastur", _find)
