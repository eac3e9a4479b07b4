"""Sums over the entries of a matrix and its largest ones, in passes over blocks of rows.

A temporary array of the size of a whole matrix costs more time than the arithmetic, and memory that
a large tensor leaves none of; those of a block stay in the CPU's cache. All sums are in
float64, also those of a matrix of float32.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray

_BLOCK = 1 << 16  # entries
# A limit may fall to this share of the one that a pass was made with: what has to be taken off the
# sums is then no more than leaves them their digits.
_LEAST_SHARE = 0.36


class ClippedSquares(NamedTuple):
    """Sums of squares clipped at ``clip·mean``, over the rows and columns that are not zero.

    Attributes
    ----------
    mean : float
        Of the clipped squares, the clip that of the step before.
    rows, columns : array
        Places of the rows and columns in which the sum is not zero.
    of_rows, of_columns : array
        The sums over these.
    of_squares : float
        The sum of the squares of the clipped squares.
    excess : float
        Excess kurtosis of the entries themselves, about 0 and not clipped.
    """

    mean: float
    rows: AnyArray
    columns: AnyArray
    of_rows: FloatArray
    of_columns: FloatArray
    of_squares: float
    excess: float


def clipped_squares(matrix: AnyArray, clip: float, *, guess: float, steps: int) -> ClippedSquares:
    """Return the mean of ``min(w², clip·mean)`` after so many steps, and the sums it comes from.

    The first mean is that of w² itself, and each step clips at what the step before gave.

    Parameters
    ----------
    guess : float
        About the mean of w²: a good one saves a pass over the matrix.
    """
    found = _pass(matrix, clip * guess)
    rows, columns = np.flatnonzero(found.of_rows), np.flatnonzero(found.of_columns)
    size = max(rows.size * columns.size, 1)
    mean = found.total / size
    for _ in range(steps):
        found = _reaching(found, matrix, clip * mean)
        mean = found.sum_at(clip * mean) / size
    found = _reaching(found, matrix, clip * mean)
    of_rows, of_columns, of_squares = found.sums_at(clip * mean)
    excess = size * found.of_fourths / found.total**2 - 3 if found.total else 0.0
    return ClippedSquares(
        mean, rows, columns, of_rows[rows], of_columns[columns], of_squares, excess
    )


class _Pass(NamedTuple):
    """What one pass finds: sums of w², w⁴ and min(w², limit), and what moves the limit."""

    limit: float
    total: float
    of_fourths: float
    of_rows: FloatArray
    of_columns: FloatArray
    of_squares: float
    places: AnyArray
    squares: FloatArray

    def _change(self, limit: float) -> tuple[FloatArray, FloatArray]:
        return np.minimum(self.squares, limit), np.minimum(self.squares, self.limit)

    def sum_at(self, limit: float) -> float:
        """Return the sum of min(w², limit)."""
        new, old = self._change(limit)
        return float(self.of_rows.sum() + (new - old).sum())

    def sums_at(self, limit: float) -> tuple[FloatArray, FloatArray, float]:
        """Return the sums of c = min(w², limit) over rows and over columns, and that of c²."""
        new, old = self._change(limit)
        row, column = np.divmod(self.places, self.of_columns.size)
        return (
            self.of_rows + np.bincount(row, new - old, self.of_rows.size),
            self.of_columns + np.bincount(column, new - old, self.of_columns.size),
            self.of_squares + float((new**2 - old**2).sum()),
        )


def _reaching(found: _Pass, matrix: AnyArray, limit: float) -> _Pass:
    """Return the pass from which sums at `limit` come: the one at hand, or a new one."""
    return found if limit >= _LEAST_SHARE * found.limit else _pass(matrix, limit)


def _pass(matrix: AnyArray, limit: float) -> _Pass:
    of_rows, of_columns = np.empty(matrix.shape[0]), np.zeros(matrix.shape[1])
    of_squares, places, beyond = 0.0, [], []
    for start, block in _blocks(matrix):
        squares = block * block
        place = np.flatnonzero(squares > _LEAST_SHARE * limit)
        places.append(start * matrix.shape[1] + place)
        beyond.append(squares.ravel()[place])
        if beyond[-1].max(initial=0.0) > limit:
            np.minimum(squares, limit, out=squares)
        of_rows[start : start + len(squares)] = squares.sum(axis=1)
        of_columns += squares.sum(axis=0)
        of_squares += float(np.vdot(squares, squares))
    large = np.concatenate(beyond)
    clipped = np.minimum(large, limit)
    return _Pass(
        limit,
        # Of the squares themselves: what was clipped is added again.
        float(of_rows.sum() + (large - clipped).sum()),
        of_squares + float((large**2 - clipped**2).sum()),
        of_rows,
        of_columns,
        of_squares,
        np.concatenate(places),
        large,
    )


def places_beyond(matrix: AnyArray, limit: float) -> AnyArray:
    """Return where |w| exceeds `limit`, as ascending places in the flattened matrix."""
    found = [
        start * matrix.shape[1] + np.flatnonzero(np.abs(block) > limit)
        for start, block in _blocks(matrix)
    ]
    return np.concatenate(found)


def largest_magnitudes(matrix: AnyArray, count: int) -> FloatArray:
    """Return the `count` largest |w|, ascending; all of them where there are fewer."""
    kept, least = np.empty(0), -1.0
    for _, block in _blocks(matrix):
        sizes = np.abs(block).ravel()
        kept = np.append(kept, sizes[sizes > least])
        if kept.size > count:
            kept = np.partition(kept, -count)[-count:]
            least = float(kept.min())
    return np.sort(kept)


def _blocks(matrix: AnyArray) -> Iterator[tuple[int, FloatArray]]:
    height = max(_BLOCK // matrix.shape[1], 1)
    for start in range(0, matrix.shape[0], height):
        yield start, np.asarray(matrix[start : start + height], dtype=np.float64)
