"""Powers of two that bring numbers of any size to where their squares are safe."""

import numpy as np

from pastur._typing import AnyArray

# Entries within 2^±this have squares, and sums of them, far from overflow and underflow.
_SAFE_EXPONENT = 200


def largest_magnitude(values: AnyArray) -> float:
    """Return the largest |x|, without an array of them all."""
    return float(max(values.max(), -values.min()))


def safe_exponent(largest: float) -> int:
    """Return e such that numbers up to `largest` are safely squared after division by 2^e.

    It is 0 where they are already. Dividing by a power of two is exact.
    """
    exponent = int(np.frexp(largest)[1])
    return exponent if abs(exponent) > _SAFE_EXPONENT else 0


def divided(values: AnyArray, exponent: int) -> AnyArray:
    """Return `values` over 2^exponent: themselves, not a copy, where that is 1."""
    return np.ldexp(values, -exponent) if exponent else values
