"""How much of a matrix its other rows and columns predict: bi-cross-validation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pastur._numerics.leading import leading_directions
from pastur._typing import AnyArray, FloatArray


class Predictable(NamedTuple):
    """The share of the sum of squares that is predicted best, and the rank that does it."""

    share: float
    rank: int


def predictable(w: AnyArray, seed: int, *, symmetric: bool) -> Predictable:
    """Return how much of held-out blocks of `w` the rest predicts, and with which rank.

    Rows and columns are halved at random. Each of the four blocks A of ``[[A, B], [C, D]]`` is
    predicted by ``B D_k⁺ C``, with D_k the best approximation of D of rank k, and the rank is that
    of the least error in all (Owen, Perry 2009). Independent entries predict nothing of each other,
    whatever their variances. Of a symmetric matrix rows and columns are halved alike, and only the
    blocks on the diagonal, of which D is not a copy, are predicted.
    """
    if min(w.shape) < 4:
        return Predictable(0.0, 0)
    gains, held_out = [], 0.0
    for a, b, c, d in _folds(w, seed, symmetric=symmetric):
        gains.append(_gains(a, b, c, d))
        held_out += float(np.vdot(a, a))
    common = min(gain.size for gain in gains)
    gain = np.sum([one[:common] for one in gains], axis=0)
    rank = int(np.argmax(gain))
    share = min(float(gain[rank]) / held_out, 1.0) if rank else 0.0
    return Predictable(share, rank)


def _folds(
    w: AnyArray, seed: int, *, symmetric: bool
) -> Iterator[tuple[AnyArray, AnyArray, AnyArray, AnyArray]]:
    rng = np.random.default_rng(seed)
    rows = np.array_split(rng.permutation(w.shape[0]), 2)
    columns = rows if symmetric else np.array_split(rng.permutation(w.shape[1]), 2)
    blocks = [[w[np.ix_(r, c)] for c in columns] for r in rows]
    for i in range(2):
        for j in range(2):
            if symmetric and i != j:
                continue
            yield blocks[i][j], blocks[i][1 - j], blocks[1 - i][j], blocks[1 - i][1 - j]


def _gains(a: AnyArray, b: AnyArray, c: AnyArray, d: AnyArray) -> FloatArray:
    """Return ``‖A‖² − ‖A − B D_k⁺ C‖²`` for the ranks k = 0, 1, …"""
    left, values, right = leading_directions(d, max(min(d.shape) // 2, 1))
    # A is predicted by the products of these, one pair for each rank.
    columns, rows = b @ right / values, left.T @ c
    agreement = np.einsum("ik,ik->k", columns, a @ rows.T, dtype=np.float64)
    overlap = np.multiply(columns.T @ columns, rows @ rows.T, dtype=np.float64)
    # The sum over the leading k × k part, for every k.
    squares = np.cumsum(2 * np.tril(overlap).sum(axis=1) - np.diag(overlap))
    return np.concatenate([[0.0], 2 * np.cumsum(agreement) - squares])
