"""Least squares with weights that are not negative.

SciPy has the same, but loading its optimisers takes longer than a whole small fit.
"""

import numpy as np

from pastur._typing import AnyArray, FloatArray


def nonnegative_least_squares(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Return the weights x ≥ 0 that minimise ``|columns·x − target|``.

    The active sets of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23): the
    weight whose growth helps most joins the free ones, and where a free one would turn negative, it
    stops at 0 and leaves them.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the sets have not settled after many more changes than such problems take.
    """
    count = columns.shape[1]
    weights, free = np.zeros(count), np.zeros(count, dtype=bool)
    # Weights that would turn negative as soon as they join: their slope is a rounding error.
    refused = np.zeros(count, dtype=bool)
    size = np.linalg.norm(columns, axis=0) * np.linalg.norm(target)
    for _ in range(10 * count + 1):
        slope = columns.T @ (target - columns @ weights)
        open_ = ~free & ~refused & (slope > np.finfo(float).eps * size)
        if not open_.any():
            return weights
        joining = int(np.argmax(np.where(open_, slope, -np.inf)))
        free[joining] = True
        new = _fitted(columns, target, free)
        if new[joining] <= 0:
            free[joining], refused[joining] = False, True
            continue
        refused[:] = False
        while (new[free] <= 0).any():
            falling = np.flatnonzero(free & (new <= 0))
            share = weights[falling] / (weights[falling] - new[falling])
            weights = np.maximum(weights + share.min() * (new - weights), 0.0)
            weights[falling[np.argmin(share)]] = 0.0
            free &= weights > 0
            weights[~free] = 0.0
            new = _fitted(columns, target, free)
        weights = new
    raise np.linalg.LinAlgError("non-negative least squares did not settle")


def _fitted(columns: FloatArray, target: FloatArray, free: AnyArray) -> FloatArray:
    """Return the weights of least squares over the free columns, 0 elsewhere."""
    found = np.zeros(free.size)
    found[free] = np.linalg.lstsq(columns[:, free], target, rcond=None)[0]
    return found
