"""Whether variances of rows and columns may explain a matrix, asked of a part of it."""

import numpy as np

from pastur._numerics.sides import filled_sides
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._profile.alternation import FAR, UNEQUAL, Alternation, hopeless

# Rows and columns of the parts that are asked one after the other, short side first: nearly all
# matrices fail the first that such noise does not explain. Powers of two would take half as long
# again: rows that lie so far apart share places of the cache.
_PARTS = ((120, 240), (200, 400))
# A matrix of at most so many entries is estimated without being asked: in a part of it many spikes
# would be weak, and the estimate itself gives up soon.
_SMALL = 100_000


def profile_may_hold(w: FloatArray, *, symmetric: bool = False) -> bool:
    """Return whether a part of `w` may be noise of row and column variances with few spikes.

    `w` has no rows and columns of zeros.

    A signal of low rank and such noise stay what they are in a random part of the matrix, and after
    a few steps from variances to signal and back the rest of its spectrum follows the law of white
    noise. That of a trained layer mostly does not.
    """
    if not in_parts(w):
        return True
    rng = np.random.default_rng(0)
    return all(
        _follows(_part(w, short, long, rng, symmetric=symmetric), symmetric=symmetric)
        for short, long in _PARTS
    )


def in_parts(w: AnyArray) -> bool:
    """Return whether parts of `w` are asked; they begin as `estimate_profile` does at first."""
    return bool(w.size > _SMALL)


def _part(
    w: FloatArray, short: int, long: int, rng: np.random.Generator, *, symmetric: bool
) -> FloatArray:
    n, m = w.shape
    most = (short, long) if n <= m else (long, short)
    rows, columns = (
        np.sort(rng.permutation(side)[:size]) for side, size in zip((n, m), most, strict=True)
    )
    if symmetric:
        columns = rows
    return np.asarray(w[np.ix_(rows, columns)], dtype=np.float64)


def _follows(w: FloatArray, *, symmetric: bool) -> bool:
    """Return whether the rest of the spectrum comes to follow the law, quickly at every step."""
    filled = filled_sides(w)
    state = Alternation.of(np.asarray(filled.inner(w), dtype=np.float64), symmetric=symmetric)
    variances, unequal = state.start()
    scaled, before = state.scaled(variances), np.inf
    while unequal < UNEQUAL and scaled.distance > FAR and not hopeless(scaled.distance, before):
        before = scaled.distance
        squares = scaled.removal().squares(state.w, variances)
        variances, unequal = state.variances(squares, variances)
        scaled = state.scaled(variances, vectors=False)
    return unequal < UNEQUAL and scaled.distance <= FAR
