"""Assumptions 1 to 3, checked on a sequence of matrices or of spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pastur._checks import real_array, vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.intervals import union
from pastur._typing import ArrayLike, ComplexArray, FloatArray
from pastur.experiments.claims._testing.rates import SIGMAS, fit_rate
from pastur.figures import Panel, Series
from pastur.measures import Measure, ProbabilityMeasure
from pastur.models.signal_sequence import off_support

_FEWEST = 3
# Of a quantity without a trend: the chance of being taken for one with a trend.
_CHANCE = 0.01
_GRID, _ARC = 400, 2000
# A quantity that changes by less than this factor has no trend to see.
_CHANGES = 1.5
# Below this, in the units of the transforms, a distance is rounding, which N/r has multiplied.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Trend:
    """A quantity along the sequence, and its exponent: the slope of its log against log N.

    The standard error is that of the scatter about the line, which few sizes hardly show: the
    exponent has to exceed a quantile of Student's law (`needed`), 32 errors for three sizes and 4.5
    for five. A quantity without a trend does so with a probability of 1 % at most.

    Attributes
    ----------
    values : ndarray, shape (k,)
    exponent, error : float
        NaN where all values are 0 up to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import Atoms
    >>> from pastur.experiments import check_assumptions
    >>> signals = [np.repeat([2.0, 0.0], [r, r * r - r]) for r in (10, 20, 40)]
    >>> trend = check_assumptions(signals, Atoms([0.0]), nu1=Atoms([2.0]) - Atoms([0.0])).rank
    >>> trend.values, round(trend.exponent, 1)
    (array([10., 20., 40.]), 0.5)
    """

    values: FloatArray
    exponent: float
    error: float

    @property
    def vanishes(self) -> bool:
        """Whether it tends to 0 as far as the sequence shows: the exponent is surely negative."""
        return bool((self.values < _ROUNDING).all()) or self._exceeds(-1, self.needed)

    @property
    def grows(self) -> bool:
        """Whether it tends to infinity as far as the sequence shows."""
        return self._exceeds(1, self.needed)

    @property
    def may_vanish(self) -> bool:
        """Whether it vanishes, or more sizes with the same scatter could show that it does."""
        return self.vanishes or self._exceeds(-1, SIGMAS)

    @property
    def may_grow(self) -> bool:
        """Whether it grows, or more sizes with the same scatter could show that it does."""
        return self._exceeds(1, SIGMAS)

    @property
    def needed(self) -> float:
        """Standard errors that the exponent has to exceed."""
        return errors_needed(self.values.size)

    @property
    def words(self) -> str:
        """The last value, and how it changes with N."""
        last = f"{self.values[-1]:.3g} at the largest N"
        if np.isnan(self.exponent):
            return f"{last}, 0 up to rounding" if self.vanishes else last
        return f"{last}, {power_words(self.exponent, self.error)}"

    def _exceeds(self, sign: int, errors: float) -> bool:
        return bool(sign * self.exponent > errors * self.error)


def errors_needed(count: int) -> float:
    """Return how many standard errors from 0 an exponent of `count` points cannot be by chance.

    Four, or where that is more the quantile of Student's law for the scatter of so few points.

    Examples
    --------
    >>> [round(errors_needed(count), 1) for count in (3, 4, 5, 6, 20)]
    [31.8, 7.0, 4.5, 4.0, 4.0]
    """
    from scipy.special import stdtrit

    return max(SIGMAS, float(stdtrit(count - 2, 1 - _CHANCE)))


@dataclass(frozen=True, repr=False)
class AssumptionReport:
    """What `check_assumptions` found, N by N, ascending.

    Attributes
    ----------
    sizes : ndarray of int, shape (k,)
    rank : Trend
        r(N), eigenvalues off supp ν₀; its exponent is the growth exponent.
    rank_share : Trend
        r(N)/N.
    distance : Trend
        Between ν and ν₀, Assumption 1.
    distance_1 : Trend
        Between (N/r)(ν − ν₀) and ν₁, Assumption 3.
    second_moment : Trend
        ``|(N/r)∫t² d(ν − ν₀) − ∫t² dν₁|``.
    outside_mass, inside_mass : float
        ν₁ outside and on supp ν₀; they should be 1 and −1.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import Atoms
    >>> from pastur.experiments import check_assumptions
    >>> signals = [np.repeat([2.0, 0.0], [r, r * r - r]) for r in (10, 20, 40)]
    >>> report = check_assumptions(signals, Atoms([0.0]), nu1=Atoms([2.0]) - Atoms([0.0]))
    >>> round(report.rank.exponent, 1)
    0.5
    """

    sizes: FloatArray
    rank: Trend
    rank_share: Trend
    distance: Trend
    distance_1: Trend
    second_moment: Trend
    outside_mass: float
    inside_mass: float

    def __repr__(self) -> str:
        return "\n".join(["AssumptionReport", *(f"  {line}" for line in self.sentences())])

    def sentences(self) -> list[str]:
        """Return the verdict on each assumption, with the figures that it rests on."""
        low, high = int(self.sizes.min()), int(self.sizes.max())
        masses = f"masses of ν₁ {self.outside_mass:.4g} off supp ν₀, {self.inside_mass:.4g} on it"
        parts = (
            (
                self._verdict(self.assumption_1, self.distance.may_vanish),
                "Assumption 1, ν → ν₀",
                [f"distance {self.distance.words}"],
            ),
            (
                self._verdict(self.assumption_2, self.rank.may_grow and self.rank_share.may_vanish),
                "Assumption 2, r → ∞ and r = o(N)",
                [f"r {self.rank.words}", f"r/N {self.rank_share.words}"],
            ),
            (
                self._verdict(
                    self.assumption_3,
                    self.distance_1.may_vanish and self.second_moment.may_vanish and self._masses,
                ),
                "Assumption 3, (N/r)(ν − ν₀) → ν₁",
                [
                    f"distance {self.distance_1.words}",
                    f"second moment off by {self.second_moment.words}",
                    masses,
                ],
            ),
        )
        head = f"{self.sizes.size} signals, N from {low} to {high}"
        return [head] + [f"{name}: {verdict}. {'; '.join(why)}." for verdict, name, why in parts]

    @property
    def rule(self) -> str:
        """What "holds" means here, with the chance of error."""
        return (
            f"Holds: with {self.sizes.size} signals the exponent has the right sign by more than "
            f"{errors_needed(self.sizes.size):.3g} standard errors, which chance alone exceeds "
            f"at most once in {1 / _CHANCE:.0f} quantities. Of finitely many sizes no limit can "
            "be proved."
        )

    def _verdict(self, holds: bool, may_hold: bool) -> str:
        if holds:
            return "holds"
        return "TOO FEW SIZES TO SAY" if may_hold else "DOES NOT SHOW"

    @property
    def holds(self) -> bool:
        """Whether the sequence shows all three."""
        return self.assumption_1 and self.assumption_2 and self.assumption_3

    @property
    def assumption_1(self) -> bool:
        """Whether ν tends to ν₀."""
        return self.distance.vanishes

    @property
    def assumption_2(self) -> bool:
        """Whether r → ∞ and r/N → 0."""
        return self.rank.grows and self.rank_share.vanishes

    @property
    def assumption_3(self) -> bool:
        """Whether (N/r)(ν − ν₀) tends to ν₁, second moment included, of masses 1 and −1."""
        return self.distance_1.vanishes and self.second_moment.vanishes and self._masses

    @property
    def _masses(self) -> bool:
        return abs(self.outside_mass - 1) < 1e-6 and abs(self.inside_mass + 1) < 1e-6


def check_assumptions(
    sequence: Sequence[ArrayLike], nu0: ProbabilityMeasure, *, nu1: Measure
) -> AssumptionReport:
    """Ask of a sequence of signals whether it meets Assumptions 1 to 3 with these limits.

    Weak convergence is measured by Stieltjes transforms: the distance of two measures is
    ``max |g₁(x + ih) − g₂(x + ih)|`` for x along both supports, h a quarter of their width. For
    measures of bounded variation it tends to 0 if and only if they converge vaguely; that no mass
    runs off is what the second moment of Assumption 3 is for.

    Parameters
    ----------
    sequence : sequence of array_like
        At least three signals S of different sizes: symmetric matrices, or vectors of all their
        eigenvalues.
    nu0 : ProbabilityMeasure
        The candidate for ν₀, of bounded support.
    nu1 : Measure
        The candidate for ν₁, signed.

    Returns
    -------
    AssumptionReport

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the sequence is too short, of one size only, not symmetric or not finite; or if the
        limits are not measures.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.measures import Atoms
    >>> spectra = [np.repeat([2.0, 0.0], [r, r * r - r]) for r in (10, 20, 40)]
    >>> report = check_assumptions(spectra, Atoms([0.0]), nu1=Atoms([2.0]) - Atoms([0.0]))
    >>> report.assumption_1, report.assumption_2, report.assumption_3
    (True, True, True)
    >>> round(report.rank.exponent, 2)
    0.5
    """
    if not isinstance(nu0, ProbabilityMeasure) or not isinstance(nu1, Measure):
        raise InvalidTypeError(
            "`nu0` must be a probability measure and `nu1` a measure, such as Atoms([0.0]) and "
            f"Atoms([2.0]) - Atoms([0.0]). Got {type(nu0).__name__} and {type(nu1).__name__}."
        )
    if not (np.isfinite(nu0.support).all() and np.isfinite(nu1.support).all()):
        raise InvalidInputError("`nu0` and `nu1` must have bounded support. Cut their tails off.")
    spectra = _spectra(sequence)
    sizes = np.array([values.size for values in spectra], dtype=np.float64)
    z = _grid(nu0, nu1)
    ranks = np.array(
        [off_support(values, nu0.support).sum() for values in spectra], dtype=np.float64
    )
    g = [(1 / (values[:, None] - z)).mean(axis=0) for values in spectra]
    base, limit = np.asarray(nu0.stieltjes(z)), np.asarray(nu1.stieltjes(z))
    scaled = sizes / np.maximum(ranks, 1)
    second = np.array([float((values**2).mean()) for values in spectra]) - nu0.moment(2)
    apart = np.array([np.abs(of - base).max() for of in g])
    apart_1 = [np.abs(s * (of - base) - limit).max() for s, of in zip(scaled, g, strict=True)]
    inside = _mass_on(nu1, nu0.support)
    return AssumptionReport(
        sizes=sizes,
        rank=_trend(sizes, ranks),
        rank_share=_trend(sizes, ranks / sizes),
        distance=_trend(sizes, apart),
        distance_1=_trend(sizes, np.array(apart_1)),
        second_moment=_trend(sizes, np.abs(scaled * second - nu1.moment(2))),
        outside_mass=nu1.mass - inside,
        inside_mass=inside,
    )


def power_words(exponent: float, error: float) -> str:
    """Return a power of N with its standard error, in words."""
    # Adding 0 makes a −0 a 0.
    return f"like N^{round(exponent, 2) + 0.0:.2f} ± {error:.2f}"


def assumption_panels(report: AssumptionReport) -> list[Panel]:
    """Return a panel for each quantity of a report, against N, with the fitted power.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.measures import Atoms
    >>> spectra = [np.repeat([2.0, 0.0], [r, r * r - r]) for r in (10, 20, 40)]
    >>> report = check_assumptions(spectra, Atoms([0.0]), nu1=Atoms([2.0]) - Atoms([0.0]))
    >>> len(assumption_panels(report))
    5
    """
    titles = {
        "distance": "Assumption 1: distance of ν from ν₀",
        "rank": "Assumption 2: r, which should grow",
        "rank_share": "Assumption 2: r/N, which should vanish",
        "distance_1": "Assumption 3: distance of (N/r)(ν − ν₀) from ν₁",
        "second_moment": "Assumption 3: error of the second moment",
    }
    panels = []
    for name, title in titles.items():
        trend: Trend = getattr(report, name)
        # What hardly changes is drawn from 0 on: blown up, it would look like a trend.
        changes = bool(trend.values.max() > _CHANGES * trend.values.min() > 0)
        series = [Series("", report.sizes, trend.values)]
        if not np.isnan(trend.exponent):
            rate = fit_rate(report.sizes, trend.values, np.zeros(trend.values.size))
            series.append(rate.line(report.sizes, power_words(trend.exponent, trend.error)))
        panels.append(Panel(title, "N", "", series, y_axis="log" if changes else "from zero"))
    return panels


def _spectra(sequence: Sequence[ArrayLike]) -> list[FloatArray]:
    found = [_spectrum(f"sequence[{i}]", entry) for i, entry in enumerate(sequence)]
    if len({values.size for values in found}) < _FEWEST:
        raise InvalidInputError(
            f"`sequence` must hold signals of at least {_FEWEST} different sizes, or no rate can "
            f"be seen. Got the sizes {sorted({values.size for values in found})}."
        )
    return sorted(found, key=lambda values: values.size)


def _spectrum(name: str, entry: ArrayLike) -> FloatArray:
    array = real_array(name, entry)
    if array.ndim < 2:
        return vector(name, array)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    if not square or not np.allclose(array, array.T):
        raise InvalidInputError(
            f"`{name}` must be a symmetric matrix or a vector of eigenvalues. "
            f"Got {'a matrix that is not symmetric' if square else f'shape {array.shape}'}."
        )
    return np.linalg.eigvalsh(array.astype(np.float64))


def _grid(nu0: Measure, nu1: Measure) -> ComplexArray:
    """A line above both supports; eigenvalues that run off are seen by the second moment."""
    ends = np.concatenate([nu0.support, nu1.support])
    low, high = float(ends.min()), float(ends.max())
    width = high - low if high > low else max(abs(low), 1.0)
    return np.asarray(np.linspace(low - width / 2, high + width / 2, _GRID) + 0.25j * width)


def _mass_on(nu1: Measure, support: FloatArray) -> float:
    """Mass of ν₁ on supp ν₀, by Cauchy's formula on circles through the gaps between all parts.

    Parts of ν₁ that touch supp ν₀ count as on it.
    """
    pieces = union(np.concatenate([nu1.support, support]))
    room = max(float(np.ptp(pieces)), 1.0)
    walls = np.concatenate(
        [[pieces[0, 0] - room], (pieces[1:, 0] + pieces[:-1, 1]) / 2, [pieces[-1, 1] + room]]
    )
    turn = np.exp(1j * np.pi * (np.arange(_ARC) + 0.5) / _ARC)
    total = 0.0
    for (low, high), left, right in zip(pieces, walls[:-1], walls[1:], strict=True):
        if ((support[:, 0] >= low) & (support[:, 1] <= high)).any():
            arc = (right - left) / 2 * turn
            g = np.asarray(nu1.stieltjes((left + right) / 2 + arc))
            total -= float((g * arc).real.mean())
    return total


def _trend(sizes: FloatArray, values: FloatArray) -> Trend:
    if (values < _ROUNDING).any():
        return Trend(values, float("nan"), float("nan"))
    rate = fit_rate(sizes, values, np.zeros(values.size))
    return Trend(values, rate.slope, rate.error)
