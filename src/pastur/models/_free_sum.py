"""The law μ₀ = ν₀ ⊞ semicircle(σ) on the real line: density, distribution function, quantiles."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from pastur._errors import NumericalError
from pastur._numerics.inversion import invert_increasing
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models._curve import curve, polish, walk
from pastur.models._gaps import open_intervals

# Points of the curve kept for each interval of the support, in angles that crowd at its ends.
_NODES = 129
_TOLERANCE = 1e-9


class FreeSum(ProbabilityMeasure):
    """Law of signal plus noise, ``g_μ₀ = g_ν₀∘ω`` with ω = z + σ²g_μ₀ (1.5), (1.6).

    Exact on the real line: no imaginary part is added anywhere. It has a density and no atoms.
    A solution that cannot be certified (residual above 1e-9 of its scale) is a `NumericalError`.

    Parameters
    ----------
    nu0 : ProbabilityMeasure
        Law ν₀ of the signal.
    sigma : float, > 0
        Noise level σ.
    """

    def __init__(self, nu0: ProbabilityMeasure, sigma: float) -> None:
        self._nu, self._sigma = nu0, sigma

    def __repr__(self) -> str:
        return f"{self._nu!r} ⊞ Semicircle({self._sigma:g})"

    @cached_property
    def open_intervals(self) -> FloatArray:
        """Intervals of real w on which Φ is increasing and maps onto the gaps of μ₀, (k + 1, 2)."""
        return open_intervals(self._nu, self._sigma)

    @cached_property
    def critical(self) -> FloatArray:
        """Left and right critical point of Φ for each interval of the support, shape (k, 2)."""
        between = self.open_intervals
        return np.column_stack([between[:-1, 1], between[1:, 0]])

    @cached_property
    def support(self) -> FloatArray:
        """Intervals of the support, ascending, shape (k, 2)."""
        return self.phi(self.critical.astype(np.complex128)).real

    def phi(self, w: ComplexArray) -> ComplexArray:
        """Return Φ(w) = w − σ²g_ν₀(w), (1.9)."""
        return w - self._sigma**2 * self._nu._stieltjes(w)

    def omega(self, z: ComplexArray) -> ComplexArray:
        """Return ω(z) in the closed upper half-plane, real z in or off the support included."""
        flat = z.ravel()
        result = np.empty(flat.shape, dtype=np.complex128)
        real = flat.imag == 0
        if real.any():
            result[real] = self._omega_real(flat[real].real)
        if not real.all():
            result[~real] = self._omega_complex(flat[~real])
        return result.reshape(z.shape)

    def _omega_real(self, x: FloatArray) -> ComplexArray:
        low, high = self.support[:, 0], self.support[:, 1]
        index = np.searchsorted(low, x, side="right") - 1
        inside = (index >= 0) & (x <= high[np.maximum(index, 0)])
        result = np.empty(x.shape, dtype=np.complex128)
        if inside.any():
            result[inside] = self._omega_bulk(x[inside], index[inside])
        if not inside.all():
            result[~inside] = self._omega_gap(x[~inside], index[~inside] + 1)
        return result

    def _omega_gap(self, x: FloatArray, gap: Any) -> FloatArray:
        """Invert the increasing Φ on the real interval that maps onto the gap around x."""
        ends = self.open_intervals[gap]
        # |ω − x| = σ²|g_μ₀(x)| and Φ is increasing, so x ± σ bracket ω beyond the outer edges.
        low = np.where(np.isfinite(ends[:, 0]), ends[:, 0], x - self._sigma)
        high = np.where(np.isfinite(ends[:, 1]), ends[:, 1], x + self._sigma)
        low, high = np.minimum(low, high), np.maximum(low, high)
        return invert_increasing(lambda w: self.phi(w.astype(np.complex128)).real, low, high, x)

    @cached_property
    def _table(self) -> tuple[FloatArray, ComplexArray, FloatArray]:
        """Curve at `_NODES` angles of each interval: angle of x, w, mass to the right of x."""
        angle = np.linspace(0, np.pi, _NODES)[1:-1]
        low, high = self.critical[:, :1], self.critical[:, 1:]
        u = high - (high - low) * np.sin((np.pi - angle) / 2) ** 2
        w = curve(self._nu, self._sigma, u)
        level = self._level(w)
        x = self.phi(w).real
        ends = self.critical.astype(np.complex128)
        w = np.column_stack([ends[:, 0], w, ends[:, 1]])
        x = np.column_stack([self.support[:, 0], x, self.support[:, 1]])
        mass = self._level(ends)
        level = np.column_stack([mass[:, 0], level, mass[:, 1]])
        x, level = np.maximum.accumulate(x, axis=1), np.minimum.accumulate(level, axis=1)
        return _angles(x, self.support), w, level

    def _level(self, w: ComplexArray) -> FloatArray:
        """Return μ₀((x, ∞)) at the point x of the curve that w stands for."""
        g = self._nu._stieltjes(w)
        potential = self._nu._log_potential(w) + self._sigma**2 * g**2 / 2
        return np.asarray(potential.imag / np.pi)

    def _omega_bulk(self, x: FloatArray, index: Any) -> ComplexArray:
        angles, nodes, _ = self._table
        support = self.support[index]
        angle = _angles(x[:, None], support)[:, 0]
        start = np.empty(x.shape, dtype=np.complex128)
        for k in np.unique(index):
            here = index == k
            start[here] = np.interp(angle[here], angles[k], nodes[k])
        edge = (x == support[:, 0]) | (x == support[:, 1])
        lower, upper = self.critical[index].T
        result = np.where(x == support[:, 0], lower, upper).astype(np.complex128)
        inner = ~edge
        result[inner] = self._certified(x[inner], start[inner], index[inner])
        return np.asarray(result)

    def _certified(self, x: FloatArray, start: ComplexArray, index: Any) -> ComplexArray:
        """Newton from the table; where it fails, bisection along the curve, which cannot."""
        w, residual = polish(self._nu, self._sigma, x.astype(np.complex128), start)
        failed = residual > _TOLERANCE * (np.abs(x) + self._sigma)
        if failed.any():
            w[failed] = self._bisect(x[failed], index[failed])
        return w

    def _bisect(self, x: FloatArray, index: Any) -> ComplexArray:
        low, high = self.critical[index, 0], self.critical[index, 1]

        def position(u: FloatArray) -> FloatArray:
            at_end = (u <= low) | (u >= high)
            inner = np.where(at_end, (low + high) / 2, u)
            w = np.where(at_end, u, curve(self._nu, self._sigma, inner))
            return self.phi(w.astype(np.complex128)).real

        u = invert_increasing(position, low, high, x)
        w = np.asarray(curve(self._nu, self._sigma, u))
        worst = np.max(np.abs(self.phi(w) - x) / (np.abs(x) + self._sigma))
        if worst > 1e-6:
            raise NumericalError(
                "ω could not be found on the support: the residual of Pastur's equation is "
                f"{worst:.1e}. Please report the measure ν₀ and σ."
            )
        return w

    def _omega_complex(self, z: ComplexArray) -> ComplexArray:
        """Iterate w ↦ z + σ²g(w), a contraction of the upper half-plane, then polish.

        A root of Φ(w) = z with Im w ≥ Im z > 0 is the only one, so any that is found is right.
        """
        w = z + 1j * self._sigma
        for _ in range(4):
            w = (w + z + self._sigma**2 * self._nu._stieltjes(w)) / 2
        result, residual = polish(self._nu, self._sigma, z, w)
        scale = np.abs(z) + self._sigma
        for _ in range(60):
            failed = (residual > 1e-12 * scale) | (result.imag < z.imag * (1 - 1e-9))
            if not failed.any():
                return result
            for _ in range(40):
                step = z[failed] + self._sigma**2 * self._nu._stieltjes(w[failed])
                w[failed] = (w[failed] + step) / 2
            result[failed], residual[failed] = polish(self._nu, self._sigma, z[failed], w[failed])
        if (residual > _TOLERANCE * scale).any():
            worst = z[np.argmax(residual / scale)]
            raise NumericalError(
                f"ω could not be found at z = {worst:.6g}: the residual of Pastur's equation is "
                f"{residual.max():.1e}. Move z away from the real axis, or ask for `density`."
            )
        return result

    def _density(self, x: FloatArray) -> FloatArray:
        omega = self.omega(x.astype(np.complex128))
        return np.asarray(np.maximum(omega.imag, 0) / (np.pi * self._sigma**2))

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._nu._stieltjes(self.omega(z))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        slope = self._nu._stieltjes_derivative(self.omega(z))
        return np.asarray(slope / (1 - self._sigma**2 * slope))

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        omega = self.omega(z)
        g = self._nu._stieltjes(omega)
        return np.asarray(self._nu._log_potential(omega) + self._sigma**2 * g**2 / 2)

    def _quantile(self, q: FloatArray) -> FloatArray:
        levels = self._table[2]
        mass = levels[:, -1]
        target = 1 - q
        # Interval k holds the levels between mass[k], to its right, and levels[k, 0], to its left.
        index = np.clip(np.sum(target[:, None] <= mass[None, :], axis=1), 0, len(mass) - 1)
        result = np.empty(q.shape)
        left, right = target >= levels[index, 0], target <= mass[index]
        result[left] = self.support[index[left], 0]
        result[right] = self.support[index[right], 1]
        rest = ~(left | right)
        if rest.any():
            result[rest] = self._quantile_inside(target[rest], index[rest])
        return result

    def _quantile_inside(self, target: FloatArray, index: Any) -> FloatArray:
        _, nodes, levels = self._table
        start = np.empty(target.shape, dtype=np.complex128)
        for k in np.unique(index):
            here = index == k
            start[here] = np.interp(-target[here], -levels[k], nodes[k])
        w, residual = walk(self._nu, self._sigma, target, start)
        x = self.phi(w).real
        failed = residual > 1e-12
        if failed.any():
            ends = self.support[index[failed]]
            x[failed] = invert_increasing(
                lambda t: 1 - self._sf(t), ends[:, 0], ends[:, 1], 1 - target[failed]
            )
        return x


def _angles(x: FloatArray, support: FloatArray) -> FloatArray:
    """Angle in [0, π] of each x within its interval: 0 at the left end, crowding at both ends."""
    low, high = support[:, :1], support[:, 1:]
    return np.asarray(
        2 * np.arctan2(np.sqrt(np.maximum(x - low, 0)), np.sqrt(np.maximum(high - x, 0)))
    )
