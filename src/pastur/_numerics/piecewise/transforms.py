"""Transforms of densities made of pieces.

A point z next to a piece, inside a narrow ellipse around it, takes the closed form of
`piece_tables`; farther off Gauss quadrature of the piece is exact to rounding and loses no digits
to cancellation, however far z is; a tree joins the pieces that are farther still.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pastur._numerics.piecewise.fast_sums import Kernel, PieceTree, accumulate
from pastur._numerics.piecewise.pieces import Pieces, clenshaw
from pastur._typing import AnyArray, ComplexArray, FloatArray

# Points handled at once: each meets some ten pieces.
_POINTS = 1 << 14
# Pairs of a point and a piece handled at once: their terms stay in a core's second-level cache.
_PAIRS = 1 << 12


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


class PieceTransforms:
    """Cauchy transform and logarithmic potential of a density made of pieces."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def cauchy(self, z: ComplexArray, orders: Sequence[int]) -> list[ComplexArray]:
        """Return ∫ρ(t)/(t − z)ⁿ dt for each n in `orders`, 1 or 2, in the closed upper half-plane.

        Boundary values on the real line; infinite where they are.
        """
        kernels: list[Kernel] = [_reciprocal if n == 1 else _reciprocal_square for n in orders]
        near = [self._transform if n == 1 else self._derivative for n in orders]
        flat = z.ravel()
        sums = self._sums(flat, kernels, near)
        outside = (flat.imag == 0) & ~self._pieces.covers(flat.real)
        for order, total in zip(orders, sums, strict=True):
            total.imag[outside] = 0.0
            self._set_infinite(flat, order, total)
        return [total.reshape(z.shape) for total in sums]

    def log(self, z: ComplexArray) -> ComplexArray:
        """Return ∫log(z − t)ρ(t)dt in the closed upper half-plane, arguments in [0, π]."""
        return self._sums(z.ravel(), [_logarithm], [self._potential])[0].reshape(z.shape)

    def _set_infinite(self, z: ComplexArray, order: int, total: ComplexArray) -> None:
        """Put the limit where z is a step of the density, or for the derivative a root of it."""
        ends, fall, rooted = self._pieces.steps
        index = np.minimum(np.searchsorted(ends, z.real), ends.size - 1)
        at = (z.imag == 0) & (ends[index] == z.real)
        if order == 1:
            endless = at & (fall[index] != 0)
            total[endless] = -np.copysign(np.inf, fall[index][endless])
        else:
            total[at & ((fall[index] != 0) | rooted[index])] = np.inf

    @property
    def _zones(self) -> _Zones:
        return _LINEAR if self._pieces.order == 1 else _SMOOTH

    @cached_property
    def _transform_terms(self) -> FloatArray:
        return np.stack([self._pieces.coefficients, self._pieces.mapped("rest")], axis=1)

    @cached_property
    def _derivative_terms(self) -> FloatArray:
        return self._pieces.mapped("slope", "slope_rest")

    @cached_property
    def _potential_terms(self) -> FloatArray:
        return self._pieces.mapped("primitive", "primitive_rest")

    @cached_property
    def _far_rule(self) -> tuple[FloatArray, FloatArray]:
        return self._pieces.offset_rule(self._zones.far_nodes)

    @cached_property
    def _middle_rule(self) -> tuple[FloatArray, FloatArray]:
        return self._pieces.offset_rule(self._zones.nodes)

    @cached_property
    def _tree(self) -> PieceTree:
        return PieceTree(
            self._pieces.low, self._pieces.high, *self._pieces.offset_rule(self._zones.tree_nodes)
        )

    def _sums(
        self,
        z: ComplexArray,
        kernels: Sequence[Kernel],
        formulas: Sequence[Callable[[_Pairs], ComplexArray]],
    ) -> list[ComplexArray]:
        """Add up the pieces, for z block by block."""
        parts = [
            self._block_sums(z[block], kernels, formulas) for block in _blocks(z.size, _POINTS)
        ]
        if not parts:
            return [np.empty(0, dtype=np.complex128) for _ in kernels]
        return [np.concatenate(sums) for sums in zip(*parts, strict=True)]

    def _block_sums(
        self,
        z: ComplexArray,
        kernels: Sequence[Kernel],
        formulas: Sequence[Callable[[_Pairs], ComplexArray]],
    ) -> list[ComplexArray]:
        """Sums of kernels of t − z by quadrature, next to z by the closed forms."""
        totals, point, piece = self._tree.far_sums(z, kernels)
        reach = self._reach(z[point], piece)
        near, far = reach <= _reach(self._zones.near), reach > _reach(self._zones.far)
        for chosen, gauss in ((far, self._far_rule), (~far & ~near, self._middle_rule)):
            self._add_quadrature(totals, z, point[chosen], piece[chosen], kernels, gauss)
        at, of = point[near], piece[near]
        carried = self._carried(at, of)
        for block in _blocks(at.size, _PAIRS):
            pairs = self._pairs(z, at[block], of[block], carried[:, block])
            for total, formula in zip(totals, formulas, strict=True):
                accumulate(total, pairs.point, formula(pairs))
        return totals

    def _reach(self, z: ComplexArray, piece: AnyArray) -> FloatArray:
        """Sum of the distances of z from the ends of a piece, over its length."""
        p = self._pieces
        distances = np.abs(z - p.low[piece]) + np.abs(z - p.high[piece])
        return np.asarray(distances / p.length[piece])

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
        for block in _blocks(point.size, _PAIRS):
            at, of = point[block], piece[block]
            offset = (self._pieces.low[of] - z[at])[:, None] + nodes[of]
            for total, kernel in zip(totals, kernels, strict=True):
                accumulate(total, at, np.einsum("ij,ij->i", kernel(offset), weights[of]))

    def _carried(self, point: AnyArray, piece: AnyArray) -> AnyArray:
        """Whether a joined neighbour, at τ = 0 and at τ = 1, takes its closed form there as well.

        Then the terms of the common end cancel, and are left out.
        """
        p = self._pieces
        key = point * p.low.size + piece
        ordered = np.sort(key)
        sides = []
        for step, joined in ((-1, p.joined[piece - 1]), (1, p.joined[piece])):
            index = np.minimum(np.searchsorted(ordered, key + step), key.size - 1)
            sides.append(joined & (ordered[index] == key + step))
        return np.where(p.mirrored[piece], sides[::-1], sides)

    def _pairs(
        self, z: ComplexArray, point: AnyArray, piece: AnyArray, carried: AnyArray
    ) -> _Pairs:
        local = self._local(z[point], piece, self._pieces.anchor)
        beyond = self._local(z[point], piece, self._pieces.outer)
        root = np.sqrt(local)
        outer = _log(beyond)
        inner = np.where(self._pieces.power[piece] == 0, _log(local), 2 * np.log(1 + root))
        return _Pairs(point, piece, local, beyond, root, outer, outer - inner, carried)

    def _local(self, z: ComplexArray, piece: AnyArray, origin: FloatArray) -> ComplexArray:
        """(z − origin)/length in the direction of τ, kept in the upper half-plane."""
        real = self._pieces.direction[piece] * (z.real - origin[piece])
        return np.asarray((real + 1j * z.imag) / self._pieces.length[piece])

    def _polynomials(self, terms: FloatArray, pairs: _Pairs) -> ComplexArray:
        coefficients = np.moveaxis(terms[pairs.piece], 0, -1).swapaxes(0, 1)
        return np.asarray(clenshaw(coefficients, pairs.local + pairs.beyond))

    def _transform(self, pairs: _Pairs) -> ComplexArray:
        smooth, rest = self._polynomials(self._transform_terms, pairs)
        value = smooth * self._weight(pairs, self._pieces.power) + rest
        return np.asarray(np.where(self._pieces.mirrored[pairs.piece], -np.conj(value), value))

    def _derivative(self, pairs: _Pairs) -> ComplexArray:
        smooth, rest = self._polynomials(self._derivative_terms, pairs)
        p = self._pieces
        power, (at_inner, at_outer) = p.power[pairs.piece], p.ends[pairs.piece].T
        weight = self._weight(pairs, np.where(p.power == 0, 0.0, -0.5))
        value = smooth * weight + rest
        outer = np.where(pairs.carried[1], 0.0, at_outer)
        inner = np.where(pairs.carried[0] | (power > 0), 0.0, at_inner)
        # For e = −½ the term of A(0): 2ζ M′ = −M − 2 with M = Λ/s, up to the end at 1.
        inner = inner * np.where(power < 0, 1 + weight / 2, 1.0)
        value = value + _over(outer, pairs.beyond) - _over(inner, pairs.local)
        value = np.where(p.mirrored[pairs.piece], np.conj(value), value)
        return np.asarray(value / p.length[pairs.piece])

    def _potential(self, pairs: _Pairs) -> ComplexArray:
        p = self._pieces
        smooth, rest = self._polynomials(self._potential_terms, pairs)
        length, share = p.length[pairs.piece], p.shares.sum(axis=1)[pairs.piece]
        weight = self._weight(pairs, np.abs(p.power))
        value = share * pairs.outer - smooth * weight - rest
        # The argument of z − t is π minus that of the mirrored difference, for the whole mass.
        turned = np.conj(value) + 1j * np.pi * share
        value = np.where(p.mirrored[pairs.piece], turned, value)
        return np.asarray(length * (value + share * np.log(length)))

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


def _blocks(count: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, count, size)]


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
