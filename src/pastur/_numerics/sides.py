"""Rows and columns of a matrix that are zero, or what rounding left of constant ones."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray

# A row whose entries are no larger than so many units of rounding, per entry of the longer side,
# against the usual largest entry of a row; and one of equal entries no larger than this.
_UNITS, _CONSTANT = 16.0, 1e-4
# Less leave no room for a spike next to a noise level.
_FEWEST = 3
# So many entries of each row and column are examined first: the first ones, next to each other in
# memory.
_GLIMPSE = 16
# Entries that stay in the CPU's cache.
_BLOCK = 1 << 16


class Sides(NamedTuple):
    """Which rows and columns hold anything, as masks."""

    rows: AnyArray
    columns: AnyArray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that are left."""
        return int(np.count_nonzero(self.rows)), int(np.count_nonzero(self.columns))

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return self.shape == (self.rows.size, self.columns.size)

    def inner(self, matrix: AnyArray) -> AnyArray:
        """Return what is left of `matrix`: itself, not a copy, where that is all."""
        return matrix if self.complete else matrix[np.ix_(self.rows, self.columns)]

    def blanked(self, matrix: AnyArray) -> AnyArray:
        """Return `matrix` with what is left out set to zero: itself where it is already."""
        if self.complete:
            return matrix
        out = ~self.rows[:, None] | ~self.columns
        if not matrix[out].any():
            return matrix
        return np.where(out, 0.0, matrix).astype(matrix.dtype, copy=False)


def filled_sides(matrix: AnyArray) -> Sides:
    """Return which rows and columns of a finite matrix are more than zero to rounding.

    Subtracting its mean leaves of a constant column entries that are all the same, and tiny. Where
    less than three rows or columns are filled, all count as filled: what is left is of low rank.
    """
    unit = _UNITS * max(matrix.shape) * float(np.finfo(np.float64).eps)
    if _plainly_filled(matrix, unit):
        return Sides(*(np.ones(count, dtype=bool) for count in matrix.shape))
    found = Sides(*(_filled(high, low, unit) for high, low in _extremes(matrix)))
    if min(found.shape) >= _FEWEST:
        return found
    return Sides(*(np.ones(count, dtype=bool) for count in matrix.shape))


def _plainly_filled(matrix: AnyArray, unit: float) -> bool:
    """Return whether a few entries of each row and column show that it is filled already.

    As nearly always: they differ, and one is large enough against the largest of all.
    """
    most = max(abs(float(matrix.max())), abs(float(matrix.min())))
    for few in (matrix[:, :_GLIMPSE], matrix[:_GLIMPSE].T):
        high, low = few.max(axis=1), few.min(axis=1)
        size = np.maximum(np.abs(high), np.abs(low)).astype(np.float64)
        if not ((size > unit * most) & (high != low)).all():
            return False
    return True


def _extremes(matrix: AnyArray) -> Iterator[tuple[AnyArray, AnyArray]]:
    """Yield the largest and the least entry of each row, then of each column.

    By blocks, so that the matrix passes through the CPU's cache once.
    """
    height = max(_BLOCK // matrix.shape[1], 1)
    of_rows, highest, lowest = [], matrix[0].copy(), matrix[0].copy()
    for start in range(0, len(matrix), height):
        block = matrix[start : start + height]
        of_rows.append((block.max(axis=1), block.min(axis=1)))
        np.maximum(highest, block.max(axis=0), out=highest)
        np.minimum(lowest, block.min(axis=0), out=lowest)
    yield np.concatenate([high for high, _ in of_rows]), np.concatenate([low for _, low in of_rows])
    yield highest, lowest


def _filled(high: AnyArray, low: AnyArray, unit: float) -> AnyArray:
    size = np.maximum(np.abs(high), np.abs(low)).astype(np.float64)
    usual = float(np.sort(size[size > 0])[np.count_nonzero(size) // 2]) if size.any() else 0.0
    return np.asarray((size > unit * usual) & ((size > _CONSTANT * usual) | (high != low)))
