"""The upper tail of χ² with whole degrees of freedom, in closed form.

SciPy has it for any, but loading its special functions takes longer than a whole small fit.
"""

import math


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
    term = odd / 2 * math.log(x) - math.lgamma(1 + odd / 2) - x
    total = first + math.exp(term)
    for j in range(1, count):
        term += math.log(x) - math.log(j + odd / 2)
        total += math.exp(term)
    return min(total, 1.0)
