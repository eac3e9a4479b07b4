"""Edges of ν₀ ⊞ semicircle(σ), found in the gaps of supp ν₀, where they are critical points of Φ.

In each gap Φ′ = 1 − σ²g′ is concave, because g‴ = 6∫(t − u)⁻⁴ dν₀ > 0. So Φ′ > 0 on at most one
interval of each gap, and its ends are the critical points of the two edges that face each other.
"""

from __future__ import annotations

import numpy as np

from pastur._numerics.inversion import invert_increasing
from pastur._typing import FloatArray
from pastur.measures import Measure

_GOLDEN = (np.sqrt(5) - 1) / 2


def open_intervals(nu: Measure, sigma: float) -> FloatArray:
    """Return the intervals of real w with Φ′(w) > 0, ascending, shape (k + 1, 2) for k components.

    The first begins at −∞ and the last ends at ∞.
    """
    support = nu.support
    lowest, highest = support[0, 0], support[-1, 1]
    left = _root(nu, sigma, np.array([lowest]), np.array([lowest - sigma]))[0]
    right = _root(nu, sigma, np.array([highest]), np.array([highest + sigma]))[0]
    inner = _inner(nu, sigma, _candidates(nu, sigma))
    return np.concatenate([[[-np.inf, left]], inner, [[right, np.inf]]])


def _candidates(nu: Measure, sigma: float) -> FloatArray:
    """Gaps that can hold an edge: longer than σ(p^⅓ + q^⅓)^(3/2) between atoms of masses p and q.

    That is the exact threshold for two atoms alone, and further mass only lowers Φ′. An interval of
    the support counts as an atom of mass 0, which errs on the side of looking.
    """
    support, atoms = nu.support, nu.atoms
    gaps = np.column_stack([support[:-1, 1], support[1:, 0]])
    if not len(gaps):
        return gaps
    end_mass = np.zeros(gaps.shape)
    if len(atoms):
        index = np.minimum(np.searchsorted(atoms[:, 0], gaps), len(atoms) - 1)
        end_mass = np.where(atoms[index, 0] == gaps, np.maximum(atoms[index, 1], 0), 0.0)
    least = sigma * np.cbrt(end_mass).sum(axis=1) ** 1.5
    return np.asarray(gaps[gaps[:, 1] - gaps[:, 0] > least * (1 - 1e-12)])


def _slope(nu: Measure, sigma: float, u: FloatArray) -> FloatArray:
    """Return Φ′(u) for real u off the support."""
    return np.asarray(1 - sigma**2 * nu._stieltjes_derivative(u.astype(np.complex128)).real)


def _inner(nu: Measure, sigma: float, gaps: FloatArray) -> FloatArray:
    """Return the open interval of each gap that has one."""
    if not len(gaps):
        return np.empty((0, 2))
    peak = _highest_slope(nu, sigma, gaps)
    found = _slope(nu, sigma, peak) > 0
    gaps, peak = gaps[found], peak[found]
    if not len(gaps):
        return np.empty((0, 2))
    return np.column_stack([_root(nu, sigma, gaps[:, i], peak) for i in (0, 1)])


def _highest_slope(nu: Measure, sigma: float, gaps: FloatArray) -> FloatArray:
    """Maximise the concave Φ′ in each gap by golden sections, stopping where it turns positive."""
    low, high = gaps[:, 0].copy(), gaps[:, 1].copy()
    inner = high - _GOLDEN * (high - low)
    outer = low + _GOLDEN * (high - low)
    at_inner, at_outer = _slope(nu, sigma, inner), _slope(nu, sigma, outer)
    for _ in range(80):
        if ((at_inner > 0) | (at_outer > 0)).all():
            break
        keep_left = at_inner > at_outer
        high, low = np.where(keep_left, outer, high), np.where(keep_left, low, inner)
        fresh = np.where(keep_left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_fresh = _slope(nu, sigma, fresh)
        inner, outer = np.where(keep_left, fresh, outer), np.where(keep_left, inner, fresh)
        at_inner, at_outer = (
            np.where(keep_left, at_fresh, at_outer),
            np.where(keep_left, at_inner, at_fresh),
        )
    return np.asarray(np.where(at_inner > at_outer, inner, outer))


def _root(nu: Measure, sigma: float, end: FloatArray, inside: FloatArray) -> FloatArray:
    """Solve Φ′ = 0 between the end of a gap, where Φ′ < 0, and a point inside with Φ′ > 0.

    Where ν₀ thins out so fast at `end` that Φ′ > 0 up to it, every spike detaches: return `end`.
    """
    tiny = 8 * np.finfo(float).eps * np.maximum(np.abs(end), np.abs(inside - end))
    near = end + np.sign(inside - end) * tiny
    result = end.copy()
    turns = _slope(nu, sigma, near) < 0
    if turns.any():
        low, high = near[turns], inside[turns]
        root = invert_increasing(
            lambda t: _slope(nu, sigma, low + t * (high - low)),
            np.zeros(low.shape),
            np.ones(low.shape),
            np.zeros(low.shape),
        )
        result[turns] = low + root * (high - low)
    return result
