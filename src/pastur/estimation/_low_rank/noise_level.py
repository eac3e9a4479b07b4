"""The noise level: observed bulk against the positions that noise of that size takes.

Bulk eigenvalue matching of Ke, Ma and Lin (2023): regress the middle of the observed spectrum
through the origin on the quantiles of the law with σ = 1. Two departures remove its bias. The
quantiles are those of the noise that the spikes leave over, n − k by m − k; and they are shifted by
`count_shift`, the known term of order 1/n of real noise and of spikes of finite strength.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind, Noise
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.measures import ProbabilityMeasure
from pastur.models import DeformedWigner

# Share of the bulk left out at each end. The ends fluctuate with the edges and hold spikes that did
# not quite detach; with a tenth the standard deviation is at most 10 % (rectangular) and 21 %
# (symmetric) above that of the trace, and the rate of false spikes does not feel the error of σ.
_LEFT_OUT = 0.1
LevelRule: TypeAlias = Callable[[FloatArray, NoiseLaw, FloatArray], float]
# Loadings fall like 1/k²: later ones would add less than 1 % to the deviation.
_MODES = np.arange(1.0, 33.0)


def noise_level(bulk: FloatArray, law: NoiseLaw, strengths: FloatArray) -> float:
    """Return σ (symmetric) or σ² (rectangular) from the bulk, descending, of length law.size.

    ``Σ q x / Σ q²`` over the middle of the spectrum, q the position that noise with σ = 1 gives to
    the value x.
    """
    middle = _middle(law)
    moved = middle.angle - _shifted(middle.waves, strengths) / middle.crowding
    position = law.points(moved)
    return float(position @ bulk[middle.rows] / (position @ position))


def level_by_sum(bulk: FloatArray, law: NoiseLaw, strengths: FloatArray) -> float:
    """Return σ (symmetric) or σ² (rectangular) as `noise_level` does, from the sum of the bulk.

    That is the first mode alone. Signal within the noise is part of the sum, so that it is at most
    what it would be without.
    """
    first = law.size * float(law.moments(1)[0]) - float((1 / strengths).sum())
    return float(bulk.sum() / (law.size * law.center + law.half_width * first / 2))


def count_shift(angle: FloatArray, strengths: FloatArray) -> FloatArray:
    """Return by how much more eigenvalues of the bulk lie above φ than size times the law says.

    The modes ``A_k = Σ 2 T_k(t_j)`` of the bulk of real noise have, beyond size·m_k, the mean
    ``(1 + (−1)^k)/2 − Σ a^(−k)``: the first part is that of real symmetric noise (Johansson 1998),
    the second what a detached spike of strength a leaves behind, a = θ/σ (symmetric) or
    a = θ²/(σ²√c) (rectangular). Summed over k they shift the count above φ by
    ``1/4 − φ/2π − Σ arctan(sin φ/(a − cos φ))/π``.
    """
    return _shifted(_Waves.of(angle), strengths)


class _Waves(NamedTuple):
    """What `count_shift` needs of the angles: ``1/4 − φ/2π``, cos φ and sin φ."""

    free: FloatArray
    cosine: FloatArray
    sine: FloatArray

    @classmethod
    def of(cls, angle: FloatArray) -> "_Waves":
        return cls(0.25 - angle / (2 * np.pi), np.cos(angle), np.sin(angle))


def _shifted(waves: _Waves, strengths: FloatArray) -> FloatArray:
    if not strengths.size:
        return waves.free
    # In one array: for hundreds of spikes temporary ones cost more than the arctangent.
    turn = strengths[:, None] - waves.cosine
    np.divide(waves.sine, turn, out=turn)
    np.arctan(turn, out=turn)
    return np.asarray(waves.free - turn.sum(axis=0) / np.pi)


def median_rule(distances: FloatArray, kind: Kind, noise: Noise) -> float:
    """Return the σ that puts the median of the descending distances from 0 where noise has it.

    Biased upwards by spikes, but moderately for any share of them below one half (Gavish, Donoho
    2014).
    """
    # As np.median, which loads a part of NumPy that takes longer than a fit.
    middle = distances[(distances.size - 1) // 2 : distances.size // 2 + 1].mean()
    return float(middle / kind.to_matrix(_median(noise.law(0), noise.sides)))


@lru_cache(maxsize=16)
def _median(law: NoiseLaw, sides: int) -> float:
    """Return the median distance from 0, the upper quartile of a law symmetric about it."""
    return float(law.points(law.angles(np.array([0.5 / sides])))[0])


def noise_level_around(values: FloatArray, base: ProbabilityMeasure) -> float:
    """Return the σ at which `base` plus noise spreads its quartiles as far as `values` do.

    It withstands spikes that are few. Without any room for noise it is a tenth of that spread.
    """
    from scipy.optimize import brentq

    quartiles = np.array([0.25, 0.75])
    spread = float(np.diff(np.quantile(values, quartiles))[0])

    def excess(sigma: float) -> float:
        law = DeformedWigner(base, sigma=sigma).law
        return float(np.diff(law.quantile(quartiles))[0]) - spread

    low, high = 0.1 * spread, 2.0 * spread
    return low if excess(low) > 0 else float(brentq(excess, low, high, rtol=1e-3))


@lru_cache(maxsize=16)
def relative_deviation(law: NoiseLaw) -> float:
    """Return the standard deviation of `noise_level` over its mean, for real Gaussian noise.

    *Derived.* To first order the estimate is a linear statistic ``Σ b_k A_k`` of the modes, whose
    variances are 2k (Johansson 1998, Cabanal-Duvillard 2001); moving the count above φ by
    ``(1/π) Σ A_k sin(kφ)/k`` moves the value there by ``half_width·sin φ/(size·g(φ))`` times it.
    Entries with fourth cumulant κ₄ add κ₄ to the variance of the first mode (rectangular).
    """
    return float(np.sqrt(np.sum(2 * _MODES * _loadings(law) ** 2)))


def relative_bias(law: NoiseLaw, mode: int, mean: float) -> float:
    """Return the relative bias of `noise_level` where a mode has this mean more than assumed."""
    return float(_loadings(law)[mode - 1]) * mean


def bias_by_hidden(law: NoiseLaw) -> float:
    """Return the relative bias of `noise_level` by each critical spike that is taken for noise.

    Its value at the edge adds 1 to the mean of every mode; weaker ones, a^k to that of mode k.
    """
    return float(_loadings(law).sum())


@lru_cache(maxsize=16)
def _loadings(law: NoiseLaw) -> FloatArray:
    """Return by how much of itself `noise_level` moves with each mode."""
    _, angle, crowding, waves = _middle(law)
    position = law.points(angle)
    weight = position / (position @ position)
    by_count = weight * law.half_width * waves.sine / crowding
    return np.asarray(np.sin(_MODES[:, None] * angle) @ by_count / (np.pi * _MODES))


class _Middle(NamedTuple):
    """Which of the descending values are matched, their quantiles φ, and values per φ."""

    rows: slice
    angle: FloatArray
    crowding: FloatArray
    waves: _Waves


@lru_cache(maxsize=64)
def _middle(law: NoiseLaw) -> _Middle:
    skipped = int(np.ceil(_LEFT_OUT * law.size - 0.5))
    rows = slice(skipped, law.size - skipped)
    angle = law.angles((np.arange(law.size)[rows] + 0.5) / law.size)
    return _Middle(rows, angle, law.size * law.density(angle), _Waves.of(angle))
