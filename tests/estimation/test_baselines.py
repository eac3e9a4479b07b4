"""The published estimators against what their papers say, or against naive transcriptions."""

import numpy as np
import pytest
from scipy import integrate, optimize

from pastur.estimation import baselines
from pastur.measures import TracyWidom


@pytest.fixture(scope="module")
def spiked(make):
    rng = np.random.default_rng(70)
    w = make["plant"](make["rectangular"]((120, 300), rng), [4.0, 3.0, 2.0])
    return np.linalg.svd(w, compute_uv=False), w.shape


def test_the_published_constants_of_the_hard_threshold():
    # Gavish, Donoho 2014: 4/√3 for known, 2.858 for unknown noise, square; ω(β) within 0.02 of
    # 0.56β³ − 0.95β² + 1.82β + 1.43 (their approximation).
    for c in (0.1, 0.25, 0.5, 0.75, 1.0):
        found = baselines.median_rule(np.ones(300), (300, round(300 / c)))
        omega = found.edge
        assert abs(omega - (0.56 * c**3 - 0.95 * c**2 + 1.82 * c + 1.43)) < 0.02
        known = found.edge / found.sigma
        # There keeping and dropping a spike x cost the same: y² + x² − 2xy·ab = x².
        x = optimize.brentq(
            lambda x, c=c: np.sqrt((x**2 + 1) * (x**2 + c)) / x - known,  # noqa: B023
            c**0.25,
            10,
        )
        cosines = (x**4 - c) / (x**2 * np.sqrt((x**2 + 1) * (x**2 + c)))
        assert known == pytest.approx(2 * x * cosines, rel=1e-9)
    assert baselines.median_rule(np.ones(50), (50, 50)).edge == pytest.approx(2.858, abs=1e-3)
    ratio = baselines.median_rule(np.ones(50), (50, 50))
    assert ratio.edge / ratio.sigma == pytest.approx(4 / np.sqrt(3))


def test_the_median_is_that_of_marchenko_and_pastur():
    # μ by integrating the density: half of the mass lies below.
    c = 0.4
    sigma = baselines.median_rule(np.ones(40), (40, 100)).sigma
    low, high = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2
    mass = integrate.quad(
        lambda x: np.sqrt((x - low) * (high - x)) / (2 * np.pi * c * x), low, 1 / sigma**2
    )[0]
    assert mass == pytest.approx(0.5, abs=1e-8)


def test_shrinking_inverts_the_map_and_multiplies_with_the_cosines():
    x, c, sigma = 1.9, 0.4, 0.7
    y = np.sqrt((x**2 + 1) * (x**2 + c)) / x
    left = (x**4 - c) / (x**4 + c * x**2)
    right = (x**4 - c) / (x**4 + x**2)
    found = baselines.shrunk_singular_values([sigma * y, sigma * 1.2], (40, 100), sigma)
    np.testing.assert_allclose(found, [sigma * x * np.sqrt(left * right), 0.0], rtol=1e-12)
    theta = 2.5
    shrunk = baselines.shrunk_eigenvalues([theta + 1 / theta, -1.5, -theta - 1 / theta], 1.0)
    best = theta * (1 - 1 / theta**2)
    np.testing.assert_allclose(shrunk, [best, 0.0, -best], rtol=1e-12)


def test_mp_pca_is_its_loop(spiked):
    values, (n, m) = spiked
    power = np.sort(values**2)[::-1]
    for p in range(n):
        tail = power[p:]
        gamma = (n - p) / m
        if tail.sum() >= (n - p) * (tail[0] - tail[-1]) / (4 * np.sqrt(gamma)):
            break
    found = baselines.mp_pca(values, (m, n))
    assert found.rank == p == 3
    assert found.sigma == pytest.approx(np.sqrt(tail.mean()))
    assert found.edge == pytest.approx(found.sigma * (1 + np.sqrt((n - p) / m)))


def test_bema_is_its_regression_with_johnstones_exponent(spiked):
    values, (n, m) = spiked
    power, c = np.sort(values**2)[::-1], n / m
    low, high = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2

    def tail(x):
        density = lambda t: np.sqrt((t - low) * (high - t)) / (2 * np.pi * c * t)  # noqa: E731
        return integrate.quad(density, x, high)[0]

    top, bottom = 0.0, 0.0
    for k in range(24, 96):
        q = optimize.brentq(lambda x, k=k: tail(x) - (k + 0.5) / n, low, high)
        top, bottom = top + q * power[k], bottom + q**2
    found = baselines.bema(values, (n, m), alpha=0.1)
    assert found.sigma**2 == pytest.approx(top / bottom, rel=1e-7)
    margin = (
        TracyWidom(1).quantile(0.9) * m ** (-2 / 3) * c ** (-1 / 6) * (1 + np.sqrt(c)) ** (4 / 3)
    )
    assert found.edge**2 == pytest.approx(found.sigma**2 * (high + margin), rel=1e-9)
    assert found.rank == 3


def test_kritchman_nadler_solves_its_equations(spiked):
    values, (n, m) = spiked
    power = np.sort(values**2)[::-1]
    found = baselines.kritchman_nadler(values, (n, m))
    k, variance = found.rank, found.sigma**2
    assert k == 3
    rho = []
    for value in power[:k]:
        roots = np.roots([1.0, -(value + variance - variance * (n - k) / m), value * variance])
        rho.append(max(roots.real))
    rest = power[k:].sum() + sum(power[:k] - rho)
    assert variance == pytest.approx(rest / (n - k), rel=1e-8)
    # Johnstone's centring and scale with the halves of Ma (2012).
    a, b = np.sqrt(m - 0.5), np.sqrt(n - k - 0.5)
    mu, xi = (a + b) ** 2 / m, (a + b) / m * (1 / a + 1 / b) ** (1 / 3)
    assert found.edge**2 == pytest.approx(variance * (mu + TracyWidom(1).quantile(0.95) * xi))


def test_parallel_analysis_against_full_matrices(spiked):
    values, (n, m) = spiked
    rng = np.random.default_rng(71)
    sigma = np.sqrt(np.sum(values**2) / n)
    noise = [
        np.linalg.svd(rng.normal(size=(n, m)) / np.sqrt(m), compute_uv=False) for _ in range(200)
    ]
    quantiles = sigma * np.quantile(noise, 0.95, axis=0)
    found = baselines.parallel_analysis(values, (n, m), draws=200, rng=1)
    count = int(np.argmax(values <= quantiles))
    assert found.rank == count
    # Quantiles of 200 draws from two generators: within 1 %.
    assert found.edge == pytest.approx(quantiles[count], rel=0.01)
    again = baselines.parallel_analysis(values, (n, m), draws=200, rng=1)
    assert again == found


def test_symmetric_counterparts(make):
    rng = np.random.default_rng(72)
    w = make["plant"](make["symmetric"](400, rng), [4.0, 3.0, -3.5])
    values = np.linalg.eigvalsh(w)
    for method in (
        baselines.symmetric_median_rule,
        baselines.symmetric_bema,
        lambda v: baselines.symmetric_parallel_analysis(v, rng=1),
    ):
        found = method(values)
        assert found.rank == 3
    # The median of |λ| of the semicircle on [−2, 2]: half of the mass lies within.
    sigma = baselines.symmetric_median_rule(np.ones(10)).sigma
    mass = integrate.quad(lambda x: np.sqrt(4 - x**2) / (2 * np.pi), -1 / sigma, 1 / sigma)[0]
    assert mass == pytest.approx(0.5, abs=1e-9)
    assert abs(baselines.symmetric_bema(values).sigma - 1) < 0.03
    edge = baselines.symmetric_bema(values)
    expected = 2 + TracyWidom(1).quantile(0.975) * 400 ** (-2 / 3)
    assert edge.edge / edge.sigma == pytest.approx(expected)


def test_pure_noise_has_rank_zero_and_its_level(make):
    rng = np.random.default_rng(73)
    values = np.linalg.svd(make["rectangular"]((150, 300), rng), compute_uv=False)
    for method in (
        baselines.median_rule,
        baselines.mp_pca,
        baselines.bema,
        baselines.kritchman_nadler,
    ):
        found = method(values, (150, 300))
        assert abs(found.sigma - 1) < 0.03
        assert found.rank <= 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: baselines.median_rule([1.0, 2.0], (3, 4)), "3 singular values. Got 2"),
        (lambda: baselines.mp_pca([1.0, -2.0], (2, 4)), "must not be negative. Got -2"),
        (lambda: baselines.bema([1.0, np.nan], (2, 4)), "singular_values"),
        (lambda: baselines.bema(np.ones(10), (10, 20), trimmed=0.6), "Give less than one half"),
        (lambda: baselines.shrunk_eigenvalues([1.0], -1.0), "sigma"),
    ],
)
def test_misuse_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
