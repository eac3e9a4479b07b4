"""Rows, or columns, that are copies of others up to a factor."""

from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray

# How far apart the directions of copies may be: the rounding of float32.
_ROUNDING = 1e-6
# Directions are compared where their projections agree so far, in radians.
_NEAR = 1e-5
# Rows of fewer entries that are not zero are multiples of each other by chance.
_FEWEST = 4
# Of float32, whose inverse does not overflow.
_LEAST_UNIT = 1e-30


class Copies(NamedTuple):
    """Rows that are copies of others.

    Attributes
    ----------
    repeated : int
        How many rows could be dropped without losing a direction.
    largest : int
        How many rows the largest group of equal ones has.
    example : tuple of two ints
        Places of two rows that are equal; (0, 0) without any.
    """

    repeated: int
    largest: int
    example: tuple[int, int]


def copies(w: AnyArray, unit: float) -> Copies:
    """Return the rows of `w` that are copies of others up to a factor, rows of zeros left out.

    Each row is projected on two random planes, where copies have the same angles; rows whose angles
    agree are compared.

    Parameters
    ----------
    unit : float
        About the size of `w`, so that nothing overflows in float32.
    """
    planes = np.random.default_rng(0).standard_normal((w.shape[1], 4)) / max(unit, _LEAST_UNIT)
    seen = np.asarray(w @ planes.astype(w.dtype), dtype=np.float64)
    angles = np.arctan2(seen[:, ::2], seen[:, 1::2]) % np.pi
    order = np.argsort(angles[:, 0], kind="stable")
    order = order[np.any(seen[order], axis=1)]
    first, second = order, np.roll(order, -1)
    gaps = np.abs(angles[first] - angles[second])
    near = np.minimum(gaps, np.pi - gaps).max(axis=1) < _NEAR
    close = np.flatnonzero(near & (first != second))
    equal = close[_equal(w, first[close], second[close])]
    if not equal.size:
        return Copies(0, 1, (0, 0))
    runs = np.split(equal, np.flatnonzero(np.diff(equal) > 1) + 1)
    i, j = sorted((int(first[equal[0]]), int(second[equal[0]])))
    largest = min(1 + max(map(len, runs)), order.size)
    return Copies(min(equal.size, order.size - 1), largest, (i, j))


def _equal(w: AnyArray, first: AnyArray, second: AnyArray) -> AnyArray:
    """Return which pairs of rows are multiples of each other."""
    found = np.zeros(first.size, dtype=bool)
    for place, (i, j) in enumerate(zip(first, second, strict=True)):
        one, other = (np.asarray(w[k], dtype=np.float64) for k in (i, j))
        one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
        apart = np.linalg.norm(one - other * np.sign(one @ other))
        found[place] = apart < _ROUNDING and np.count_nonzero(one) >= _FEWEST
    return found
