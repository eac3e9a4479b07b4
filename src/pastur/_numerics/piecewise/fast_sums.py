"""Fast sums over many pieces of a density, for kernels that are smooth away from 0.

Neighbouring pieces are joined in pairs, and so on up to one cell. As in `tree`, a cell seen from
two half-widths or more acts like a few weighted Chebyshev points. Pieces that no such cell takes
care of are handed back, for their own formulas: a few for each point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, ComplexArray, FloatArray

_SEPARATION = 2.0
_LEAF = 4
# Kernel values held at once: 2¹⁷ complex numbers are 2 MiB, about a core's second-level cache.
_BLOCK_TERMS = 1 << 17

# With 28 points the error at the separation is (2 + √3)^(−28) ≈ 1e-16 of the kernel.
_ORDER = 28
_ANGLES = np.pi * (np.arange(_ORDER) + 0.5) / _ORDER
_NODES = np.cos(_ANGLES)
# From moments against T_k to weights at the nodes. Only T_0 has mass: no rounding may add to it.
_SPREAD = np.cos(np.outer(np.arange(_ORDER), _ANGLES)) * 2 / _ORDER
_SPREAD[1:] -= _SPREAD[1:].mean(axis=1, keepdims=True)
_SPREAD[0] = 1 / _ORDER

Kernel = Callable[[ComplexArray], ComplexArray]


@dataclass(frozen=True, eq=False)
class _Level:
    """Cells of one level: their pieces, their Chebyshev points and weights, their children.

    The children of cell i are first_child[i] and the one after it; a leaf has −1.
    """

    start: AnyArray
    stop: AnyArray
    center: FloatArray
    half: FloatArray
    first_child: AnyArray
    proxy: FloatArray


class PieceTree:
    """Binary tree over ascending pieces, each given by an exact quadrature rule.

    Parameters
    ----------
    low, high : array, shape (k,)
        The pieces.
    nodes, weights : array, shape (k, n)
        Rules that integrate the density times polynomials of degree 27, the nodes counted from
        `low`.
    """

    def __init__(
        self, low: FloatArray, high: FloatArray, nodes: FloatArray, weights: FloatArray
    ) -> None:
        self._levels: list[_Level] = []
        for start, stop, first_child in reversed(_spans(low.size)):
            center = (low[start] + high[stop - 1]) / 2
            half = (high[stop - 1] - low[start]) / 2
            proxy = np.zeros((start.size, _ORDER))
            level = _Level(start, stop, center, half, first_child, proxy)
            leaf = first_child < 0
            _weigh_leaves(level, np.flatnonzero(leaf), low, nodes, weights)
            if not leaf.all():
                _weigh_parents(level, np.flatnonzero(~leaf), self._levels[0])
            self._levels.insert(0, level)

    def far_sums(
        self, z: ComplexArray, kernels: Sequence[Kernel]
    ) -> tuple[list[ComplexArray], AnyArray, AnyArray]:
        """Return ∫K(t − z)ρ(t)dt over all far cells for each kernel; then what is left to add.

        That is pairs: indices of z, and the piece that is missing there.
        """
        totals = [np.zeros(z.shape, dtype=np.complex128) for _ in kernels]
        points, pieces = [], []
        target, cell = np.arange(z.size), np.zeros(z.size, dtype=np.intp)
        for level in self._levels:
            distance = np.abs(z[target] - level.center[cell])
            far = distance >= _SEPARATION * level.half[cell]
            _add_far(totals, kernels, z, target[far], level, cell[far])
            target, cell = target[~far], cell[~far]
            child = level.first_child[cell]
            leaf = child < 0
            point, piece = _members(level, target[leaf], cell[leaf])
            points.append(point)
            pieces.append(piece)
            target = np.repeat(target[~leaf], 2)
            cell = (child[~leaf, None] + np.arange(2)).ravel()
        return totals, np.concatenate(points), np.concatenate(pieces)


def accumulate(total: ComplexArray, index: AnyArray, values: ComplexArray) -> None:
    """Add each value to the total at its index, which may be repeated."""
    total.real += np.bincount(index, weights=values.real, minlength=total.size)
    total.imag += np.bincount(index, weights=values.imag, minlength=total.size)


def _spans(count: int) -> list[tuple[AnyArray, AnyArray, AnyArray]]:
    """First piece, end, and first child of the cells of each level: halves, down to a leaf."""
    spans = []
    start, stop = np.array([0]), np.array([count])
    while start.size:
        split = stop - start > _LEAF
        first_child = np.where(split, 2 * (np.cumsum(split) - 1), -1)
        spans.append((start, stop, first_child))
        middle = ((start + stop) // 2)[split]
        start, stop = (
            np.column_stack([start[split], middle]).ravel(),
            np.column_stack([middle, stop[split]]).ravel(),
        )
    return spans


def _weigh_leaves(
    level: _Level, leaf: AnyArray, low: FloatArray, nodes: FloatArray, weights: FloatArray
) -> None:
    owners, pieces = _members(level, leaf, leaf)
    step = max(1, _BLOCK_TERMS // nodes.shape[1])
    for first in range(0, owners.size, step):
        owner, piece = owners[first : first + step], pieces[first : first + step]
        local = (low[piece] - level.center[owner])[:, None] + nodes[piece]
        local /= level.half[owner, None]
        np.add.at(level.proxy, owner, _proxies(local, weights[piece]))


def _weigh_parents(level: _Level, parent: AnyArray, below: _Level) -> None:
    pair = level.first_child[parent, None] + np.arange(2)
    start = below.center[pair] - level.center[parent, None]
    local = (start[:, :, None] + below.half[pair, None] * _NODES) / level.half[parent, None, None]
    shape = (parent.size, 2 * _ORDER)
    level.proxy[parent] = _proxies(local.reshape(shape), below.proxy[pair].reshape(shape))


def _proxies(local: FloatArray, weights: FloatArray) -> FloatArray:
    """Weights at the nodes that act like the given ones at points in [−1, 1], row by row."""
    moments = np.empty((len(local), _ORDER))
    before, now = weights * local, weights
    for k in range(_ORDER):
        moments[:, k] = now.sum(axis=1)
        # w T_(k+1) = 2t w T_k − w T_(k−1), and T_(−1) = T_1.
        before, now = now, 2 * local * now - before
    return np.asarray(moments @ _SPREAD)


def _add_far(
    totals: list[ComplexArray],
    kernels: Sequence[Kernel],
    z: ComplexArray,
    target: AnyArray,
    level: _Level,
    cell: AnyArray,
) -> None:
    step = _BLOCK_TERMS // _ORDER
    for first in range(0, target.size, step):
        at, of = target[first : first + step], cell[first : first + step]
        offset = (level.center[of] - z[at])[:, None] + level.half[of, None] * _NODES
        for total, kernel in zip(totals, kernels, strict=True):
            accumulate(total, at, np.einsum("ij,ij->i", kernel(offset), level.proxy[of]))


def _members(level: _Level, target: AnyArray, cell: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Pairs of each target with the pieces of its leaf."""
    piece = level.start[cell, None] + np.arange(_LEAF)
    inside = piece < level.stop[cell, None]
    return np.repeat(target, _LEAF)[inside.ravel()], piece[inside]
