"""The published estimators, each against its paper: tables, closed forms, naive transcriptions."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import eigvalsh_tridiagonal
from scipy.optimize import brentq

import pastur
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import baselines

# Quantiles of the Tracy–Widom law for β = 1 at 0.90, 0.95, 0.99 (Bejan 2005, table 2).
TRACY_WIDOM = {0.10: 0.4501, 0.05: 0.9793, 0.01: 2.0234}
SHAPES = [(60, 60), (60, 100), (40, 160)]

RECTANGULAR: dict[str, Callable[..., baselines.Baseline]] = {
    "median_rule": baselines.median_rule,
    "mp_pca": baselines.mp_pca,
    "bema": baselines.bema,
    "kritchman_nadler": baselines.kritchman_nadler,
    "parallel_analysis": lambda s, shape: baselines.parallel_analysis(s, shape, rng=1),
}
SYMMETRIC: dict[str, Callable[..., baselines.Baseline]] = {
    "symmetric_median_rule": baselines.symmetric_median_rule,
    "symmetric_bema": baselines.symmetric_bema,
    "symmetric_parallel_analysis": lambda x: baselines.symmetric_parallel_analysis(x, rng=1),
}


def marchenko_pastur_quantile(level: float, c: float) -> float:
    """Where the lower mass of the Marchenko–Pastur law of ratio c ≤ 1, σ = 1, is `level`."""
    low, high = (1 - c**0.5) ** 2, (1 + c**0.5) ** 2

    def below(x: float) -> float:
        # With x = y² no end of the square case is singular; a share of the mass is integrated.
        def density(y: float) -> float:
            root = max((high - y * y) * (y * y - low), 0.0)
            return float(root**0.5 / (np.pi * c * y) if y > 0 else (high**0.5 / (np.pi * c)))

        return float(quad(density, low**0.5, x**0.5, epsabs=1e-11, limit=200)[0])

    return float(brentq(lambda x: below(x) - level, low, high, xtol=1e-13))


def semicircle_quantile(level: float) -> float:
    def below(x: float) -> float:
        return float(0.5 + x * (4 - x * x) ** 0.5 / (4 * np.pi) + np.arcsin(x / 2) / np.pi)

    return float(brentq(lambda x: below(x) - level, -2, 2, xtol=1e-14))


def singular_values(
    make: Mapping[str, Callable[..., FloatArray]],
    shape: tuple[int, int],
    spikes: FloatArray | Sequence[float],
    seed: int = 5,
) -> FloatArray:
    w = make["plant"](make["rectangular"](shape, np.random.default_rng(seed)), spikes)
    return np.asarray(np.linalg.svd(w, compute_uv=False), dtype=np.float64)


def eigenvalues(
    make: Mapping[str, Callable[..., FloatArray]], size: int, spikes: Sequence[float], seed: int = 6
) -> FloatArray:
    w = make["plant"](make["symmetric"](size, np.random.default_rng(seed)), spikes)
    return np.asarray(np.linalg.eigvalsh(w)[::-1], dtype=np.float64)


# --- median rule, shrinkage ---


@pytest.mark.parametrize("columns", [20, 25, 40, 80, 200, 400])
def test_hard_threshold_over_the_median_is_as_printed(columns: int) -> None:
    # The cubic that Gavish and Donoho (2014) give for ω(β), to 0.02.
    values, ratio = np.append(np.linspace(0.9, 1.1, 19), 7.0), 20 / columns
    found = baselines.median_rule(values, (20, columns))
    cubic = 0.56 * ratio**3 - 0.95 * ratio**2 + 1.82 * ratio + 1.43
    assert found.edge / np.median(values) == pytest.approx(cubic, abs=0.02)
    assert found.rank == 1


def test_square_threshold_is_2_858_medians_and_four_over_root_three_noise_levels() -> None:
    # Both from the abstract of the same paper.
    values = np.arange(1.0, 10.0)
    found = baselines.median_rule(values, (9, 9))
    assert found.edge / np.median(values) == pytest.approx(2.858, abs=5e-4)
    assert found.edge / found.sigma == pytest.approx(4 / 3**0.5, rel=1e-14)


@pytest.mark.parametrize("shape", [(50, 50), (50, 80), (20, 400)])
def test_noise_level_of_the_median_rule(shape: tuple[int, int]) -> None:
    values = np.linspace(1, 3, shape[0] + 1)[1:]
    median = marchenko_pastur_quantile(0.5, shape[0] / shape[1])
    found = baselines.median_rule(values, shape)
    assert found.sigma == pytest.approx(np.median(values) / median**0.5, rel=1e-8)


@pytest.mark.parametrize("shape", [(50, 50), (50, 80), (20, 400)])
def test_threshold_is_where_keeping_a_value_costs_as_much_as_dropping_it(
    shape: tuple[int, int],
) -> None:
    # Keeping y for the best value η costs (y − η)² where dropping it costs η²: y = 2η.
    values = np.linspace(1, 3, shape[0])
    found = baselines.median_rule(values, shape)
    values[0] = found.edge
    half = baselines.shrunk_singular_values(values, shape, sigma=found.sigma)[0]
    assert half == pytest.approx(found.edge / 2, rel=1e-12)


@pytest.mark.parametrize("shape", [(6, 6), (6, 9), (9, 6), (6, 60)])
def test_shrunk_values_are_spikes_times_the_cosines_of_both_sides(shape: tuple[int, int]) -> None:
    # y = √((θ² + σ²)(θ² + cσ²))/θ and cosines² (t⁴ − c)/(t²(t² + c)), (t⁴ − c)/(t²(t² + 1)).
    c, sigma = min(shape) / max(shape), 0.3
    t = np.array([1.05, 1.5, 3.0, 40.0]) * c**0.25
    observed = sigma * np.sqrt((t**2 + 1) * (t**2 + c)) / t
    cosines = (t**4 - c) / (t**2 * np.sqrt((t**2 + c) * (t**2 + 1)))
    inside = sigma * np.array([0.5, 0.999]) * (1 + c**0.5)
    values = np.concatenate([inside, observed])
    shrunk = baselines.shrunk_singular_values(values, shape, sigma=sigma)
    np.testing.assert_allclose(shrunk[2:], sigma * t * cosines, rtol=1e-10)
    assert shrunk[:2].tolist() == [0.0, 0.0]


def test_shrunk_values_of_a_square_matrix() -> None:
    # "shrinks each y to √(y² − 4nσ²)", Gavish, Donoho 2017, abstract.
    shrunk = baselines.shrunk_singular_values([2.5, 3.0, 1.9], (3, 3), sigma=1.0)
    np.testing.assert_allclose(shrunk, [1.5, 5**0.5, 0.0], rtol=1e-14)


def test_shrunk_eigenvalues_are_spikes_times_their_overlap() -> None:
    # λ = θ + σ²/θ, overlap 1 − σ²/θ².
    sigma, theta = 0.5, np.array([0.6, -1.0, 3.0])
    values = np.append(theta + sigma**2 / theta, [0.99, -0.2])
    shrunk = baselines.shrunk_eigenvalues(values, sigma=sigma)
    np.testing.assert_allclose(shrunk[:3], theta * (1 - sigma**2 / theta**2), rtol=1e-12)
    assert np.all(shrunk[3:] == 0)


def test_symmetric_median_rule() -> None:
    values = np.array([-3.0, -1.0, -0.5, 0.4, 0.9, 1.2, 5.0])
    found = baselines.symmetric_median_rule(values)
    assert found.sigma == pytest.approx(1.0 / semicircle_quantile(0.75), rel=1e-10)
    # Singular values of a square matrix of noise have the law of |λ|, so the threshold is theirs.
    assert found.edge == pytest.approx(2.858, abs=5e-4)
    assert found.rank == 2
    half = baselines.shrunk_eigenvalues([found.edge], sigma=found.sigma)[0]
    assert half == pytest.approx(found.edge / 2, rel=1e-12)


# --- MP-PCA ---


def naive_mp_pca(s: FloatArray, n: int, m: int) -> tuple[float, int]:
    """The program for Veraart et al. 2016: here entries of W√m have the variance σ²."""
    eigenvalue = sorted((m * x * x for x in s), reverse=True)
    for p in range(n):
        total = sum(eigenvalue[p:])
        if (eigenvalue[p] - eigenvalue[-1]) * (n - p) * (m - p) <= 4 * total * (m * n) ** 0.5:
            variance = total / ((m - p) * (n - p))
            return variance**0.5, p
    raise AssertionError


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rank", [0, 3, 15])
def test_mp_pca_does_as_its_program_does(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int], rank: int
) -> None:
    s = singular_values(make, shape, np.linspace(1.2, 4, rank))
    found, (n, m) = baselines.mp_pca(s, shape), shape
    sigma, components = naive_mp_pca(s, n, m)
    assert found.rank == components
    assert found.sigma == pytest.approx(sigma, rel=1e-12)
    # σ²(1 + √c)² of noise of n − p by m − p, whose entries have the variance σ²/m.
    left, ratio = m - components, (n - components) / (m - components)
    assert found.edge == pytest.approx(sigma * (left / m) ** 0.5 * (1 + ratio**0.5), rel=1e-12)


def test_mp_pca_counts_the_columns_that_spikes_take(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    # With 30 strong spikes of 150 × 200, m for m − p would make σ̂ lower by 1 − √(170/200), 8 %.
    s = singular_values(make, (150, 200), np.linspace(20, 40, 30))
    found = baselines.mp_pca(s, (150, 200))
    assert found.rank == 30
    # The mean of 120·170 squares: 4 deviations are 2 %; false alarm 1e-4.
    assert found.sigma == pytest.approx(1, abs=0.02)


def test_mp_pca_of_a_matrix_of_low_rank_is_exact() -> None:
    found = baselines.mp_pca([3.0, 2.0, 0.0, 0.0, 0.0, 0.0], (6, 9))
    assert (found.sigma, found.rank, found.edge) == (0.0, 2, 0.0)


# --- BEMA ---


def naive_bema(
    s: FloatArray, n: int, m: int, trimmed: float, alpha: float
) -> tuple[float, np.integer, float]:
    """Ke, Ma, Lin 2023, algorithm 1, with n for their p and m for their n."""
    eigenvalue = sorted((x * x for x in s), reverse=True)
    c, over, under = n / m, 0.0, 0.0
    for k in range(1, n + 1):
        if trimmed * n <= k <= (1 - trimmed) * n:
            q = marchenko_pastur_quantile(1 - k / n, c)
            over += q * eigenvalue[k - 1]
            under += q * q
    variance, top = over / under, 1 + c**0.5
    fluctuation = TRACY_WIDOM[alpha] * m ** (-2 / 3) * c ** (-1 / 6) * top ** (4 / 3)
    edge = variance * (top**2 + fluctuation)
    return variance**0.5, sum(x > edge for x in eigenvalue), edge**0.5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("trimmed, alpha", [(0.2, 0.10), (0.2, 0.05), (0.25, 0.01)])
def test_bema_does_as_its_paper_says(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int], trimmed: float, alpha: float
) -> None:
    s = singular_values(make, shape, [1.3, 2.0, 3.0])
    found = baselines.bema(s, shape, trimmed=trimmed, alpha=alpha)
    sigma, rank, edge = naive_bema(s, *shape, trimmed, alpha)
    assert found.rank == rank
    assert found.sigma == pytest.approx(sigma, rel=1e-8)
    # The quantiles are printed with four digits.
    assert found.edge == pytest.approx(edge, rel=1e-5)


def test_margin_of_bema_has_the_exponent_four_thirds() -> None:
    # Square, N = 768, at the level of 0.9: the printed implementations have 2⁴/3 for 2^(4/3).
    size = 768
    found = baselines.bema(np.linspace(2, 0, size), (size, size), alpha=0.1)
    margin = ((found.edge / found.sigma) ** 2 - 4) * size ** (2 / 3) / TRACY_WIDOM[0.1]
    assert margin == pytest.approx(2 ** (4 / 3), rel=2e-4)
    assert margin != pytest.approx(2**4 / 3, rel=0.1)


# Mean and standard deviation of the Tracy–Widom law for β = 1 (Bornemann 2010, table 10).
TRACY_WIDOM_MEAN, TRACY_WIDOM_SD = -1.20653, 1.26798


def noise_spectra(n: int, m: int, draws: int, seed: int) -> FloatArray:
    """Squared singular values of Gaussian noise, σ = 1, by its bidiagonal form (Silverstein)."""
    rng = np.random.default_rng(seed)
    found = np.empty((draws, n))
    for draw in range(draws):
        along = rng.chisquare(m - np.arange(n))
        below = rng.chisquare(np.arange(n - 1, 0, -1))
        diagonal = along + np.append(0.0, below)
        found[draw] = eigvalsh_tridiagonal(diagonal, np.sqrt(along[:-1] * below)) / m
    return found


@pytest.mark.lengthy
@pytest.mark.parametrize(("n", "m"), [(150, 150), (150, 300), (80, 640)])
def test_margin_of_bema_is_that_of_simulated_edges(n: int, m: int) -> None:
    # The deviation of 600 draws has a standard error of 3 %, their mean one of 0.05 in units of the
    # margin. Four of them, and what both are off at these sizes; false alarm below 1e-4.
    c, top = n / m, 1 + (n / m) ** 0.5
    spectra = noise_spectra(n, m, 600, seed=11)
    margin = m ** (-2 / 3) * c ** (-1 / 6) * top ** (4 / 3)
    largest = spectra[:, -1]
    assert largest.std() / TRACY_WIDOM_SD == pytest.approx(margin, rel=0.16)
    centre = (largest.mean() - top**2) / margin
    assert centre == pytest.approx(TRACY_WIDOM_MEAN, abs=0.3)
    # The exponent of the published program.
    printed = m ** (-2 / 3) * c ** (-1 / 6) * top**4 / 3
    assert largest.std() / TRACY_WIDOM_SD != pytest.approx(printed, rel=0.16)


@pytest.mark.lengthy
def test_bema_has_false_spikes_at_most_at_its_rate() -> None:
    # 200 matrices: three standard errors are 0.064 at 0.1. Its edge at this size lies a little too
    # far out, so that the rate is about half of alpha; with σ² 4 % too low it would exceed 0.3.
    spectra = noise_spectra(150, 150, 200, seed=12)
    found = [baselines.bema(values**0.5, (150, 150), alpha=0.1) for values in spectra]
    rates = [
        np.mean(
            [values[-1] > one.edge**2 * share for values, one in zip(spectra, found, strict=True)]
        )
        for share in (1.0, 0.96)
    ]
    assert 0.01 <= rates[0] < 0.164
    assert rates[1] > 0.3
    # So does the published program at alpha = 0.9, whose margin there is negative: every matrix.
    low = [baselines.bema(values**0.5, (150, 150), alpha=0.9) for values in spectra]
    over = np.mean([values[-1] > one.edge**2 for values, one in zip(spectra, low, strict=True)])
    assert 0.6 < over < 0.95
    program = [
        values[-1] > one.sigma**2 * (4 + (one.edge**2 / one.sigma**2 - 4) * 2**4 / 3 / 2 ** (4 / 3))
        for values, one in zip(spectra, low, strict=True)
    ]
    assert np.mean(program) > 0.99


def test_symmetric_bema(make: dict[str, Callable[..., FloatArray]]) -> None:
    values = eigenvalues(make, 80, [1.6, -3.0])
    found = baselines.symmetric_bema(values, alpha=0.10)
    over = under = 0.0
    for k in range(16, 65):
        q = semicircle_quantile(1 - k / 80)
        over, under = over + q * values[k - 1], under + q * q
    assert found.sigma == pytest.approx(over / under, rel=1e-10)
    # α/2 for each edge.
    edge = over / under * (2 + TRACY_WIDOM[0.05] * 80 ** (-2 / 3))
    assert found.edge == pytest.approx(edge, rel=1e-5)
    assert found.rank == np.sum(np.abs(values) > edge) == 2


# --- Kritchman–Nadler ---


def naive_noise_variance(eigenvalue: Sequence[float], p: int, samples: int, k: int) -> float:
    """σ² by iteration, as Kritchman and Nadler's program: it stops where roots turn complex."""
    variance = sum(eigenvalue[k:]) / (p - k) / (1 - k / samples)
    for _ in range(500):
        total = sum(eigenvalue[k:])
        for x in eigenvalue[:k]:
            b = x + variance - variance * (p - k) / samples
            if b * b < 4 * x * variance:
                return variance
            total += max(x - (b + (b * b - 4 * x * variance) ** 0.5) / 2, 0.0)
        variance = total / (p - k)
    return variance


def naive_kritchman_nadler(
    s: FloatArray, p: int, samples: int, alpha: float
) -> tuple[float, int, float]:
    eigenvalue = sorted((x * x for x in s), reverse=True)
    last = sum(eigenvalue) / p
    for k in range(1, p):
        variance = naive_noise_variance(eigenvalue, p, samples, k)
        a, b = (samples - 0.5) ** 0.5, (p - k - 0.5) ** 0.5
        mu = (a + b) ** 2 / samples
        xi = (a + b) / samples * (1 / a + 1 / b) ** (1 / 3)
        edge = variance * (mu + TRACY_WIDOM[alpha] * xi)
        if eigenvalue[k - 1] <= edge:
            return last**0.5, k - 1, edge**0.5
        last = variance
    raise AssertionError


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spikes", [[], [2.5], [6.0, 4.0, 1.4], np.linspace(2.5, 9, 8)])
@pytest.mark.parametrize("alpha", [0.10, 0.05, 0.01])
def test_kritchman_nadler_does_as_its_papers_say(
    make: dict[str, Callable[..., FloatArray]],
    shape: tuple[int, int],
    spikes: FloatArray | Sequence[float],
    alpha: float,
) -> None:
    s = singular_values(make, shape, spikes)
    found = baselines.kritchman_nadler(s, shape, alpha=alpha)
    sigma, rank, edge = naive_kritchman_nadler(s, *shape, alpha)
    assert found.rank == rank
    assert found.sigma == pytest.approx(sigma, rel=1e-8)
    # The quantiles are printed with four digits.
    assert found.edge == pytest.approx(edge, rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_level_of_kritchman_nadler_solves_their_equations(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int]
) -> None:
    s = singular_values(make, shape, [3.0, 5.0, 9.0])
    found, (p, samples) = baselines.kritchman_nadler(s, shape), shape
    assert found.rank == 3
    variance, power = found.sigma**2, np.sort(s**2)[::-1]
    rho = [
        np.roots([1, -(x + variance - variance * (p - 3) / samples), x * variance]).max()
        for x in power[:3]
    ]
    right = (power[3:].sum() + sum(power[:3] - rho)) / (p - 3)
    assert variance == pytest.approx(right, rel=1e-9)


def test_kritchman_nadler_tests_a_value_as_if_it_were_the_last_spike() -> None:
    # A bulk at the quantiles of noise and one value at the edge of n − 1 by m, not of n by m.
    n, m = 40, 60
    bulk = np.sqrt([marchenko_pastur_quantile((i + 0.5) / n, n / m) for i in range(n - 1)])
    found = baselines.kritchman_nadler(np.append(bulk, 1.75), (n, m))
    a, b = (m - 0.5) ** 0.5, (n - 1 - 0.5) ** 0.5
    factor = ((a + b) ** 2 + TRACY_WIDOM[0.05] * (a + b) * (1 / a + 1 / b) ** (1 / 3)) / m
    variance = naive_noise_variance([1.75**2, *bulk[::-1] ** 2], n, m, 1)
    assert found.rank == 0
    assert found.edge == pytest.approx((variance * factor) ** 0.5, rel=1e-5)
    assert found.sigma**2 > 1.005 * variance


def test_noise_level_without_spikes_is_the_plain_mean() -> None:
    values = np.linspace(0.5, 1.5, 40)
    found = baselines.kritchman_nadler(values, (40, 200))
    assert found.rank == 0
    assert found.sigma == pytest.approx(np.sqrt(np.mean(values**2)), rel=1e-14)


def test_correction_for_spikes_matters(make: dict[str, Callable[..., FloatArray]]) -> None:
    # The plain mean of the rest is lower by about rank·(1 + c)/n: 13 % of σ² at 20 of 200.
    s = singular_values(make, (200, 400), np.full(20, 5.0))
    corrected = baselines.kritchman_nadler(s, (200, 400))
    assert corrected.rank == 20
    assert corrected.sigma == pytest.approx(1, abs=0.01)
    assert np.sqrt(np.mean(np.sort(s)[:180] ** 2)) < 0.98


# --- parallel analysis ---


def test_parallel_analysis_compares_with_noise_of_the_same_power(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    s = singular_values(make, (30, 60), [])
    found = baselines.parallel_analysis(7 * s, (30, 60), rng=2)
    assert found.sigma == pytest.approx(7 * np.sqrt(np.sum(s**2) / 30), rel=1e-12)


@pytest.mark.parametrize("rows, agrees", [(30, True), (36, False)])
def test_noise_of_parallel_analysis_is_that_of_dense_matrices(
    make: dict[str, Callable[..., FloatArray]], rows: int, agrees: bool
) -> None:
    # 2000 draws on either side: the rate beyond a quantile at 0.95 errs by √2·0.0049; five
    # deviations, false alarm 1e-6. With six rows more it is far off.
    draws, rng = 2000, np.random.default_rng(3)
    found = baselines.parallel_analysis(np.ones(30), (30, 60), draws=draws, rng=4)
    dense = [np.linalg.norm(make["rectangular"]((rows, 60), rng), 2) for _ in range(draws)]
    rate = np.mean(np.array(dense) > found.edge / found.sigma)
    assert (abs(rate - 0.05) < 5 * 2**0.5 * 0.0049) == agrees


@pytest.mark.parametrize("size, agrees", [(40, True), (20, False)])
def test_noise_of_symmetric_parallel_analysis_is_that_of_dense_matrices(
    make: dict[str, Callable[..., FloatArray]], size: int, agrees: bool
) -> None:
    # The same, for the largest absolute eigenvalue.
    draws, rng = 2000, np.random.default_rng(5)
    found = baselines.symmetric_parallel_analysis(np.ones(40), draws=draws, rng=6)
    dense = [np.linalg.norm(make["symmetric"](size, rng), 2) for _ in range(draws)]
    rate = np.mean(np.array(dense) > found.edge / found.sigma)
    assert (abs(rate - 0.05) < 5 * 2**0.5 * 0.0049) == agrees


def test_parallel_analysis_stops_at_the_first_value_within(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    s = singular_values(make, (60, 100), [4.0, 3.0])
    found = baselines.parallel_analysis(s, (60, 100), rng=1)
    assert found.rank == 2
    # The third largest is what it was compared with last.
    assert found.edge > np.sort(s)[-3]
    again = baselines.parallel_analysis(s, (60, 100), rng=1)
    assert again == found


# --- what all have in common ---


@pytest.mark.parametrize("name", RECTANGULAR)
@pytest.mark.parametrize("shape", [(120, 120), (120, 240), (240, 120)])
def test_few_strong_spikes_are_counted(
    make: dict[str, Callable[..., FloatArray]], name: str, shape: tuple[int, int]
) -> None:
    # Noise alone goes beyond the edge in one of 20 matrices at most: the seed is one of the others.
    s = singular_values(make, shape, [3.0, 4.0, 5.0], seed=8)
    found = RECTANGULAR[name](s, shape)
    assert found.rank == 3
    if name != "parallel_analysis":
        assert found.sigma == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_few_strong_spikes_of_either_sign_are_counted(
    make: dict[str, Callable[..., FloatArray]], name: str
) -> None:
    found = SYMMETRIC[name](eigenvalues(make, 150, [3.0, -4.0, 5.0], seed=8))
    assert found.rank == 3
    if name != "symmetric_parallel_analysis":
        assert found.sigma == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", RECTANGULAR)
def test_order_sides_and_units_do_not_matter(
    make: dict[str, Callable[..., FloatArray]], name: str
) -> None:
    method, shape = RECTANGULAR[name], (60, 100)
    s = singular_values(make, shape, [2.0, 3.0])
    found = method(s, shape)
    assert method(s[::-1], shape[::-1]) == found
    assert method(np.random.default_rng(0).permutation(s), list(shape)) == found
    for unit in (2.0**-400, 2.0**400):
        scaled = method(unit * s, shape)
        expected = (unit * found.sigma, found.rank, unit * found.edge)
        assert (scaled.sigma, scaled.rank, scaled.edge) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_order_sign_and_units_do_not_matter(
    make: dict[str, Callable[..., FloatArray]], name: str
) -> None:
    method = SYMMETRIC[name]
    values = eigenvalues(make, 60, [2.0, -3.0])
    found = method(values)
    assert method(np.random.default_rng(0).permutation(values)) == found
    for unit in (2.0**-400, 2.0**400):
        scaled = method(unit * values)
        expected = (unit * found.sigma, found.rank, unit * found.edge)
        assert (scaled.sigma, scaled.rank, scaled.edge) == pytest.approx(expected, rel=1e-12)


AWKWARD = {
    "zero": np.zeros(8),
    "rank one": np.eye(8)[0],
    "equal": np.ones(8),
    "half zero": np.repeat([1.0, 0.0], 4),
    "falling": 10.0 ** -np.arange(8),
    "small type": np.linspace(0, 1, 8, dtype=np.float16),
}


@pytest.mark.parametrize("values", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("shape", [(8, 8), (8, 9), (100, 8)])
def test_awkward_values_give_finite_answers(values: AnyArray, shape: tuple[int, int]) -> None:
    found = [method(values, shape) for method in RECTANGULAR.values()]
    found += [method(values) for method in SYMMETRIC.values()]
    for one in found:
        assert np.isfinite([one.sigma, one.edge]).all()
        assert 0 <= one.rank <= 8


@pytest.mark.parametrize("name", RECTANGULAR)
def test_one_by_one(name: str) -> None:
    if name == "bema":
        with pytest.raises(pastur.PasturError, match="leaves none of 1 values"):
            RECTANGULAR[name]([2.0], (1, 1))
    else:
        assert RECTANGULAR[name]([2.0], (1, 1)).rank in (0, 1)


# --- errors, face ---


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: baselines.bema([1.0, 2.0], (3, 4)), "has 3 singular values. Got 2"),
        (lambda: baselines.mp_pca([1.0, -2.0], (2, 4)), "must not be negative. Got -2"),
        (lambda: baselines.median_rule([1.0, np.nan], (2, 4)), "must be finite"),
        (lambda: baselines.median_rule([1.0, 2.0], (2, 0)), r"shape\[1\]` must be at least 1"),
        (lambda: baselines.median_rule([1.0, 2.0], 4), "`shape` must be a pair"),  # type: ignore[arg-type]
        (lambda: baselines.bema(np.ones(9), (9, 9), trimmed=0.6), "Give less than one half"),
        (lambda: baselines.bema(np.ones(9), (9, 9), alpha=0), "strictly between 0 and 1"),
        (lambda: baselines.kritchman_nadler(np.ones(9), (9, 9), alpha=2), "strictly between"),
        (lambda: baselines.parallel_analysis(np.ones(9), (9, 9), draws=0), "must be at least 1"),
        (lambda: baselines.symmetric_bema([[1.0, 2.0]]), "must be one-dimensional"),
        (lambda: baselines.shrunk_eigenvalues([1.0], sigma=0), "`sigma` must be positive"),
        (lambda: baselines.shrunk_singular_values([1.0], (2, 2), sigma=1), "Got 1. Give them all"),
    ],
)
def test_misuse_is_told(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(pastur.PasturError, match=sentence):
        call()


def test_names_are_documented_and_parameters_given_by_name() -> None:
    for name in baselines.__all__:
        value = getattr(baselines, name)
        assert inspect.getdoc(value), name
        if inspect.isfunction(value):
            kinds = [p.kind for p in inspect.signature(value).parameters.values()]
            assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= 2, name


@pytest.mark.parametrize("name", baselines.ESTIMATORS)
def test_an_estimator_is_random_where_it_says_so(name: str) -> None:
    """A random edge differs from generator to generator; any other is the same to the bit."""
    values = np.linalg.svd(np.random.default_rng(3).normal(size=(40, 60)), compute_uv=False)
    estimator = baselines.ESTIMATORS[name]
    edges = {estimator(values, (40, 60), alpha=0.05, rng=seed).edge for seed in range(4)}
    assert len(edges) == (4 if estimator.random else 1)
    assert estimator.random == (name == "parallel_analysis")


@pytest.mark.parametrize("name", baselines.ESTIMATORS)
def test_an_estimator_takes_the_settings_that_its_function_has(name: str) -> None:
    estimator = baselines.ESTIMATORS[name]
    taken = set(inspect.signature(estimator.function).parameters) & {"alpha", "rng"}
    assert set(estimator.settings) == taken
