"""Whether variances of rows and columns may explain a matrix, asked of a part of it."""

import numpy as np

from pastur._numerics.sides import filled_sides
from pastur._typing import FloatArray
from pastur.estimation._profile.alternation import UNEQUAL, Alternation

# Rows and columns of the parts that are asked one after the other, short side first, and how often
# in each variances and signal are estimated from the other: nearly all fail the first that such
# noise does not explain.
_PARTS = ((128, 256, 2), (256, 512, 3))
# A matrix of at most so many entries is estimated without being asked: in a part of it many spikes
# would be weak, and the estimate itself gives up soon.
_SMALL = 100_000
# A true profile is rejected less often than a law at this level: the variances are not yet right.
_LEVEL = 1e-5


def profile_may_hold(w: FloatArray, *, symmetric: bool = False) -> bool:
    """Return whether a part of `w` may be noise of row and column variances with few spikes.

    A signal of low rank and such noise stay what they are in a random part of the matrix, and after
    a few steps from variances to signal and back the rest of its spectrum follows the law of white
    noise. That of a trained layer mostly does not.
    """
    inner = filled_sides(w).inner(w)
    if inner.size <= _SMALL:
        return True
    rng = np.random.default_rng(0)
    return all(
        _follows(_part(inner, short, long, rng, symmetric=symmetric), steps, symmetric=symmetric)
        for short, long, steps in _PARTS
    )


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


def _follows(w: FloatArray, steps: int, *, symmetric: bool) -> bool:
    """Return whether the rest of the spectrum comes to follow the law within so many steps."""
    filled = filled_sides(w)
    state = Alternation.of(np.asarray(filled.inner(w), dtype=np.float64), symmetric=symmetric)
    squares, variances = state.w**2, state.start()
    for _ in range(steps):
        variances, unequal = state.variances(squares, variances)
        if unequal >= UNEQUAL:
            return False
        removal = state.removal(variances)
        if removal.p_value > _LEVEL:
            return True
        squares = removal.squares(state.w, variances)
    return False
