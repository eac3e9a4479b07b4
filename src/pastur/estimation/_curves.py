"""What a picture of a spectrum shows: the histogram, the law's curve, the edges, the spikes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._free.leading import standing_out
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.verdict import Verdict
from pastur.measures._contract.curve import density_curve

_LEAST_BINS, _MOST_BINS = 8, 60
_GROWTH = 1.06
_MOST_LISTED = 8
# Without a law the bins are equal but for this share of the values on a side.
_TAIL = 0.1
# Relative distance at which values are drawn as one.
_ALIKE = 1e-12
# And within which a value and its row in a table agree, after a change of units.
_SAME = 1e-9


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

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(100, 200))
    >>> fit = pastur.fit_rectangular(W)
    >>> found = pastur.figures.histogram(fit, np.linalg.svd(W, compute_uv=False))
    >>> bool((np.diff(found.bins) > 0).all()), int(found.counts.sum())
    (True, 100)
    """

    bins: FloatArray
    counts: np.ndarray[tuple[int], np.dtype[np.int64]]

    @property
    def density(self) -> FloatArray:
        """Return the height of each bar."""
        # Of values near 1e-310 it is beyond the doubles.
        with np.errstate(over="ignore"):
            return np.asarray(self.counts / (self.counts.sum() * np.diff(self.bins)))


@dataclass(frozen=True, eq=False)
class DrawnSpectrum:
    """What a picture of one spectrum shows: every renderer takes it from here.

    Attributes
    ----------
    fit : Fit
    values : array or None
        All observed values, where there are any to show.
    """

    fit: Fit
    values: FloatArray | None = None

    @property
    def word(self) -> str:
        """What the values that are shown are called."""
        name = self.fit.kind.value_name
        return f"{name} of the matrix scaled to one variance" if self.scaled else name

    @property
    def keyword(self) -> str:
        """The argument that takes the observed values."""
        return f"{self.fit.kind.value_name.replace(' ', '_')}s"

    @property
    def scaled(self) -> bool:
        """Whether the spectrum is that of the matrix which a profile scales to one variance."""
        return self.fit.profile is not None and self.counted

    @property
    def observed(self) -> FloatArray | None:
        """The values that are shown."""
        profile = self.fit.profile
        if self.values is None or profile is None or not self.scaled:
            return self.values
        return profile.values

    @property
    def noisy(self) -> bool:
        """Whether there is a law of noise of the values shown, and with it an edge."""
        return bool(self.fit.sigma) and (self.fit.profile is None or self.scaled)

    @property
    def lawless(self) -> bool:
        """Whether no law of noise is claimed: there is neither curve nor edge."""
        return self.fit.sigma is None

    @property
    def noise_interval(self) -> tuple[float, float]:
        """The interval that the noise keeps to."""
        return getattr(self.fit, "lower_edge", 0.0), self.fit.edge

    @property
    def bulk_interval(self) -> tuple[float, float]:
        """The interval that noise and undetached signal keep to; spikes lie beyond."""
        if self.fit.bulk_edge is None:
            return self.noise_interval
        return getattr(self.fit, "lower_bulk_edge", 0.0), self.fit.bulk_edge

    @property
    def wider(self) -> bool:
        """Whether undetached signal reaches beyond the noise, so that there are two edges."""
        return self.noisy and not np.allclose(self.bulk_interval, self.noise_interval, rtol=1e-6)

    @cached_property
    def bulk_end(self) -> float:
        """Where the bulk ends: without a law, at the largest value that does not stand out.

        0 without noise: there is no bulk.
        """
        if self.noisy or self.fit.sigma == 0.0:
            return self.bulk_interval[1] if self.noisy else 0.0
        assert self.values is not None
        marked = np.isclose(self.values[:, None], self.spikes, rtol=_SAME, atol=0.0).any(axis=1)
        return float(np.abs(self.values[~marked]).max(initial=0.0))

    @cached_property
    def bars(self) -> Histogram:
        """The histogram of the observed values."""
        assert self.observed is not None
        return histogram(self.fit, self.observed)

    @cached_property
    def law(self) -> tuple[FloatArray, FloatArray]:
        """The curve of the law, scaled to the share of the observed values that it describes."""
        if not self.noisy:
            return np.empty(0), np.empty(0)
        return law_curve(self.fit, None if self.observed is None else self.observed.size)

    @property
    def law_name(self) -> str:
        """What the curve is; empty where there is none."""
        if not self.noisy:
            return ""
        untested = self.fit.goodness.verdict == Verdict.TOO_SMALL
        fault = ", which was not tested" if untested else ", which does not fit"
        return law_name(self.fit) + ("" if self.counted else fault)

    @property
    def counted(self) -> bool:
        """Whether spikes count: a law of noise is claimed, tested, and not contradicted."""
        return not self.lawless and self.fit.goodness.fits

    @property
    def marked(self) -> AnyArray:
        """The rows of the values with a marker: the spikes, or what stands out if none count."""
        return self.fit.spikes if self.counted else self.fit.standing_out

    @cached_property
    def stands_out(self) -> AnyArray:
        """Which leading directions stand out from the rest."""
        return standing_out(self.fit.kind, self.fit.leading)

    @property
    def listed(self) -> AnyArray:
        """The places of the leading directions to list: the first few, and all that stand out."""
        first = np.arange(self.stands_out.size) < _MOST_LISTED
        return np.flatnonzero(first | self.stands_out)

    @property
    def spikes(self) -> FloatArray:
        """The values with a marker."""
        return np.asarray(self.marked["observed"], dtype=np.float64)

    def over_edge(self, values: FloatArray) -> FloatArray:
        """Return values over the end of the bulk; they may be hundreds of decades apart."""
        with np.errstate(over="ignore"):
            return np.asarray(values / self.bulk_end)


def histogram(fit: Fit, values: FloatArray) -> Histogram:
    """Return the histogram of all `values`: singular values, or eigenvalues of a symmetric fit.

    Inside the bulk the bins are equal, and as many as 1.5 times the root of the number of values
    there (8 to 60). Outside each is 6 % wider than its neighbour, so that a spike far away costs
    few bins. All bins are equal where there is no noise. Without a law the bulk is all but a tenth
    of the values on each side where it has an edge.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(100, 200))
    >>> fit = pastur.fit_rectangular(W)
    >>> found = pastur.figures.histogram(fit, np.linalg.svd(W, compute_uv=False))
    >>> int(found.counts.sum()), found.bins.size - found.counts.size
    (100, 1)
    """
    values, drawn = np.sort(values), DrawnSpectrum(fit)
    known = drawn.noisy or fit.sigma == 0.0
    low, high = drawn.bulk_interval if known else _most(fit, values)
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
    and the law is that of all. A NaN stands between two intervals; without noise, or where no law
    is claimed, there is no point at all.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(100, 200))
    >>> fit = pastur.fit_rectangular(W)
    >>> x, y = pastur.figures.law_curve(fit)
    >>> x.size == y.size, bool(x.min() < fit.edge)
    (True, True)
    """
    if not fit.sigma:
        return np.empty(0), np.empty(0)
    outside = fit.zeros + (0 if fit.growing else fit.rank)
    share = 1.0 if size is None else (size - outside) / size
    # In units of the edge, so that squares neither overflow nor vanish.
    unit = fit.edge
    x, y = density_curve(fit.law_in(unit), squared=fit.kind.squared)
    return unit * x, share * y / unit


def law_name(fit: Fit) -> str:
    """Return what the curve of `law_curve` is, for a legend; empty where no law is claimed.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(100, 200))
    >>> fit = pastur.fit_rectangular(W)
    >>> pastur.figures.law_name(fit)
    'law of the noise'
    """
    if fit.sigma is None:
        return ""
    return "law of noise and signal" if fit.growing else "law of the noise"


def _most(fit: Fit, values: FloatArray) -> tuple[float, float]:
    """Return the interval that holds all but the tails of ascending values."""
    tails = np.quantile(values, [_TAIL, 1 - _TAIL])
    return float(tails[0] if fit.kind.sides == 2 else values[0]), float(tails[1])


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
