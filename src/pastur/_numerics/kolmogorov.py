"""The upper tail of Kolmogorov's law, by its two series.

SciPy has it, but loading its special functions takes longer than a whole small fit.
"""

from math import exp, pi, sqrt

# Where the two series meet, four terms of either are exact.
_BETWEEN = 1.0
_TERMS = range(1, 6)


def kolmogorov_tail(x: float) -> float:
    """Return the chance that √n times the distance of n points from their law exceeds x ≥ 0."""
    if x <= 0:
        return 1.0
    if x > _BETWEEN:
        return 2 * sum((1 if k % 2 else -1) * exp(-2 * (k * x) ** 2) for k in _TERMS)
    below = sum(exp(-(((2 * k - 1) * pi / x) ** 2) / 8) for k in _TERMS)
    return 1.0 - sqrt(2 * pi) / x * below
