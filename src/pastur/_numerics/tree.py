"""Fast sums over many atoms: Σ pᵢ K(tᵢ − z) for kernels that are smooth away from 0.

Atoms are sorted into dyadic cells. Seen from a point at two half-widths or more, a cell of any
number of atoms acts like `_ORDER` weighted Chebyshev points: the kernel is analytic in t inside the
Bernstein ellipse through z, whose parameter there is at least 2 + √3, so that interpolation errs by
(2 + √3)^(−28) ≈ 1e-16 of the kernel. Each z meets a few cells on each level and a few atoms: the
cost is O(log n) a point, less where z is far from the real axis. (Barnes, Hut 1986; interpolation
in place of multipoles as in Fong, Darve 2009.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, ComplexArray, FloatArray

_ORDER = 28
_SEPARATION = 2.0
_LEAF = 32
_MAX_LEVELS = 48
# Kernel values held at once: 2¹⁸ complex numbers are 4 MiB.
_BLOCK_TERMS = 1 << 18

Kernel = Callable[[AnyArray], AnyArray]


@dataclass(frozen=True, eq=False)
class _Level:
    """Cells of one level: geometry, proxy weights, children on the next level (−1 for none)."""

    center: FloatArray
    half: FloatArray
    proxy: FloatArray
    children: AnyArray
    start: AnyArray
    stop: AnyArray


class AtomTree:
    """Dyadic tree over sorted atoms that evaluates sums of kernels.

    Parameters
    ----------
    points : array, shape (n,)
        Ascending.
    weights : array, shape (n,)
    """

    def __init__(self, points: FloatArray, weights: FloatArray) -> None:
        self._points, self._weights = points, weights
        self._levels = _with_proxies(_cells(points), points, weights)

    def sums(self, z: AnyArray, kernels: Sequence[Kernel]) -> list[ComplexArray]:
        """Return Σ pᵢ K(tᵢ − z) for each kernel K, at each z of a vector, real or complex."""
        totals = [np.zeros(z.shape, dtype=np.complex128) for _ in kernels]
        target = np.arange(z.size)
        cell = np.zeros(z.size, dtype=np.intp)
        for level in self._levels:
            distance = np.abs(z[target] - level.center[cell])
            far = distance >= _SEPARATION * level.half[cell]
            self._add_far(totals, kernels, z, target[far], level, cell[far])
            target, cell = target[~far], cell[~far]
            leaf = (level.children[cell] < 0).all(axis=1)
            self._add_near(totals, kernels, z, target[leaf], level, cell[leaf])
            target, cell = target[~leaf], cell[~leaf]
            children = level.children[cell].ravel()
            target = np.repeat(target, 2)[children >= 0]
            cell = children[children >= 0]
        return totals

    def _add_far(
        self,
        totals: list[ComplexArray],
        kernels: Sequence[Kernel],
        z: AnyArray,
        target: AnyArray,
        level: _Level,
        cell: AnyArray,
    ) -> None:
        for part in _blocks(target.size, _ORDER):
            at, of = target[part], cell[part]
            nodes = level.center[of, None] + level.half[of, None] * _NODES
            _accumulate(totals, kernels, nodes - z[at, None], level.proxy[of], at)

    def _add_near(
        self,
        totals: list[ComplexArray],
        kernels: Sequence[Kernel],
        z: AnyArray,
        target: AnyArray,
        level: _Level,
        cell: AnyArray,
    ) -> None:
        if not target.size:
            return
        width = int((level.stop[cell] - level.start[cell]).max())
        for part in _blocks(target.size, width):
            at, of = target[part], cell[part]
            index = level.start[of, None] + np.arange(width)
            inside = index < level.stop[of, None]
            index = np.minimum(index, self._points.size - 1)
            offset = np.where(inside, self._points[index] - z[at, None], 1.0)
            _accumulate(totals, kernels, offset, self._weights[index] * inside, at)


def _accumulate(
    totals: list[ComplexArray],
    kernels: Sequence[Kernel],
    offset: AnyArray,
    weights: FloatArray,
    at: AnyArray,
) -> None:
    for total, kernel in zip(totals, kernels, strict=True):
        values = np.einsum("ij,ij->i", kernel(offset), weights)
        total.real += np.bincount(at, weights=values.real, minlength=total.size)
        if values.dtype.kind == "c":
            total.imag += np.bincount(at, weights=values.imag, minlength=total.size)


def _chebyshev(order: int) -> FloatArray:
    return np.asarray(np.cos(np.pi * (np.arange(order) + 0.5) / order))


_NODES = _chebyshev(_ORDER)


def _basis(t: FloatArray) -> FloatArray:
    """Return the Lagrange polynomials of the Chebyshev points at t in [−1, 1], shape (t, order)."""
    k = np.arange(_ORDER)
    angle = np.arccos(np.clip(t, -1, 1))
    modes = np.cos(angle[:, None] * k) * np.where(k == 0, 1, 2) / _ORDER
    basis = modes @ np.cos(np.arccos(_NODES)[None, :] * k[:, None])
    # They add up to 1; a rounding bias in that would lose mass on every level of the tree.
    return np.asarray(basis / basis.sum(axis=1, keepdims=True))


def _cells(points: FloatArray) -> list[dict[str, AnyArray]]:
    """Split cells at their centres until none above `_LEAF` atoms is left."""
    low, high = points[0], points[-1]
    half = max((high - low) / 2, np.finfo(float).tiny) * (1 + 1e-12)
    level = {
        "center": np.array([(low + high) / 2]),
        "half": np.array([half]),
        "start": np.array([0]),
        "stop": np.array([points.size]),
    }
    levels = []
    while True:
        split = level["stop"] - level["start"] > _LEAF
        children = np.full((split.size, 2), -1, dtype=np.intp)
        levels.append({**level, "children": children})
        if not split.any() or len(levels) == _MAX_LEVELS:
            return levels
        center, half_width = level["center"][split], level["half"][split] / 2
        start, stop = level["start"][split], level["stop"][split]
        middle = np.clip(np.searchsorted(points, center), start, stop)
        fresh = {
            "center": np.column_stack([center - half_width, center + half_width]).ravel(),
            "half": np.repeat(half_width, 2),
            "start": np.column_stack([start, middle]).ravel(),
            "stop": np.column_stack([middle, stop]).ravel(),
        }
        kept = fresh["stop"] > fresh["start"]
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        children[split] = number.reshape(-1, 2)
        level = {name: values[kept] for name, values in fresh.items()}


def _with_proxies(
    cells: list[dict[str, AnyArray]], points: FloatArray, weights: FloatArray
) -> list[_Level]:
    """Weigh the Chebyshev points of every cell: leaves from atoms, others from their children."""
    halves = [_basis((_NODES + side) / 2) for side in (-1, 1)]
    levels: list[_Level] = []
    below: FloatArray | None = None
    for level in reversed(cells):
        proxy = np.zeros((level["center"].size, _ORDER))
        leaf = (level["children"] < 0).all(axis=1)
        _weigh_leaves(proxy, level, np.flatnonzero(leaf), points, weights)
        for side, transfer in enumerate(halves):
            child = level["children"][:, side]
            has = child >= 0
            if below is not None and has.any():
                proxy[has] += below[child[has]] @ transfer
        levels.append(_Level(proxy=proxy, **level))
        below = proxy
    return levels[::-1]


def _weigh_leaves(
    proxy: FloatArray,
    level: dict[str, AnyArray],
    leaves: AnyArray,
    points: FloatArray,
    weights: FloatArray,
) -> None:
    counts = (level["stop"] - level["start"])[leaves]
    owner = np.repeat(leaves, counts)
    offset = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    atom = np.repeat(level["start"][leaves], counts) + offset
    for part in _blocks(atom.size, _ORDER):
        local = (points[atom[part]] - level["center"][owner[part]]) / level["half"][owner[part]]
        np.add.at(proxy, owner[part], _basis(local) * weights[atom[part], None])


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, _BLOCK_TERMS // max(columns, 1))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]
