"""Searching the gaps of a support for edges: where a function with one valley crosses zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pastur._numerics.inversion import invert_increasing
from pastur._typing import FloatArray
from pastur.measures import Measure

_EPS = float(np.finfo(float).eps)
_GOLDEN = (np.sqrt(5) - 1) / 2
# They shrink a gap to 1e-8 of its length, where f is at its minimum to rounding.
_SECTIONS = 40

Valley = Callable[[FloatArray], FloatArray]


def gaps_of(measure: Measure) -> tuple[FloatArray, FloatArray]:
    """Return the gaps of a support, (k, 2), and (p^⅓ + q^⅓)^(3/2) for the atoms at their ends.

    An interval counts as an atom of mass 0, which errs on the side of looking into the gap.
    """
    support, atoms = measure.support, measure.atoms
    gaps = np.column_stack([support[:-1, 1], support[1:, 0]])
    mass = np.zeros(gaps.shape)
    if len(atoms):
        index = np.minimum(np.searchsorted(atoms[:, 0], gaps), len(atoms) - 1)
        mass = np.where(atoms[index, 0] == gaps, atoms[index, 1], 0.0)
    return gaps, np.cbrt(mass).sum(axis=1) ** 1.5


def lowest_points(f: Valley, gaps: FloatArray) -> FloatArray:
    """Return a point of each gap where f < 0, or its minimum: f has one valley in each gap.

    Golden sections on all gaps at once; a gap is done where f turns negative.
    """
    result = (gaps[:, 0] + gaps[:, 1]) / 2
    low, high = gaps.T
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = f(inner), f(outer)
    index = np.arange(len(gaps))
    for _ in range(_SECTIONS):
        left = at_inner < at_outer
        result[index] = np.where(left, inner, outer)
        kept = np.minimum(at_inner, at_outer) >= 0
        if not kept.any():
            break
        low, high = np.where(left, low, inner)[kept], np.where(left, outer, high)[kept]
        old, at_old = np.where(left, inner, outer)[kept], np.minimum(at_inner, at_outer)[kept]
        left, index = left[kept], index[kept]
        fresh = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_fresh = f(fresh)
        inner, outer = np.where(left, fresh, old), np.where(left, old, fresh)
        at_inner, at_outer = np.where(left, at_fresh, at_old), np.where(left, at_old, at_fresh)
    return result


def crossing(f: Valley, end: FloatArray, inside: FloatArray) -> FloatArray:
    """Solve f = 0 between the end of a gap, where f > 0, and a point inside it with f < 0.

    Where the measure thins out so fast at `end` that f < 0 up to it, return `end`; or the next
    point, where a density that all but vanishes there makes f infinite at `end` itself. Beside an
    atom f + 1 has a double pole, so that its inverse square root is nearly a straight line.
    """
    tiny = 8 * _EPS * np.maximum(np.abs(end), np.abs(inside - end))
    near = end + np.sign(inside - end) * tiny
    turns = (f(near) > 0) & (f(inside) < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.where(np.isfinite(f(end)), end, near)
    if turns.any():
        low, high = near[turns], inside[turns]

        def rising(share: FloatArray) -> FloatArray:
            u = low + share * (high - low)
            # Far from all atoms f + 1 is lost in rounding, and may come out as 0.
            value = np.maximum(f(u) + 1, _EPS) ** -0.5 - 1
            # A rounding of u shifts the value by this at most: nothing is left to solve below it.
            # Next to an end where f is finite it is far less, hence the cap.
            rounding = np.minimum(4 * _EPS * (1 + np.abs(u / (u - end[turns]))), 1e-8)
            return np.where(np.abs(value) < rounding, 0.0, value)

        zero = np.zeros(low.shape)
        share = invert_increasing(rising, zero, np.ones(low.shape), zero)
        result[turns] = low + share * (high - low)
    return result
