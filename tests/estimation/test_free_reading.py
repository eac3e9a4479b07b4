"""The reading without a law, against formulas written out in loops, and on planted spikes."""

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray


def slow_reading(y: float, others: list[float], empty: int) -> tuple[float, float, float, float]:
    """θ̂, the standard deviation of 1/θ̂, and both overlaps, term by term."""
    n, m = len(others), len(others) + empty
    a = sum(y / (y * y - s * s) for s in others) / n
    b = (sum(y / (y * y - s * s) for s in others) + empty / y) / m
    step = 1e-6 * y
    product = []
    for x in (y - step, y + step):
        a_x = sum(x / (x * x - s * s) for s in others) / n
        b_x = (sum(x / (x * x - s * s) for s in others) + empty / x) / m
        product.append(a_x * b_x)
    slope = (product[1] - product[0]) / (2 * step)
    theta = (a * b) ** -0.5
    var_a = 2 / n * (sum((y / (y * y - s * s)) ** 2 for s in others) / n - a * a)
    squares = sum((y / (y * y - s * s)) ** 2 for s in others) + empty / y**2
    var_b = 2 / m * (squares / m - b * b)
    var_x = sum((s / (y * y - s * s)) ** 2 for s in others) / (n * m)
    deviation = (b / a * var_a / 4 + a / b * var_b / 4 + var_x) ** 0.5
    return theta, deviation, -2 * a / (theta**2 * slope), -2 * b / (theta**2 * slope)


def planted(theta: float, n: int, m: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=n), rng.normal(size=m)
    w = rng.normal(size=(n, m)) * np.exp(0.2 * rng.normal(size=(n, 1))) / np.sqrt(m)
    return np.asarray(w + theta * np.outer(u / np.linalg.norm(u), v / np.linalg.norm(v)))


@pytest.mark.parametrize("tall", [False, True])
def test_a_clear_direction_is_read_as_the_formulas_say(tall: bool) -> None:
    w = planted(8.0, 60, 90, 0)
    values = np.linalg.svd(w, compute_uv=False)
    found = fit_rectangular(w.T if tall else w, noise="free").leading[0]
    theta, deviation, short, long = slow_reading(values[0], list(values[1:]), 30)
    left, right = (long, short) if tall else (short, long)
    assert found["theta"] == pytest.approx(theta, rel=1e-10)
    assert 1 / found["low"] - 1 / theta == pytest.approx(1.959963985 * deviation, rel=1e-8)
    assert 1 / theta - 1 / found["high"] == pytest.approx(1.959963985 * deviation, rel=1e-8)
    assert found["overlap_left"] == pytest.approx(left, rel=1e-6)
    assert found["overlap_right"] == pytest.approx(right, rel=1e-6)


def test_a_clear_eigenvalue_is_read_as_the_formulas_say() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(80, 80))
    w = (a + a.T) / np.sqrt(160) - 5 * np.ones((80, 80)) / 80
    values = np.linalg.eigvalsh(w)
    h = [1 / (values[1 + j] - values[0]) for j in range(79)]
    mean, square = sum(h) / 79, sum(x * x for x in h) / 79
    found = fit_symmetric(w, noise="free").leading[0]
    assert found["theta"] == pytest.approx(-1 / mean, rel=1e-10)
    assert found["overlap"] == pytest.approx(mean**2 / square, rel=1e-10)
    deviation = (2 / 79 * (square - mean**2)) ** 0.5
    assert -1 / found["low"] == pytest.approx(mean - 1.959963985 * deviation, rel=1e-8)


def test_the_reading_scales_with_the_matrix() -> None:
    w = planted(6.0, 40, 50, 2)
    one = fit_rectangular(w, noise="free").leading
    for factor in (2.0**400, 2.0**-400):
        other = fit_rectangular(factor * w, noise="free").leading
        np.testing.assert_allclose(other["theta"] / factor, one["theta"], rtol=1e-12)
        np.testing.assert_allclose(other["overlap_left"], one["overlap_left"], rtol=1e-12)


def test_what_stands_out_from_uneven_noise_is_what_was_planted() -> None:
    # Two draws of a hundred with anything beside the planted one are allowed (chance per draw far
    # below 1 %); without a spike nothing stands out.
    alone = [
        len(fit_rectangular(planted(0.0, 50, 80, s), noise="free").standing_out) for s in range(50)
    ]
    spiked = [
        len(fit_rectangular(planted(9.0, 50, 80, s), noise="free").standing_out) for s in range(50)
    ]
    assert sum(count != 1 for count in spiked) <= 2
    assert sum(count != 0 for count in alone) <= 2
