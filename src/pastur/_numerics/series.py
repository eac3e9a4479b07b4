"""Elementary functions whose plain formula cancels."""

import numpy as np

from pastur._typing import ComplexArray, FloatArray

# Within |u| < 1/4 the first term left out, of order 28, is below 1e-16 of the sum.
_RADIUS = 0.25
_COEFFICIENTS = [(-1) ** (k + 1) / k for k in range(27, 1, -1)]


def log1p_tail(u: ComplexArray) -> ComplexArray:
    """Return log(1 + u) − u, principal branch, to full relative accuracy at small u."""
    small = np.abs(u) < _RADIUS
    inner = np.where(small, u, 0)
    series = np.polyval(_COEFFICIENTS, inner) * inner**2
    return np.asarray(np.where(small, series, np.log(1 + np.where(small, 0, u)) - u))


def running_sum(p: FloatArray) -> FloatArray:
    """Return 0, p₁, p₁ + p₂, …, each as if added exactly and rounded once (Knuth's two-sum)."""
    plain = np.cumsum(p)
    before = np.concatenate([[0.0], plain[:-1]])
    added = plain - before
    lost = (before - (plain - added)) + (p - added)
    return np.concatenate([[0.0], plain + np.cumsum(lost)])
