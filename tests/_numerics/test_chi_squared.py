"""The tail of χ² against SciPy and 40 digits."""

import mpmath
import numpy as np
import pytest
from scipy.special import gammaincc

from pastur._numerics.chi_squared import chi_squared_tail


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 8, 51, 200, 2001])
def test_agrees_with_forty_digits(freedom: int) -> None:
    with mpmath.workdps(40):
        for value in (1e-300, 1e-3, 0.5, 1.0, 9.0, freedom / 2, freedom, 2 * freedom, 600.0):
            expected = mpmath.gammainc(mpmath.mpf(freedom) / 2, mpmath.mpf(value) / 2, mpmath.inf)
            expected = float(expected / mpmath.gamma(mpmath.mpf(freedom) / 2))
            assert chi_squared_tail(freedom, value) == pytest.approx(
                expected, rel=1e-11, abs=1e-300
            )


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for freedom, value in zip(rng.integers(1, 300, 300), rng.uniform(0, 500, 300), strict=True):
        expected = gammaincc(freedom / 2, value / 2)
        assert chi_squared_tail(int(freedom), value) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("freedom", [1, 2, 9])
def test_ends(freedom: int) -> None:
    assert chi_squared_tail(freedom, 0.0) == 1.0
    assert chi_squared_tail(freedom, 1e6) == 0.0
    assert chi_squared_tail(freedom, np.inf) == 0.0
