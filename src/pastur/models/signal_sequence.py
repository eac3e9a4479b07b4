"""Signals of growing rank: spectra of S at every size whose laws tend to a given ν₀ and ν₁."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._arrays import KeepsLocked
from pastur._checks import positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.measures import Measure, ProbabilityMeasure
from pastur.measures._contract.quantiles import quantile_by_pieces

# How far the masses of ν₁ on and off the support may be from −1 and 1.
_MASS = 1e-6
# A value is off a support where it is this far from it, as a share of the spectrum's width.
_OFF = 1e-9
# Parts of a support that are named.
_LISTED = 3
# Points of each interval at which signs are compared, and what is 0 to rounding.
_POINTS, _ROUNDING = 200, 1e-12


@dataclass(frozen=True, eq=False)
class SignalSequence(KeepsLocked):
    """Signals S of every size N and rank r that meet Assumptions 1 to 3 with the limits ν₀ and ν₁.

    The eigenvalues are the quantiles of ``ν₀ + (r/N)ν₁`` at the levels (j − ½)/N, so that r of
    them (to within one for each part of ν₁ off the bulk) lie off supp ν₀. Nothing is random.

    Parameters
    ----------
    nu0 : ProbabilityMeasure
        ν₀, the limit of the spectral law of S, of bounded support.
    nu1 : Measure
        ν₁, the limit of (N/r)(ν − ν₀): of mass 1 and not negative off supp ν₀, of mass −1 on it.
        Spikes that replace a share of the whole bulk: ``spikes - nu0``.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If they are not such measures.

    Examples
    --------
    >>> from pastur.measures import Atoms, Uniform
    >>> sequence = SignalSequence(Atoms([0.0]), Uniform(2.0, 3.0) - Atoms([0.0]))
    >>> sequence.eigenvalues(10, 4)
    array([2.875, 2.625, 2.375, 2.125, 0.   , 0.   , 0.   , 0.   , 0.   , 0.   ])
    """

    nu0: ProbabilityMeasure
    nu1: Measure

    def __post_init__(self) -> None:
        if not isinstance(self.nu0, ProbabilityMeasure) or not isinstance(self.nu1, Measure):
            raise InvalidTypeError(
                "`nu0` must be a probability measure and `nu1` a measure, such as Atoms([0.0]) and "
                f"Uniform(2, 3) - Atoms([0.0]). Got {type(self.nu0).__name__} and "
                f"{type(self.nu1).__name__}."
            )
        for name, measure in (("nu0", self.nu0), ("nu1", self.nu1)):
            if not np.isfinite(measure.support).all():
                raise InvalidInputError(f"`{name}` must have bounded support. Cut its tails off.")
        self._check_masses()
        self._check_sign()

    def eigenvalues(self, size: int, rank: int) -> FloatArray:
        """Return all N eigenvalues of S, descending.

        Parameters
        ----------
        size : int
            N.
        rank : int
            r, below N.

        Raises
        ------
        InvalidInputError
            If r is not below N, or ν₁ takes more from the bulk than ν₀ has there at this r/N.
        """
        n, r = positive_integer("size", size), positive_integer("rank", rank)
        if r >= n:
            raise InvalidInputError(f"`rank` must be below `size`. Got {r} and {n}.")
        law: Measure = self.nu0 + r / n * self.nu1
        self._check_positive(law, n, r)
        levels = 1 - (np.arange(n) + 0.5) / n
        return quantile_by_pieces(law.support, law.atoms, law._cdf, law._sf, levels)

    def _check_masses(self) -> None:
        inside = float(self.nu1.measure_of(self.nu0.support).sum())
        outside = self.nu1.mass - inside
        if abs(outside - 1) > _MASS or abs(inside + 1) > _MASS:
            hint = "Spikes in place of a share of the whole bulk are: spikes - nu0."
            if abs(self.nu1.mass) <= _MASS and outside < 1:
                hint = (
                    f"Spikes of the mass {1 - outside:.4g} are missing: on the support of `nu0`, "
                    f"{_words(self.nu0.support)}, an eigenvalue belongs to the bulk and is none."
                )
            raise InvalidInputError(
                "`nu1` must have the mass 1 off the support of `nu0`, the spikes, and −1 on it, "
                f"the eigenvalues that they replace (Assumption 3). Got {outside:.6g} and "
                f"{inside:.6g}. {hint}"
            )

    def _check_sign(self) -> None:
        """Off the support of ν₀ there is nothing that ν₁ could take away."""
        points, weights = self.nu1.atoms.T
        x = _inner_points(self.nu1.support)
        low = [*points[(weights < 0) & off_support(points, self.nu0.support)]]
        low += [*x[(self.nu1.density(x) < -_ROUNDING) & off_support(x, self.nu0.support)]]
        if low:
            raise InvalidInputError(
                f"`nu1` is negative at {low[0]:g}, off the support of `nu0`, where the signal has "
                "no eigenvalue to lose."
            )

    def _check_positive(self, law: Measure, size: int, rank: int) -> None:
        points, weights = law.atoms.T
        x = _inner_points(self.nu0.support)
        low = [*points[weights < -_ROUNDING], *x[law.density(x) < -_ROUNDING]]
        if low:
            raise InvalidInputError(
                f"At N = {size} and r = {rank}, `nu1` takes more eigenvalues from the bulk at "
                f"{low[0]:g} than `nu0` has there. Take fewer spikes, or spread what they replace."
            )


def off_support(values: FloatArray, support: FloatArray) -> Any:
    """Return whether each value is off the support by more than rounding leaves."""
    if not values.size:
        return np.zeros(0, dtype=bool)
    width = max(float(np.ptp(values)), float(np.ptp(support)), float(np.abs(values).max()))
    margin = _OFF * width
    index = np.maximum(np.searchsorted(support[:, 0], values, side="right") - 1, 0)
    after = np.minimum(index + 1, len(support) - 1)
    before = (values >= support[index, 0] - margin) & (values <= support[index, 1] + margin)
    return ~(before | ((values >= support[after, 0] - margin) & (values <= support[after, 1])))


def _words(support: FloatArray) -> str:
    """Return the intervals and points of a support, the first few of many."""
    ends = [
        f"[{low:.4g}, {high:.4g}]" if high > low else f"{low:.4g}"
        for low, high in support[:_LISTED].tolist()
    ]
    return ", ".join([*ends, "…"] if len(support) > _LISTED else ends)


def _inner_points(support: FloatArray) -> FloatArray:
    """Points inside the intervals of a support; atoms have none."""
    intervals = support[support[:, 1] > support[:, 0]]
    shares = (np.arange(_POINTS) + 0.5) / _POINTS
    return np.asarray((intervals[:, :1] + (intervals[:, 1:] - intervals[:, :1]) * shares).ravel())
