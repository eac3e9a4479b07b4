"""Functions whose plain formula cancels, against exact arithmetic."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from pastur._numerics.series import log1p_tail, running_sum


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1e-3, 0.2499, 0.2501, 0.9, 0.999999, 3.0])
def test_log1p_tail(size: float) -> None:
    u = size * np.exp(1j * np.linspace(-3, 3, 13))
    with mp.workdps(350):
        exact = [mp.log(1 + mp.mpmathify(w)) - mp.mpmathify(w) for w in u.tolist()]
    got = log1p_tail(u)
    for g, e in zip(got.tolist(), exact, strict=True):
        # Beyond |u| = 1/4 the difference of two terms of size |u| is taken as it is.
        assert abs(mp.mpmathify(g) - e) <= 4e-15 * abs(e)


def test_running_sum_is_exact_to_one_rounding() -> None:
    p = np.random.default_rng(0).lognormal(sigma=3, size=5000)
    sums, exact = running_sum(p), Fraction(0)
    assert sums[0] == 0
    for value, term in zip(sums[1:], p, strict=True):
        exact += Fraction(float(term))
        assert abs(Fraction(float(value)) - exact) <= exact * Fraction(2, 2**53)
    # The sibling that must reject: the plain running sum is off by more.
    assert abs(Fraction(float(np.cumsum(p)[-1])) - exact) > exact * Fraction(2, 2**53)
