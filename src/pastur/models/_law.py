"""The law that a subordination function stands for, with exact cdf and quantiles."""

from __future__ import annotations

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models._subordination import Subordination


class SubordinatedLaw(ProbabilityMeasure):
    """Spectral law of signal plus noise, exact on the real line.

    The density is Im g(x + i0)/π and the distribution function Im U(x + i0)/π, U the logarithmic
    potential, both in closed form in ω(x). There are no atoms. Where ω cannot be certified
    (residual of Φ(ω) = z above 1e-9 of its scale), a `NumericalError` says so.
    """

    def __init__(self, subordination: Subordination, name: str) -> None:
        self._map, self._name = subordination, name

    def __repr__(self) -> str:
        return self._name

    @property
    def support(self) -> FloatArray:
        """Intervals of the support, ascending, shape (k, 2)."""
        return self._map.support

    def _density(self, x: FloatArray) -> FloatArray:
        w = self._map.omega(x.astype(np.complex128))
        bulk = w.imag > 0
        result = np.zeros(x.shape)
        if bulk.any():
            result[bulk] = self._map.transform(w[bulk]).imag / np.pi
        return result

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._map.transform(self._map.omega(z))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return self._map.transform_derivative(self._map.omega(z))

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return self._map.potential(self._map.omega(z))

    def _quantile(self, q: FloatArray) -> FloatArray:
        level = 1 - q
        levels = np.column_stack(self._map._outer_levels[::-1])
        result = np.empty(q.shape)
        # A level of 1 or 0, or of a gap, belongs to an end: the least x with F(x) ≥ q.
        index = np.argmax(level[:, None] >= levels[None, :, 1], axis=1)
        left, right = level >= levels[index, 0], level <= levels[index, 1]
        result[left] = self.support[index[left], 0]
        result[right] = self.support[index[right], 1]
        inside = ~(left | right)
        if inside.any():
            w = self._map.omega_at_level(level[inside])
            result[inside] = self._map.phi(w).real
        return result
