"""A spectrum made ready for drawing: the histogram of the observed values and the law's curve."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit
from pastur.measures import ProbabilityMeasure

Fit = RectangularFit | SymmetricFit

_LEAST_BINS, _MOST_BINS = 8, 60
_GROWTH = 1.06
_CURVE_POINTS = 121


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts over consecutive bins, fine in the bulk and widening beyond its edges.

    Attributes
    ----------
    bins : array, shape (k + 1,)
        Ascending limits; an edge of the noise inside the range is one of them.
    counts : array of int, shape (k,)
    density : array, shape (k,)
        Counts over their total and the width of their bin: the areas add up to 1.
    """

    bins: FloatArray
    counts: np.ndarray[tuple[int], np.dtype[np.int64]]

    @property
    def density(self) -> FloatArray:
        """Return the height of each bar."""
        return np.asarray(self.counts / (self.counts.sum() * np.diff(self.bins)))


def noise_interval(fit: Fit) -> tuple[float, float]:
    """Return the interval that the noise keeps to, in singular values or eigenvalues."""
    return (0.0 if isinstance(fit, RectangularFit) else -fit.edge), fit.edge


def histogram(fit: Fit, values: FloatArray) -> Histogram:
    """Return the histogram of all `values`: singular values, or eigenvalues of a symmetric fit.

    Inside the noise interval the bins are equal, and as many as 1.5 times the root of the number of
    values there (8 to 60). Outside each is 6 % wider than its neighbour, so that a spike far away
    costs few bins. All bins are equal where there is no noise.
    """
    values = np.sort(values)
    low, high = noise_interval(fit)
    bulk = values[(values >= low) & (values <= high)]
    if values[0] == values[-1]:
        half = abs(values[0]) / 20 or 0.5
        limits = np.array([values[0] - half, values[0] + half])
    elif fit.sigma == 0.0 or bulk.size < 2 or bulk[0] == bulk[-1]:
        limits = np.linspace(values[0], values[-1], _bins(values) + 1)
    else:
        start = low if values[0] < low else float(bulk[0])
        stop = high if values[-1] > high else float(bulk[-1])
        inner = np.linspace(start, stop, _bins(bulk) + 1)
        width = inner[1] - inner[0]
        below = start - _widening(start - values[0], width)[::-1]
        above = stop + _widening(values[-1] - stop, width)
        limits = np.concatenate([below, inner, above])
    counts, _ = np.histogram(values, limits)
    return Histogram(limits, counts)


def law_curve(fit: Fit, size: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the fitted law's density as points x, y, one gap-free run for each interval.

    The law of a rectangular fit is that of squared singular values, with density ρ: singular
    values have the density 2sρ(s²). With `size` values observed the curve is scaled by the share
    of them that belong to the bulk: neither spikes nor zero to rounding. A NaN stands between two
    intervals; without noise there is no point at all.
    """
    squared = isinstance(fit, RectangularFit)
    runs = [_run(fit.law, low, high, squared) for low, high in fit.law.support if high > low]
    if not runs:
        return np.empty(0), np.empty(0)
    share = 1.0 if size is None else (size - fit.rank - fit.zeros) / size
    x, y = (np.concatenate(part)[:-1] for part in zip(*runs, strict=True))
    return x, share * y


def _bins(values: FloatArray) -> int:
    return int(np.clip(1.5 * np.sqrt(values.size), _LEAST_BINS, _MOST_BINS))


def _widening(length: float, width: float) -> FloatArray:
    """Return distances 1.06·width, … that grow geometrically and reach past `length`."""
    if length <= 0:
        return np.empty(0)
    steps = int(np.ceil(np.log1p(length / width * (_GROWTH - 1) / _GROWTH) / np.log(_GROWTH))) + 1
    return np.asarray(width * np.cumsum(_GROWTH ** np.arange(1, steps + 1)))


def _run(
    law: ProbabilityMeasure, low: float, high: float, squared: bool
) -> tuple[FloatArray, FloatArray]:
    # Chebyshev points crowd at the ends, where the density falls like a square root.
    ends = np.sqrt([max(low, 0.0), high]) if squared else np.array([low, high])
    angle = np.linspace(np.pi, 0, _CURVE_POINTS)
    x = ends.mean() + (ends[1] - ends[0]) / 2 * np.cos(angle)
    x[[0, -1]] = ends
    inner = x[1:-1]
    y = 2 * inner * law.density(inner**2) if squared else law.density(inner)
    # At a hard edge (a square matrix) the curve starts at a height, not at zero.
    first = y[0] if squared and low <= 0 else 0.0
    return np.append(x, np.nan), np.concatenate([[first], y, [0.0, np.nan]])
