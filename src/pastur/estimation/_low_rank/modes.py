"""The modes of the bulk, and how far it is from the law of noise."""

from dataclasses import dataclass
from math import erfc, exp, pi, sqrt

import numpy as np

from pastur._numerics.chi_squared import chi_squared_tail
from pastur._typing import FloatArray
from pastur.estimation._kinds.noise_law import NoiseLaw

HIGHEST_MODE = 8
# Fourth cumulants of the entries that count as noise: from signs (−2) to Student's t₅ (6).
CUMULANTS = (-2.0, 6.0)
# Of the integral over the mode that a cumulant moves: exact to nine digits.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)


@dataclass(frozen=True)
class Deviation:
    """Where a bulk is farthest from its law: Kolmogorov distance, point, whether more lie above."""

    distance: float
    point: float
    excess: bool


def mode_deviations(bulk: FloatArray, law: NoiseLaw, strengths: FloatArray) -> FloatArray:
    """Return the modes ``A_k = Σ_j 2 T_k(t_j)`` less their means, over √(2k), for k = 1, …, 8.

    For real Gaussian noise they tend to independent standard Gaussians (Johansson 1998 and
    Cabanal-Duvillard 2001; for sample covariances Bai, Silverstein 2004): A_k has the mean
    ``size·m_k + (1 + (−1)^k)/2 − Σ a^(−k)``, a the strengths of the spikes taken out, and the
    variance 2k. Values beyond the edges count as at them: to first order that changes nothing, and
    without it the extreme values, which T_k magnifies k² times, spoil the limit at usual sizes.

    Parameters
    ----------
    bulk : array, shape (law.size,)
        In units of σ and in the coordinate of the law.
    """
    angle = np.arccos(np.clip(law.cosine(bulk), -1.0, 1.0))
    k = np.arange(1.0, HIGHEST_MODE + 1)
    observed = 2 * np.cos(k[:, None] * angle).sum(axis=1)
    left_by_spikes = (strengths[:, None] ** -k).sum(axis=0)
    mean = law.size * law.moments(HIGHEST_MODE) + (1 + (-1) ** k) / 2 - left_by_spikes
    return np.asarray((observed - mean) / np.sqrt(2 * k))


def without_cumulant(deviations: FloatArray, *, level: int, cumulant: float) -> FloatArray:
    """Return the deviations less what entries of a known fourth cumulant add to their means."""
    result = deviations.copy()
    result[2 * level - 1] -= cumulant / sqrt(4 * level)
    return result


def mode_p_value(deviations: FloatArray, *, level: int, sigma_known: bool) -> float:
    """Return the chance that Gaussian entries have of larger deviations, see `mode_distance`.

    It is uniform for them; at either end of what κ₄ may be rejections at .01 come at .014.
    """
    freedom, value = mode_distance(deviations, level=level, sigma_known=sigma_known)
    low, high = (cumulant / sqrt(4 * level) for cumulant in CUMULANTS)
    return _tail_of_sum(freedom - 1, value, low, high)


def mode_distance(deviations: FloatArray, *, level: int, sigma_known: bool) -> tuple[int, float]:
    """Return ``Σ d_k²`` over the modes that can be used, after their number.

    Some modes know what the law does not say. An error of σ moves mode `level`, 1 (rectangular) or
    2 (symmetric), and the diagonal of a symmetric matrix modes 1 and 2: they are left out. The
    fourth cumulant κ₄ of the entries moves the mean of mode 2 (rectangular) or 4 (symmetric) by κ₄,
    and multiplies the variance of σ's mode by 1 + κ₄/2 (Bai, Yao 2005; Lytova, Pastur 2009). Of the
    first only the distance from what κ₄ in [−2, 6] allows is counted; the second, which tests a σ
    that is known, is taken at the largest such variance, which puts the p-value on the safe side.
    """
    moved, taken = 2 * level, deviations.copy()
    low, high = np.array(CUMULANTS) / np.sqrt(2 * moved)
    taken[moved - 1] -= np.clip(taken[moved - 1], low, high)
    taken[level - 1] /= np.sqrt(1 + CUMULANTS[1] / 2)
    taken = taken[level - 1 if sigma_known else level :]
    return taken.size, float(taken @ taken)


def _tail_of_sum(freedom: int, value: float, low: float, high: float) -> float:
    """Return the chance that χ² plus the square of a Gaussian's distance from [low, high] exceeds.

    The distance s has the density of the Gaussian beyond each end, and is 0 with what is left.
    """
    reach = sqrt(value)
    beyond = [erfc(end / sqrt(2)) / 2 for end in (-low, high)]
    tail = (1 - sum(beyond)) * chi_squared_tail(freedom, value)
    distance, weight = reach * (_NODES + 1) / 2, reach * _NODE_WEIGHTS / 2
    for end in (-low, high):
        for s, ds in zip(distance.tolist(), weight.tolist(), strict=True):
            density = exp(-((end + s) ** 2) / 2) / sqrt(2 * pi)
            tail += ds * density * chi_squared_tail(freedom, value - s**2)
        tail += erfc((end + reach) / sqrt(2)) / 2
    return min(tail, 1.0)


def largest_deviation(bulk: FloatArray, law: NoiseLaw) -> Deviation:
    """Return the Kolmogorov distance between the bulk, descending, and the law."""
    angle = np.arccos(np.clip(law.cosine(bulk), -1.0, 1.0))
    gaps = step_gaps(law.tail(angle))
    row, column = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    return Deviation(float(gaps[row, column]), float(bulk[column]), bool(row == 0))


def step_gaps(expected: FloatArray) -> FloatArray:
    """Return how far the steps 1/n, …, n/n rise above ascending levels, and fall short of them."""
    steps = np.arange(expected.size + 1) / expected.size
    return np.stack([steps[1:] - expected, expected - steps[:-1]])
