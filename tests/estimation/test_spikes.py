"""Spikes behind outliers: naive formulas, planted spikes, coverage of the intervals."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import norm

from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, fit_rectangular, fit_symmetric
from pastur.estimation._spikes.table import SpikeContext
from pastur.measures import MarchenkoPastur, Semicircle

Z = norm.ppf(0.975)


def rectangular_spectrum(n: int, m: int, outliers: FloatArray | Sequence[float]) -> FloatArray:
    """Singular values: outliers above a bulk at the quantiles of noise of n − k by m − k."""
    k = len(outliers)
    law = MarchenkoPastur((n - k) / (m - k), float(np.sqrt((m - k) / m)))
    bulk = np.sqrt(law.quantile((np.arange(n - k) + 0.5) / (n - k)))
    return np.concatenate([outliers, bulk])


def symmetric_spectrum(size: int, outliers: FloatArray) -> FloatArray:
    k = len(outliers)
    law = Semicircle(float(np.sqrt((size - k) / size)))
    return np.concatenate([outliers, law.quantile((np.arange(size - k) + 0.5) / (size - k))])


def naive_rectangular(values: FloatArray, m: int, sigma: float, index: int) -> tuple[float, ...]:
    """θ and overlaps of one outlier, by the formulas of the model, its own term left out."""
    n, y = len(values), values[index] ** 2
    others = [v**2 for i, v in enumerate(values) if i != index]
    c = n / m
    transform = sum(1 / (t - y) for t in others) / n
    slope = sum(1 / (t - y) ** 2 for t in others) / n
    a, a1 = 1 + sigma**2 * c * transform, sigma**2 * c * slope
    w = y * a**2 - sigma**2 * (1 - c) * a
    w1 = a**2 + 2 * y * a * a1 - sigma**2 * (1 - c) * a1
    return np.sqrt(w), a / w1, w / (a * y * w1)


def test_rectangular_formulas() -> None:
    # With σ known and k = 2 spikes: noise of 198 × 398 with σ′² = 398/400, all from the formulas
    # for low rank: t = θ/σ′, overlaps, and Var θ̂ = (σ²/2m)(1/o_n + 1/o_m). They hold up to 1/n.
    n, m, theta = 200, 400, np.array([3.0, 1.6])
    sigma, c = np.sqrt(398 / 400), 198 / 398
    observed = np.sqrt((theta**2 + sigma**2) * (theta**2 + c * sigma**2)) / theta
    values = rectangular_spectrum(n, m, observed)
    spikes = fit_rectangular(singular_values=values, shape=(n, m), sigma=1.0).spikes
    t = theta / sigma
    left = (t**4 - c) / (t**2 * (t**2 + c))
    right = (t**4 - c) / (t**2 * (t**2 + 1))
    width = Z * np.sqrt((1 / left + 1 / right) / (2 * m))
    np.testing.assert_allclose(spikes["observed"], observed)
    np.testing.assert_allclose(spikes["theta"], theta, rtol=2e-3)
    np.testing.assert_allclose(spikes["overlap_left"], left, rtol=5e-3)
    np.testing.assert_allclose(spikes["overlap_right"], right, rtol=5e-3)
    np.testing.assert_allclose(spikes["high"] - spikes["theta"], width, rtol=5e-3)
    np.testing.assert_allclose(spikes["theta"] - spikes["low"], width, rtol=5e-3)
    for k, spike in enumerate(spikes):
        expected = naive_rectangular(values, m, 1.0, k)
        found = [spike["theta"], spike["overlap_left"], spike["overlap_right"]]
        np.testing.assert_allclose(found, expected, rtol=1e-11)
        width = Z * np.sqrt((1 / expected[1] + 1 / expected[2]) / (2 * m))
        # Wider by what the neighbour's own movement adds.
        assert 1 <= (spike["high"] - spike["theta"]) / width < 1.002
    assert spikes["isolated"].all()
    assert (spikes["p_value"] < 1e-6).all()


def test_symmetric_formulas() -> None:
    # The same with Φ(θ) = θ + σ²/θ, overlap 1 − σ²/θ², Var θ̂ = 2σ²/(NΦ′(θ)).
    # (An even bulk: the middle of an odd one would be a zero eigenvalue, which is left out.)
    size, theta = 301, np.array([4.0, 2.4, -3.0])
    sigma = np.sqrt(298 / 301)
    observed = theta + sigma**2 / theta
    values = symmetric_spectrum(size, observed)
    spikes = fit_symmetric(eigenvalues=values, sigma=1.0).spikes
    overlap = 1 - sigma**2 / theta**2
    width = Z * np.sqrt(2 / (size * overlap))
    np.testing.assert_allclose(spikes["observed"], observed)
    np.testing.assert_allclose(spikes["theta"], theta, rtol=2e-3)
    np.testing.assert_allclose(spikes["overlap"], overlap, rtol=5e-3)
    np.testing.assert_allclose(spikes["high"] - spikes["theta"], width, rtol=5e-3)
    np.testing.assert_allclose(spikes["theta"] - spikes["low"], width, rtol=5e-3)
    for spike in spikes:
        others = np.delete(values, np.argmin(np.abs(values - spike["observed"])))
        theta = spike["observed"] + sum(1 / (v - spike["observed"]) for v in others) / size
        slope = 1 + sum(1 / (v - spike["observed"]) ** 2 for v in others) / size
        assert spike["theta"] == pytest.approx(theta, rel=1e-11)
        assert spike["overlap"] == pytest.approx(1 / slope, rel=1e-11)
        width = Z * np.sqrt(2 * slope / size)
        assert 1 <= (spike["high"] - spike["theta"]) / width < 1.002
    assert spikes["isolated"].all()


def test_a_spike_at_the_edge_is_near_critical_and_nothing_is_undefined() -> None:
    # α = 0.9 puts the edge inside the law's own.
    values = rectangular_spectrum(200, 400, [])
    values = np.append(0.97 * np.sort(values)[:-1], (1 + np.sqrt(0.5)) * 0.99)
    fit = fit_rectangular(singular_values=values, shape=(200, 400), sigma=1.0, alpha=0.9)
    (spike,) = fit.spikes
    critical = np.sqrt(399 / 400) * (199 / 399) ** 0.25
    assert critical <= spike["theta"] < 1.2 * critical
    assert critical <= spike["low"] <= spike["theta"] <= spike["high"] < 1.6 * critical
    assert 0 <= spike["span_left"] < 0.6 and 0 <= spike["span_right"] < 0.6
    assert not spike["isolated"]
    unknown = {name for name in spike.dtype.names if not np.isfinite(spike[name])}
    assert unknown == {"overlap_left", "overlap_right"}


@pytest.mark.parametrize("gap, isolated", [(0.02, False), (1.0, True)])
def test_neighbours_within_four_deviations_are_not_isolated(gap: float, isolated: bool) -> None:
    values = rectangular_spectrum(200, 400, [4.0 + gap, 4.0])
    spikes = fit_rectangular(singular_values=values, shape=(200, 400), sigma=1.0).spikes
    assert (spikes["isolated"] == isolated).all()


def test_an_outlier_next_to_the_edge_is_not_isolated() -> None:
    values = rectangular_spectrum(200, 400, [1.81])
    spikes = fit_rectangular(singular_values=values, shape=(200, 400), sigma=1.0).spikes
    assert spikes["isolated"].tolist() == [False]


FLAT = [(60, 6000), (150, 3000), (100, 10000)]


@pytest.mark.parametrize("shape", FLAT)
def test_a_spike_near_the_edge_of_a_flat_matrix_comes_back(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    n, m = shape
    sigma, c = np.sqrt((m - 1) / m), (n - 1) / (m - 1)
    theta = 1.3 * c**0.25
    observed = np.sqrt((theta**2 + sigma**2) * (theta**2 + c * sigma**2)) / theta
    values = rectangular_spectrum(n, m, [observed])

    def found() -> float:
        (spike,) = fit_rectangular(singular_values=values, shape=shape, sigma=1.0).spikes
        assert not spike["isolated"]
        return float(spike["theta"] / theta - 1)

    # What the height above the axis smooths away is a share of the spike at any ratio.
    right = found()
    assert 0 < right < 0.04
    # As high as in a square matrix it is wider than the bulk.
    monkeypatch.setattr(SpikeContext, "height", n**-0.5)
    assert found() > max(2 * right, 0.05)


@pytest.mark.parametrize("known", [None, 1.0])
def test_left_is_the_row_side_tall_or_wide(known: float | None) -> None:
    values = rectangular_spectrum(200, 400, [3.0])
    wide = fit_rectangular(singular_values=values, shape=(200, 400), sigma=known).spikes
    tall = fit_rectangular(singular_values=values, shape=(400, 200), sigma=known).spikes
    # The shorter side carries the larger overlap.
    assert wide["overlap_left"][0] > wide["overlap_right"][0]
    assert tall["overlap_right"][0] == wide["overlap_left"][0]
    assert tall["overlap_left"][0] == wide["overlap_right"][0]
    assert tall["theta"][0] == wide["theta"][0]


CASES: dict[str, tuple[tuple[int, int] | int, list[float]]] = {
    "square": ((150, 150), [1.9, 3.0, 5.0]),
    "wide": ((150, 450), [1.8, 3.0, 5.0]),
    "symmetric": (200, [2.0, -2.2, 3.5]),
}


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("wide", "symmetric")]


@pytest.fixture(scope="module", params=["square", *SLOW])
def planted(
    request: pytest.FixtureRequest, make: dict[str, Callable[..., FloatArray]]
) -> tuple[FloatArray, list[SymmetricFit | RectangularFit]]:
    """Fits of 200 draws with three isolated spikes, in multiples of the critical one."""
    shape, multiples = CASES[request.param]
    rng = np.random.default_rng(40)
    theta = np.array(multiples)
    if not isinstance(shape, int):
        theta = theta * (shape[0] / shape[1]) ** 0.25

    def draw() -> SymmetricFit | RectangularFit:
        if isinstance(shape, int):
            return fit_symmetric(make["plant"](make["symmetric"](shape, rng), theta))
        return fit_rectangular(make["plant"](make["rectangular"](shape, rng), theta))

    return np.sort(theta)[::-1], [draw() for _ in range(200)]


def covered(
    planted: tuple[FloatArray, Sequence[SymmetricFit | RectangularFit]], factor: float
) -> AnyArray:
    theta, fits = planted
    found = np.array([fit.spikes for fit in fits if fit.rank == len(theta)])
    half = factor * (found["high"] - found["theta"])
    result: AnyArray = np.abs(found["theta"] - theta) < half
    return result


@pytest.mark.lengthy
def test_planted_spikes_are_found(
    planted: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
    within_binomial: Callable[..., bool],
) -> None:
    theta, fits = planted
    ranks = np.array([fit.rank for fit in fits])
    assert (ranks >= len(theta)).mean() > 0.99
    # More only at the rate at which the noise left over goes beyond its edge, alpha/(k + 1).
    assert within_binomial(np.sum(ranks > len(theta)), len(fits), 0.05 / (len(theta) + 1))


@pytest.mark.lengthy
def test_intervals_cover_the_truth(
    planted: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
    within_binomial: Callable[..., bool],
) -> None:
    # Three spikes a draw, independent in the limit; false alarm 1e-3 for each of three.
    hits = covered(planted, 1.0)
    assert within_binomial(hits.sum(), hits.size, 0.95)


@pytest.mark.lengthy
def test_narrower_intervals_are_rejected(
    planted: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
    within_binomial: Callable[..., bool],
) -> None:
    hits = covered(planted, 0.75)
    assert not within_binomial(hits.sum(), hits.size, 0.95)


@pytest.mark.lengthy
def test_sigma_stays_unbiased_beside_spikes(
    planted: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
) -> None:
    _, fits = planted
    sigma = np.array([fit.sigma for fit in fits])
    # 4 standard errors: false alarm 1e-4 for each of three.
    assert abs(sigma.mean() - 1) < 4 * sigma.std() / np.sqrt(len(sigma))


@pytest.mark.lengthy
@pytest.mark.parametrize("shape", [(300, 300), (300, 600)])
def test_sigma_at_rank_five_percent(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(41)
    theta = np.linspace(1.5, 4, 15) * (shape[0] / shape[1]) ** 0.25
    noises = [make["rectangular"](shape, rng) for _ in range(20)]
    fits = [fit_rectangular(make["plant"](noise, theta)) for noise in noises]
    sigma = np.array([fit.sigma for fit in fits])
    # Matching with the law of pure noise is 2 % too high here; 4 standard errors are 0.3 %.
    assert abs(sigma.mean() - 1) < 0.003
    assert np.mean([fit.rank for fit in fits]) == pytest.approx(15, abs=0.5)


def test_one_strong_spike_more_changes_nothing(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(44)
    noise = make["rectangular"]((100, 200), rng)
    fits = [fit_rectangular(make["plant"](noise, [theta])) for theta in (1e2, 1e4, 1e6)]
    for fit, theta in zip(fits, (1e2, 1e4, 1e6), strict=True):
        assert fit.rank == 1
        assert fit.spikes["theta"][0] == pytest.approx(theta, rel=1e-2)
        assert fit.sigma == pytest.approx(fits[0].sigma, rel=1e-3)


def test_spikes_are_not_masked_by_stronger_ones(make: dict[str, Callable[..., FloatArray]]) -> None:
    # A third of the values are spikes, up to a thousand times the noise.
    rng = np.random.default_rng(43)
    theta = np.geomspace(1000, 3, 50)
    fit = fit_rectangular(make["plant"](make["rectangular"]((150, 300), rng), theta))
    assert fit.rank == pytest.approx(50, abs=2)
    assert fit.sigma == pytest.approx(1, abs=0.03)
