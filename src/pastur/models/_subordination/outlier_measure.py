"""Growing rank: the first-order change μ₁ of the law when r spikes join, on outliers and bulk.

(N/r)(ν − ν₀) → ν₁ makes (N/r)(μ − μ₀) → μ₁. The potential of μ is stationary in ω, so only its
explicit dependence on ν counts: U_μ₁ = U_ν₁∘ω, for both models; docs/growing-rank.md has the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._numerics.intervals import union
from pastur._numerics.many_intervals import integrate_intervals
from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.measures import Measure
from pastur.measures._contract.combination import Mixture, SignedSum
from pastur.models._subordination.contract import Subordination

# As a share of the natural scale: Φ is quadratic at a critical point, so that an atom this near to
# one has its image within 1e-18 of the edge.
_AT_CRITICAL = 1e-9
# Φ′ above this at the end of an interval: the density there vanishes faster than a square root.
_NOT_CRITICAL = 1e-5
# Where the sign of an unbounded density is read, as a share of the interval from its end.
_INSIDE = 1e-8
_CIRCLE = np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)


@dataclass(frozen=True, eq=False, repr=False)
class OutlierMeasure(Measure):
    """The signed measure μ₁ with ``g_μ₁(z) = g_ν₁(ω(z)) ω′(z)`` (4.5), and ``U_μ₁ = U_ν₁∘ω``.

    Off the bulk it is the image of ν₁ under Φ (2.1): atoms stay atoms, and the density becomes
    ``ρ_ν₁(ω(x)) ω′(x)`` (4.44). On the bulk the density is ``Im[g_ν₁(ω) ω′](x + i0)/π``, which
    grows like an inverse square root at the edges. The mass on an interval of the bulk is that of
    ν₁ between its critical points.

    An atom of ν₁ at a critical point leaves half of its mass at the edge and half in the bulk.

    Integrals are good to about 1e-10 of their scale. Where noise has closed a gap of the signal by
    less than a millionth of σ they lose digits, and below 1e-8 a `NumericalError` is raised.
    """

    _map: Subordination
    _nu1: Measure
    _signal: FloatArray
    _bulk: FloatArray

    def __repr__(self) -> str:
        low, high = self._bulk[0, 0], self._bulk[-1, 1]
        return f"OutlierMeasure({self._nu1!r}, bulk on [{low:g}, {high:g}])"

    @property
    def mass(self) -> float:
        """Total mass, that of ν₁."""
        return self._nu1.mass

    @cached_property
    def atoms(self) -> FloatArray:
        """Outliers of the atoms of ν₁ that detach, and their weights, shape (k, 2)."""
        points, weights = self._nu1.atoms.T
        free = self._open(points) & (self._critical_near(points) < 0)
        images = self._phi(points[free])
        at_edge = self._critical_mass != 0
        return _ordered(
            np.concatenate([images, self._bulk.ravel()[at_edge]]),
            np.concatenate([weights[free], (self._share * self._critical_mass)[at_edge]]),
        )

    @cached_property
    def support(self) -> FloatArray:
        """The bulk and the image of the support of ν₁, ascending, shape (k, 2)."""
        images = self._phi(self._pieces)
        points = np.repeat(self.atoms[:, :1], 2, axis=1)
        return locked(union(np.concatenate([self._bulk, images, points])))

    def _phi(self, w: FloatArray) -> FloatArray:
        return np.asarray(self._map.phi(w.astype(np.complex128)).real)

    def _open(self, w: FloatArray) -> Any:
        """Whether each real w lies where Φ is increasing and spikes detach."""
        low, high = self._map.open_intervals.T
        index = np.searchsorted(low, w, side="right") - 1
        return (w > low[index]) & (w < high[index])

    @cached_property
    def _pieces(self) -> FloatArray:
        """Intervals of the support of ν₁, cut down to where spikes detach, shape (k, 2)."""
        found = []
        for low, high in self._nu1.support[self._nu1.support[:, 1] > self._nu1.support[:, 0]]:
            cut = np.clip(self._map.open_intervals, low, high)
            found.append(cut[cut[:, 1] > cut[:, 0]])
        return locked(np.concatenate(found) if found else np.empty((0, 2)))

    # --- atoms of ν₁ at critical points ---

    def _critical_near(self, points: FloatArray) -> Any:
        """Index of the critical point at which each point lies, −1 for none."""
        critical = self._map.critical.ravel()
        after = np.minimum(np.searchsorted(critical, points), critical.size - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(points - critical[before]) < np.abs(points - critical[after])
        index = np.where(nearer, before, after)
        tolerance = _AT_CRITICAL * self._map.scale + 1e-15 * np.abs(critical[index])
        return np.where(np.abs(points - critical[index]) <= tolerance, index, -1)

    @cached_property
    def _critical_mass(self) -> FloatArray:
        """Mass of the atoms of ν₁ at each critical point."""
        points, weights = self._nu1.atoms.T
        index = self._critical_near(points)
        at = index >= 0
        sums = np.bincount(index[at], weights=weights[at], minlength=self._map.critical.size)
        return locked(np.asarray(sums, dtype=np.float64))

    @cached_property
    def _share(self) -> FloatArray:
        """Share of such an atom that stays at the edge: ½ where ω has a square root there."""
        slope = self._map.forward(self._map.critical.ravel().astype(np.complex128))[1].real
        return locked(np.where(slope > _NOT_CRITICAL, 1.0, 0.5))

    # --- formulas ---

    def _density(self, x: FloatArray) -> FloatArray:
        edges = self._bulk.ravel()
        index = np.minimum(np.searchsorted(edges, x), edges.size - 1)
        return np.where(x == edges[index], self._edge_density[index], self._inner_density(x))

    def _inner_density(self, x: FloatArray) -> FloatArray:
        w = self._map.omega(x.astype(np.complex128))
        result = np.zeros(x.shape)
        bulk = w.imag > 0
        result[bulk] = self._transform(w[bulk]).imag / np.pi
        for low, high in self._pieces:
            left, right = self._phi(np.array([low, high]))
            image = ~bulk & (x >= left) & (x <= right)
            at = np.clip(w[image].real, low, high)
            slope = self._map.forward(at.astype(np.complex128))[1].real
            with np.errstate(divide="ignore"):
                result[image] = self._nu1._density(at) / slope
        return result

    @cached_property
    def _edge_density(self) -> FloatArray:
        """Limits from inside the bulk: ω′ is +i∞ at a left edge, −i∞ at a right one."""
        width = self._bulk[:, 1] - self._bulk[:, 0]
        near = self._bulk + _INSIDE * np.column_stack([width, -width])
        inner = self._inner_density(near).ravel()
        blunt = self._share == 1
        return locked(np.where(blunt | (inner == 0), inner, np.sign(inner) * np.inf))

    def _transform(self, w: ComplexArray) -> ComplexArray:
        """Return g_μ₁ at Φ(w), where ω′ = 1/Φ′(w) (4.27)."""
        return np.asarray(self._nu1._stieltjes(w) / self._map.forward(w)[1])

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._transform(self._map.omega(z))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        w = self._map.omega(z)
        g, dg = self._nu1._stieltjes_pair(w)
        slope = self._map.forward(w)[1]
        return np.asarray((dg - g * self._bend(w) / slope) / slope**2)

    def _bend(self, w: ComplexArray) -> ComplexArray:
        """Return Φ″(w), by Cauchy's formula on a circle that keeps off the signal's support."""
        radius = _distance(self._signal, w)[..., None] / 2
        points = w[..., None] + radius * _CIRCLE
        above = np.where(points.imag < 0, np.conj(points), points)
        slope = self._map.forward(above)[1]
        slope = np.where(points.imag < 0, np.conj(slope), slope)
        return np.asarray((slope / (radius * _CIRCLE)).mean(axis=-1))

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return self._nu1._log_potential(self._map.omega(z))

    def _sf(self, x: FloatArray) -> FloatArray:
        """Mass to the right: Im U_ν₁(ω(x + i0))/π on the bulk, ν₁((ω(x), ∞)) off it."""
        edges, flat = self._bulk.ravel(), x.ravel()
        result = np.where(flat > 0, 0.0, self.mass)
        at_edge, (_, bulk) = np.isin(flat, edges), self._map.interval_at(flat)
        inside = bulk & ~at_edge
        result[inside] = self._tail(flat[inside])
        off = ~bulk & np.isfinite(flat)
        result[off] = self._tail_off_bulk(flat[off])
        number = np.searchsorted(edges, flat[at_edge])
        # A limit from inside is one from the left at a right edge: an atom on it counts there.
        own = np.where(number % 2 == 1, self._mass_at(flat[at_edge]), 0.0)
        result[at_edge] = self._beyond.ravel()[number] - own
        return result.reshape(x.shape)

    def _tail_off_bulk(self, x: FloatArray) -> FloatArray:
        """ν₁((ω(x), ∞)); an atom that detaches is compared with x, which rounding leaves alone."""
        w = self._map.omega(x.astype(np.complex128)).real
        points, weights = self._nu1.atoms.T
        free = self._open(points) & (self._critical_near(points) < 0)
        below = np.append(0.0, np.cumsum(weights[free]))
        by_spike = np.searchsorted(points[free], w, side="right")
        by_outlier = np.searchsorted(self._phi(points[free]), x, side="right")
        return np.asarray(self._nu1._sf(w) + below[by_spike] - below[by_outlier])

    def _moment(self, k: int) -> float:
        """Cauchy's formula on the upper half of a circle of twice the radius of the support."""
        low, high = self.support[0, 0], self.support[-1, 1]
        turn = np.exp(1j * np.pi * (np.arange(32 + k) + 0.5) / (32 + k))
        z = (low + high) / 2 + (high - low) * turn
        values = self._stieltjes(z) * z**k * (high - low) * turn
        return float(-values.real.mean())

    # --- integrals ---

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        total: Any = 0.0
        for point, weight in self.atoms:
            total = total + weight * f(point)
        if len(self._smooth_pieces):
            total = total + integrate_intervals(
                lambda w, _: _weigh(_values(f, self._phi(w)), self._nu1._density(w)),
                self._smooth_pieces,
            )
        return total + self._integrate_bulk(f)

    def _integrate_bulk(self, f: Callable[[Any], Any]) -> Any:
        """Integrate f over each interval of the bulk, of known mass on either side of its middle.

        By the mass, f may be replaced by its difference from its value at the edge: where ω′ loses
        digits, next to the edge, that difference vanishes.
        """
        middle = self._bulk.mean(axis=1)
        tail = self._tail(middle)
        halves = np.concatenate(
            [
                np.column_stack([self._bulk[:, 0], middle]),
                np.column_stack([middle, self._bulk[:, 1]]),
            ]
        )
        mass = np.concatenate([self._beyond[:, 0] - tail, tail - self._beyond[:, 1]])
        at_edge = _values(f, self._bulk.T.ravel())

        def centred(t: FloatArray, index: Any) -> AnyArray:
            return _weigh(_values(f, t) - at_edge[index], self._inner_density(t))

        return _weigh(at_edge, mass).sum(axis=0) + integrate_intervals(centred, halves)

    def _tail(self, x: FloatArray) -> FloatArray:
        """Mass of μ₁ to the right of x."""
        return np.asarray(self._log_potential(x.astype(np.complex128)).imag / np.pi)

    @cached_property
    def _beyond(self) -> FloatArray:
        """Mass of μ₁ to the right of each edge of the bulk, as a limit from inside the bulk."""
        critical = self._map.critical.ravel()
        # Term by term: a factor times −∞, the potential at an atom, would spoil the imaginary part.
        z = critical.astype(np.complex128)
        total = sum(c * m._log_potential(z).imag for c, m in _terms(self._nu1))
        points, weights = self._nu1.atoms.T
        index = self._critical_near(points)
        counted = (index >= 0) & (points > critical[index])
        near = np.bincount(index[counted], weights[counted], minlength=critical.size)
        left_edge = np.arange(critical.size) % 2 == 0
        inside = np.where(left_edge, 1 - self._share, self._share)
        tail = total / np.pi - near + inside * self._critical_mass
        return locked(np.asarray(tail, dtype=np.float64).reshape(-1, 2))

    @cached_property
    def _smooth_pieces(self) -> FloatArray:
        """`_pieces`, divided where a term of ν₁ begins or ends."""
        supports = np.concatenate([term.support for _, term in _terms(self._nu1)])
        breaks = np.unique(supports[supports[:, 1] > supports[:, 0]])
        found = []
        for low, high in self._pieces:
            inner = breaks[(breaks > low) & (breaks < high)]
            points = np.concatenate([[low], inner, [high]])
            found.append(np.column_stack([points[:-1], points[1:]]))
        return locked(np.concatenate(found) if found else np.empty((0, 2)))


def _values(f: Callable[[Any], Any], points: FloatArray) -> AnyArray:
    """Values of f, which takes one number, at many; f may return an array."""
    return np.array([f(point) for point in points.tolist()])


def _weigh(values: AnyArray, weights: FloatArray) -> AnyArray:
    """Multiply each row of values by its weight."""
    return np.asarray((values.T * weights).T)


def _distance(intervals: FloatArray, w: ComplexArray) -> FloatArray:
    """Distance of each w to ascending closed intervals of the real line."""
    index = np.searchsorted(intervals[:, 0], w.real, side="right")
    left = w.real - intervals[np.maximum(index - 1, 0), 1]
    right = intervals[np.minimum(index, len(intervals) - 1), 0] - w.real
    left, right = np.where(index > 0, left, np.inf), np.where(index < len(intervals), right, np.inf)
    return np.asarray(np.hypot(np.maximum(np.minimum(left, right), 0), w.imag))


def _terms(measure: Measure) -> Sequence[tuple[float, Measure]]:
    return measure.terms if isinstance(measure, (SignedSum, Mixture)) else ((1.0, measure),)


def _ordered(points: FloatArray, weights: FloatArray) -> FloatArray:
    order = np.argsort(points, kind="stable")
    return locked(np.column_stack([points[order], weights[order]]))
