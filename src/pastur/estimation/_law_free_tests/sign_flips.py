"""Whether a matrix has more in one direction than the same entries with random signs."""

from collections.abc import Iterator

import numpy as np

from pastur._numerics.krylov import largest_singular_value
from pastur._numerics.leading import leading_directions
from pastur._typing import AnyArray

# A residual of a row that the directions taken out contain is divided by no less.
_LEAST_REST = 0.05
# The signs that the eight bits of a byte stand for, as the sign bits of float32.
_SIGN_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.uint32) << 31


def flip_p_value(matrix: AnyArray, flips: int, seed: int, *, symmetric: bool) -> float:
    """Return the p-value of the largest singular value among those with random signs.

    ``(1 + #{T(W∘ε) ≥ T(W)})/(1 + flips)``. It is exact, for any statistic T, where the entries are
    independent and symmetric about 0, whatever their variances and tails: W and the W∘ε then are
    exchangeable. Of a symmetric matrix the signs are symmetric as well.

    Parameters
    ----------
    matrix : array of float32
    """
    return _p_value(largest_singular_value(matrix), matrix, flips, seed, symmetric=symmetric)


def later_flip_p_value(
    matrix: AnyArray, removed: int, flips: int, seed: int, *, symmetric: bool
) -> tuple[int, float]:
    """Return about the p-value of the largest singular value but for the leading ones.

    How many these are comes first: `removed`, or fewer where some are zero to rounding.

    Without these an entry is smaller by the root of (1 − h)(1 − g), with h and g the leverages, the
    shares of its row and of its column that lie within the directions. Random signs are given to
    the entries over that: without the correction they reject far too often.
    """
    left, values, right = leading_directions(matrix, removed)
    rest = matrix - (left * values) @ right.T
    observed = largest_singular_value(rest)
    for axis, basis in ((1, left), (0, right)):
        kept = 1 - np.einsum("ij,ij->i", basis, basis)
        rest /= np.expand_dims(np.sqrt(np.maximum(kept, _LEAST_REST)), axis)
    return values.size, _p_value(observed, rest, flips, seed, symmetric=symmetric)


def _p_value(observed: float, matrix: AnyArray, flips: int, seed: int, *, symmetric: bool) -> float:
    flipped = _flipped(matrix, flips, seed, symmetric=symmetric)
    beyond = sum(largest_singular_value(one) >= observed for one in flipped)
    return (1 + beyond) / (1 + flips)


def _flipped(matrix: AnyArray, flips: int, seed: int, *, symmetric: bool) -> Iterator[AnyArray]:
    """Yield the matrix with random signs, in the same place each time."""
    rng = np.random.default_rng(seed)
    bits = np.ascontiguousarray(matrix).view(np.uint32)
    signs = np.empty((-(-bits.size // 8), 8), dtype=np.uint32)
    inside = signs.ravel()[: bits.size].reshape(bits.shape)
    for _ in range(flips):
        drawn = np.frombuffer(rng.bytes(len(signs)), dtype=np.uint8)
        np.take(_SIGN_BITS, drawn, axis=0, out=signs, mode="clip")
        np.bitwise_xor(bits, inside, out=inside)
        flipped = inside.view(np.float32)
        yield np.triu(flipped) + np.triu(flipped, 1).T if symmetric else flipped
