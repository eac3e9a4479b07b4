"""Signals of growing rank: noise level, rank, groups, denoising, a bulk that is known.

Seeds are fixed; each bound is at least four standard errors from what theory says.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import (
    RectangularFit,
    SymmetricFit,
    baselines,
    fit_rectangular,
    fit_symmetric,
)
from pastur.measures import Atoms, Uniform

SETTINGS: dict[str, tuple[int, int] | int] = {
    "wide": (300, 600),
    "square": (300, 300),
    "symmetric": 400,
}


def critical(shape: tuple[int, int] | int) -> float:
    return 1.0 if isinstance(shape, int) else (min(shape) / max(shape)) ** 0.25


def draw(
    make: Mapping[str, Callable[..., FloatArray]],
    shape: tuple[int, int] | int,
    theta: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    if isinstance(shape, int):
        return make["plant"](make["symmetric"](shape, rng), theta)
    return make["plant"](make["rectangular"](shape, rng), theta)


def fit(
    w: FloatArray, shape: tuple[int, int] | int, **options: Any
) -> SymmetricFit | RectangularFit:
    return fit_symmetric(w, **options) if isinstance(shape, int) else fit_rectangular(w, **options)


@pytest.fixture(scope="module", params=list(SETTINGS))
def weak(
    request: pytest.FixtureRequest, make: dict[str, Callable[..., FloatArray]]
) -> tuple[FloatArray, list[SymmetricFit | RectangularFit]]:
    """Ten fits at 20 % rank, spikes on [1.1, 2] times critical: most never leave the noise."""
    shape = SETTINGS[request.param]
    size, rng = shape if isinstance(shape, int) else min(shape), np.random.default_rng(60)
    theta = critical(shape) * np.linspace(1.1, 2.0, size // 5)
    return theta, [fit(draw(make, shape, theta, rng), shape) for _ in range(10)]


@pytest.fixture(scope="module", params=list(SETTINGS))
def strong(
    request: pytest.FixtureRequest, make: dict[str, Callable[..., FloatArray]]
) -> tuple[FloatArray, list[FloatArray], list[SymmetricFit | RectangularFit]]:
    """Ten fits and matrices at 10 % rank, spikes on [1.5, 4] times critical: all detached."""
    shape = SETTINGS[request.param]
    size, rng = shape if isinstance(shape, int) else min(shape), np.random.default_rng(61)
    theta = critical(shape) * np.linspace(4.0, 1.5, size // 10)
    matrices = [draw(make, shape, theta, rng) for _ in range(10)]
    return theta, matrices, [fit(w, shape) for w in matrices]


@pytest.mark.lengthy
def test_sigma_is_unbiased_where_the_median_rule_is_a_tenth_too_high(
    weak: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
) -> None:
    _, fits = weak
    sigma = np.array([f.sigma for f in fits])
    assert abs(sigma.mean() - 1) < 0.008
    assert all(f.growing and f.status.converged for f in fits)
    assert np.mean([f.sigma_interval[0] < 1 < f.sigma_interval[1] for f in fits]) >= 0.7


@pytest.mark.lengthy
def test_the_rank_counts_spikes_that_never_detached(
    weak: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
) -> None:
    theta, fits = weak
    assert np.mean([f.signal_rank for f in fits]) == pytest.approx(theta.size, rel=0.06)
    # The law of so many weak spikes is one interval: none is detached.
    assert np.mean([f.rank for f in fits]) < 2
    low, high = np.array([f.signal_rank_interval for f in fits]).T
    assert np.mean((low <= theta.size) & (theta.size <= high)) >= 0.7


def test_the_median_rule_is_rejected(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(62)
    theta = critical((300, 600)) * np.linspace(1.1, 2.0, 60)
    w = draw(make, (300, 600), theta, rng)
    values = np.linalg.svd(w, compute_uv=False)
    assert baselines.median_rule(values, w.shape).sigma > 1.05


@pytest.mark.lengthy
def test_the_moments_of_the_signal_come_back(
    weak: tuple[FloatArray, list[SymmetricFit | RectangularFit]],
) -> None:
    theta, fits = weak
    power = 1 if hasattr(fits[0], "lower_edge") else 2
    size = min(fits[0].shape)
    for k in (1, 2):
        found = np.mean([f.signal_measure.moment(k) for f in fits])
        assert found == pytest.approx(np.sum(theta ** (power * k)) / size, rel=0.06)


@pytest.mark.lengthy
def test_detached_spikes_are_all_found(
    strong: tuple[FloatArray, list[FloatArray], list[SymmetricFit | RectangularFit]],
) -> None:
    theta, _, fits = strong
    # The weakest is a few scales from the edge, and one symmetric draw in ten has two or more
    # spikes less; beyond them only at the rate α/(k + 1).
    assert all(theta.size - 2 <= f.rank <= theta.size + 1 for f in fits)
    assert sum(f.rank < theta.size - 1 for f in fits) <= 1
    assert np.mean([f.rank for f in fits]) == pytest.approx(theta.size, abs=0.4)
    assert abs(np.mean([f.sigma for f in fits]) - 1) < 0.004
    errors = [np.mean((f.spikes["theta"][: theta.size] - theta[: f.rank]) ** 2) for f in fits]
    assert np.sqrt(np.mean(errors)) < 0.075 * critical(
        fits[0].shape[0] if hasattr(fits[0], "lower_edge") else fits[0].shape
    )


@pytest.mark.lengthy
def test_the_intervals_of_groups_cover_their_means(
    strong: tuple[FloatArray, list[FloatArray], list[SymmetricFit | RectangularFit]],
    within_binomial: Callable[..., bool],
) -> None:
    theta, _, fits = strong
    hits, narrow = [], []
    for f in fits:
        rows, true = f.spikes[: theta.size], theta[: f.rank]
        for number in np.flatnonzero(np.bincount(rows["group"]) > 1):
            members = rows["group"] == number
            symmetric = hasattr(f, "lower_edge")
            mean = true[members].mean() if symmetric else np.sqrt(np.mean(true[members] ** 2))
            low, high = rows["low"][members], rows["high"][members]
            assert np.ptp(low) == np.ptp(high) == 0.0
            assert not rows["isolated"][members].any()
            middle, half = (low[0] + high[0]) / 2, (high[0] - low[0]) / 2
            hits.append(abs(middle - mean) < half)
            narrow.append(abs(middle - mean) < half / 6)
    # False alarm 1e-3 for each of three settings.
    assert within_binomial(sum(hits), len(hits), 0.95)
    assert not within_binomial(sum(narrow), len(narrow), 0.95)


@pytest.mark.lengthy
def test_denoising_is_close_to_the_best_with_the_same_vectors(
    strong: tuple[FloatArray, list[FloatArray], list[SymmetricFit | RectangularFit]],
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    theta, matrices, fits = strong
    for w, f in zip(matrices[:2], fits[:2], strict=True):
        signal = make["plant"](w, theta) - w
        u, values, vt = np.linalg.svd(w, full_matrices=False)
        best = np.einsum("ij,ij->j", u, signal @ vt.T)
        oracle = np.sum(((u * best) @ vt - signal) ** 2)
        assert np.sum((f.denoise(w) - signal) ** 2) < 1.02 * oracle
        hard = np.where(values > (4 / np.sqrt(3)), values, 0.0)
        assert np.sum(((u * hard) @ vt - signal) ** 2) > 1.1 * oracle


def test_a_known_sigma_is_kept(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(63)
    theta = critical((300, 600)) * np.linspace(1.1, 2.0, 60)
    w = draw(make, (300, 600), theta, rng)
    found = fit_rectangular(w, sigma=1.0)
    assert found.growing and found.sigma == 1.0 and found.sigma_interval == (1.0, 1.0)
    assert found.signal_rank == pytest.approx(60, abs=8)


def test_the_fit_scales_with_the_matrix(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(64)
    w = draw(make, 200, np.linspace(1.2, 3.0, 30), rng)
    plain, scaled = fit_symmetric(w), fit_symmetric(1e3 * w)
    mirrored = fit_symmetric(-w)
    assert plain.growing and scaled.sigma == pytest.approx(1e3 * plain.sigma, rel=1e-6)
    assert mirrored.sigma == pytest.approx(plain.sigma, rel=1e-6)
    assert mirrored.lower_edge == pytest.approx(-plain.edge, rel=1e-6)
    np.testing.assert_allclose(mirrored.spikes["theta"], -plain.spikes["theta"][::-1], rtol=1e-6)


def with_bulk(
    bulk: Uniform | Atoms,
    spikes: Sequence[float],
    sigma: float,
    rng: np.random.Generator,
    size: int = 300,
) -> FloatArray:
    quantiles = bulk.quantile((np.arange(size - len(spikes)) + 0.5) / (size - len(spikes)))
    noise = rng.normal(size=(size, size)) * sigma / np.sqrt(2 * size)
    result: FloatArray = np.diag(np.concatenate([spikes, quantiles])) + noise + noise.T
    return result


@pytest.mark.lengthy
@pytest.mark.parametrize("bulk", [Atoms([-1.5, 1.5]), Uniform(0.0, 2.0)])
def test_a_known_bulk(bulk: Uniform | Atoms) -> None:
    rng = np.random.default_rng(65)
    top = float(bulk.support.max())
    fits = [fit_symmetric(with_bulk(bulk, [], 0.8, rng), bulk=bulk) for _ in range(20)]
    # Both without bias: 4 standard errors are 0.005; rank > 0 in at most 4 of 20 at 0.05, 3e-3.
    assert abs(np.mean([f.sigma for f in fits]) / 0.8 - 1) < 0.006
    assert sum(f.rank > 0 for f in fits) <= 4
    spiked = fit_symmetric(with_bulk(bulk, [top + 2.0], 0.8, rng), bulk=bulk)
    assert spiked.spikes["low"][0] < top + 2.0 < spiked.spikes["high"][0]
    # Without the bulk the same matrix has no noise of this level.
    assert abs(fit_symmetric(with_bulk(bulk, [], 0.8, rng)).sigma / 0.8 - 1) > 0.1


def test_a_spike_in_a_gap_of_the_bulk_is_found() -> None:
    rng = np.random.default_rng(66)
    bulk = Atoms([-2.0, 2.0])
    found = fit_symmetric(with_bulk(bulk, [0.3], 0.6, rng), bulk=bulk)
    (spike,) = found.spikes[np.abs(found.spikes["observed"]) < 1]
    assert spike["low"] < 0.3 < spike["high"]
    assert spike["p_value"] < 1e-6


def test_a_fit_with_bulk_is_read_with_the_same_bulk() -> None:
    rng = np.random.default_rng(67)
    bulk = Uniform(0.0, 2.0)
    found = fit_symmetric(with_bulk(bulk, [4.0], 0.8, rng), bulk=bulk)
    again = type(found).from_dict(found.to_dict(), bulk=bulk)
    assert again == found
    with pytest.raises(ValueError, match="read with the same `bulk`"):
        type(found).from_dict(found.to_dict())
