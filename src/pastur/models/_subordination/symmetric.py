"""Subordination for W = R/√N + S: Pastur's equation and Biane's curve.

For real u let ``v(u) = inf{v ≥ 0 : F(u, v²) ≤ 1/σ²}``, ``F(u, s) = ∫dν₀(t)/((u − t)² + s)``. Then
ω(x(u) + i0) = u + i·v(u), where x(u) = Φ(u + i·v(u)) is real and increasing (Biane 1997). Since
Im Φ(u + iv) = v(1 − σ²F(u, v²)), real values of Φ are met on the curve only.

In each gap of supp ν₀, Φ′ = 1 − σ²g′ is concave, because g‴ = 6∫(t − u)⁻⁴dν₀ > 0. So Φ′ > 0 on at
most one interval of each gap; its ends are the critical points of two edges that face each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models._subordination.contract import Subordination
from pastur.models._subordination.gaps import crossing, gaps_of, lowest_points


@dataclass(frozen=True, eq=False)
class AdditiveSubordination(Subordination):
    """ω(z) = z + σ²g_μ(z) (1.6) for μ = ν₀ ⊞ semicircle(σ)."""

    _nu: ProbabilityMeasure
    _sigma: float

    @property
    def signal_ends(self) -> tuple[float, float]:
        """Lowest and highest point of the support of the signal's law."""
        return float(self._nu.support[0, 0]), float(self._nu.support[-1, 1])

    @property
    def scale(self) -> float:
        """The noise level σ."""
        return self._sigma

    @property
    def parameters(self) -> FloatArray:
        """The curve's parameter is u = Re ω, so its ends are the critical points."""
        return self.critical

    @property
    def soft(self) -> Any:
        """All edges are soft: the density is at most 1/(πσ)."""
        return np.ones(self.critical.shape, dtype=bool)

    def forward(self, w: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Return ``Φ(w) = w − σ²g(w)`` (1.9) and Φ′(w)."""
        g, dg = self._nu._stieltjes_pair(w)
        return w - self._sigma**2 * g, 1 - self._sigma**2 * dg

    def transform(self, w: ComplexArray) -> ComplexArray:
        """Return g_ν₀(w), which is g_μ(Φ(w)) by (1.5)."""
        return self._nu._stieltjes(w)

    def transform_derivative(self, w: ComplexArray) -> ComplexArray:
        """Return g_μ′ at Φ(w)."""
        slope = self._nu._stieltjes_derivative(w)
        return np.asarray(slope / (1 - self._sigma**2 * slope))

    def potential(self, w: ComplexArray) -> ComplexArray:
        """Return ``U(w) + σ²g(w)²/2``, U the potential of ν₀."""
        g = self._nu._stieltjes(w)
        return np.asarray(self._nu._log_potential(w) + self._sigma**2 * g**2 / 2)

    def approach(self, z: ComplexArray, steps: int) -> ComplexArray:
        """Average w with z + σ²g(w), a self-map of the upper half-plane with fixed point ω(z)."""
        w = z + 1j * self._sigma
        for _ in range(steps):
            w = (w + z + self._sigma**2 * self._nu._stieltjes(w)) / 2
        return w

    def admissible(self, z: ComplexArray, w: ComplexArray) -> Any:
        """Φ maps the domain above the curve one to one onto the upper half-plane, none below it."""
        return w.imag > 0

    def curve(self, parameter: FloatArray) -> ComplexArray:
        """Return u + i·v(u).

        1/F is increasing and concave in s = v², so Newton's method on 1/F − σ² approaches the root
        from below and cannot overshoot. From s = σ², never below the root, one step lands there.
        It is quadratic: a step of 1e-8 leaves rounding.
        """
        u = parameter.ravel()
        s = np.full(u.shape, self._sigma**2)
        index = np.arange(u.size)
        for _ in range(60):
            at = s[index]
            v = np.sqrt(at)
            g, dg = self._nu._stieltjes_pair(u[index] + 1j * v)
            height = g.imag / v
            slope = (height - dg.real) / (2 * at)
            excess = 1 / height - self._sigma**2
            # Where F no longer changes with s, and the root is still below, it is 0 to rounding.
            flat = np.where(excess > 0, np.inf, 0.0)
            step = np.where(slope > 0, excess * height**2 / np.where(slope > 0, slope, 1.0), flat)
            new = np.where(at > step, at - step, at * 1e-4)
            s[index] = new
            index = index[np.abs(new - at) > 1e-8 * at]
            if not index.size:
                break
        return np.asarray(u + 1j * np.sqrt(s)).reshape(parameter.shape)

    @cached_property
    def open_intervals(self) -> FloatArray:
        """Intervals of real w with Φ′(w) > 0, one beyond each end and one for each open gap."""
        low, high = self._nu.support[0, 0], self._nu.support[-1, 1]
        ends = np.array([low, high])
        # Φ′ ≥ 1 − σ²/d² at distance d from the support, so a step beyond σ is enough.
        outer = crossing(self._pull, ends, ends + self._sigma * np.array([-1.5, 1.5]))
        gaps = self._candidates()
        bottom = lowest_points(self._pull, gaps)
        found = self._pull(bottom) < 0 if len(gaps) else np.zeros(0, dtype=bool)
        inner = [crossing(self._pull, gaps[found, i], bottom[found]) for i in (0, 1)]
        beyond = [[-np.inf, outer[0]]], [[outer[1], np.inf]]
        return locked(np.concatenate([beyond[0], np.column_stack(inner), beyond[1]]))

    def _pull(self, u: FloatArray) -> FloatArray:
        """Return −Φ′(u) = σ²g′(u) − 1 at real u off the support: convex in each gap."""
        slope = self._nu._stieltjes_derivative(u.astype(np.complex128)).real
        return np.asarray(self._sigma**2 * slope - 1)

    def _candidates(self) -> FloatArray:
        """Gaps that can open: longer than σ(p^⅓ + q^⅓)^(3/2) between atoms of masses p and q.

        That is the exact threshold for two atoms alone, and further mass only lowers Φ′.
        """
        gaps, least = gaps_of(self._nu)
        return np.asarray(gaps[gaps[:, 1] - gaps[:, 0] > self._sigma * least * (1 - 1e-12)])
