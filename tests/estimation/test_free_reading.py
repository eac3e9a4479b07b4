"""The reading without a law, against formulas written out in loops, and on planted spikes."""

import math

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


def poles_of_the_rest(values: list[float], k: int, slope: float) -> list[float]:
    """Values of the rest of a clear value k, one between any two neighbours, by the lattice."""
    y, n = values[k], len(values)
    poles = []
    for j, value in enumerate(values[:-1]):
        gap = value - values[j + 1]
        if j == k:
            window = values[j + 1 : j + 7]
            gap = min(gap, (window[0] - window[-1]) / (len(window) - 1))
            angle = math.atan2(1.0, slope * (y - values[j + 1]) * n * gap / math.pi)
            poles.append(values[j + 1] + gap * angle / math.pi)
        else:
            angle = math.atan2(1.0, slope * (value - y) * n * gap / math.pi)
            poles.append(value - gap * angle / math.pi)
    return [*poles, values[-1]]


def planted(theta: float, n: int, m: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=n), rng.normal(size=m)
    w = rng.normal(size=(n, m)) * np.exp(0.2 * rng.normal(size=(n, 1))) / np.sqrt(m)
    return np.asarray(w + theta * np.outer(u / np.linalg.norm(u), v / np.linalg.norm(v)))


@pytest.mark.parametrize("tall", [False, True])
def test_a_clear_direction_is_read_as_the_formulas_say(tall: bool) -> None:
    w = planted(8.0, 60, 90, 0)
    values = np.linalg.svd(w, compute_uv=False).tolist()
    found = fit_rectangular(w.T if tall else w, noise="free").leading[0]
    theta, _, short, long = slow_reading(values[0], values[1:], 30)
    slope = 1 / (theta**2 * math.sqrt(short * long))
    poles = poles_of_the_rest(values, 0, slope)
    theta, deviation, short, long = slow_reading(values[0], poles, 30)
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
    values = (-np.linalg.eigvalsh(w)).tolist()
    slope = sum((values[0] - x) ** -2 for x in values[1:]) / 79
    poles = poles_of_the_rest(values, 0, slope)
    h = [1 / (values[0] - x) for x in poles]
    mean, square = sum(h) / 80, sum(x * x for x in h) / 80
    found = fit_symmetric(w, noise="free").leading[0]
    assert found["theta"] == pytest.approx(-1 / mean, rel=1e-10)
    assert found["overlap"] == pytest.approx(mean**2 / square, rel=1e-10)
    deviation = (2 / 80 * (square - mean**2)) ** 0.5
    assert -1 / found["low"] == pytest.approx(mean - 1.959963985 * deviation, rel=1e-8)


def test_the_reading_scales_with_the_matrix() -> None:
    w = planted(6.0, 40, 50, 2)
    one = fit_rectangular(w, noise="free").leading
    for factor in (2.0**400, 2.0**-400):
        other = fit_rectangular(factor * w, noise="free").leading
        np.testing.assert_allclose(other["theta"] / factor, one["theta"], rtol=1e-12)
        np.testing.assert_allclose(other["overlap_left"], one["overlap_left"], rtol=1e-12)


def test_the_overlap_of_what_is_far_from_the_rest_has_an_interval() -> None:
    """Its variance, some 1e-16, may be less than its rounding."""
    for seed in range(8):
        found = fit_rectangular(planted(1e8, 30, 40, seed), noise="free").leading[0]
        for side in ("left", "right"):
            low, high = (found[f"overlap_{side}_{end}"] for end in ("low", "high"))
            assert 1 - 1e-6 <= low <= found[f"overlap_{side}"] <= high
            assert high == pytest.approx(1, abs=1e-14)


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


def haar(n: int, count: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(n, count)))[0])


def test_a_crowd_of_spikes_stands_out_as_one_group() -> None:
    # Five spikes 5 % apart push one another. Of 200 intervals of overlaps 0.90 hold or more.
    thetas = 3.0 * 1.05 ** np.arange(5)[::-1]
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        u, v = haar(100, 5, rng), haar(200, 5, rng)
        w = rng.normal(size=(100, 200)) / np.sqrt(200) + (u * thetas) @ v.T
        fit = fit_rectangular(w, noise="free")
        rows = fit.standing_out
        assert len(rows) == 5 and len(set(rows["group"])) == 1
        assert set(rows["group"]).isdisjoint(fit.leading["group"][5:])
        assert ((rows["low"] < thetas) & (thetas < rows["high"])).all()
        left, _, right = np.linalg.svd(w, full_matrices=False)
        for vectors, span, name in ((left.T, u, "span_left"), (right, v, "span_right")):
            assert np.isnan(rows[name.replace("span", "overlap")]).all()
            shares = ((vectors[:5] @ span) ** 2).sum(axis=1)
            held.append((rows[f"{name}_low"] < shares) & (shares < rows[f"{name}_high"]))
    assert np.mean(held) >= 0.90


def held(values: FloatArray, y_over_end: float, draws: int) -> tuple[float, float]:
    """Share of planted θ in the interval, read publicly and against the values as they are."""
    n, shape = values.size, (values.size, 2 * values.size)
    q = [0, 0]
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        y = y_over_end * float(np.quantile(values, 0.95))
        below = values[values < y]
        theta, *_ = slow_reading(y, below.tolist(), n)
        a, b = rng.normal(size=n), rng.normal(size=2 * n)
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        full = np.hstack([np.diag(values), np.zeros((n, n))]) + theta * np.outer(a, b)
        left, found, right = np.linalg.svd(full, full_matrices=False)
        match = int(np.argmax(np.abs((left.T @ a) * (right @ b))))
        row = fit_rectangular(singular_values=found, shape=shape, noise="free").leading[match]
        q[0] += bool(row["low"] <= theta <= row["high"])
        plain, deviation, *_ = slow_reading(found[match], np.delete(found, match).tolist(), n)
        q[1] += bool(abs(1 / plain - 1 / theta) <= 1.96 * deviation)
    return q[0] / draws, q[1] / draws


def test_in_a_tail_the_values_as_they_are_would_not_do() -> None:
    # Singular values 10/√k, as of a trained layer: nominal is 0.95; of 100 draws 0.88 or fewer have
    # the chance 0.004.
    values = 10 / np.sqrt(np.arange(1, 81))
    public, plain = held(values, 1.15, 100)
    assert public >= 0.89
    assert plain < public
