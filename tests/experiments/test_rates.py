"""Slopes of logarithms, and what is said of them."""

import numpy as np
import pytest

from pastur.experiments.claims._testing.rates import (
    agrees,
    at_most,
    fit_rate,
    has_slope,
    vanishes,
)

N = np.array([100.0, 200.0, 400.0, 800.0])


def test_a_power_is_found_exactly() -> None:
    rate = fit_rate(N, 3 * N**-0.7, 0 * N)
    assert rate.slope == pytest.approx(-0.7, abs=1e-12)
    assert np.exp(rate.intercept) == pytest.approx(3)
    line = rate.line(N, "label")
    np.testing.assert_allclose(np.asarray(line.y), 3 * N**-0.7)


def test_the_standard_error_is_that_of_weighted_least_squares() -> None:
    """Against numpy.polyfit with the same weights and its unscaled covariance."""
    y, error = N**-0.5 * [1.0, 1.02, 0.99, 1.01], N**-0.5 * [0.05, 0.04, 0.06, 0.05]
    rate = fit_rate(N, y, error)
    noise = np.hypot(error / y, 0.01)
    slope, covariance = np.polyfit(np.log(N), np.log(y), 1, w=1 / noise, cov="unscaled")
    assert rate.slope == pytest.approx(slope[0])
    assert rate.error == pytest.approx(np.sqrt(covariance[0, 0]))


def test_scatter_beyond_the_errors_widens_the_error() -> None:
    y = N**-0.5 * [1.0, 1.5, 0.7, 1.2]
    assert fit_rate(N, y, 0.01 * y).error > 5 * fit_rate(N, N**-0.5, 0.01 * N**-0.5).error


def test_coverage_of_the_standard_error() -> None:
    """Two standard errors hold the slope in 95.4 % of 3000 draws, ± 4 se; scatter only widens."""
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(3000):
        y = N**-0.5 * np.exp(0.05 * rng.normal(size=4))
        rate = fit_rate(N, y, 0.05 * N**-0.5)
        hits += abs(rate.slope + 0.5) < 2 * rate.error
    assert 0.939 < hits / 3000 < 0.99


@pytest.mark.parametrize(
    ("exponent", "expected", "passed"),
    [(-0.5, -0.5, True), (-0.4, -0.5, True), (-0.3, -0.5, False), (0.0, -0.1, False)],
)
def test_vanishing_is_judged_by_slope_and_by_speed(
    exponent: float, expected: float, passed: bool
) -> None:
    y = N**exponent
    assert vanishes("", fit_rate(N, y, 0.01 * y), expected).passed == passed


def test_a_slope_with_its_error() -> None:
    rate = fit_rate(N, 1 / N, 0.01 / N)
    assert has_slope("", rate, -1.0).passed
    assert not has_slope("", rate, -0.8).passed


@pytest.mark.parametrize(("value", "passed"), [(1.0, True), (1.39, True), (1.41, False)])
def test_agreement_and_bounds_are_to_four_standard_errors(value: float, passed: bool) -> None:
    assert agrees("", value, 0.1, 1.0).passed == passed
    assert at_most("", value, 0.1, 1.0).passed == passed
    assert not agrees("", 0.59, 0.1, 1.0).passed
    assert at_most("", 0.59, 0.1, 1.0).passed
