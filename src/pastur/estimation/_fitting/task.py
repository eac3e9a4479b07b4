"""What is fitted, in units of the spectrum, and how findings get their names and units back."""

from dataclasses import dataclass, field
from functools import cached_property
from math import exp
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray, MaybeNone
from pastur.estimation._bounds.guarantee import sigma_guarantee, sigma_rms
from pastur.estimation._fitting.sentences import left_out
from pastur.estimation._free.leading import read_leading
from pastur.estimation._kinds.contract import Kind, in_unit
from pastur.estimation._observed.entries import DIFFERING
from pastur.estimation._observed.spectrum import Settings, Spectrum
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.noise_used import NoiseName, NoiseUsed
from pastur.estimation._result.sigma_bounds import SigmaBounds
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._result.verdict import Verdict
from pastur.measures import ProbabilityMeasure

_FOLLOWED, _UNTESTED = "the spectrum follows its law", "too few values to test its law"
_INDEPENDENT = (
    "the entries of the noise are independent, of one variance, and most directions carry no signal"
)
# Of a spectrum without its matrix: nothing shows the cumulant, which moves the edge.
_LIKE_GAUSSIAN = "the fourth cumulant of the entries is small, on which alpha rests"
_GENERAL_POSITION = "the directions that stand out are in general position to the rest"
_NOT_GIVEN = (
    "; the entries were not given, so that neither their tails nor the variances of rows and "
    "columns nor correlations between neighbours were checked"
)
_STREAMED = (
    "; the matrix was not at hand as a whole: neither the tails of its entries nor the variances "
    "of rows and columns nor correlations between neighbours were checked"
)
_NEXT_TO_BULK = "; next to a bulk the entries are not checked"


class Level(NamedTuple):
    """A noise level with its interval, and the edges of the noise, in units of the spectrum.

    The edges are those of the noise alone and of noise and undetached signal together; `at_most` is
    the upper end by deconvolution, where there was one.
    """

    sigma: float
    low: float
    high: float
    lower_edge: float
    edge: float
    lower_bulk_edge: float
    bulk_edge: float
    at_most: float | None = None


class Rank(NamedTuple):
    """The rank of the signal with its interval."""

    rank: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Task:
    """A spectrum, its kind and what is given with it."""

    spectrum: Spectrum
    kind: Kind
    asked: Settings

    @property
    def values(self) -> FloatArray:
        """The values, in units of the spectrum."""
        return self.spectrum.values

    @property
    def known(self) -> bool:
        """Whether σ was given."""
        return self.asked.sigma is not None

    @cached_property
    def share(self) -> float:
        """σ of what is left over that of the matrix: it has the same entries, but fewer."""
        return float(np.sqrt(self.kind.side / max(self.spectrum.shape)))

    @property
    def sigma(self) -> float | None:
        """The σ given."""
        sigma = self.asked.sigma
        return None if sigma is None else sigma * self.share / self.spectrum.unit

    @property
    def bulk(self) -> ProbabilityMeasure | None:
        """The bulk given."""
        bulk = self.asked.bulk
        return None if bulk is None else bulk.scale(1 / self.spectrum.unit)

    @cached_property
    def leading(self) -> AnyArray:
        """The leading directions read without a law, in units of the matrix."""
        part = self.spectrum.partial
        stretch, most = (1.0, None) if part is None else (part.stretch, part.known)
        leading = read_leading(self.kind, self.values, self.asked.alpha, stretch=stretch, most=most)
        return in_unit(leading, self.spectrum.unit)

    @cached_property
    def guarantee(self) -> float:
        """What σ does not exceed, whatever the signal."""
        part = self.spectrum.partial
        if part is None:
            return sigma_guarantee(self.kind, self.values, self.asked.alpha)
        # The others are not known one by one.
        found = sigma_guarantee(self.kind, self.values, self.asked.alpha, by_rank=False)
        return found * exp(self.z * part.energy_deviation / 2)

    def sigma_bounds(self, deconvolved: float | None, *, exact: bool) -> SigmaBounds:
        """Return the most that σ can be, in units of the matrix.

        Where its rank is `exact` noise is rounding at most, as more would fill all values.
        """
        unit = self.spectrum.unit / self.share
        return SigmaBounds(
            unit * (self.spectrum.least_sigma if exact else self.guarantee),
            None if deconvolved is None else unit * min(deconvolved, self.guarantee),
            unit * sigma_rms(self.kind, self.values),
        )

    def from_zero(self, level: Level) -> Level:
        """Return the level without a lower end, for signal that may lie within the noise.

        Weak signal adds to squares of singular values, so that σ comes out too large if at all. To
        eigenvalues, all of one sign, it adds a shift, and σ can come out too small as well.
        """
        if not self.kind.squared:
            return self.up_to_guarantee(level)
        return level._replace(low=0.0)

    def up_to_guarantee(self, level: Level) -> Level:
        """Return the level with an interval that needs nothing but white noise somewhere in it."""
        return level._replace(low=0.0, high=max(level.high, self.guarantee))

    @property
    def z(self) -> float:
        """Standard deviations between an estimate and the ends of its interval."""
        return -NormalDist().inv_cdf(self.asked.alpha / 2)

    @property
    def uneven(self) -> bool:
        """Whether white noise was asked for, and variances of rows or columns contradict it."""
        diagnosis = self.spectrum.diagnosis
        white = self.asked.noise == NoiseName.WHITE and self.bulk is None and not self.known
        return white and diagnosis is not None and diagnosis.differing > DIFFERING

    @property
    def remark(self) -> str:
        """What was left out, in sentences."""
        if self.asked.bulk is not None:
            return ""
        return left_out(self.spectrum.zero_sides, self.spectrum.zeros_inside)


class Assessment(NamedTuple):
    """Whether to rely on it."""

    goodness: Goodness
    status: Status


@dataclass(frozen=True, eq=False, repr=False)
class Found(Fit):
    """What was found, of no kind yet; `lower_edge` is 0 for singular values."""

    lower_edge: float | MaybeNone
    lower_bulk_edge: float | MaybeNone = field(default=None, kw_only=True)


def result(
    task: Task,
    level: Level,
    spikes: AnyArray,
    signal: Signal,
    rank: Rank,
    assessment: Assessment,
    *,
    growing: bool,
) -> Found:
    """Return what was found as a fit of the matrix, in its units."""
    unit, given = task.spectrum.unit, task.asked.sigma
    low, high = (unit * end / task.share for end in (level.low, level.high))
    return Found(
        shape=task.spectrum.shape,
        alpha=task.asked.alpha,
        sigma=given or unit * level.sigma / task.share,
        sigma_interval=(given, given) if given else (low, high),
        edge=unit * level.edge,
        lower_edge=unit * level.lower_edge,
        spikes=in_unit(spikes, unit),
        signal=Signal(unit * signal.points, signal.weights, task.asked.bulk),
        signal_rank=rank.rank,
        signal_rank_interval=(rank.low, rank.high),
        growing=growing,
        goodness=assessment.goodness,
        status=assessment.status,
        zeros=task.spectrum.zeros,
        noise=_white(task, assessment.goodness.verdict),
        leading=task.leading,
        sigma_bounds=task.sigma_bounds(level.at_most, exact=level.sigma == 0.0),
        bulk_edge=unit * level.bulk_edge,
        lower_bulk_edge=unit * level.lower_bulk_edge,
        partial=task.spectrum.partial,
    )


def result_without_law(task: Task, goodness: Goodness, reason: str, white: Found | None) -> Found:
    """Return what can be said without a law of noise, in the units of the matrix.

    Parameters
    ----------
    reason : str
        Why no law is claimed.
    white : Found or None
        The fit of white noise that was not believed.
    """
    exact = task.spectrum.noise_free
    bounds = task.sigma_bounds(None, exact=exact) if white is None else white.sigma_bounds
    return Found(
        shape=task.spectrum.shape,
        alpha=task.asked.alpha,
        sigma=None,
        sigma_interval=None,
        edge=None,
        lower_edge=None,
        spikes=np.empty(0, dtype=task.kind.fields),
        signal=Signal(np.empty(0), np.empty(0)),
        signal_rank=None,
        signal_rank_interval=None,
        growing=False,
        goodness=goodness,
        status=Status(True, 0.0, 0, "No law was fitted."),
        zeros=task.spectrum.zeros,
        noise=NoiseUsed(NoiseName.FREE, reason, _GENERAL_POSITION + _unchecked(task)),
        leading=task.leading,
        sigma_bounds=bounds,
        white=white,
        partial=task.spectrum.partial,
    )


def _white(task: Task, verdict: Verdict) -> NoiseUsed:
    asked = task.asked.noise == NoiseName.WHITE
    reason = "as asked for" if asked else _FOLLOWED
    if verdict == Verdict.TOO_SMALL and not asked:
        reason = _UNTESTED
    assumed = _INDEPENDENT
    if task.spectrum.diagnosis is None:
        assumed = f"{assumed}, and that {_LIKE_GAUSSIAN}{_unchecked(task)}"
    return NoiseUsed(NoiseName.WHITE, reason, assumed)


def _unchecked(task: Task) -> str:
    """Return what is to be said where the entries were not checked."""
    spectrum = task.spectrum
    if spectrum.diagnosis is not None:
        return ""
    if spectrum.streamed:
        return _STREAMED
    return _NOT_GIVEN if spectrum.matrix is None else _NEXT_TO_BULK
