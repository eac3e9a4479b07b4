"""Sums over atoms: Σ pᵢ/(tᵢ − z)ᵏ and Σ pᵢ log(z − tᵢ), directly or by a tree."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from pastur._numerics.tree import AtomTree, Kernel
from pastur._typing import ComplexArray, FloatArray

# Terms handled at once: 2¹⁷ complex numbers are 2 MiB, about a core's second-level cache.
_BLOCK_TERMS = 1 << 17
# A tree pays from about this many atoms and this many terms on (measured, one core): a few calls
# of this size make up for building it.
_TREE_ATOMS = 1 << 11
_TREE_TERMS = 1 << 16
# Logarithms, which take longer than quotients, from this many atoms on.
_TREE_LOG_ATOMS = 1 << 9
_KERNELS: dict[int, Kernel] = {1: lambda d: 1 / d, 2: lambda d: 1 / (d * d)}


class AtomSums:
    """Sums over given atoms, ascending, evaluated at points of the closed upper half-plane."""

    def __init__(self, points: FloatArray, weights: FloatArray) -> None:
        self._points, self._weights = points, weights

    @cached_property
    def _tree(self) -> AtomTree:
        return AtomTree(self._points, self._weights)

    def _pays(self, z: ComplexArray, least: int = _TREE_ATOMS) -> bool:
        n = self._points.size
        return n >= least and n * z.size >= _TREE_TERMS

    def cauchy(self, z: ComplexArray, orders: Sequence[int]) -> list[ComplexArray]:
        """Return Σ pᵢ/(tᵢ − z)ᵏ for each k in `orders`, 1 or 2."""
        flat = z.ravel()
        if self._pays(z):
            # On the real line real numbers take a third of the time.
            at = flat if flat.imag.any() else flat.real.copy()
            sums = self._tree.sums(at, [_KERNELS[k] for k in orders])
        else:
            sums = self._direct(flat, orders)
        return [s.reshape(z.shape) for s in sums]

    def log(self, z: ComplexArray) -> ComplexArray:
        """Return Σ pᵢ log(z − tᵢ), arguments in [0, π]."""
        flat = z.ravel()
        if self._pays(z, _TREE_LOG_ATOMS):
            # 0 − d and not −d: the imaginary part of a real difference must be +0.
            return self._tree.sums(flat, [lambda d: np.log(0 - d)])[0].reshape(z.shape)
        result = np.empty(flat.shape, dtype=np.complex128)
        for block in _blocks(flat.size, self._points.size):
            with np.errstate(divide="ignore"):
                logs = np.log(flat[block, None] - self._points)
            # Apart, because a complex product turns the −∞ at an atom into NaN + NaN·i. Not by `@`:
            # on the real line most arguments are π, whose roundings it would add up.
            result.real[block] = (logs.real * self._weights).sum(axis=1)
            result.imag[block] = (logs.imag * self._weights).sum(axis=1)
        return result.reshape(z.shape)

    def _direct(self, z: ComplexArray, orders: Sequence[int]) -> list[ComplexArray]:
        sums = [np.empty(z.shape, dtype=np.complex128) for _ in orders]
        for block in _blocks(z.size, self._points.size):
            inverse = 1.0 / (self._points - z[block, None])
            for result, order in zip(sums, orders, strict=True):
                power = inverse if order == 1 else inverse**order
                result[block] = power @ self._weights
        return sums


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, _BLOCK_TERMS // max(columns, 1))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]
