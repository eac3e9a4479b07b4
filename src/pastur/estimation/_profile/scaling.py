"""Scales of rows and columns that make their mean squares equal, by Sinkhorn and Knopp."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray

TOLERANCE = 1e-10
_MOST_STEPS = 1000
# Below this share of entries a sparse matrix takes less time.
_SPARSE = 0.1


@dataclass(frozen=True, eq=False)
class Scales:
    """Scales r, c such that the mean of ``(r_i x_ij c_j)²`` is the goal in every row and column.

    Attributes
    ----------
    rows, columns : array
    squares : array
        Of the entries, with the largest of each row and column brought to one or less.
    residual : float
        The largest relative error of a row's mean.
    steps : int
    """

    rows: FloatArray
    columns: FloatArray
    squares: FloatArray
    residual: float
    steps: int

    @property
    def converged(self) -> bool:
        """Whether the means are the goal to rounding."""
        return self.residual <= TOLERANCE


def equalising_scales(spread: FloatArray, *, goal: float, tolerance: float = TOLERANCE) -> Scales:
    """Return the scales of `spread`, entries that are not negative, each row and column with one.

    Raises
    ------
    InvalidInputError
        Where doubles do not hold them.
    """
    # The largest entry of each row and column is brought to one, so that squares neither overflow
    # nor vanish but next to larger ones.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        row_unit = 1 / spread.max(axis=1)
        column_unit = 1 / (row_unit[:, None] * spread).max(axis=0)
        squares = (row_unit[:, None] * spread * column_unit) ** 2
    if not np.isfinite(squares).all():
        raise InvalidInputError(
            "Rows or columns are too far apart in size for doubles to hold their scales. Leave out "
            "those that are negligible."
        )
    rows, columns, residual, steps = _iterated(squares, goal=goal, tolerance=tolerance)
    scales = np.sqrt(rows) * row_unit, np.sqrt(columns) * column_unit
    return Scales(*scales, squares, residual, steps)


def _iterated(
    squares: Any, *, goal: float, tolerance: float
) -> tuple[FloatArray, FloatArray, float, int]:
    """Return squared scales, the largest relative error of a row's mean, and the steps taken.

    They are taken as far as they are finite.
    """
    n, m = squares.shape
    if np.count_nonzero(squares) < _SPARSE * squares.size:
        from scipy.sparse import csr_array

        squares = csr_array(squares)
    columns = np.ones(m)
    residual, steps = np.inf, 0
    rows = goal / (squares @ columns / m)
    with np.errstate(all="ignore"):
        while residual > tolerance and steps < _MOST_STEPS:
            next_columns = goal / (rows @ squares / n)
            means = rows * (squares @ next_columns) / m
            next_rows = rows / (means / goal)
            sound = np.concatenate([next_rows, next_columns])
            if not (np.isfinite(sound).all() and sound.min() > 0 < means.min()):
                break
            residual = float(np.abs(means / goal - 1).max())
            rows, columns, steps = next_rows, next_columns, steps + 1
    return rows, columns, residual, steps
