"""Quantiles of ordered values of pure noise of finite size, without simulation.

Values of noise fluctuate through their count: above the angle φ (see `NoiseLaw`) of real noise lie
``size·tail(φ) + count_shift(φ)`` values on average, with the variance

    (1/π²)(log(4π size·g(φ) sin φ) + γ + 1 − π²/8)

and counts above two angles have the covariance ``(1/π²) log(sin((φ + ψ)/2)/|sin((φ − ψ)/2)|)``
(modes of variance 2k: Johansson 1998; the constant is that of Dyson and Mehta 1963). The place of a
value of given rank varies by 1/12 less, the count being whole (French, Mello, Pandey 1978).
"""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._low_rank.noise_level import count_shift

_NONE = np.empty(0)
_WHOLE_COUNT = 1 / 12


def low_positions(law: NoiseLaw, rank: AnyArray, z: float) -> FloatArray:
    """Return what the value of each rank, 1 the largest, is below with the chance of −z.

    The chance is that of a standard Gaussian below −z; the position is in the coordinate of `law`.
    It is 0 where it would be beyond the last value but one.
    """
    angle = _angles(law, rank)
    lower = rank - 0.5 - count_shift(angle, _NONE) + z * _deviation(law, angle)
    inside = lower < law.size - 1
    return np.where(inside, law.points(law.angles(np.where(inside, lower, 1.0) / law.size)), 0.0)


def low_spreads(law: NoiseLaw, upper: AnyArray, lower: AnyArray, z: float) -> FloatArray:
    """Return what the distance between the values of two ranks is below with the chance of −z.

    It is 0 where it would be negative.
    """
    high, low = _angles(law, upper), _angles(law, lower)
    common = np.log(np.sin((low + high) / 2) / np.sin((low - high) / 2)) / np.pi**2
    by_high, by_low = (_slope(law, angle) for angle in (high, low))
    variance = (
        (by_high * _deviation(law, high)) ** 2
        + (by_low * _deviation(law, low)) ** 2
        - 2 * by_high * by_low * common
    )
    distance = low_positions(law, upper, 0.0) - low_positions(law, lower, 0.0)
    return np.maximum(distance - z * np.sqrt(variance), 0.0)


def _angles(law: NoiseLaw, rank: AnyArray) -> FloatArray:
    return law.angles((rank - 0.5) / law.size)


def _deviation(law: NoiseLaw, angle: FloatArray) -> FloatArray:
    """Return the standard deviation of the place of a value, in values."""
    apart = np.log(4 * np.pi * law.size * law.density(angle) * np.sin(angle))
    count = (apart + np.euler_gamma + 1 - np.pi**2 / 8) / np.pi**2
    return np.asarray(np.sqrt(count - _WHOLE_COUNT))


def _slope(law: NoiseLaw, angle: FloatArray) -> FloatArray:
    """Return by how much a value moves when the count above it does by one."""
    return np.asarray(law.half_width * np.sin(angle) / (law.size * law.density(angle)))
