"""Variances of rows and columns to which no single entry adds much."""

from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray

# A square counts as so many times its variance at most, with the variances of so many steps.
_CLIP, _CLIPPINGS = 25.0, 10
# Squares beyond this share of that may come to be clipped, unless the variances fall by more: then
# they are chosen again, this often at most.
_SLACK, _ROUNDS = 0.36, 3
# The variances are a few per cent uncertain.
_TOLERANCE, _MOST_STEPS = 1e-6, 1000


class ClippedMeans(NamedTuple):
    """Variances v, u of rows and columns, up to a factor, and the largest error of a row's mean."""

    rows: FloatArray
    columns: FloatArray
    residual: float


def clipped_means(squares: FloatArray, rows: FloatArray, columns: FloatArray) -> ClippedMeans:
    """Return v, u such that ``min(s_ij/(v_i u_j), 25)`` has the mean 1 in every row and column.

    Sinkhorn's and Knopp's steps, in which what is clipped follows the variances. Few squares ever
    are: they are set apart, and a step is two products of the others with vectors. After ten steps
    what is clipped stays as it is: a row with so few entries that all of them are would go on to
    nothing.

    Parameters
    ----------
    squares : array, shape (n, m)
    rows, columns : array
        The variances to start from.
    """
    found = ClippedMeans(rows, columns, np.inf)
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            before, found = found, _from(squares, found.rows, found.columns)
            fallen = (found.rows / before.rows).min() * (found.columns / before.columns).min()
            if not fallen < _SLACK:
                break
    return found if np.isfinite(found.residual) else found._replace(residual=np.inf)


def _from(squares: FloatArray, rows: FloatArray, columns: FloatArray) -> ClippedMeans:
    n, m = squares.shape
    beyond = squares > np.multiply.outer(_CLIP * _SLACK * rows, columns)
    row, column = np.divmod(np.flatnonzero(beyond), m)
    large, others = squares[row, column], np.where(beyond, 0.0, squares)
    clipped, residual = large, np.inf
    for step in range(_MOST_STEPS):
        if step < _CLIPPINGS:
            clipped = np.minimum(large, _CLIP * rows[row] * columns[column])
        columns = ((1 / rows) @ others + np.bincount(column, clipped / rows[row], m)) / n
        before = rows
        rows = (others @ (1 / columns) + np.bincount(row, clipped / columns[column], n)) / m
        residual = float(np.abs(rows / before - 1).max())
        if not _TOLERANCE < residual < np.inf:
            break
    return ClippedMeans(rows, columns, residual)
