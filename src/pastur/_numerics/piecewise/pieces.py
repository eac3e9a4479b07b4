"""Densities made of pieces, polynomials times a power of the distance from one end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import KeepsLocked
from pastur._numerics.piecewise.tables import POWERS, Table, rule, table
from pastur._numerics.series import running_sum
from pastur._typing import AnyArray, FloatArray

# End values below this share of a piece's size are rounding errors of 0, and a step of the density
# from one piece to the next below it is none.
_CONTINUOUS = 1e-11


@dataclass(frozen=True, eq=False)
class Pieces(KeepsLocked):
    """A density of k pieces, ascending, that do not overlap.

    Parameters
    ----------
    low, high : array, shape (k,)
        The intervals; neighbours may touch.
    power : array, shape (k,)
        e: 0, ½ or −½.
    mirrored : bool array, shape (k,)
        Whether τ runs from `high` down to `low`, so that the root is at `high`.
    coefficients : array, shape (k, order + 1)
        Those of A in T_n(2τ − 1): the density is τ^e A(τ).
    """

    low: FloatArray
    high: FloatArray
    power: FloatArray
    mirrored: AnyArray
    coefficients: FloatArray

    @cached_property
    def masses(self) -> FloatArray:
        """Mass of each piece."""
        return np.asarray(self.length * self.shares.sum(axis=1))

    def scaled(self, factor: float) -> Pieces:
        """Return the density times a factor."""
        return Pieces(self.low, self.high, self.power, self.mirrored, factor * self.coefficients)

    def alone(self, index: int) -> Pieces:
        """Return one of the pieces."""
        one = slice(index, index + 1)
        parts = (self.low, self.high, self.power, self.mirrored, self.coefficients)
        return Pieces(*(part[one] for part in parts))

    def rule(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Return Gauss nodes and weights with the density in them, shape (pieces, count)."""
        offsets, weights = self.offset_rule(count)
        return self.low[:, None] + offsets, weights

    def density(self, x: FloatArray) -> FloatArray:
        """Return the density at real x, 0 outside; at an end the limit from inside."""
        piece, tau = self._locate(x)
        inside = (x >= self.low[piece]) & (x <= self.high[piece])
        smooth = clenshaw(np.moveaxis(self.coefficients[piece], -1, 0), 2 * tau - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = smooth * tau ** self.power[piece]
        return np.where(inside & (smooth > 0), value, 0.0)

    def below_and_above(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the masses of (−∞, x] and of (x, ∞), each to its own digits near its own end."""
        piece, tau = self._locate(x)
        share = clenshaw(np.moveaxis(self.shares[piece], -1, 0), 2 * tau - 1) * tau ** (
            1 + self.power[piece]
        )
        from_anchor = self.length[piece] * share
        rest = self.masses[piece] - from_anchor
        turned = self.mirrored[piece]
        below = np.where(turned, rest, from_anchor)
        above = np.where(turned, from_anchor, rest)
        return self._before[piece] + below, self._after[piece] + above

    def moment(self, k: int) -> float:
        """Return ∫ t^k, exact for k up to about 200."""
        nodes, weights = self.rule(min((k + self.order) // 2 + 2, 128))
        return float(np.sum(weights * nodes**k))

    @property
    def order(self) -> int:
        """Degree of the polynomials."""
        return int(self.coefficients.shape[1]) - 1

    @cached_property
    def length(self) -> FloatArray:
        """Length of each piece."""
        return self.high - self.low

    @cached_property
    def anchor(self) -> FloatArray:
        """Where τ = 0."""
        return np.where(self.mirrored, self.high, self.low)

    @cached_property
    def outer(self) -> FloatArray:
        """Where τ = 1."""
        return np.where(self.mirrored, self.low, self.high)

    @cached_property
    def direction(self) -> FloatArray:
        """1 where τ ascends, −1 where mirrored."""
        return np.where(self.mirrored, -1.0, 1.0)

    def _locate(self, x: FloatArray) -> tuple[AnyArray, FloatArray]:
        """Return for each x the last piece that begins at or below it, and τ there."""
        piece = np.maximum(np.searchsorted(self.low, x, side="right") - 1, 0)
        tau = self.direction[piece] * (x - self.anchor[piece]) / self.length[piece]
        return piece, np.clip(tau, 0.0, 1.0)

    def covers(self, x: FloatArray) -> AnyArray:
        """Return whether each x lies on a piece."""
        piece, _ = self._locate(x)
        return (x >= self.low[piece]) & (x <= self.high[piece])

    @cached_property
    def _before(self) -> FloatArray:
        return running_sum(self.masses)[:-1]

    @cached_property
    def _after(self) -> FloatArray:
        return running_sum(self.masses[::-1])[::-1][1:]

    @cached_property
    def shares(self) -> FloatArray:
        """Coefficients of ∫₀^τ over τ^(1 + e); their sum is the mass over the length."""
        return self.mapped("share")

    def mapped(self, *names: str) -> FloatArray:
        """Coefficients of the polynomials that a table gives, shape (pieces, [names,] terms)."""
        parts = {p: table(self.order, p) for p in POWERS}
        size = max(len(getattr(parts[0.0], name)) for name in names)
        result = np.zeros((self.low.size, len(names), size))
        for power, maps in parts.items():
            rows = self.power == power
            for i, name in enumerate(names):
                matrix = _matrix(maps, name)
                result[rows, i, : len(matrix)] = self.coefficients[rows] @ matrix.T
        return result if len(names) > 1 else result[:, 0]

    @cached_property
    def ends(self) -> FloatArray:
        """A at τ = 0 and 1, shape (pieces, 2); 0 where it is only rounded away from 0."""
        signs = np.where(np.arange(self.order + 1) % 2 == 0, 1.0, -1.0)
        values = np.stack([self.coefficients @ signs, self.coefficients.sum(axis=1)], axis=1)
        size = np.abs(self.coefficients).sum(axis=1, keepdims=True)
        return np.where(np.abs(values) > _CONTINUOUS * size, values, 0.0)

    @cached_property
    def joined(self) -> AnyArray:
        """Whether the density has no step between each piece and the next; False for the last."""
        at_low = np.where(self.mirrored, self.ends[:, 1], self.ends[:, 0])
        at_high = np.where(self.mirrored, self.ends[:, 0], self.ends[:, 1])
        size = np.abs(self.coefficients).sum(axis=1)
        step = np.abs(at_high[:-1] - at_low[1:])
        smooth = step <= _CONTINUOUS * np.maximum(size[:-1], size[1:])
        # At a root the density is τ^e A, and A is not its limit.
        root = self.power != 0
        rooted = (root & self.mirrored)[:-1] | (root & ~self.mirrored)[1:]
        return np.append((self.high[:-1] == self.low[1:]) & smooth & ~rooted, False)

    @cached_property
    def steps(self) -> tuple[FloatArray, FloatArray, AnyArray]:
        """Ends of pieces; the fall of the density there, infinite at e = −½; whether it has a root.

        The fall is the limit from the left minus that from the right.
        """
        value = np.where(self.power[:, None] > 0, 0.0, self.ends)
        value[:, 0] = np.where((self.power < 0) & (value[:, 0] > 0), np.inf, value[:, 0])
        root = (self.power > 0) & (self.ends[:, 0] != 0)
        rise = np.concatenate([value[:, 0], value[:, 1]]) * np.tile(self.direction, 2)
        rise[self.low.size :] *= -1
        places = np.concatenate([self.anchor, self.outer])
        ends, index = np.unique(places, return_inverse=True)
        fall = np.bincount(index, weights=-rise)
        touching = np.isin(ends, self.high[self.joined])
        rooted = np.bincount(index, weights=np.concatenate([root, np.zeros(root.size)])) > 0
        return ends, np.where(touching, 0.0, fall), rooted

    def offset_rule(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Nodes of the density, counted from `low`, and weights, both of shape (pieces, count).

        Added to `low`, nodes would be rounded at the size of that, which next to z is too coarse.
        """
        nodes = np.empty((self.low.size, count))
        weights = np.empty(nodes.shape)
        for power in POWERS:
            rows = self.power == power
            gauss = rule(self.order, power, count)
            weights[rows] = gauss.weights * (self.coefficients[rows] @ gauss.basis.T)
            nodes[rows] = gauss.nodes
        length = self.length[:, None]
        return length * np.where(self.mirrored[:, None], 1 - nodes, nodes), length * weights


def _matrix(maps: Table, name: str) -> FloatArray:
    result: FloatArray = getattr(maps, name)
    return result


def clenshaw(coefficients: FloatArray, y: AnyArray) -> Any:
    """Σ c_k T_k(y), the k-th coefficients in coefficients[k]; further axes broadcast with y."""
    first = np.zeros(np.broadcast_shapes(coefficients.shape[1:], y.shape), dtype=y.dtype)
    second = first
    twice = 2 * y
    for c in coefficients[:0:-1]:
        first, second = twice * first - second + c, first
    return y * first - second + coefficients[0]
