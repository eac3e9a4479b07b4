"""Transforms of a density known at equispaced points, exact for a band-limited one.

A density ρ whose characteristic function has died out at frequency π/h equals its interpolant
Σ ρ(tⱼ) sinc((t − tⱼ)/h), tⱼ = t₀ + jh. The Cauchy transform of sinc(t) = sin(πt)/(πt) is elementary
and entire,

    ∫ sinc(t/h)/(t − z) dt = h (exp(iπz/h) − 1)/z    for Im z ≥ 0,

so one sum serves the closed upper half-plane, the real line included (Stenger 1993, Numerical
Methods Based on Sinc and Analytic Functions).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pastur._typing import ComplexArray, FloatArray

Kernel: TypeAlias = Callable[[ComplexArray], ComplexArray]

# Terms handled at once: a few complex arrays of this length stay in a core's second-level cache.
_BLOCK_TERMS = 1 << 15


def cauchy_transform(
    start: float, step: float, values: FloatArray, z: ComplexArray
) -> ComplexArray:
    """Return ∫ρ(t)/(t − z) dt in the closed upper half-plane, boundary values on the real line."""
    points = start + step * np.arange(values.size, dtype=np.float64)
    rate = np.pi / step

    def kernel(w: ComplexArray) -> ComplexArray:
        at_node = w == 0
        safe = np.where(at_node, 1.0, w)
        return np.where(at_node, 1j * rate, np.expm1(1j * rate * safe) / safe)

    return _sum(kernel, points, step * values, z)


def log_potential(start: float, step: float, values: FloatArray, z: ComplexArray) -> ComplexArray:
    """Return ∫log(z − t) ρ(t) dt in the closed upper half-plane, with arguments in [0, π]."""
    from scipy.special import exp1

    points = start + step * np.arange(values.size, dtype=np.float64)
    rate = np.pi / step
    # The limit of log w + E₁(−iπw/h) at w = 0.
    at_zero = -np.euler_gamma - np.log(rate) + 0.5j * np.pi

    def kernel(w: ComplexArray) -> ComplexArray:
        at_node = w == 0
        safe = np.where(at_node, 1.0, w)
        return np.asarray(np.where(at_node, at_zero, np.log(safe) + exp1(-1j * rate * safe)))

    return _sum(kernel, points, step * values, z)


def derivative(step: float, values: FloatArray) -> FloatArray:
    """Return ρ′ at the points of ρ."""
    offset = np.arange(values.size) - np.arange(values.size)[:, None]
    safe = np.where(offset == 0, 1, offset)
    sign = np.where(offset % 2 == 0, 1.0, -1.0)
    # d/dt sinc((t − tⱼ)/h) at t = tᵢ is −(−1)^(j−i)/((j − i)h), and 0 for i = j.
    matrix = np.where(offset == 0, 0.0, -sign / (safe * step))
    return np.asarray(matrix @ values)


def _sum(kernel: Kernel, points: FloatArray, weights: FloatArray, z: ComplexArray) -> ComplexArray:
    """Return Σ kernel(z − tⱼ) wⱼ for each z."""
    flat = z.ravel()
    result = np.empty(flat.shape, dtype=np.complex128)
    rows = max(1, _BLOCK_TERMS // points.size)
    for first in range(0, flat.size, rows):
        block = slice(first, first + rows)
        result[block] = kernel(flat[block, None] - points) @ weights
    return result.reshape(z.shape)
