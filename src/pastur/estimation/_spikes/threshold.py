"""Strengths near the threshold: from the law of an outlier, given that it was detected.

A spike near the threshold is seen only where chance moved its outlier outwards, so that the law of
what is seen has to be cut off where nothing would have been. That law is known, whatever the other
values are: given these, the largest value y of Gaussian noise and a spike θ has the density

    e^V(y) Π|y − y_r| I(θ),    I = ∮ e^T(z) (z − y)^(−1/2) Π(z − y_r)^(−1/2) dz,

(in the coordinate of the law), I being the spherical integral of rank one, with T = Nθz/2σ² for
eigenvalues and ``e^T = z^(−ν/2) I_ν(mθ√z/σ²)``, ν = (m − n)/2, for squares of singular values. The
others enter by two slopes along y, `Kind.slopes`: without a spike the log density has the slope
``place − 2·outlier``, and the logarithm of the integrand without the factor of y itself has
``S = spike + outlier − place``, so that its saddle z belongs to the value ``y = z − 1/2S(z)``. Far
from the threshold ``spike − outlier`` is left of both, whose zero is the usual estimate and whose
slope gives its usual deviation. At the threshold the only error is that of the saddle, at any size.

Several spikes of one strength move together: their law is that of a shift of them all, their
distances being fixed. A spike as strong that is hidden among the others adds ``½ log(y − y_r)``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind, Slopes

# Farther than so many deviations from its limit the law of an outlier is hardly cut off: of the law
# at the end of the interval a seventh at most, which moves that end by four hundredths of itself.
_FAR = 3.0
# Where the limit leaves less room than this, it is where it leaves so much.
_NEAREST = 0.1
# Given that they are isolated, intervals hold for spikes that are so with at least this chance.
_SELDOM = 0.1
# In Tracy–Widom scales s, for x = (y − edge)/s, an outlier has the mean w² and the deviation 2√w,
# w growing along the spikes from 0 at the critical one. Up to w = 3, x = 9 a spike stays hidden
# with a chance of more than one in a hundred.
_MAY_HIDE = 9.0
# With so many hidden ones assumed the interval holds next to up to five.
_HIDDEN = 3
# The law is computed at so many points, up to so many deviations above the outlier.
_POINTS, _REACH = 400, 12.0
_STEP, _MOST_STEPS, _PRECISION = 1.2, 60, 1e-4


@dataclass(frozen=True, eq=False)
class Threshold:
    """The end of the noise beyond which outliers lie, all as distances in its direction.

    Attributes
    ----------
    edge, critical : float
        The end, and the spike at which an outlier leaves it.
    scale : float
        Of the Tracy–Widom law of noise alone.
    """

    edge: float
    critical: float
    scale: float


@dataclass(frozen=True, eq=False)
class Selected:
    """An outlier, or several that move together, and what selected it.

    Attributes
    ----------
    members : array
        The outliers, descending.
    limits : array
        What each had to exceed to be detected.
    isolation : float or None
        What an outlier had to exceed to be isolated; None where it is not.
    others : array
        All other values.
    deviation : float
        Standard deviation of an outlier.
    """

    members: FloatArray
    limits: FloatArray
    isolation: float | None
    others: FloatArray
    deviation: float

    @property
    def least_shift(self) -> float:
        """How far the members can move, inwards and so below 0, and still be detected."""
        last = self.members[-1]
        below = self.others[self.others < last]
        to_next = float(below.max() - last) if below.size else -np.inf
        nearest = max(float((self.limits - self.members).max()), to_next)
        return min(nearest, -_NEAREST * self.spread)

    @property
    def to_isolation(self) -> float:
        """How far a member can move inwards and still be isolated; no limit where it is not."""
        return -np.inf if self.isolation is None else self.isolation - float(self.members[-1])

    @property
    def spread(self) -> float:
        """Standard deviation of the mean of the members."""
        return float(self.deviation / self.members.size**0.5)

    @property
    def reach(self) -> float:
        """How far outwards the law is followed: never past a value that is not a member."""
        above = self.others[self.others > self.members[0]]
        most = _REACH * self.deviation
        return float(min(most, above.min() - self.members[0])) if above.size else most


def interval_given_detection(
    kind: Kind, sigma: float, threshold: Threshold, selected: Selected, *, tail: float
) -> tuple[float, float] | None:
    """Return the ends of the interval for the common strength of the outliers selected.

    It has the spikes of which neither so much nor so little has a chance below `tail`. An end at
    the critical spike stands for any weaker one as well. None where the law is not cut off near
    enough to matter.

    Notes
    -----
    At the lower end a few of the others may be spikes as strong, as long as such could be hidden;
    and the chance is that given isolation, as long as this is not too rare.
    """
    critical, isolation = threshold.critical, selected.to_isolation
    if -max(selected.least_shift, isolation) > _FAR * selected.spread:
        return None
    law = _shift_law(kind, sigma, threshold, selected)

    def too_low(theta: float, *, hidden: bool = False) -> float:
        below, not_isolated = law.shares_below(theta, [0.0, isolation], hidden=hidden)
        return float(tail * max(1 - not_isolated, _SELDOM) - (1 - below))

    def not_too_high(theta: float) -> float:
        return float(law.shares_below(theta, [0.0], hidden=False)[0]) - tail

    low = _root(too_low, critical)
    with_hidden = _root(lambda theta: too_low(theta, hidden=True), critical)
    if with_hidden == critical or law.below(with_hidden, threshold.edge, _MAY_HIDE):
        low = min(low, with_hidden)
    return low, _root(not_too_high, critical)


@dataclass(frozen=True, eq=False)
class _ShiftLaw:
    """What the law of a shift needs of the other values, on points z.

    Attributes
    ----------
    z : array
        Ascending.
    slopes : Slopes
    offset : float
        What `place` lacks at the edge of twice the critical slope; 0 for noise alone.
    hidden : array
        Part of the log density that hidden spikes add.
    shifts : array
        Ends of the cells in which the law has its masses.
    """

    kind: Kind
    variance: float
    scale: float
    members: FloatArray
    z: FloatArray
    slopes: Slopes
    offset: float
    hidden: FloatArray
    shifts: FloatArray

    def shares_below(self, theta: float, shifts: list[float], *, hidden: bool) -> FloatArray:
        """Return the chance of a shift below each of some, for spikes θ."""
        log_noise = _cumulated(self.slopes.place + self.offset - 2 * self.slopes.outlier, self.z)
        if hidden:
            log_noise = log_noise + self.hidden
        saddle, log_integral = self._spherical_integral(theta)
        middles = (self.shifts[1:] + self.shifts[:-1]) / 2
        places = self.members[:, None] + middles
        logs = np.interp(places, self.z, log_noise) + np.interp(places, saddle, log_integral)
        log = logs.sum(axis=0)
        share = np.append(0.0, np.cumsum(np.exp(log - log.max())))
        return np.asarray(np.interp(shifts, self.shifts, share / share[-1]))

    def _spherical_integral(self, theta: float) -> tuple[FloatArray, FloatArray]:
        """Return values y, ascending, and log I there, by the saddle at each of the points z.

        ``log I = ∫S dz − ½ log(S dy/dz)`` up to a constant.
        """
        spike = self.kind.spike_slope(theta, self.z, self.variance)
        slope = spike + self.slopes.outlier - self.slopes.place - self.offset
        z, slope = self.z[slope > 0], slope[slope > 0]
        if z.size < 2:
            # Then the spike has no part in the values that are near.
            return self.z, np.zeros(self.z.size)
        y = z - 1 / (2 * slope)
        rate = np.maximum(np.gradient(y, z), np.finfo(float).tiny)
        return y, _cumulated(slope, z) - 0.5 * np.log(slope * rate)

    def below(self, theta: float, edge: float, distance: float) -> bool:
        """Return whether the outlier of θ is expected within so many scales of the edge."""
        y = edge + distance * self.scale
        spike = self.kind.spike_slope(theta, np.array([y]), self.variance)[0]
        return bool(spike <= np.interp(y, self.z, self.slopes.outlier))


def _shift_law(kind: Kind, sigma: float, threshold: Threshold, selected: Selected) -> _ShiftLaw:
    members, variance, least = selected.members, sigma**2, selected.least_shift
    start, stop = members[-1] + least, members[0] + selected.reach
    # A value that equals a member but for rounding lies in between, where none can be.
    others = selected.others[(selected.others <= start) | (selected.others >= stop)]
    # Denser where the density may begin at a neighbouring value; neither end is a point.
    z = start + (stop - start) * (np.arange(1, _POINTS + 1) / (_POINTS + 1)) ** 1.5
    apart = kind.to_law(others) - kind.to_law(z)[:, None]
    m = (1 / apart).sum(axis=1) / (members.size + selected.others.size)
    edge = np.array([threshold.edge])
    critical = kind.spike_slope(threshold.critical, edge, variance)
    place = kind.slopes(edge, np.zeros(1), variance).place
    below = np.sort(others[others < members[-1]])[::-1][:_HIDDEN]
    from_hidden = kind.to_law(z)[:, None] - kind.to_law(below)
    return _ShiftLaw(
        kind,
        variance,
        threshold.scale,
        members,
        z,
        kind.slopes(z, m, variance),
        float((2 * critical - place)[0]),
        0.5 * np.log(from_hidden).sum(axis=1),
        np.linspace(least, selected.reach, _POINTS + 1),
    )


def _root(excess: Callable[[float], float], critical: float) -> float:
    """Return where a function that falls along the spikes has its zero, not below critical."""
    from scipy.optimize import brentq

    if excess(critical) <= 0:
        return critical
    top = critical * _STEP
    for _ in range(_MOST_STEPS):
        if excess(top) <= 0:
            return float(brentq(excess, top / _STEP, top, rtol=_PRECISION))
        top *= _STEP
    return top


def _cumulated(slope: FloatArray, x: FloatArray) -> FloatArray:
    return np.append(0.0, np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(x)))
