"""Searching the gaps of a support for edges: where a function with one valley crosses zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pastur._numerics.inversion import invert_increasing
from pastur._typing import FloatArray
from pastur.measures import Measure

_GOLDEN = (np.sqrt(5) - 1) / 2

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

    Golden sections on all gaps at once, which stop early where f turns negative.
    """
    low, high = gaps[:, 0].copy(), gaps[:, 1].copy()
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = f(inner), f(outer)
    for _ in range(80):
        if ((at_inner < 0) | (at_outer < 0)).all():
            break
        left = at_inner < at_outer
        low, high = np.where(left, low, inner), np.where(left, outer, high)
        fresh = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_fresh = f(fresh)
        inner, outer = np.where(left, fresh, outer), np.where(left, inner, fresh)
        at_inner, at_outer = (
            np.where(left, at_fresh, at_outer),
            np.where(left, at_inner, at_fresh),
        )
    return np.asarray(np.where(at_inner < at_outer, inner, outer))


def crossing(f: Valley, end: FloatArray, inside: FloatArray) -> FloatArray:
    """Solve f = 0 between the end of a gap, where f > 0, and a point inside it with f < 0.

    Where the measure thins out so fast at `end` that f < 0 up to it, return `end`.
    """
    tiny = 8 * np.finfo(float).eps * np.maximum(np.abs(end), np.abs(inside - end))
    near = end + np.sign(inside - end) * tiny
    result = end.astype(np.float64)
    turns = (f(near) > 0) & (f(inside) < 0)
    if turns.any():
        low, high = near[turns], inside[turns]
        share = invert_increasing(
            lambda t: -f(low + t * (high - low)),
            np.zeros(low.shape),
            np.ones(low.shape),
            np.zeros(low.shape),
        )
        result[turns] = low + share * (high - low)
    return result
