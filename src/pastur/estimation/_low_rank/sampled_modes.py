"""The modes of a bulk that random vectors sample, and how far they are from the law of noise."""

from dataclasses import dataclass

import numpy as np

from pastur._numerics.chi_squared import chi_squared_tail
from pastur._typing import FloatArray
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._low_rank.modes import CUMULANTS, HIGHEST_MODE, mode_deviations
from pastur.estimation._low_rank.split import Split
from pastur.estimation._result.partial_spectrum import PartialSpectrum

# Strengths of hidden spikes, over the critical one, squared. The weaker, the less of them shows in
# the modes: but they are in half of all directions at most.
_HIDDEN = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0])
_MOST_HIDDEN = 0.5


@dataclass(frozen=True)
class SampledModes:
    """What the modes from the second on show, the first being that of σ.

    Attributes
    ----------
    p_value : float
        Chance that noise, sampled so, deviates as much.
    hidden : float
        At most so many spikes of critical strength are hidden in the bulk.
    excess : float
        At most by this share of itself σ² is too large, for hidden spikes of any one strength in
        half of all directions at most.
    """

    p_value: float
    hidden: float
    excess: float


def sampled_modes(
    split: Split, partial: PartialSpectrum, z: float, *, sigma_known: bool
) -> SampledModes:
    """Return what the modes ``A_k = Σ 2 T_k(t_j)`` of a sampled bulk of N values show.

    P orthonormal random vectors estimate them with the covariance, for the law of noise,

        (2N/P)(1 − P/N)(m_{k+l} + m_{|k−l|} − m_k m_l),   m_0 = 2,

    from 2T_k·2T_l = 2T_{k+l} + 2T_{|k−l|}. Where the sum of the bulk is exact the sample was
    corrected by it (regression on the first mode). The modes themselves have the variances 2k. A
    scale moves the first mode alone, by 2N mean/half_width times its relative change: σ takes up
    that mode and no other. Each hidden spike of strength a ≤ 1 adds a^k to the k-th; how many there
    can be follows by least squares, with `z` standard deviations. A fourth cumulant of the entries
    moves the second mode, as in `mode_distance`.
    """
    law = split.law
    k = np.arange(1.0, HIGHEST_MODE + 1)
    deviations = mode_deviations(split.bulk, law, split.strengths) * np.sqrt(2 * k)
    moved, k = deviations[1:].copy(), k[1:]
    moved[0] -= np.clip(moved[0], *CUMULANTS)
    share = 2 * law.size / partial.vectors * max(1 - partial.vectors / law.size, 0.0)
    covariance = share * _covariance(law, given_sum=not partial.energy_deviation) + np.diag(2 * k)
    found = [_at_most(strength**k, moved, covariance, z) for strength in _HIDDEN.tolist()]
    chi = float(moved @ np.linalg.solve(covariance, moved))
    if sigma_known:
        # The variance is 1 + κ₄/2 times as large for a cumulant κ₄.
        variance = 2 * (1 + CUMULANTS[1] / 2)
        if partial.energy_deviation:
            variance += share * _variance_of_first(law)
        chi += float(deviations[0]) ** 2 / variance
    hidden = np.minimum(found, _MOST_HIDDEN * law.size)
    mean = law.center + law.half_width * float(law.moments(1)[0]) / 2
    return SampledModes(
        chi_squared_tail(moved.size + sigma_known, chi),
        float(hidden[-1]),
        float(np.max(_HIDDEN * hidden)) * law.half_width / (2 * law.size * mean),
    )


def _at_most(each: FloatArray, moved: FloatArray, covariance: FloatArray, z: float) -> float:
    """Return how many times `each` is in `moved` at most."""
    weights = np.linalg.solve(covariance, each)
    information = float(weights @ each)
    return max(float(weights @ moved) / information, 0.0) + z / float(np.sqrt(information))


def _variance_of_first(law: NoiseLaw) -> float:
    """Return the variance of 2T_1(t)."""
    first, second = law.moments(2).tolist()
    return float(second + 2 - first**2)


def _covariance(law: NoiseLaw, *, given_sum: bool) -> FloatArray:
    """Return the covariance of 2T_k(t) and 2T_l(t) for one value t of the law, from k = 2 on.

    `given_sum`: that of what is left of them by regression on t.
    """
    moments = np.append(2.0, law.moments(2 * HIGHEST_MODE))
    k = np.arange(1, HIGHEST_MODE + 1)
    sums, differences = moments[k[:, None] + k], moments[np.abs(k[:, None] - k)]
    found = sums + differences - np.outer(moments[k], moments[k])
    explained = np.outer(found[0], found[0]) / found[0, 0] if given_sum else np.zeros_like(found)
    return np.asarray((found - explained)[1:, 1:])
