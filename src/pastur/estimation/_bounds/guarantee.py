"""An upper bound of σ that needs nothing of the signal but its independence of the noise.

Adding any matrix U to Gaussian noise R of one variance, independent of U, makes larger in law

- each ordered singular value, all of them together;
- each distance between eigenvalues, all of them together, where both are symmetric;
- the Frobenius norm.

docs/sigma-at-most.md has the proofs. So what is observed, over what σ = 1 exceeds with chance
1 − α, is at least σ with this chance. Each signal leaves other values the least changed: the bound
is the least of several, at a chance of α shared evenly.
"""

from math import exp, lgamma, log
from statistics import NormalDist

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._bounds.ordered_noise import low_positions, low_spreads
from pastur.estimation._kinds.contract import Kind

# Shares of the values above those that are compared: the middle for signals of falling spectrum,
# the lower ones for those of low rank, the upper ones for flat spectra.
_SHARES = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
# For eigenvalues the shares at both ends of a distance; signals of one sign leave the other side.
_DISTANCES = np.array(
    [
        [0.05, 0.95],
        [0.1, 0.9],
        [0.25, 0.75],
        [0.4, 0.6],
        [0.05, 0.5],
        [0.5, 0.95],
        [0.1, 0.3],
        [0.7, 0.9],
    ]
)
# With fewer values only the norm is compared: quantiles of the others are those of large matrices.
_FEWEST = 20
# Values of a rank so close to either end follow the laws of the edge.
_FROM_END = 2


def sigma_guarantee(kind: Kind, values: FloatArray, alpha: float, *, by_rank: bool = True) -> float:
    """Return what σ exceeds with chance `alpha` at most, whatever the signal.

    Parameters
    ----------
    values : array, shape (kind.size,)
        Singular values or eigenvalues, in any order.
    by_rank : bool
        Whether they are known one by one, so that those of equal rank can be compared; else only
        the norm is.
    """
    ordered = np.sort(values)[::-1]
    compare = _distances if kind.sides == 2 else _singular_values
    shares = _DISTANCES if kind.sides == 2 else _SHARES
    ranks = np.ceil(shares * kind.size).astype(int)
    inside = (ranks > _FROM_END) & (ranks <= kind.size - _FROM_END)
    ranks = ranks[inside if inside.ndim == 1 else inside.all(axis=1)]
    if kind.size < _FEWEST or not by_rank:
        ranks = ranks[:0]
    z = -NormalDist().inv_cdf(alpha / (1 + len(ranks)))
    bounds = compare(kind, ordered, ranks, z) if len(ranks) else np.empty(0)
    return float(np.append(bounds, _norm(kind, values, alpha / (1 + len(ranks)))).min())


def sigma_rms(kind: Kind, values: FloatArray) -> float:
    """Return the σ of white noise that would have all the energy of the values."""
    freedom, unit = _freedom(kind)
    return float(np.linalg.norm(values) / np.sqrt(freedom * unit))


def _singular_values(kind: Kind, ordered: FloatArray, ranks: AnyArray, z: float) -> FloatArray:
    position = kind.to_matrix(low_positions(kind.noise.law(0), ranks, z))
    return np.asarray(ordered[ranks - 1][position > 0] / position[position > 0])


def _distances(kind: Kind, ordered: FloatArray, ranks: AnyArray, z: float) -> FloatArray:
    upper, lower = ranks.T
    spread = low_spreads(kind.noise.law(0), upper, lower, z)
    distance = ordered[upper - 1] - ordered[lower - 1]
    return np.asarray(distance[spread > 0] / spread[spread > 0])


def _norm(kind: Kind, values: FloatArray, alpha: float) -> float:
    """Return the bound by the Frobenius norm, whose square is χ² for noise."""
    freedom, unit = _freedom(kind)
    return float(np.linalg.norm(values) / np.sqrt(_chi_squared_low(freedom, alpha) * unit))


def _freedom(kind: Kind) -> tuple[int, float]:
    """Return free entries of the noise, and what each adds to its squared norm for σ = 1."""
    if kind.sides == 2:
        return kind.size * (kind.size + 1) // 2, 2 / kind.size
    return kind.size * kind.side, 1 / kind.side


def _chi_squared_low(freedom: int, alpha: float) -> float:
    """Return what χ² is below with chance `alpha`: after Wilson and Hilferty (1931).

    Far out for few degrees of freedom, less than it: its density is below x^(k/2 − 1) over
    2^(k/2) Γ(k/2). What is a millionth of a millionth is as good as nothing.
    """
    share = 2 / (9 * freedom)
    root = 1 - share + NormalDist().inv_cdf(alpha) * share**0.5
    least = 2 * exp(2 / freedom * (log(alpha) + lgamma(freedom / 2 + 1)))
    return float(max(freedom * max(root, 0.0) ** 3, least, 1e-12 * freedom))
