"""A spectrum made ready for drawing: the histogram of the observed values and the law's curve."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit
from pastur.measures import ProbabilityMeasure

Fit = RectangularFit | SymmetricFit

_LEAST_BINS, _MOST_BINS = 8, 60
_GROWTH = 1.06
_CURVE_POINTS, _FEWEST_POINTS = 121, 9
# Relative distance at which values are drawn as one.
_ALIKE = 1e-12
# A lowest edge below this share of the highest is 0, known to rounding.
_ROUNDING = 1e-14


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
        # Of values near 1e-310 it is beyond the doubles.
        with np.errstate(over="ignore"):
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
    if _equal(values):
        half = abs(values[0]) / 20 or 0.5
        limits = np.array([values[0] - half, values[0] + half])
    elif fit.sigma == 0.0 or bulk.size < 2 or _equal(bulk):
        limits = np.linspace(values[0], values[-1], _bins(values) + 1)
    else:
        start = low if values[0] < low else float(bulk[0])
        stop = high if values[-1] > high else float(bulk[-1])
        inner = np.linspace(start, stop, _bins(bulk) + 1)
        width = inner[1] - inner[0]
        below = start - _widening(start - values[0], width)[::-1]
        above = stop + _widening(values[-1] - stop, width)
        limits = np.concatenate([below, inner, above])
    # Next to the least of all doubles there is no room for bins.
    limits = np.unique(limits)
    if limits.size < 2:
        limits = np.array([limits[0] - 0.5, limits[0] + 0.5])
    counts, _ = np.histogram(values, limits)
    return Histogram(limits, counts)


def law_curve(fit: Fit, size: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the fitted law's density as points x, y, one gap-free run for each interval.

    The law of a rectangular fit is that of squared singular values, with density ρ: singular
    values have the density 2sρ(s²). With `size` values observed the curve is scaled by the share
    of them that it describes: not those zero to rounding, nor spikes, unless their rank is growing
    and the law is that of all. A NaN stands between two intervals; without noise there is no point
    at all.
    """
    beside = fit.zeros + (0 if fit.growing else fit.rank)
    share = 1.0 if size is None else (size - beside) / size
    # In units of the edge, so that squares neither overflow nor vanish.
    unit = fit.edge
    x, y = density_curve(fit.law_in(unit), squared=isinstance(fit, RectangularFit))
    return unit * x, share * y / unit


def law_name(fit: Fit) -> str:
    """Return what the curve of `law_curve` is, for a legend."""
    return "law of noise and signal" if fit.growing else "law of the noise"


def density_curve(
    law: ProbabilityMeasure, *, squared: bool = False, points: int = _CURVE_POINTS
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


def _equal(values: FloatArray) -> bool:
    """Return whether ascending values are the same to rounding, so that no bin parts them."""
    return bool(values[-1] - values[0] <= _ALIKE * max(abs(values[0]), abs(values[-1])))


def _bins(values: FloatArray) -> int:
    return int(np.clip(1.5 * np.sqrt(values.size), _LEAST_BINS, _MOST_BINS))


def _widening(length: float, width: float) -> FloatArray:
    """Return distances 1.06·width, … that grow geometrically and reach past `length`."""
    if length <= 0:
        return np.empty(0)
    steps = int(np.ceil(np.log1p(length / width * (_GROWTH - 1) / _GROWTH) / np.log(_GROWTH))) + 1
    return np.asarray(width * np.cumsum(_GROWTH ** np.arange(1, steps + 1)))
