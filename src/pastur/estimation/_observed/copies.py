"""Rows, or columns, that are copies of others up to a factor."""

from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray

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
    rng, shape = np.random.default_rng(0), (w.shape[1], 2)
    angles, filled = _angles(w, rng.standard_normal(shape) / max(unit, _LEAST_UNIT))
    order = np.argsort(angles, kind="stable")
    order = order[filled[order]]
    first, second = order, np.roll(order, -1)
    close = np.flatnonzero(_near(angles[first], angles[second]) & (first != second))
    if close.size:
        plane = rng.standard_normal(shape) / max(unit, _LEAST_UNIT)
        again = [_angles(w[rows[close]], plane)[0] for rows in (first, second)]
        close = close[_near(*again)]
    equal = close[_equal(w, first[close], second[close])]
    if not equal.size:
        return Copies(0, 1, (0, 0))
    runs = np.split(equal, np.flatnonzero(np.diff(equal) > 1) + 1)
    i, j = sorted((int(first[equal[0]]), int(second[equal[0]])))
    largest = min(1 + max(map(len, runs)), order.size)
    return Copies(min(equal.size, order.size - 1), largest, (i, j))


def _angles(w: AnyArray, plane: FloatArray) -> tuple[FloatArray, AnyArray]:
    """Return the angles of rows in a plane, and which are not zero."""
    seen = np.asarray(w @ plane.astype(w.dtype), dtype=np.float64)
    return np.arctan2(seen[:, 0], seen[:, 1]) % np.pi, np.any(seen, axis=1)


def _near(one: FloatArray, other: FloatArray) -> AnyArray:
    gaps = np.abs(one - other)
    return np.asarray(np.minimum(gaps, np.pi - gaps) < _NEAR)


def _equal(w: AnyArray, first: AnyArray, second: AnyArray) -> AnyArray:
    """Return which pairs of rows are multiples of each other."""
    found = np.zeros(first.size, dtype=bool)
    for place, (i, j) in enumerate(zip(first, second, strict=True)):
        one, other = (np.asarray(w[k], dtype=np.float64) for k in (i, j))
        one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
        apart = np.linalg.norm(one - other * np.sign(one @ other))
        found[place] = apart < _ROUNDING and np.count_nonzero(one) >= _FEWEST
    return found
