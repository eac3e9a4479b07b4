"""The upper tail of χ² with whole degrees of freedom, in closed form.

SciPy has it for any, but loading its special functions takes longer than a whole small fit.
"""

import math

import numpy as np


def chi_squared_tail(freedom: int, value: float) -> float:
    """Return the chance that χ² with `freedom` ≥ 1 degrees of freedom exceeds `value` ≥ 0.

    With x = value/2 it is ``e^(−x) Σ x^j/Γ(j + 1)`` over j < freedom/2, j = 0, 1, 2, … for an even
    number; for an odd one j = ½, 3/2, …, and ``erfc(√x)`` is added.
    """
    if value <= 0:
        return 1.0
    x, odd = value / 2, freedom % 2
    first = math.erfc(math.sqrt(x)) if odd else 0.0
    count = freedom // 2
    if not count or not math.isfinite(x):
        return first
    # Each term from the one before, in logarithms: any of them may over- or underflow.
    steps = math.log(x) - np.log(np.arange(1, count) + odd / 2)
    start = odd / 2 * math.log(x) - math.lgamma(1 + odd / 2) - x
    terms = start + np.concatenate([[0.0], np.cumsum(steps)])
    return min(first + float(np.exp(terms).sum()), 1.0)
