"""Variances of rows and columns, estimated together with the signal."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pastur._numerics.sides import filled_sides
from pastur._typing import FloatArray
from pastur.estimation._profile.alternation import FAR, UNEQUAL, Alternation, Removal, hopeless
from pastur.estimation._result.goodness import REJECTION
from pastur.estimation._result.status import Status
from pastur.estimation._whitened.variances import Variances

# The variances are a few per cent uncertain: relative changes below this are none.
_TOLERANCE = 1e-3
_MOST_STEPS = 100
# A spike less likely by chance is one.
_BEYOND_DOUBT = 1e-7
# From this step on the number of spikes may only rise, so that it settles.
_SETTLING = 20


@dataclass(frozen=True, eq=False)
class ProfileEstimate:
    """Variances of rows and columns, and how their estimate ended.

    Attributes
    ----------
    variances : Variances
    removed : int
        Directions that were taken for signal.
    leverage : float
        The largest share that a single row or column has in them: near 1 it is as well a row of
        larger variance as a signal.
    status : Status
        Its residual is the largest relative change of a variance at the last step.
    """

    variances: Variances
    removed: int
    leverage: float
    status: Status


def estimate_profile(
    w: FloatArray, *, symmetric: bool = False, again: bool = True
) -> ProfileEstimate:
    """Return the variances of rows and columns of ``D_r^(1/2) R D_c^(1/2)/√m + S``.

    From variances the spikes of the scaled matrix follow. Without them (as they are observed: what
    a shrinker leaves of them would count as noise, and the next shrinkage leave more) a residual of
    k directions is left, whose entry i, j has the variance ``(1 − h_i)(1 − g_j)`` of noise, h and g
    being the diagonals of the projections on the directions. With that put right, mean squares of
    rows and columns give the variances again, by Sinkhorn's and Knopp's scaling; for Gaussian noise
    they have the greatest likelihood. Steps end when no variance moves by more than a thousandth.

    They begin with the variances that make all rows and columns equal. A signal in few rows may
    vanish in these: where such steps do not lead to noise, others begin with their square roots,
    halfway to one variance, unless not `again`. Not all do, as these take some directions of noise
    for signal.

    A row of great variance and a signal in that row alone are the same matrix: what is found in one
    row or column counts as variance.

    Raises
    ------
    InvalidInputError
        Where rows or columns are too far apart in size.
    """
    sides = filled_sides(w)
    if symmetric:
        filled = np.logical_or(*sides)
        sides = sides._replace(rows=filled, columns=filled)
    state = Alternation.of(sides.inner(w), symmetric=symmetric)
    found = _first_found(state, again=again)
    while found.change <= _TOLERANCE and found.removal.doubt(state.edges) > _BEYOND_DOUBT:
        # A direction of noise that is taken out lowers the variances of its own rows, and stands
        # out more: the weakest is asked with the variances of the hypothesis that it is noise.
        count = found.removal.count
        squares = found.removal.squares(state.w, found.variances)
        other = _descent(state, *state.variances(squares, found.variances), most=count - 1)
        if other.removal.split.spikes.size >= count:
            break
        found = other
    variances, removal = found.variances, found.removal
    whole = Variances(np.zeros(w.shape[0]), np.zeros(w.shape[1]))
    for all_of_them, own, kept in zip(whole, variances, sides, strict=True):
        all_of_them[kept] = own
    status = _status(found)
    return ProfileEstimate(whole, removal.count, removal.leverage, status)


class _Found(NamedTuple):
    """Where a descent ended, with the largest change of its last step, and how far from noise."""

    variances: Variances
    removal: Removal
    unequal: float
    change: float
    steps: int
    distance: float
    p_value: float


def _first_found(state: Alternation, *, again: bool) -> _Found:
    """Return what the steps lead to from variances of all that there is, or from their roots."""
    all_of_it, unequal = state.start()
    found = _descent(state, all_of_it, unequal)
    if not again or unequal >= UNEQUAL or found.p_value >= REJECTION:
        return found
    other = _descent(state, Variances(*map(np.sqrt, all_of_it)), unequal)
    return max(found, other, key=lambda one: (one.p_value, -one.distance))


def _descent(
    state: Alternation, variances: Variances, unequal: float, *, most: int | None = None
) -> _Found:
    """Return variances and at most so many spikes that agree, from variances to start with."""
    scaled, removal, before = state.scaled(variances), None, np.inf
    change, least, steps = np.inf, 0, 0
    while change > _TOLERANCE and unequal < UNEQUAL and steps < _MOST_STEPS:
        if hopeless(scaled.distance, before):
            break
        removal, before = scaled.removal(least=least, most=most), scaled.distance
        following, unequal = state.variances(removal.squares(state.w, variances), variances)
        change, steps = _largest_change(variances, following), steps + 1
        # Late steps are halved: what would swing between two states settles in the middle.
        variances = _between(variances, following) if steps > _SETTLING else following
        least = removal.count if steps >= _SETTLING else 0
        scaled = state.scaled(variances, vectors=before < FAR)
    if removal is None or not hopeless(scaled.distance, before):
        removal = scaled.removal(least=least, most=most)
    return _Found(variances, removal, unequal, change, steps, scaled.distance, scaled.p_value)


def _between(before: Variances, after: Variances) -> Variances:
    return Variances(*(np.sqrt(a * b) for a, b in zip(before, after, strict=True)))


def _largest_change(before: Variances, after: Variances) -> float:
    return max(float(np.abs(a / b - 1).max()) for a, b in zip(after, before, strict=True))


def _status(found: _Found) -> Status:
    if found.unequal >= UNEQUAL:
        message = (
            "No variances of rows and columns explain the entries: too many are zero, or far from "
            "the others."
        )
        return Status(False, found.unequal, found.steps, message)
    if found.change <= _TOLERANCE:
        message = "Variances of rows and columns agree with the signal taken out."
        return Status(True, found.change, found.steps, message)
    moved = f"{found.change:.1e} after {found.steps} steps"
    message = f"Variances of rows and columns still moved by {moved}."
    return Status(False, found.change, found.steps, message)
