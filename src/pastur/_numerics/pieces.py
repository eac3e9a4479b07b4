"""Densities made of pieces, polynomials times a power of the distance from one end.

A point z next to a piece, inside a narrow ellipse around it, takes the closed form of
`piece_tables`; farther off Gauss quadrature of the piece is exact to rounding and loses no digits
to cancellation, however far z is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from pastur._numerics.piece_tables import POWERS, Table, rule, table
from pastur._numerics.piece_tree import Kernel, PieceTree, accumulate
from pastur._numerics.series import running_sum
from pastur._typing import AnyArray, ComplexArray, FloatArray

# Pairs of a point and a piece handled at once: their terms stay in a core's second-level cache.
_BLOCK_PAIRS = 1 << 12
# End values below this share of a piece's size are rounding errors of 0, and a step of the density
# from one piece to the next below it is none.
_CONTINUOUS = 1e-11


class _Zones(NamedTuple):
    """Which formula serves a point, by the Bernstein ellipse of the piece that it lies on.

    On the ellipse ρ a rule of n nodes errs by Σ|a_k| ρ^(k − 2n), the closed form by Σ|a_k| ρ^k
    rounding units.
    """

    near: float
    nodes: int
    far: float
    far_nodes: int
    tree_nodes: int


_LINEAR = _Zones(near=16.0, nodes=7, far=16.0, far_nodes=7, tree_nodes=16)
_SMOOTH = _Zones(near=1.47, nodes=64, far=4.0, far_nodes=24, tree_nodes=32)


def _reach(parameter: float) -> float:
    """Sum of the distances from the ends of [0, 1] on the ellipse ρ."""
    return (parameter + 1 / parameter) / 2


@dataclass(frozen=True, eq=False)
class Pieces:
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
        return np.asarray(self._length * self._shares.sum(axis=1))

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
        offsets, weights = self._rule(count)
        return self.low[:, None] + offsets, weights

    def density(self, x: FloatArray) -> FloatArray:
        """Return the density at real x, 0 outside; at an end the limit from inside."""
        piece, tau = self._locate(x)
        inside = (x >= self.low[piece]) & (x <= self.high[piece])
        smooth = _clenshaw(np.moveaxis(self.coefficients[piece], -1, 0), 2 * tau - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = smooth * tau ** self.power[piece]
        return np.where(inside & (smooth > 0), value, 0.0)

    def below_and_above(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the masses of (−∞, x] and of (x, ∞), each to its own digits near its own end."""
        piece, tau = self._locate(x)
        share = _clenshaw(np.moveaxis(self._shares[piece], -1, 0), 2 * tau - 1) * tau ** (
            1 + self.power[piece]
        )
        from_anchor = self._length[piece] * share
        rest = self.masses[piece] - from_anchor
        turned = self.mirrored[piece]
        below = np.where(turned, rest, from_anchor)
        above = np.where(turned, from_anchor, rest)
        return self._before[piece] + below, self._after[piece] + above

    def moment(self, k: int) -> float:
        """Return ∫ t^k, exact for k up to 90."""
        nodes, weights = self.rule(self._zones.nodes)
        return float(np.sum(weights * nodes**k))

    def cauchy(self, z: ComplexArray, orders: Sequence[int]) -> list[ComplexArray]:
        """Return ∫ρ(t)/(t − z)ⁿ dt for each n in `orders`, 1 or 2, in the closed upper half-plane.

        Boundary values on the real line; infinite where they are.
        """
        kernels: list[Kernel] = [_reciprocal if n == 1 else _reciprocal_square for n in orders]
        near = [self._transform if n == 1 else self._derivative for n in orders]
        flat = z.ravel()
        sums = self._sums(flat, kernels, near)
        beside = (flat.imag == 0) & ~self._covers(flat.real)
        for order, total in zip(orders, sums, strict=True):
            total.imag[beside] = 0.0
            self._set_infinite(flat, order, total)
        return [total.reshape(z.shape) for total in sums]

    def log(self, z: ComplexArray) -> ComplexArray:
        """Return ∫log(z − t)ρ(t)dt in the closed upper half-plane, arguments in [0, π]."""
        return self._sums(z.ravel(), [_logarithm], [self._potential])[0].reshape(z.shape)

    @property
    def _order(self) -> int:
        return int(self.coefficients.shape[1]) - 1

    @property
    def _zones(self) -> _Zones:
        return _LINEAR if self._order == 1 else _SMOOTH

    @cached_property
    def _length(self) -> FloatArray:
        return self.high - self.low

    @cached_property
    def _anchor(self) -> FloatArray:
        """Where τ = 0."""
        return np.where(self.mirrored, self.high, self.low)

    @cached_property
    def _outer(self) -> FloatArray:
        """Where τ = 1."""
        return np.where(self.mirrored, self.low, self.high)

    @cached_property
    def _direction(self) -> FloatArray:
        return np.where(self.mirrored, -1.0, 1.0)

    def _locate(self, x: FloatArray) -> tuple[AnyArray, FloatArray]:
        """Return for each x the last piece that begins at or below it, and τ there."""
        piece = np.maximum(np.searchsorted(self.low, x, side="right") - 1, 0)
        tau = self._direction[piece] * (x - self._anchor[piece]) / self._length[piece]
        return piece, np.clip(tau, 0.0, 1.0)

    def _covers(self, x: FloatArray) -> AnyArray:
        piece, _ = self._locate(x)
        return (x >= self.low[piece]) & (x <= self.high[piece])

    @cached_property
    def _before(self) -> FloatArray:
        return running_sum(self.masses)[:-1]

    @cached_property
    def _after(self) -> FloatArray:
        return running_sum(self.masses[::-1])[::-1][1:]

    @cached_property
    def _shares(self) -> FloatArray:
        return self._mapped("share")

    def _mapped(self, *names: str) -> FloatArray:
        """Coefficients of the polynomials that a table gives, shape (pieces, [names,] terms)."""
        parts = {p: table(self._order, p) for p in POWERS}
        size = max(len(getattr(parts[0.0], name)) for name in names)
        result = np.zeros((self.low.size, len(names), size))
        for power, maps in parts.items():
            rows = self.power == power
            for i, name in enumerate(names):
                matrix = _matrix(maps, name)
                result[rows, i, : len(matrix)] = self.coefficients[rows] @ matrix.T
        return result if len(names) > 1 else result[:, 0]

    @cached_property
    def _transform_terms(self) -> FloatArray:
        return np.stack([self.coefficients, self._mapped("rest")], axis=1)

    @cached_property
    def _derivative_terms(self) -> FloatArray:
        return self._mapped("slope", "slope_rest")

    @cached_property
    def _potential_terms(self) -> FloatArray:
        return self._mapped("primitive", "primitive_rest")

    @cached_property
    def _ends(self) -> FloatArray:
        """A at τ = 0 and 1, shape (pieces, 2); 0 where it is only rounded away from 0."""
        signs = np.where(np.arange(self._order + 1) % 2 == 0, 1.0, -1.0)
        values = np.stack([self.coefficients @ signs, self.coefficients.sum(axis=1)], axis=1)
        size = np.abs(self.coefficients).sum(axis=1, keepdims=True)
        return np.where(np.abs(values) > _CONTINUOUS * size, values, 0.0)

    @cached_property
    def _joined(self) -> AnyArray:
        """Whether the density goes on without a step from each piece into the next; the last no."""
        at_low = np.where(self.mirrored, self._ends[:, 1], self._ends[:, 0])
        at_high = np.where(self.mirrored, self._ends[:, 0], self._ends[:, 1])
        size = np.abs(self.coefficients).sum(axis=1)
        step = np.abs(at_high[:-1] - at_low[1:])
        smooth = step <= _CONTINUOUS * np.maximum(size[:-1], size[1:])
        # At a root the density is τ^e A, and A is not its limit.
        root = self.power != 0
        rooted = (root & self.mirrored)[:-1] | (root & ~self.mirrored)[1:]
        return np.append((self.high[:-1] == self.low[1:]) & smooth & ~rooted, False)

    @cached_property
    def _steps(self) -> tuple[FloatArray, FloatArray, AnyArray]:
        """Ends of pieces; the fall of the density there, infinite at e = −½; whether it has a root.

        The fall is the limit from the left minus that from the right.
        """
        value = np.where(self.power[:, None] > 0, 0.0, self._ends)
        value[:, 0] = np.where((self.power < 0) & (value[:, 0] > 0), np.inf, value[:, 0])
        root = (self.power > 0) & (self._ends[:, 0] != 0)
        rise = np.concatenate([value[:, 0], value[:, 1]]) * np.tile(self._direction, 2)
        rise[self.low.size :] *= -1
        places = np.concatenate([self._anchor, self._outer])
        ends, index = np.unique(places, return_inverse=True)
        fall = np.bincount(index, weights=-rise)
        touching = np.isin(ends, self.high[self._joined])
        rooted = np.bincount(index, weights=np.concatenate([root, np.zeros(root.size)])) > 0
        return ends, np.where(touching, 0.0, fall), rooted

    def _set_infinite(self, z: ComplexArray, order: int, total: ComplexArray) -> None:
        """Put the limit where z is a step of the density, or for the derivative a root of it."""
        ends, fall, rooted = self._steps
        index = np.minimum(np.searchsorted(ends, z.real), ends.size - 1)
        at = (z.imag == 0) & (ends[index] == z.real)
        if order == 1:
            endless = at & (fall[index] != 0)
            total[endless] = -np.copysign(np.inf, fall[index][endless])
        else:
            total[at & ((fall[index] != 0) | rooted[index])] = np.inf

    def _rule(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Nodes of the density, counted from `low`, and weights, both of shape (pieces, count).

        Added to `low`, nodes would be rounded at the size of that, which next to z is too coarse.
        """
        nodes = np.empty((self.low.size, count))
        weights = np.empty(nodes.shape)
        for power in POWERS:
            rows = self.power == power
            gauss = rule(self._order, power, count)
            weights[rows] = gauss.weights * (self.coefficients[rows] @ gauss.basis.T)
            nodes[rows] = gauss.nodes
        length = self._length[:, None]
        return length * np.where(self.mirrored[:, None], 1 - nodes, nodes), length * weights

    @cached_property
    def _far_rule(self) -> tuple[FloatArray, FloatArray]:
        return self._rule(self._zones.far_nodes)

    @cached_property
    def _middle_rule(self) -> tuple[FloatArray, FloatArray]:
        return self._rule(self._zones.nodes)

    @cached_property
    def _tree(self) -> PieceTree:
        return PieceTree(self.low, self.high, *self._rule(self._zones.tree_nodes))

    def _sums(
        self,
        z: ComplexArray,
        kernels: Sequence[Kernel],
        formulas: Sequence[Callable[[_Pairs], ComplexArray]],
    ) -> list[ComplexArray]:
        """Add up the pieces: kernels of t − z by quadrature, next to z by their closed forms."""
        totals, point, piece = self._tree.far_sums(z, kernels)
        reach = self._reach(z[point], piece)
        near, far = reach <= _reach(self._zones.near), reach > _reach(self._zones.far)
        for chosen, gauss in ((far, self._far_rule), (~far & ~near, self._middle_rule)):
            self._add_quadrature(totals, z, point[chosen], piece[chosen], kernels, gauss)
        at, of = point[near], piece[near]
        carried = self._carried(at, of)
        for block in _blocks(at.size):
            pairs = self._pairs(z, at[block], of[block], carried[:, block])
            for total, formula in zip(totals, formulas, strict=True):
                accumulate(total, pairs.point, formula(pairs))
        return totals

    def _reach(self, z: ComplexArray, piece: AnyArray) -> FloatArray:
        """Sum of the distances of z from the ends of a piece, over its length."""
        from_low, from_high = np.abs(z - self.low[piece]), np.abs(z - self.high[piece])
        return np.asarray((from_low + from_high) / self._length[piece])

    def _add_quadrature(
        self,
        totals: list[ComplexArray],
        z: ComplexArray,
        point: AnyArray,
        piece: AnyArray,
        kernels: Sequence[Kernel],
        gauss: tuple[FloatArray, FloatArray],
    ) -> None:
        nodes, weights = gauss
        for block in _blocks(point.size):
            at, of = point[block], piece[block]
            offset = (self.low[of] - z[at])[:, None] + nodes[of]
            for total, kernel in zip(totals, kernels, strict=True):
                accumulate(total, at, np.einsum("ij,ij->i", kernel(offset), weights[of]))

    def _carried(self, point: AnyArray, piece: AnyArray) -> AnyArray:
        """Whether a joined neighbour, at τ = 0 and at τ = 1, takes its closed form there as well.

        Then the terms of the common end cancel, and are left out.
        """
        key = point * self.low.size + piece
        ordered = np.sort(key)
        sides = []
        for step, joined in ((-1, self._joined[piece - 1]), (1, self._joined[piece])):
            index = np.minimum(np.searchsorted(ordered, key + step), key.size - 1)
            sides.append(joined & (ordered[index] == key + step))
        return np.where(self.mirrored[piece], sides[::-1], sides)

    def _pairs(
        self, z: ComplexArray, point: AnyArray, piece: AnyArray, carried: AnyArray
    ) -> _Pairs:
        local = self._local(z[point], piece, self._anchor)
        beyond = self._local(z[point], piece, self._outer)
        root = np.sqrt(local)
        outer = _log(beyond)
        inner = np.where(self.power[piece] == 0, _log(local), 2 * np.log(1 + root))
        return _Pairs(point, piece, local, beyond, root, outer, outer - inner, carried)

    def _local(self, z: ComplexArray, piece: AnyArray, origin: FloatArray) -> ComplexArray:
        """(z − origin)/length in the direction of τ, kept in the upper half-plane."""
        real = self._direction[piece] * (z.real - origin[piece])
        return np.asarray((real + 1j * z.imag) / self._length[piece])

    def _polynomials(self, terms: FloatArray, pairs: _Pairs) -> ComplexArray:
        coefficients = np.moveaxis(terms[pairs.piece], 0, -1).swapaxes(0, 1)
        return np.asarray(_clenshaw(coefficients, pairs.local + pairs.beyond))

    def _transform(self, pairs: _Pairs) -> ComplexArray:
        smooth, rest = self._polynomials(self._transform_terms, pairs)
        value = smooth * self._weight(pairs, self.power) + rest
        return np.asarray(np.where(self.mirrored[pairs.piece], -np.conj(value), value))

    def _derivative(self, pairs: _Pairs) -> ComplexArray:
        smooth, rest = self._polynomials(self._derivative_terms, pairs)
        power, (at_inner, at_outer) = self.power[pairs.piece], self._ends[pairs.piece].T
        weight = self._weight(pairs, np.where(self.power == 0, 0.0, -0.5))
        value = smooth * weight + rest
        outer = np.where(pairs.carried[1], 0.0, at_outer)
        inner = np.where(pairs.carried[0] | (power > 0), 0.0, at_inner)
        # For e = −½ the term of A(0): 2ζ M′ = −M − 2 with M = Λ/s, up to the end at 1.
        inner = inner * np.where(power < 0, 1 + weight / 2, 1.0)
        value = value + _over(outer, pairs.beyond) - _over(inner, pairs.local)
        value = np.where(self.mirrored[pairs.piece], np.conj(value), value)
        return np.asarray(value / self._length[pairs.piece])

    def _potential(self, pairs: _Pairs) -> ComplexArray:
        piece, turned = pairs.piece, self.mirrored[pairs.piece]
        smooth, rest = self._polynomials(self._potential_terms, pairs)
        share = self._shares.sum(axis=1)[piece]
        weight = self._weight(pairs, np.abs(self.power))
        value = share * pairs.outer - smooth * weight - rest
        # The argument of z − t is π minus that of the mirrored difference, for the whole mass.
        value = np.where(turned, np.conj(value) + 1j * np.pi * share, value)
        return np.asarray(self._length[piece] * (value + share * np.log(self._length[piece])))

    def _weight(self, pairs: _Pairs, power: FloatArray) -> ComplexArray:
        """Return ζ^e Λ for the powers of the pieces; at ζ = 0 without the part that is infinite."""
        e = power[pairs.piece]
        at_root = pairs.root == 0
        root = np.where(at_root, 1.0, pairs.root)
        scale = np.where(e == 0, 1.0, np.where(e > 0, pairs.root, np.where(at_root, 0, 1 / root)))
        return np.asarray(scale * pairs.difference)


class _Pairs(NamedTuple):
    """Points, each with a piece that it is close to, in the coordinate ζ of that piece."""

    point: AnyArray
    piece: AnyArray
    local: ComplexArray  # ζ
    beyond: ComplexArray  # ζ − 1
    root: ComplexArray  # s = √ζ
    outer: ComplexArray  # log(ζ − 1)
    difference: ComplexArray  # Λ
    carried: AnyArray  # whether the density goes on beyond τ = 0 and 1 in a piece that is near too


def _blocks(count: int) -> list[slice]:
    return [slice(first, first + _BLOCK_PAIRS) for first in range(0, count, _BLOCK_PAIRS)]


def _matrix(maps: Table, name: str) -> FloatArray:
    result: FloatArray = getattr(maps, name)
    return result


def _reciprocal(offset: ComplexArray) -> ComplexArray:
    return 1.0 / offset


def _reciprocal_square(offset: ComplexArray) -> ComplexArray:
    inverse = 1.0 / offset
    return inverse * inverse


def _logarithm(offset: ComplexArray) -> ComplexArray:
    # 0 − d and not −d: the imaginary part of a real difference must be +0.
    return np.asarray(np.log(0 - offset))


def _log(z: ComplexArray) -> ComplexArray:
    """log z; at 0, between the arguments 0 and π on its sides, πi/2.

    What multiplies the real part there is 0, or infinite and set in the end; and two pieces that
    meet there get half of the imaginary part each.
    """
    return np.log(np.where(z == 0, 1j, z))


def _over(value: AnyArray, distance: ComplexArray) -> ComplexArray:
    """value/distance, 0 where the value is 0 or the distance is: there it is set in the end."""
    zero = (value == 0) | (distance == 0)
    return np.asarray(np.where(zero, 0.0, value) / np.where(zero, 1.0, distance))


def _clenshaw(coefficients: FloatArray, y: AnyArray) -> Any:
    """Σ c_k T_k(y), the k-th coefficients in coefficients[k]; further axes broadcast with y."""
    first = np.zeros(np.broadcast_shapes(coefficients.shape[1:], y.shape), dtype=y.dtype)
    second = first
    twice = 2 * y
    for c in coefficients[:0:-1]:
        first, second = twice * first - second + c, first
    return y * first - second + coefficients[0]
