"""Biane's curve: where ω maps the real line, with no regularising imaginary part.

For real u let ``v(u) = inf{v ≥ 0 : F(u, v²) ≤ 1/σ²}``, ``F(u, s) = ∫dν₀(t)/((u − t)² + s)``. Then
ω(x(u) + i0) = u + i·v(u), where x(u) = Φ(u + i·v(u)) is real and increasing (Biane 1997).

Two facts make the real line safe. Im Φ(u + iv) = v(1 − σ²F(u, v²)) vanishes in the open upper
half-plane on the curve only, so *any* root there of Φ(w) = x, x real, is the right one. And with U
the logarithmic potential of ν₀, M(w) = U(w) + σ²g(w)²/2 has M′ = −gΦ′ and Im M = π·μ₀((x, ∞)) on
the curve, so that quantiles need no integration either.
"""

from __future__ import annotations

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.measures import Measure

_EPS = float(np.finfo(float).eps)
_MAX_STEPS = 60


def curve(nu: Measure, sigma: float, u: FloatArray) -> ComplexArray:
    """Return u + i·v(u) for u under the bulk (where F(u, 0) > 1/σ²).

    1/F is increasing and concave in s = v², so Newton's method on 1/F − σ² approaches the root from
    below and cannot overshoot. From s = σ², never below the root, its first step lands there.
    """
    s = np.full(u.shape, sigma**2)
    active = np.ones(u.shape, dtype=bool)
    for _ in range(_MAX_STEPS):
        at = s[active]
        v = np.sqrt(at)
        w = u[active] + 1j * v
        g, dg = nu._stieltjes(w), nu._stieltjes_derivative(w)
        height = g.imag / v
        slope = (height - dg.real) / (2 * at)
        step = (1 / height - sigma**2) * height**2 / np.where(slope > 0, slope, np.inf)
        new = np.where(at - step > 0, at - step, at * 1e-4)
        s[active] = new
        active[active] = np.abs(new - at) > 4 * _EPS * at
        if not active.any():
            break
    return np.asarray(u + 1j * np.sqrt(s))


def polish(
    nu: Measure, sigma: float, z: ComplexArray, start: ComplexArray
) -> tuple[ComplexArray, FloatArray]:
    """Solve Φ(w) = z by complex Newton steps from `start`; return w and the residual |Φ(w) − z|.

    A step that would leave the upper half-plane goes halfway to the real axis instead.
    """
    w = start.copy()
    best, residual = w.copy(), np.full(z.shape, np.inf)
    active = np.ones(z.shape, dtype=bool)
    for _ in range(_MAX_STEPS):
        at = w[active]
        g, dg = nu._stieltjes(at), nu._stieltjes_derivative(at)
        gap = at - sigma**2 * g - z[active]
        size = np.abs(gap)
        better = size < residual[active]
        index = np.flatnonzero(active)
        best[index[better]], residual[index[better]] = at[better], size[better]
        floor = 4 * _EPS * (np.abs(at) + np.abs(sigma**2 * g))
        new = at - gap / (1 - sigma**2 * dg)
        w[active] = np.where(new.imag > 0, new, new.real + 0.5j * at.imag)
        active[index] = better & (size > floor)
        if not active.any():
            break
    return best, residual


def walk(
    nu: Measure, sigma: float, level: FloatArray, start: ComplexArray
) -> tuple[ComplexArray, FloatArray]:
    """Find the point of the curve with μ₀((x, ∞)) = level; return it and the residual of the level.

    Newton's method for the two real equations Im Φ(w) = 0, Im M(w) = π·level. With ε = Φ′·δw and
    M′ = −gΦ′ they decouple: Im ε = −Im Φ, and Re ε follows from Im(gε) = Im M − π·level.
    """
    w = start.copy()
    best, residual = w.copy(), np.full(level.shape, np.inf)
    active = np.ones(level.shape, dtype=bool)
    for _ in range(_MAX_STEPS):
        at = w[active]
        g, dg = nu._stieltjes(at), nu._stieltjes_derivative(at)
        off = (at - sigma**2 * g).imag
        excess = (nu._log_potential(at) + sigma**2 * g**2 / 2).imag - np.pi * level[active]
        size = np.abs(excess) + np.abs(off * g.real)
        better = size < residual[active]
        index = np.flatnonzero(active)
        best[index[better]], residual[index[better]] = at[better], size[better]
        move = (excess + g.real * off) / g.imag - 1j * off
        new = at + move / (1 - sigma**2 * dg)
        w[active] = np.where(new.imag > 0, new, new.real + 0.5j * at.imag)
        active[index] = better & (size > 4 * _EPS)
        if not active.any():
            break
    return best, residual
