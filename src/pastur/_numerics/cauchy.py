"""Sums over atoms: Σ pᵢ/(tᵢ − z)ᵏ and Σ pᵢ log(z − tᵢ), in blocks that fit the cache."""

from collections.abc import Sequence

import numpy as np

from pastur._typing import ComplexArray, FloatArray

# Terms handled at once: 2¹⁷ complex numbers are 2 MiB, about a core's second-level cache.
_BLOCK_TERMS = 1 << 17


def cauchy_sums(
    points: FloatArray, weights: FloatArray, z: ComplexArray, *, orders: Sequence[int]
) -> list[ComplexArray]:
    """Return Σ pᵢ/(tᵢ − z)ᵏ for each k in `orders`, by direct summation."""
    flat = z.ravel()
    sums = [np.empty(flat.shape, dtype=np.complex128) for _ in orders]
    for block in _blocks(flat.size, points.size):
        inverse = 1.0 / (points - flat[block, None])
        power, reached = inverse, 1
        for result, order in sorted(zip(sums, orders, strict=True), key=lambda pair: pair[1]):
            while reached < order:
                power = power * inverse
                reached += 1
            result[block] = power @ weights
    return [s.reshape(z.shape) for s in sums]


def log_sum(points: FloatArray, weights: FloatArray, z: ComplexArray) -> ComplexArray:
    """Return Σ pᵢ log(z − tᵢ), arguments in [0, π] for z in the closed upper half-plane."""
    flat = z.ravel()
    result = np.empty(flat.shape, dtype=np.complex128)
    for block in _blocks(flat.size, points.size):
        with np.errstate(divide="ignore"):
            logs = np.log(flat[block, None] - points)
        # Apart, because a complex product turns the −∞ at an atom into NaN + NaN·i.
        result.real[block], result.imag[block] = logs.real @ weights, logs.imag @ weights
    return result.reshape(z.shape)


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, _BLOCK_TERMS // max(columns, 1))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]
