"""The law that a subordination function stands for, with exact cdf and quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models._subordination.contract import Subordination
from pastur.models._subordination.tail import LARGEST_LEVEL, Tail, tail_at

# By which two computations of the same level may differ.
ROUNDING = 1e-14


@dataclass(frozen=True, eq=False, repr=False)
class SubordinatedLaw(ProbabilityMeasure):
    """Spectral law of signal plus noise, exact on the real line.

    The density is Im g(x + i0)/π and the distribution function Im U(x + i0)/π, U the logarithmic
    potential, both in closed form in ω(x). There are no atoms. Where ω cannot be certified
    (residual of Φ(ω) = z above 1e-9 of its scale), a `NumericalError` is raised.
    """

    _map: Subordination
    _name: str

    def __repr__(self) -> str:
        return self._name

    @property
    def support(self) -> FloatArray:
        """Intervals of the support, ascending, shape (k, 2)."""
        return self._map.support

    def _density(self, x: FloatArray) -> FloatArray:
        _, bulk = self._map.interval_at(x)
        w = self._map.omega(x[bulk].astype(np.complex128))
        result = np.zeros(x.shape)
        with np.errstate(divide="ignore", invalid="ignore"):  # a hard edge is a pole
            # A signal that is nearly nothing may be less than nothing by a rounding.
            result[bulk] = np.maximum(self._map.transform(w).imag, 0.0) / np.pi
        result[np.isin(x, self.support[~self._map.soft])] = np.inf
        return result

    def _sf(self, x: FloatArray) -> FloatArray:
        index, bulk = self._map.interval_at(x)
        result = np.where(index < 0, 1.0, self._map.outer_levels[index, 1])
        level = self._log_potential(x[bulk].astype(np.complex128)).imag / np.pi
        # Rounded, a level next to an edge could be beyond that of the edge.
        left, right = self._map.outer_levels[index[bulk]].T
        result[bulk] = np.clip(level, right, left)
        return result

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._map.transform(self._map.omega(z))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return self._map.transform_derivative(self._map.omega(z))

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return self._map.potential(self._map.omega(z))

    def _quantile(self, q: FloatArray) -> FloatArray:
        result = self._inner_quantile(q)
        for side, mass in enumerate((q, 1 - q)):
            tail = self._tails[side]
            near = (mass > 0) & (mass <= LARGEST_LEVEL)
            if tail is not None and near.any():
                found = self.support[-side, side] + tail.distance(mass[near])
                result[near] = np.where(np.isnan(found), result[near], found)
        return result

    @cached_property
    def _tails(self) -> tuple[Tail | None, Tail | None]:
        """The law next to its lowest and highest edge, where it has a square root there."""
        critical, soft, ends = self._map.critical, self._map.soft, self._map.signal_ends
        left, right = critical[0, 0], critical[-1, 1]
        return (
            tail_at(self._map, left, ends[0] - left) if soft[0, 0] and left < ends[0] else None,
            tail_at(self._map, right, right - ends[1]) if soft[-1, 1] and right > ends[1] else None,
        )

    def _inner_quantile(self, q: FloatArray) -> FloatArray:
        level = 1 - q
        result = np.empty(q.shape)
        # A level of 1 or 0, or of a gap, belongs to an end: the least x with F(x) ≥ q.
        index = self._map.interval_at_level(level + ROUNDING)
        ends, levels = self.support[index], self._map.outer_levels[index]
        left, right = level >= levels[:, 0] - ROUNDING, level <= levels[:, 1] + ROUNDING
        result[left], result[right] = ends[left, 0], ends[right, 1]
        inside = ~(left | right)
        if inside.any():
            w = self._map.omega_at_level(level[inside])
            result[inside] = self._map.phi(w).real
        return result
