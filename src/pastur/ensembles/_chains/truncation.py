"""The extreme eigenvalues of a chain from its first blocks, with a proven bound of the error.

Let T be the complete matrix and T_K its first K blocks, with largest eigenvalues λ̂₁ ≥ … ≥ λ̂_c and
orthonormal eigenvectors U; B is the coupling to the next block and R = B U_K, U_K the last block of
U. Then ``λ̂ⱼ ≤ λⱼ`` (Courant, Fischer). If at most c eigenvalues of T exceed b < λ̂_c, then
(Lehmann 1949) ``λⱼ ≤ b + λⱼ(Λ̂ − b + (Λ̂ − b)^(−½) RᴴR (Λ̂ − b)^(−½))``, hence

    0 ≤ λⱼ − λ̂ⱼ ≤ ‖R (Λ̂ − b)^(−½)‖².

Proof: for μ > 0 the form (T − b)² − μ(T − b) is negative only on the eigenvectors with 0 < λ − b <
μ; on the range of U, filled up with zeros, it is (Λ̂ − b)² + RᴴR − μ(Λ̂ − b), which has no more
negative directions than the whole form. Count them. (R also holds the residuals of U in T_K.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.ensembles._chains.block_eigen import band, top_pairs, top_values
from pastur.ensembles._chains.chain import Chain
from pastur.ensembles._chains.separation import FAILURE, noise_level, separable

# Up to this size the complete matrix is quicker than its beginning.
_WHOLE_ROWS = 100
# What is worth computing: eigenvectors by Lanczos, eigenvalues of a whole band matrix.
_MOST_ROWS = 40_000
_MOST_ROWS_TRIDIAGONAL = 10_000_000
_MOST_BAND_OPERATIONS = 1e11


class Extremes(NamedTuple):
    """Largest eigenvalues, descending, the bound of their error, and the blocks they took."""

    values: FloatArray
    error: float
    blocks: int


def largest(
    chain: Chain, count: int, sign: int, tolerance: float, step: Callable[[int], None]
) -> Extremes:
    """Return the `count` largest eigenvalues of sign · T; `count` spikes of sign · S are positive.

    `step` is called with how many are found, often. Raises InvalidInputError if it would take too
    many rows.
    """
    if count == 0:
        return Extremes(np.empty(0), 0.0, 0)
    law, r = chain.law, chain.law.spikes.size
    weakest = float(np.sort(sign * law.spikes)[::-1][count - 1])
    # One more eigenvalue is needed to separate that of a weak spike from the noise.
    wanted = count if _detached(chain, weakest) else count + 1
    blocks = _first_guess(chain, weakest, count, tolerance)
    while blocks < chain.size:
        _refuse_beyond(chain, blocks * r, weakest)
        diagonal, coupling = (sign * part for part in chain.blocks(blocks))
        lower = band(diagonal, coupling, blocks * r)
        values, vectors, residuals = top_pairs(lower, wanted, lambda n: step(min(n, count)))
        level = noise_level(law, diagonal, coupling, values, count)
        if level < values[count - 1]:
            room = np.sqrt(values[:count] - level)
            leak = np.linalg.norm(coupling[-1] @ vectors[-r:, :count] / room, 2)
            error = float(leak**2 + np.linalg.norm(residuals[:count] / room) ** 2)
            if error <= tolerance:
                step(count)
                return Extremes(values[:count], error, blocks)
            rate = float(law.decay(np.array(blocks), values[count - 1]))
            more = np.log(error / tolerance) / (2 * rate) if rate > 0 else np.inf
            blocks += 1 + int(min(more, 0.3 * blocks + 1))
        else:
            wanted = count + 1
            blocks = int(1.3 * blocks) + 2
    found = _complete(chain, count, sign, weakest)
    step(count)
    return found


def whole_spectrum(chain: Chain, count: int | None = None, sign: int = 1) -> FloatArray:
    """Return all or the largest `count` eigenvalues of sign · T, descending."""
    diagonal, coupling = (sign * part for part in chain.blocks(chain.size))
    return top_values(band(diagonal, coupling, chain.law.rows), count)


def _complete(chain: Chain, count: int, sign: int, weakest: float) -> Extremes:
    rows, r = chain.law.rows, chain.law.spikes.size
    if r == 1:
        _refuse_beyond(chain, rows, weakest)
    elif float(rows) ** 2 * r > _MOST_BAND_OPERATIONS:
        raise _refusal(chain, rows, weakest)
    return Extremes(whole_spectrum(chain, count, sign), 0.0, chain.size)


def _detached(chain: Chain, weakest: float) -> bool:
    """Whether the weakest spike's outlier is expected beyond all noise."""
    return chain.law.outlier(weakest) > float(chain.law.noise_bound(np.array(0), FAILURE))


def _first_guess(chain: Chain, weakest: float, count: int, tolerance: float) -> int:
    """Blocks after which, in the limit, the error is below the tolerance."""
    law = chain.law
    if law.rows <= _WHOLE_ROWS:
        return chain.size
    r, rows, sigma = law.spikes.size, float(law.rows), law.sigma
    edge = law.outlier(0.0)
    # Eigenvalues at the edge lie below it by a few spacings.
    x = law.outlier(weakest)
    if x <= edge:
        x = edge * (1 - 0.5 * min((5 * (count + 1) / rows) ** (2 / 3), 1))
    reach = float(law.noise_bound(np.array(0), FAILURE))
    gap = max(x - reach, sigma * rows ** (-2 / 3))
    # Crowded spikes push the weakest outlier towards the bulk.
    needed = (1 + np.sqrt(r / rows)) * np.log(max(sigma**2 / (gap * tolerance), 2.0))
    grid = np.unique(np.geomspace(1, min(float(chain.size), 1e15), 500).astype(np.int64))
    rate = law.decay(grid, x)
    passed = 2 * np.cumsum(rate * np.diff(grid, prepend=0))
    for blocks in grid[passed >= needed]:
        if separable(law, int(blocks), x):
            return int(blocks) + 1
    return chain.size


def _refuse_beyond(chain: Chain, rows: int, weakest: float) -> None:
    r = chain.law.spikes.size
    if rows > (_MOST_ROWS_TRIDIAGONAL if r == 1 else _MOST_ROWS):
        raise _refusal(chain, rows, weakest)


def _refusal(chain: Chain, rows: int, weakest: float) -> InvalidInputError:
    law = chain.law
    reach = float(law.noise_bound(np.array(0), FAILURE))
    return InvalidInputError(
        f"`spikes` contains a spike of size {weakest:g}, too close to the noise: its eigenvalue is "
        f"expected at {law.outlier(weakest):.6g} and noise of this size may reach {reach:.6g}. "
        f"Separating them takes {rows} rows with {law.spikes.size} spikes, which is too many. "
        "Leave out the weakest spikes, or pass fewer of them or a smaller size."
    )
