"""Bringing rows and columns of different variances back to one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pastur._checks import matrix
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray
from pastur.estimation._denoise import check_shape
from pastur.estimation._status import Status

_TOLERANCE = 1e-10
_MOST_STEPS = 1000


@dataclass(frozen=True, eq=False)
class Biwhitened:
    """A matrix with its rows and columns scaled to one variance.

    Attributes
    ----------
    matrix : array, shape (n, m)
        ``W′ = diag(rows) W diag(columns)``: in every row and column the variances have the mean
        1/max(n, m), so that its noise level σ is 1, or a little less where they were estimated from
        entries with signal in them.
    rows, columns : array
        The scales, positive.
    status : Status
        How the scaling ended; its residual is the largest relative error of a mean.
    """

    matrix: FloatArray
    rows: FloatArray
    columns: FloatArray
    status: Status

    def restore(self, signal: ArrayLike) -> FloatArray:
        """Return an estimate made from `matrix`, such as ``fit.denoise``'s, in the units of W."""
        s = matrix("signal", signal)
        check_shape(s, self.matrix.shape)
        return np.asarray(s / self.rows[:, None] / self.columns)


def biwhiten(W: ArrayLike, *, variances: ArrayLike | None = None) -> Biwhitened:
    """Scale rows and columns of a matrix so that all have noise of the same variance.

    For noise of variances ``V_ij = a_i b_j``, or any that row and column scales r, c make regular:
    ``Σ_j r_i²V_ij c_j²/m = Σ_i r_i²V_ij c_j²/n = 1/max(n, m)``. The singular values of the scaled
    noise then follow the Marchenko–Pastur law (Landa, Zhang, Kluger 2022, theorem 2.2), and spikes
    stay spikes. The scales are Sinkhorn's and Knopp's.

    Parameters
    ----------
    W : array_like, shape (n, m)
        Finite and real, without rows or columns of zeros.
    variances : array_like, shape (n, m), optional
        V, not negative, where it is known or estimated better: for counts of Poisson noise W
        itself. Default: the squares of the entries, right up to the share of the signal in each
        row and column.

    Returns
    -------
    Biwhitened

    Raises
    ------
    InvalidInputError
        For a row or column without variance, negative variances, or another shape.

    References
    ----------
    B. Landa, T. T. C. K. Zhang, Y. Kluger, SIAM J. Math. Data Sci. 4 (2022), algorithm 1.
    R. Sinkhorn, P. Knopp, Pacific J. Math. 21 (1967).

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import fit_rectangular
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(200, 300)) * rng.uniform(1, 3, size=(200, 1))
    >>> fit_rectangular(W).goodness.verdict
    'row or column variances differ'
    >>> fit_rectangular(biwhiten(W).matrix).goodness.verdict
    'noise bulk'
    """
    w = matrix("W", W)
    # Of order one, so that squares neither overflow nor vanish.
    unit = float(np.abs(w).max()) or 1.0
    if variances is None:
        power = (w / unit) ** 2
    else:
        power = matrix("variances", variances)
        check_shape(power, w.shape)
        if (power < 0).any():
            raise InvalidInputError(f"`variances` must not be negative. Got {power.min():g}.")
        unit = float(np.sqrt(power.max())) or 1.0
        power = power / unit**2
    _check_sides(power)
    squared_rows, squared_columns, residual, steps = _scales(power)
    rows, columns = np.sqrt(squared_rows) / unit, np.sqrt(squared_columns)
    if residual <= _TOLERANCE:
        message = "All rows and columns have the same variance."
    else:
        message = (
            f"After {steps} steps variances of rows still differ by {residual:.1e}: too many "
            "entries are zero for scales to make them equal."
        )
    status = Status(residual <= _TOLERANCE, residual, steps, message)
    return Biwhitened(rows[:, None] * w * columns, rows, columns, status)


def _check_sides(power: FloatArray) -> None:
    for axis, name in enumerate(("row", "column")):
        empty = np.flatnonzero(power.sum(axis=1 - axis) == 0)
        if empty.size:
            raise InvalidInputError(
                f"{name.capitalize()} {empty[0]} has no variance: no scale gives it any. "
                f"Leave it out ({empty.size} such {name}{'s' if empty.size > 1 else ''})."
            )


def _scales(power: FloatArray) -> tuple[FloatArray, FloatArray, float, int]:
    """Return squared scales, the largest relative error of a row's mean, and the steps taken."""
    n, m = power.shape
    goal = 1 / max(n, m)
    columns = np.ones(m)
    residual, steps = np.inf, 0
    rows = goal / (power @ columns / m)
    while residual > _TOLERANCE and steps < _MOST_STEPS:
        columns = goal / (rows @ power / n)
        means = rows * (power @ columns) / m
        residual = float(np.abs(means / goal - 1).max())
        rows = rows / (means / goal)
        steps += 1
    return rows, columns, residual, steps
