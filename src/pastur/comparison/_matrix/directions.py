"""What stands out in two matrices: how much of it is the same directions."""

from typing import NamedTuple

import numpy as np

from pastur._numerics.leading import leading_directions
from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray
from pastur.estimation import RectangularFit, Verdict
from pastur.estimation._free.leading import standing_out

# A direction stands out where the intervals of its overlaps lie above this, and may where they are
# not below. Two estimates of one direction that are each more than half right, with
# independent noise, have more than the square of it in common.
_HALF = 0.5


class Directions(NamedTuple):
    """What stands out in OLD and in NEW, compared.

    Attributes
    ----------
    old, new : int
        How many directions stand out.
    overlap_left, overlap_right : float or None
        ‖U_oldᵀ U_new‖²/min(old, new), U the vectors of what stands out: 1 where the smaller span
        lies in the larger one. None where nothing stands out in one of the two.
    lost, gained : int
        Dimensions of the span of what stands out in OLD that the span of what may stand out in NEW
        does not have, on the left or on the right; and the other way round. A dimension is there
        where the squared cosine of a principal angle is ¼ or more, and above what spans in random
        directions have, or ½.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> u, v = (np.linalg.qr(np.random.default_rng(0).normal(size=(n, 3)))[0] for n in (60, 90))
    >>> old, new = u[:, :2] @ v[:, :2].T, u[:, 1:] @ v[:, 1:].T
    >>> found = pastur.compare({"w": old}, {"w": new}).matrices[0].directions
    >>> found.old, found.new, round(found.overlap_left, 9), found.lost, found.gained
    (2, 2, 0.5, 1, 1)
    """

    old: int
    new: int
    overlap_left: float | None
    overlap_right: float | None
    lost: int
    gained: int


class _Leading(NamedTuple):
    """Leading vectors of both sides, those that stand out, and those that may."""

    sides: tuple[AnyArray, AnyArray]
    out: AnyArray
    possible: AnyArray


def compare_directions(
    old: AnyArray, new: AnyArray, old_fit: RectangularFit, new_fit: RectangularFit
) -> Directions:
    """Return what two matrices of one shape have in common.

    Parameters
    ----------
    old, new : ndarray, shape (n, m)
        Finite and not zero.
    old_fit, new_fit : RectangularFit
        Their fits.
    """
    places = [standing_places(fit) for fit in (old_fit, new_fit)]
    if not any(out.size for out, _ in places):
        return Directions(0, 0, None, None, 0, 0)
    first, second = (_leading(w, *found) for w, found in zip((old, new), places, strict=True))
    left, right = (_overlap(first, second, side) for side in (0, 1))
    return Directions(
        old=first.out.size,
        new=second.out.size,
        overlap_left=left,
        overlap_right=right,
        lost=_lost(first, second),
        gained=_lost(second, first),
    )


def standing_places(fit: RectangularFit) -> tuple[AnyArray, AnyArray]:
    """Return the places of singular values that stand out, and of those that may.

    In a matrix without noise all that are not zero do.
    """
    if fit.goodness.verdict == Verdict.NO_NOISE:
        every = np.arange(fit.rank)
        return every, every
    out = np.flatnonzero(standing_out(fit.kind, fit.leading))
    return out, np.flatnonzero(_may_stand_out(fit))


def _may_stand_out(fit: RectangularFit) -> AnyArray:
    """Return which leading directions are not sure to be noise for the greater part."""
    may = np.asarray(fit.leading["readable"], dtype=bool).copy()
    for side in ("left", "right"):
        may &= fit.leading[f"span_{side}_high"] > _HALF
    return may


def _leading(matrix: AnyArray, out: AnyArray, possible: AnyArray) -> _Leading:
    count = int(max(out.max(initial=-1), possible.max(initial=-1))) + 1
    if count == 0:
        n, m = matrix.shape
        return _Leading((np.empty((n, 0)), np.empty((m, 0))), out, possible)
    # Squares of entries near 1e±200 leave the doubles.
    exponent = safe_exponent(largest_magnitude(matrix))
    scaled = np.asarray(divided(matrix, exponent), dtype=np.float64)
    left, _, right = leading_directions(scaled, count)
    if left.shape[1] < count:
        # Values without digits in the Gram matrix: those of a matrix without noise.
        left, _, across = np.linalg.svd(scaled, full_matrices=False)
        right = across.T
    return _Leading((left, right), out, possible)


def _overlap(first: _Leading, second: _Leading, side: int) -> float | None:
    smaller = min(first.out.size, second.out.size)
    if smaller == 0:
        return None
    across = first.sides[side][:, first.out].T @ second.sides[side][:, second.out]
    return min(1.0, float(np.vdot(across, across)) / smaller)


def _lost(first: _Leading, second: _Leading) -> int:
    """Return how many dimensions of the first are not in the second, on a side.

    Neighbours mix, so that single vectors have no counterparts: spans have.
    """
    kept = first.out.size
    for ours, theirs in zip(first.sides, second.sides, strict=True):
        across = theirs[:, second.possible].T @ ours[:, first.out]
        cosines = np.linalg.svd(across, compute_uv=False) if across.size else np.empty(0)
        least = float(np.clip(_largest_random(across.shape, len(ours)), _HALF**2, _HALF))
        kept = min(kept, int(np.count_nonzero(cosines**2 >= least)))
    return int(first.out.size - kept)


def _largest_random(dimensions: tuple[int, int], n: int) -> float:
    """Return the limit of the largest squared cosine between random spans in n dimensions.

    With the shares a and b of n that they have, (√(a(1 − b)) + √(b(1 − a)))², the edge of the
    Jacobi ensemble (Wachter 1980); where a + b exceeds 1 they meet.
    """
    a, b = (size / n for size in dimensions)
    return 1.0 if a + b >= 1 else float((a * (1 - b)) ** 0.5 + (b * (1 - a)) ** 0.5) ** 2
