"""Quantiles of any law, from its distribution function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pastur._numerics.inversion import invert_increasing
from pastur._typing import FloatArray

Function: TypeAlias = Callable[[FloatArray], FloatArray]


def quantile_by_pieces(
    support: FloatArray, atoms: FloatArray, cdf: Function, sf: Function, q: FloatArray
) -> FloatArray:
    """Find the piece of the support that holds each level, then invert the cdf there."""
    breaks = np.unique(np.concatenate([support.ravel(), atoms[:, 0]]))
    right = np.clip(cdf(breaks), 0.0, 1.0)
    right[-1] = 1.0
    # A level that equals the mass below a gap belongs to the gap's lower end, despite rounding.
    slack = 4 * np.finfo(float).eps
    index = np.where(q > right[0], 1 + np.searchsorted(right[1:-1], q - slack), 0)
    index = np.minimum(index, breaks.size - 1)
    left = right.copy()
    left[np.searchsorted(breaks, atoms[:, 0])] -= atoms[:, 1]
    below = np.maximum(index - 1, 0)
    between = (index > 0) & (q > right[below]) & (q < left[index])
    result = breaks[index]
    if between.any():
        ends = _finite(breaks, cdf, sf)
        result[between] = invert_increasing(
            cdf, ends[below[between]], ends[index[between]], q[between]
        )
    return result


def _finite(breaks: FloatArray, cdf: Function, sf: Function) -> FloatArray:
    """Replace infinite ends by points beyond which the mass is 0 in floating point."""
    ends = breaks.copy()
    reach = float(np.max(np.abs(breaks[np.isfinite(breaks)]), initial=1.0))
    if np.isneginf(ends[0]):
        ends[0] = -reach
        while cdf(ends[:1])[0] > 0:
            ends[0] *= 2
    if np.isposinf(ends[-1]):
        ends[-1] = reach
        while sf(ends[-1:])[0] > 0:
            ends[-1] *= 2
    return ends
