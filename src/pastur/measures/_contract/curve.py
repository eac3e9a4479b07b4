"""The density of a law as the points of a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pastur._typing import FloatArray

if TYPE_CHECKING:
    from pastur.measures._contract.measure import Measure

_CURVE_POINTS, _FEWEST_POINTS = 121, 9
# A lowest edge below this share of the highest is 0, known to rounding.
_ROUNDING = 1e-14


def density_curve(
    law: Measure, *, squared: bool = False, points: int = _CURVE_POINTS
) -> tuple[FloatArray, FloatArray]:
    """Return the density of a law as x and y, about `points` of them, zero at both ends.

    The intervals of the support share the points by their length, at least 9 each, which crowd at
    the ends. With `squared`, ρ is the law of squared singular values and the curve is 2xρ(x²) over
    plain ones. A NaN stands between two intervals; atoms are left out, and a law of atoms alone has
    no point at all.

    Examples
    --------
    >>> from pastur.measures import MarchenkoPastur
    >>> x, _ = density_curve(MarchenkoPastur(0.25, 1.0), squared=True)
    >>> float(x[0]), float(x[-1])
    (0.5, 1.5)
    """
    support = law.support[law.support[:, 1] > law.support[:, 0]]
    if not len(support):
        return np.empty(0), np.empty(0)
    ends = np.sqrt(np.maximum(support, 0)) if squared else support
    length = ends[:, 1] - ends[:, 0]
    counts = np.maximum(np.rint(points * length / length.sum()).astype(int), _FEWEST_POINTS)
    x = np.concatenate([_crowded(a, b, n) for (a, b), n in zip(ends, counts, strict=True)])
    stops = np.cumsum(counts) - 1
    y = np.zeros(x.shape)
    inner = np.ones(x.shape, dtype=bool)
    inner[np.concatenate([[0], stops, stops[:-1] + 1])] = False
    at = x[inner]
    y[inner] = 2 * at * law.density(at**2) if squared else law.density(at)
    if squared and support[0, 0] <= _ROUNDING * support[-1, 1]:
        # At a hard edge (a square matrix) the curve starts at a height, not at zero.
        y[0] = y[1]
    between = stops[:-1] + 1
    return np.insert(x, between, np.nan), np.insert(y, between, np.nan)


def _crowded(low: float, high: float, count: int) -> FloatArray:
    """Return Chebyshev points with both ends: they crowd where a density falls like a root."""
    x = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, count))
    x[[0, -1]] = low, high
    return np.asarray(x)
