"""Subordination for W = R/√m + S, n × m, in squared singular values, and its curve.

With f the Stieltjes transform of H and q = 1 − σ²c f, ``Φ(w) = w q² + σ²(1 − c) q`` (Dozier,
Silverstein 2007). Two facts, derived in docs/rectangular-curve.md, give this model what Biane's
curve gives the symmetric one. With F = ∫dH/|t − w|² and T = ∫t dH/|t − w|²,

    Im Φ(w)/Im w = (1 − σ²cT)² − (σ²cF|w|)² − σ⁴c(1 − c)F,

which is positive, zero or negative with 1 − σ²k(w), ``k = cT + √((cF|w|)² + c(1 − c)F)``, as long
as σ²cT < 1. And in the plane of singular values, w = (a + ib)², k decreases along each vertical
line. So the curve is b(a) = inf{b ≥ 0 : k ≤ 1/σ²}, a ≥ 0; for c = 1 it is Biane's for the
symmetrised law of singular values. The line a = 0, where w ≤ 0, belongs to the lowest edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._numerics.inversion import invert_increasing
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models._subordination.contract import Subordination
from pastur.models._subordination.gaps import crossing, gaps_of, lowest_points

# Heights of the curve, in units of its largest: down to the first it is bracketed as it is.
_FLAT, _FLATTEST = 1e-8, 1e-60


@dataclass(frozen=True, eq=False)
class RectangularSubordination(Subordination):
    """ω of the squared singular values of an n × m matrix of signal plus noise, c = n/m ≤ 1."""

    _h: ProbabilityMeasure
    _sigma: float
    _ratio: float

    @cached_property
    def _variance(self) -> float:
        return self._sigma**2

    @property
    def signal_ends(self) -> tuple[float, float]:
        """Lowest and highest point of the support of the signal's law."""
        return float(self._h.support[0, 0]), float(self._h.support[-1, 1])

    @property
    def scale(self) -> float:
        """The noise level in squared units, σ²."""
        return self._variance

    def stretch(self, w: ComplexArray) -> ComplexArray:
        """Return ``q(w) = 1 − σ²c f(w)``."""
        return np.asarray(1 - self._variance * self._ratio * self._h._stieltjes(w))

    def forward(self, w: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Return ``Φ(w) = w q² + σ²(1 − c) q`` and Φ′(w)."""
        f, df = self._h._stieltjes_pair(w)
        pull = self._variance * self._ratio
        q, dq = 1 - pull * f, -pull * df
        rest = self._variance * (1 - self._ratio)
        return w * q**2 + rest * q, q**2 + (2 * w * q + rest) * dq

    def transform(self, w: ComplexArray) -> ComplexArray:
        """Return m = f/q, the transform of the law at Φ(w)."""
        f = self._h._stieltjes(w)
        return np.asarray(f / (1 - self._variance * self._ratio * f))

    def transform_derivative(self, w: ComplexArray) -> ComplexArray:
        """Return dm/dz = (f′/q²)/Φ′ at z = Φ(w)."""
        df = self._h._stieltjes_derivative(w)
        return np.asarray(df / self.stretch(w) ** 2 / self.forward(w)[1])

    def potential(self, w: ComplexArray) -> ComplexArray:
        """Return ``U(w) − (1/c − 1) log q + σ²c w f² − σ²(1 − c) f``, U the potential of H."""
        f = self._h._stieltjes(w)
        c = self._ratio
        bend = self._variance * (c * w * f**2 - (1 - c) * f)
        turn = (1 / c - 1) * np.log(1 - self._variance * c * f) if c < 1 else 0.0
        return np.asarray(self._h._log_potential(w) - turn + bend)

    def approach(self, z: ComplexArray, steps: int) -> ComplexArray:
        """Iterate m ↦ A f(w), A = 1 + σ²cm, w = zA² − σ²(1 − c)A, damped by half.

        It maps the transforms of probability measures on [0, ∞) into themselves.
        """
        m = -1 / (z + 1j * self._variance)
        for _ in range(steps):
            stretch = 1 + self._variance * self._ratio * m
            m = (m + stretch * self._h._stieltjes(self._point(z, stretch))) / 2
        return self._point(z, 1 + self._variance * self._ratio * m)

    def _point(self, z: ComplexArray, stretch: ComplexArray) -> ComplexArray:
        w = z * stretch**2 - self._variance * (1 - self._ratio) * stretch
        return np.asarray(w.real + 1j * np.abs(w.imag))

    def admissible(self, z: ComplexArray, w: ComplexArray) -> Any:
        """m and the transform of the transposed matrix are those of measures on [0, ∞)."""
        m = self.transform(w)
        transposed = self._ratio * m - (1 - self._ratio) / z
        return (w.imag > 0) & (m.imag > 0) & ((z * m).imag > 0) & (transposed.imag > 0)

    @property
    def soft(self) -> Any:
        """At a square shape the line a = 0 ends where q = 0, a pole of m: a hard edge at 0."""
        return (self.critical >= 0) | (self._ratio < 1)

    @cached_property
    def parameters(self) -> FloatArray:
        """The curve's parameter is a = Re √ω, from 0 where the critical point is not positive."""
        return locked(np.sqrt(np.maximum(self.critical, 0.0)))

    def curve(self, parameter: FloatArray) -> ComplexArray:
        """Return (a + i·b(a))², by bracketing: k falls from above 1/σ² to below it."""
        a = parameter.ravel()
        # k ≤ (c + √(c − c²))/b², so b ≤ 1.1σ.
        top = 1.2 * self._sigma
        low = np.full(a.shape, _FLAT * top)
        below = self._fall(a, low) > -1
        b = low.copy()
        b[~below] = invert_increasing(
            lambda height: self._fall(a[~below], height),
            low[~below],
            np.full(low[~below].shape, top),
            np.full(low[~below].shape, -1.0),
        )
        # Where the signal has hardly any mass the curve all but touches the axis: by its logarithm.
        b[below] = np.exp(
            invert_increasing(
                lambda power: self._fall(a[below], np.exp(power)),
                np.full(low[below].shape, np.log(_FLATTEST * top)),
                np.log(low[below]),
                np.full(low[below].shape, -1.0),
            )
        )
        return np.asarray((a + 1j * b) ** 2).reshape(parameter.shape)

    def _fall(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return −σ²k at (a + ib)², which rises with b."""
        w = (a + 1j * b) ** 2
        f = self._h._stieltjes(w)
        return -self._reach(f.imag / w.imag, (w * f).imag / w.imag, np.abs(w))

    def _reach(self, total: FloatArray, tilted: FloatArray, size: FloatArray) -> FloatArray:
        """Return σ²k from F, T and |w|."""
        c = self._ratio
        root = np.sqrt((c * total * size) ** 2 + c * (1 - c) * np.maximum(total, 0))
        return np.asarray(self._variance * (c * tilted + root))

    def _excess(self, w: FloatArray) -> FloatArray:
        """Return σ²k(w) − 1 at real w off the support: negative where Φ increases and q > 0."""
        f, df = self._h._stieltjes_pair(w.astype(np.complex128))
        return self._reach(df.real, (f + w * df).real, np.abs(w)) - 1

    def _excess_at(self, a: FloatArray) -> FloatArray:
        return self._excess(a**2)

    @cached_property
    def open_intervals(self) -> FloatArray:
        """Intervals of real w with Φ′ > 0 and q > 0: at most one in each gap of supp H."""
        lowest, highest = self._h.support[0, 0], self._h.support[-1, 1]
        top = np.sqrt(np.array([highest]))
        right = crossing(self._excess_at, top, top + 1.2 * self._sigma)[0] ** 2
        gaps = self._candidates()
        bottom = lowest_points(self._excess_at, gaps)
        found = self._excess_at(bottom) < 0 if len(gaps) else np.zeros(0, dtype=bool)
        inner = [crossing(self._excess_at, gaps[found, i], bottom[found]) ** 2 for i in (0, 1)]
        beyond = [[-np.inf, self._lowest(lowest)]], [[right, np.inf]]
        return locked(np.concatenate([beyond[0], np.column_stack(inner), beyond[1]]))

    def _lowest(self, lowest: float) -> float:
        """Critical point of the lowest edge: positive if σ²k(0) < 1, else on the line a = 0."""
        zero = np.zeros(1)
        if lowest > 0 and self._excess(zero)[0] < 0:
            return float(crossing(self._excess_at, np.sqrt(np.array([lowest])), zero)[0] ** 2)
        # On the line a = 0, |w| = b² and k ≤ (c + √(c − c²))/b² again.
        height = crossing(lambda b: self._excess(-(b**2)), zero, np.array([1.2 * self._sigma]))
        return float(-(height[0] ** 2))

    def _candidates(self) -> FloatArray:
        """Gaps that can open, in the plane of singular values.

        There k ≥ c(T + F|w|) ≥ (c/2)(p/(a − s)² + q/(s′ − a)²) between neighbours s, s′ of masses
        p, q, so the length must exceed σ√(c/2)(p^⅓ + q^⅓)^(3/2).
        """
        gaps, least = gaps_of(self._h)
        roots = np.sqrt(gaps)
        enough = self._sigma * np.sqrt(self._ratio / 2) * least * (1 - 1e-12)
        return np.asarray(roots[roots[:, 1] - roots[:, 0] > enough])
