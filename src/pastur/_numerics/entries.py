"""Sums over the entries of a matrix and its largest ones, in one pass over blocks of rows each.

A temporary array of the size of a whole matrix costs more time than the arithmetic, and memory that
a large tensor leaves none of; those of a block stay in the processor's cache.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray

_BLOCK = 1 << 16  # entries
# Squares up to this share of the clip are summed without being looked at again.
_SUMMED = 0.36


class ClippedSums(NamedTuple):
    """Sums of clipped squares, and the sum of the squares of those."""

    rows: FloatArray
    columns: FloatArray
    of_squares: float


def clipped_sums(matrix: FloatArray, clip: float) -> ClippedSums:
    """Return the sums of c = min(w², clip) over each row and each column, and that of all c²."""
    rows, columns = np.empty(matrix.shape[0]), np.zeros(matrix.shape[1])
    of_squares = 0.0
    for start, squares in _square_blocks(matrix):
        np.minimum(squares, clip, out=squares)
        rows[start : start + len(squares)] = squares.sum(axis=1)
        columns += squares.sum(axis=0)
        of_squares += float(np.vdot(squares, squares))
    return ClippedSums(rows, columns, of_squares)


def clipped_mean_square(
    matrix: FloatArray, clip: float, *, first: float, size: int, steps: int
) -> float:
    """Return the mean of ``min(w², clip·mean)``, the mean being that of the step before.

    Parameters
    ----------
    first : float
        The mean before the first step; it must not be below that of w².
    size : int
        What the sums are divided by.
    """
    mean, least = first, np.inf
    for _ in range(steps):
        limit = clip * mean
        if limit < least:
            # Means only fall, and seldom far: what lies below `least` is summed once.
            least = _SUMMED * limit
            below, beyond = _split_squares(matrix, least)
        mean = (below + float((np.minimum(beyond, limit) - least).sum())) / size
    return mean


def _split_squares(matrix: FloatArray, limit: float) -> tuple[float, FloatArray]:
    """Return the sum of min(w², limit), and the squares beyond `limit`."""
    total, beyond = 0.0, []
    for _, squares in _square_blocks(matrix):
        beyond.append(squares[squares > limit])
        total += float(np.minimum(squares, limit, out=squares).sum())
    return total, np.concatenate(beyond)


def places_beyond(matrix: FloatArray, limit: float) -> AnyArray:
    """Return where |w| exceeds `limit`, as ascending places in the flattened matrix."""
    found = [
        start * matrix.shape[1] + np.flatnonzero(np.abs(block) > limit)
        for start, block in _blocks(matrix)
    ]
    return np.concatenate(found)


def largest_magnitudes(matrix: FloatArray, count: int) -> FloatArray:
    """Return the `count` largest |w|, ascending; all of them where there are fewer."""
    kept, least = np.empty(0), -1.0
    for _, block in _blocks(matrix):
        sizes = np.abs(block).ravel()
        kept = np.append(kept, sizes[sizes > least])
        if kept.size > count:
            kept = np.partition(kept, -count)[-count:]
            least = float(kept.min())
    return np.sort(kept)


def _square_blocks(matrix: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    for start, block in _blocks(matrix):
        yield start, block * block


def _blocks(matrix: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    height = max(_BLOCK // matrix.shape[1], 1)
    for start in range(0, matrix.shape[0], height):
        yield start, matrix[start : start + height]
