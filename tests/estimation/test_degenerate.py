"""Matrices without noise, without a bulk, or without sense: documented answers, no NaN."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pastur._errors import PasturError
from pastur._typing import AnyArray
from pastur.estimation import Fit, fit_rectangular, fit_symmetric


@pytest.mark.parametrize("value", [1.0, -0.3, 1e-200, 1e200, 7])
@pytest.mark.parametrize("shape", [(20, 30), (2, 2), (50, 3)])
def test_a_constant_matrix_has_rank_one_and_no_noise(value: float, shape: tuple[int, int]) -> None:
    fit = fit_rectangular(np.full(shape, value))
    theta = abs(value) * np.sqrt(shape[0] * shape[1])
    assert fit.rank == 1
    assert fit.sigma == 0.0
    assert fit.sigma_interval == (0.0, 0.0)
    assert fit.entry_sd == 0.0
    assert fit.goodness.verdict == "no noise"
    assert fit.goodness.statistic is None and fit.goodness.p_value is None
    assert fit.status.converged
    spike = fit.spikes[0]
    assert spike["theta"] == spike["observed"] == spike["low"] == spike["high"]
    assert spike["theta"] == pytest.approx(theta)
    assert spike["overlap_left"] == spike["overlap_right"] == 1.0
    assert fit.law.atoms.tolist() == [[0.0, 1.0]]


def test_low_rank_is_found_exactly() -> None:
    rng = np.random.default_rng(60)
    product = rng.normal(size=(60, 7)) @ rng.normal(size=(7, 90))
    fit = fit_rectangular(product)
    assert (fit.rank, fit.zeros, fit.sigma) == (7, 53, 0.0)
    assert "53 of 60 values are zero" in fit.goodness.reason
    assert "rank 7" in fit.goodness.reason
    np.testing.assert_allclose(
        fit.spikes["theta"], np.linalg.svd(product, compute_uv=False)[:7], rtol=1e-12
    )


def test_a_symmetric_matrix_without_noise() -> None:
    vector = np.ones(30) / np.sqrt(30)
    other = np.repeat([1.0, -1.0], 15) / np.sqrt(30)
    fit = fit_symmetric(2 * np.outer(vector, vector) - 5 * np.outer(other, other))
    np.testing.assert_allclose(fit.spikes["theta"], [2.0, -5.0])
    assert fit.goodness.verdict == "no noise"


def test_a_spectrum_in_single_precision_has_zeros_at_its_own_rounding() -> None:
    values = np.linalg.svd(np.ones((40, 60), dtype=np.float32), compute_uv=False)
    assert values.dtype == np.float32
    assert fit_rectangular(singular_values=values, shape=(40, 60)).rank == 1


def test_a_known_sigma_is_not_overruled_by_zeros() -> None:
    fit = fit_rectangular(np.ones((40, 60)), sigma=0.5)
    assert fit.sigma == 0.5
    assert fit.rank == 1
    # All rows repeat one.
    assert fit.goodness.verdict == "entries correlated"


def test_equal_values_are_not_noise() -> None:
    for fit in (fit_rectangular(np.eye(60)), fit_symmetric(np.eye(60))):
        assert fit.goodness.verdict == "not the law"
        assert "Do not rely on the number of spikes" in fit.goodness.reason
    assert not fit_symmetric(np.eye(60)).status.converged


def test_a_bulk_that_never_ends_is_no_bulk() -> None:
    # Singular values that fall by the same factor each: whatever is taken out, the next stands out.
    values = np.geomspace(1.0, 1e-6, 200)
    fit = fit_rectangular(singular_values=values, shape=(200, 300))
    assert not fit.status.converged
    assert "too few are left to be a bulk" in fit.status.message
    assert fit.goodness.verdict == "not the law"


def test_a_small_matrix_is_too_small_to_tell() -> None:
    fit = fit_rectangular(np.random.default_rng(62).normal(size=(12, 500)))
    assert fit.goodness.verdict == "too small to tell"
    assert fit.goodness.p_value is None
    assert "12 values" in fit.goodness.reason


def ugly(rng: np.random.Generator) -> AnyArray:
    """A small matrix that nobody would call noise."""
    n, m = rng.integers(1, 31, 2)
    kinds: list[Callable[[], AnyArray]] = [
        lambda: rng.normal(size=(n, m)),
        lambda: np.full((n, m), rng.normal()),
        lambda: rng.normal(size=(n, 2)) @ rng.normal(size=(2, m)),
        lambda: rng.integers(-2, 3, (n, m)),
        lambda: rng.integers(0, 2, (n, m)).astype(bool),
        lambda: rng.normal(size=(n, m)).astype(np.float16),
        lambda: rng.normal(size=(n, m)) * 10.0 ** rng.integers(-300, 300),
        lambda: np.eye(n, m),
        lambda: np.exp(20 * rng.normal(size=(n, m))),
        lambda: rng.standard_cauchy((n, m)),
        lambda: rng.normal(size=(n, m)) * (rng.random((n, 1)) > 0.4),
        lambda: np.outer(np.arange(n) == 0, np.arange(m) == 0) * 10.0 ** rng.integers(-307, 307),
    ]
    return kinds[rng.integers(len(kinds))]()


def plain_numbers(value: Any) -> list[bool | float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in plain_numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in plain_numbers(part)]
    return [value] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("seed", range(8))
def test_ugly_matrices_give_documented_errors_or_finite_results(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(150):
        w = ugly(rng)
        options: dict[str, Any] = {}
        if rng.random() < 0.2:
            options["sigma"] = 10.0 ** rng.integers(-3, 3)
        if rng.random() < 0.2:
            options["alpha"] = float(rng.choice([1e-9, 0.01, 0.5, 0.99]))
        fit_one: Callable[..., Fit] = fit_rectangular
        if rng.random() < 0.5:
            size = min(w.shape)
            w = np.maximum(w[:size, :size], w[:size, :size].T)
            fit_one = fit_symmetric
        try:
            fit = fit_one(w, **options)
        except PasturError as error:
            assert "\n" not in str(error)
            continue
        assert np.isfinite(plain_numbers(fit.to_dict())).all()
        assert json.dumps(fit.to_dict(), allow_nan=False)
        assert (fit.spikes["low"] <= fit.spikes["high"]).all()
        # A group has one interval, for its mean.
        alone = np.bincount(fit.spikes["group"], minlength=1)[fit.spikes["group"]] == 1
        assert (fit.spikes["low"] <= fit.spikes["theta"])[alone].all()
        assert (fit.spikes["theta"] <= fit.spikes["high"])[alone].all()
        assert np.isfinite(fit.denoise(w)).all()


@pytest.mark.parametrize("noise", ["white", "free", "auto"])
def test_a_matrix_of_exact_rank_is_no_white_noise(noise: str) -> None:
    rng = np.random.default_rng(40)
    left, right = (np.linalg.qr(rng.normal(size=(side, 3)))[0] for side in (120, 160))
    share = fit_rectangular(left @ right.T, noise=noise).white_share
    assert share is not None and share < 1e-20
    # With noise of a millionth of its energy the bound is that, and 5 % at this size.
    part = 1e-3 * np.sqrt(3 / (120 * 160))
    share = fit_rectangular(left @ right.T + part * rng.normal(size=(120, 160))).white_share
    assert share is not None and 1e-6 < share < 1.1e-6
