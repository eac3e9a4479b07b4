"""Quantiles of the semicircle and Marchenko–Pastur laws next to an edge, in the angle from it.

Both are laws of ``x = edge ± scale·2(1 − cos s)`` with the mass
``(2/π)∫ sin²r/(1 + k² + 2k cos r) dr``, 0 ≤ r ≤ s, beyond x: k = 0 for the semicircle, ±√c at the
upper and the lower edge of Marchenko–Pastur.
"""

from __future__ import annotations

import numpy as np

from pastur._typing import FloatArray

# Above this level an inverted distribution function has its 1e-12 as well.
_LARGEST_LEVEL = 1e-7
# Up to this share of the distance of the integrand's pole from the edge the rule is exact.
_SHARE = 1 / 4
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_STEPS = 6


def edge_rise(mass: FloatArray, k: float) -> FloatArray:
    """Return 2(1 − cos s) for each mass beyond; NaN where it is not small."""
    if k == -1:  # a hard edge: there the quantile is steep nowhere
        return np.full(mass.shape, np.nan)
    # To first order the mass is (2/3π)s³/(1 + k)².
    s = np.cbrt(1.5 * np.pi * mass * (1 + k) ** 2)
    near = (mass > 0) & (mass <= _LARGEST_LEVEL) & (s < _SHARE * (1 + k))
    s = np.where(near, s, _SHARE * (1 + k))
    for _ in range(_STEPS):
        r = s[:, None] * (1 + _NODES) / 2
        excess = _slope(r, k) @ _WEIGHTS * s / 2 - mass
        s = s - np.where(near, excess / _slope(s, k), 0.0)
    return np.where(near, 4 * np.sin(s / 2) ** 2, np.nan)


def _slope(r: FloatArray, k: float) -> FloatArray:
    """Return the mass per angle, its denominator written so that k near −1 cancels nothing."""
    return 2 / np.pi * np.sin(r) ** 2 / ((1 + k) ** 2 - 4 * k * np.sin(r / 2) ** 2)
