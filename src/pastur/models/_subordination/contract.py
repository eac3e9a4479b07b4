"""What the two models share: ω and Φ, the curve that ω traces over the bulk, the edges.

A model provides Φ with its derivative, the transform and the potential of its law as functions of
w = ω(z), and its curve. Everything on the real line then follows, with no imaginary part added.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._errors import NumericalError
from pastur._numerics.inversion import invert_increasing
from pastur._typing import ComplexArray, FloatArray

_EPS = float(np.finfo(float).eps)
_MAX_STEPS = 60
# Points of the curve kept for an interval of the support: at least the first number, and more for
# more mass. There may be thousands of small intervals, each of a simple shape.
_LEAST_NODES, _MORE_NODES = 9, 120
# A solution is certified when the residual of Φ(ω) = z is below this share of its scale,
_CERTIFIED = 1e-9
# and on the real line also below this share of Im ω: next to a real root of Φ(w) = x the residual
# is |Φ′| Im w, however small.
_OFF_AXIS = 1e-3
# Steps towards ω(z) before Newton's method, 0 for a start from the real line; its patience; and the
# residual to ask for: next to an edge the error of ω is the square root of the residual's.
_APPROACHES = [
    (4, 1, 1e-13),
    (16, 1, 1e-13),
    (0, 20, 1e-13),
    (64, 20, _CERTIFIED),
    (1024, 20, _CERTIFIED),
    (16384, 20, _CERTIFIED),
]
_Table = tuple[ComplexArray, FloatArray, FloatArray]


class Subordination(KeepsLocked, ABC):
    """The function ω of a law μ: Φ∘ω = id, and g_μ = transform∘ω.

    On the real line ω runs along a curve in the upper half-plane over the bulk, and along real
    intervals over the gaps. A point w of the open upper half-plane with Φ(w) = x real, for squared
    singular values x > 0, lies on the curve, and is the only one for this x; so a root that
    Newton's method finds is the right one.
    """

    @property
    @abstractmethod
    def scale(self) -> float:
        """Natural unit of z, for tolerances."""

    @property
    @abstractmethod
    def signal_ends(self) -> tuple[float, float]:
        """Lowest and highest point of the support of the signal's law."""

    @property
    @abstractmethod
    def open_intervals(self) -> FloatArray:
        """Real intervals on which Φ increases and maps onto the gaps of μ, shape (k + 1, 2)."""

    @property
    @abstractmethod
    def parameters(self) -> FloatArray:
        """Interval of the curve's parameter over each interval of the support, shape (k, 2)."""

    @property
    @abstractmethod
    def soft(self) -> Any:
        """Whether each edge is soft, shape (k, 2); a hard edge is at 0, with infinite density."""

    @abstractmethod
    def curve(self, parameter: FloatArray) -> ComplexArray:
        """Return the point w of the curve at a parameter inside one of `parameters`."""

    @abstractmethod
    def forward(self, w: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Return Φ(w) and Φ′(w)."""

    @abstractmethod
    def transform(self, w: ComplexArray) -> ComplexArray:
        """Return g_μ(Φ(w))."""

    @abstractmethod
    def transform_derivative(self, w: ComplexArray) -> ComplexArray:
        """Return g_μ′ at Φ(w)."""

    @abstractmethod
    def potential(self, w: ComplexArray) -> ComplexArray:
        """Return ∫log(Φ(w) − x) dμ(x); its derivative in w is −transform(w)·Φ′(w)."""

    @abstractmethod
    def approach(self, z: ComplexArray, steps: int) -> ComplexArray:
        """Come near ω(z), Im z > 0, by steps of an iteration that converges from anywhere."""

    @abstractmethod
    def admissible(self, z: ComplexArray, w: ComplexArray) -> Any:
        """Whether a root w of Φ(w) = z, Im z > 0, is ω(z) and no other root."""

    def phi(self, w: ComplexArray) -> ComplexArray:
        """Return Φ(w)."""
        return self.forward(w)[0]

    @cached_property
    def critical(self) -> FloatArray:
        """Critical points of Φ at the left and right end of each interval, shape (k, 2)."""
        between = self.open_intervals
        return locked(np.column_stack([between[:-1, 1], between[1:, 0]]))

    @cached_property
    def support(self) -> FloatArray:
        """Intervals of the support of μ, ascending, shape (k, 2)."""
        edges = self.phi(self.critical.astype(np.complex128)).real
        return locked(np.where(self.soft, edges, 0.0))

    def omega(self, z: ComplexArray) -> ComplexArray:
        """Return ω(z) for z in the closed upper half-plane, on the real line the limit from it."""
        flat = z.ravel()
        result = np.empty(flat.shape, dtype=np.complex128)
        real = flat.imag == 0
        if real.any():
            result[real] = self._omega_real(flat[real].real)
        if not real.all():
            result[~real] = self._omega_above(flat[~real])
        return result.reshape(z.shape)

    def omega_at_level(self, level: FloatArray) -> ComplexArray:
        """Return the point of the curve over x with μ((x, ∞)) = level, 0 < level < 1.

        Newton's method for the two real equations Im Φ(w) = 0 and Im potential(w) = π·level. With
        ε = Φ′·δw they decouple: Im ε = −Im Φ, and Re ε solves Im(gε) = Im potential − π·level.
        """
        index = self.interval_at_level(level)
        nodes, _, places = self._table(index)
        start = np.interp(self._place_of_level(level, index), places, nodes)
        w, residual = self._walk(level, start)
        failed = residual > 1e-13
        if failed.any():
            ends = self.parameters[index[failed]]
            w[failed] = self._along(ends, lambda at: -self._level(at), -level[failed])
        return w

    def interval_at(self, x: FloatArray) -> tuple[Any, Any]:
        """Index of the last interval that begins at or before x, or −1; whether it contains x."""
        index = np.searchsorted(self.support[:, 0], x, side="right") - 1
        return index, (index >= 0) & (x <= self.support[index, 1])

    def interval_at_level(self, level: FloatArray) -> Any:
        """Index of the first interval with no more than `level` to the right of it."""
        return np.searchsorted(-self.outer_levels[:, 1], -level)

    def _omega_real(self, x: FloatArray) -> ComplexArray:
        index, inside = self.interval_at(x)
        result = np.empty(x.shape, dtype=np.complex128)
        if inside.any():
            result[inside] = self._omega_bulk(x[inside], index[inside])
        if not inside.all():
            result[~inside] = self._omega_gap(x[~inside], index[~inside] + 1)
        return result

    def _omega_gap(self, x: FloatArray, gap: Any) -> FloatArray:
        """Invert the increasing Φ on the real interval that maps onto the gap around x."""
        low, high = self.open_intervals[gap].T
        # Beyond the outer edges ω lies between its critical point and a step away from x.
        reach = 4 * self.scale + np.abs(x)
        low = np.where(np.isfinite(low), low, np.minimum(x, high) - reach)
        high = np.where(np.isfinite(high), high, np.maximum(x, low) + reach)
        return invert_increasing(
            lambda w: np.asarray(self.phi(w.astype(np.complex128)).real), low, high, x
        )

    def _table(self, index: Any) -> tuple[ComplexArray, FloatArray, FloatArray]:
        """Points of the curve over some intervals, and the places of their x and of their levels.

        Their ends are included. Of thousands of intervals few are asked for: the others cost time.
        """
        wanted = np.unique(index)
        known = self._tables
        missing = wanted[[one not in known for one in wanted.tolist()]]
        if missing.size:
            known |= dict(zip(missing.tolist(), self._tables_over(missing), strict=True))
        nodes, by_x, by_level = zip(*(known[one] for one in wanted.tolist()), strict=True)
        return np.concatenate(nodes), np.concatenate(by_x), np.concatenate(by_level)

    @cached_property
    def _tables(self) -> dict[int, _Table]:
        """The tables of the intervals that were asked for so far."""
        return {}

    def _tables_over(self, wanted: Any) -> list[_Table]:
        levels = self.outer_levels[wanted]
        count = _LEAST_NODES + (_MORE_NODES * np.sqrt(levels[:, 0] - levels[:, 1])).astype(np.intp)
        index = np.repeat(wanted, count)
        step = 1 + np.arange(index.size) - np.repeat(np.cumsum(count) - count, count)
        low, high = self.parameters[index].T
        turn = np.sin(np.pi / 2 * step / (np.repeat(count, count) + 1)) ** 2
        inner = self.curve(low + (high - low) * turn)
        by_x = self._place(self.phi(inner).real, index)
        by_level = self._place_of_level(self._level(inner), index)
        ends = self.critical[wanted].astype(np.complex128)
        nodes = np.concatenate([ends[:, 0], inner, ends[:, 1]])
        by_x = np.concatenate([2.0 * wanted, by_x, 2.0 * wanted + 1])
        by_level = np.concatenate([2.0 * wanted, by_level, 2.0 * wanted + 1])
        order = np.argsort(by_x, kind="stable")
        parts = np.cumsum(count + 2)[:-1]
        ordered = nodes[order], by_x[order], np.maximum.accumulate(by_level[order])
        columns = (np.split(one, parts) for one in ordered)
        return [locked(one) for one in zip(*columns, strict=True)]

    def _place(self, x: FloatArray, index: Any) -> FloatArray:
        """Twice the number of the interval, and an angle within it that crowds at both ends."""
        low, high = self.support[index].T
        angle = np.arctan2(np.sqrt(np.maximum(x - low, 0)), np.sqrt(np.maximum(high - x, 0)))
        return np.asarray(2 * index + 2 / np.pi * angle)

    def _place_of_level(self, level: FloatArray, index: Any) -> FloatArray:
        """Do the same for levels, which change like (angle)³ at an edge."""
        left, right = self.outer_levels[index].T
        angle = np.arctan2(np.cbrt(np.maximum(left - level, 0)), np.cbrt(level - right))
        return np.asarray(2 * index + 2 / np.pi * angle)

    @cached_property
    def outer_levels(self) -> FloatArray:
        """Mass to the right of the left end and of the right end of each interval, shape (k, 2)."""
        between = self._level(self.critical[:-1, 1].astype(np.complex128))
        between = np.minimum.accumulate(between)
        return locked(np.column_stack([np.append(1.0, between), np.append(between, 0.0)]))

    def _level(self, w: ComplexArray) -> FloatArray:
        """Return μ((x, ∞)) for the real x = Φ(w)."""
        return np.asarray(self.potential(w).imag / np.pi)

    def _omega_bulk(self, x: FloatArray, index: Any) -> ComplexArray:
        nodes, places, _ = self._table(index)
        result = np.asarray(np.interp(self._place(x, index), places, nodes))
        ends = self.support[index]
        inner = np.flatnonzero((x > ends[:, 0]) & (x < ends[:, 1]))
        w, residual = self._polish(x[inner].astype(np.complex128), result[inner])
        allowed = np.minimum(_CERTIFIED * (np.abs(x[inner]) + self.scale), _OFF_AXIS * w.imag)
        failed = residual > allowed
        if failed.any():
            rows = inner[failed]
            w[failed] = self._along(
                self.parameters[index[rows]], lambda at: self.phi(at).real, x[rows]
            )
        result[inner] = w
        return result

    def _along(self, ends: FloatArray, rising: Any, target: FloatArray) -> ComplexArray:
        """Find where a function that rises along the curve takes a value: bisection cannot fail."""
        low, high = ends.T

        def value(parameter: FloatArray) -> FloatArray:
            inside = (parameter > low) & (parameter < high)
            w = self.curve(np.where(inside, parameter, (low + high) / 2))
            beyond = np.where(parameter <= low, -np.inf, np.inf)
            return np.where(inside, rising(w), beyond)

        span = high - low
        parameter = invert_increasing(value, low + 1e-15 * span, high - 1e-15 * span, target)
        w = self.curve(parameter)
        miss = np.abs(rising(w) - target) / (np.abs(target) + self.scale)
        worst = float(np.max(miss))
        # Where the noise is tiny compared with the signal, rounding errors of w are visible.
        if (miss > 1e-6 + 100 * _EPS * np.abs(w) / w.imag).any():
            raise NumericalError(
                f"ω could not be found on the support: it misses its target by {worst:.1e}. "
                "Please report the measure and sigma."
            )
        return w

    def _omega_above(self, z: ComplexArray) -> ComplexArray:
        """Approach, polish, check; where that was not enough start below z, or come nearer."""
        result = np.empty(z.shape, dtype=np.complex128)
        residual = np.full(z.shape, np.inf)
        size = np.abs(z) + self.scale
        index = np.arange(z.size)
        for steps, patience, share in _APPROACHES:
            at = z[index]
            start = self.approach(at, steps) if steps else self._omega_real(at.real) + 1j * at.imag
            w, rest = self._polish(at, start, patience)
            right = rest <= np.maximum(at.imag / 2, _OFF_AXIS * w.imag)
            better = self.admissible(at, w) & right & (rest < residual[index])
            result[index[better]], residual[index[better]] = w[better], rest[better]
            index = index[residual[index] > share * size[index]]
            if not index.size:
                return result
        raise NumericalError(
            f"ω could not be found at z = {z[index][0]:.6g}: the residual of Φ(ω) = z is "
            f"{residual[index][0]:.1e}. Move z away from the real line, or ask for `density`."
        )

    def _polish(
        self, z: ComplexArray, start: ComplexArray, patience: int = 1
    ) -> tuple[ComplexArray, FloatArray]:
        """Solve Φ(w) = z by Newton's method; return the best w met and its residual |Φ(w) − z|.

        A step that would leave the upper half-plane goes halfway to the real axis instead. It ends
        after `patience` steps without progress: next to an edge one step may lead far off, and a
        few more back.
        """
        w, best = start.copy(), start.copy()
        residual = np.full(z.shape, np.inf)
        idle = np.zeros(z.shape, dtype=np.intp)
        index = np.arange(z.size)
        for _ in range(_MAX_STEPS):
            at = w[index]
            value, slope = self.forward(at)
            gap = value - z[index]
            size = np.abs(gap)
            better = size < residual[index]
            best[index[better]], residual[index[better]] = at[better], size[better]
            with np.errstate(divide="ignore", invalid="ignore"):
                new = at - gap / slope
            w[index] = _kept_above(new, at)
            idle[index] = np.where(better, 0, idle[index] + 1)
            floor = 4 * _EPS * (np.abs(at) + np.abs(value))
            index = index[(idle[index] < patience) & (size > floor)]
            if not index.size:
                break
        return best, residual

    def _walk(self, level: FloatArray, start: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        w, best = start.copy(), start.copy()
        residual = np.full(level.shape, np.inf)
        index = np.arange(level.size)
        for _ in range(_MAX_STEPS):
            at = w[index]
            value, slope = self.forward(at)
            g, off = self.transform(at), value.imag
            excess = self.potential(at).imag - np.pi * level[index]
            size = np.abs(excess) + np.abs(off * g)
            better = size < residual[index]
            best[index[better]], residual[index[better]] = at[better], size[better]
            with np.errstate(divide="ignore", invalid="ignore"):
                move = (excess + g.real * off) / g.imag - 1j * off
                new = at + move / slope
            w[index] = _kept_above(new, at)
            index = index[better & (size > 8 * _EPS)]
            if not index.size:
                break
        return best, residual


def _kept_above(new: ComplexArray, old: ComplexArray) -> ComplexArray:
    safe = np.where(np.isfinite(new), new, old)
    return np.where(safe.imag > 0, safe, safe.real + 0.5j * old.imag)
