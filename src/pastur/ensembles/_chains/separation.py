"""A level that the noise does not reach: what makes the truncation error a proven bound.

Let c spikes be above zero. The (c + 1)-th largest eigenvalue of the complete matrix is at most b:

- Weyl: W less its c positive spikes lies below the noise alone, so b is what the noise reaches.
- Cut in two: let φ grow from 0 to π/2 along the ℓ blocks from cut k′ to the last of K drawn ones;
  with J₁ = cos φ, J₂ = sin φ on the blocks, ``T = J₁TJ₁ + J₂TJ₂ + ½ Σ [Jᵢ, [Jᵢ, T]]`` and the last
  term is at most ``e = (π/(2ℓ + 2))² max ‖B_k‖`` (IMS localisation). J₁TJ₁ sees the drawn blocks
  alone; J₂TJ₂ sees what is left after cut k′, noise of a smaller size, drawn or not. If that noise
  stays below s, and c drawn eigenvalues are above s, then b = s + e. It separates a spike from
  noise of the same reach, since what is left after k′ blocks reaches less far.

The noise stays below its bound but for chance `FAILURE`, for each bound that is used.
"""

from __future__ import annotations

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.ensembles._chains.block_eigen import count_above
from pastur.ensembles._chains.chain import ChainLaw

FAILURE = 1e-14

# Where the drawn blocks are cut in two, as shares of their number.
_CUTS = (0.2, 0.35, 0.5, 0.65, 0.8)


def noise_level(
    law: ChainLaw, diagonal: AnyArray, coupling: AnyArray, values: FloatArray, count: int
) -> float:
    """Return a level that only `count` eigenvalues of the complete matrix exceed, or infinity.

    `values`: the largest eigenvalues of the drawn blocks, descending, `count` or one more.
    """
    weyl = float(law.noise_bound(np.array(0), FAILURE))
    if weyl < values[count - 1] or values.size == count:
        return weyl
    norms = np.linalg.norm(coupling, 2, axis=(1, 2))
    level, correction = _best_cut(law, norms)
    room = values[count - 1] - correction
    level = max(level, values[count] + 0.1 * (room - values[count]))
    if level >= room or count_above(diagonal, coupling, level) > count:
        return np.inf
    return float(level + correction)


def separable(law: ChainLaw, blocks: int, x: float) -> bool:
    """Whether `blocks` blocks can separate an eigenvalue at x from the noise."""
    if float(law.noise_bound(np.array(0), FAILURE)) < x:
        return True
    level, correction = _best_cut(law, np.full(blocks, law.sigma))
    return level + correction < x


def _best_cut(law: ChainLaw, norms: FloatArray) -> tuple[float, float]:
    """Return (s, e) with the least sum, over a few cuts."""
    blocks = norms.size
    cuts = np.unique([round(share * blocks) for share in _CUTS])
    cuts = cuts[(cuts > 0) & (cuts < blocks)]
    if cuts.size == 0:
        return np.inf, 0.0
    levels = law.noise_bound(cuts, FAILURE)
    steepest = np.array([norms[cut - 1 :].max() for cut in cuts])
    corrections = (np.pi / (2 * (blocks - cuts) + 2)) ** 2 * steepest
    best = int(np.argmin(levels + corrections))
    return float(levels[best]), float(corrections[best])
