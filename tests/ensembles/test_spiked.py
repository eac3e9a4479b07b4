"""Spiked samplers against theory at sizes that no dense matrix reaches, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.ensembles import (
    sample_spiked_outliers,
    sample_spiked_singular_spectrum,
    sample_spiked_singular_values,
    sample_spiked_spectrum,
)


def inside_variance(values: FloatArray, variance: float) -> bool:
    """Whether the sample variance is a chi-square's at false alarm 1e-9, both tails."""
    low, high = stats.chi2.ppf([5e-10, 1 - 5e-10], len(values) - 1)
    return bool(low < ((values - values.mean()) ** 2).sum() / variance < high)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_outliers_at_ten_to_the_twelve_are_where_theory_says(sigma: float) -> None:
    n = 10**12
    spikes = sigma * np.array([4.0, 2.0, 1.5, -1.3, -5.0])
    draw = sample_spiked_outliers(n, spikes, sigma=sigma, rng=40)
    # Standard deviation √2 σ/√N at most; 7 of them.
    limit = spikes + sigma**2 / spikes
    np.testing.assert_allclose(draw.outliers, limit, rtol=0, atol=7 * sigma * np.sqrt(2 / n))
    assert np.ptp(draw.outliers - limit) > 1e-9


@pytest.mark.lengthy
@pytest.mark.parametrize("beta", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_fluctuations_of_an_isolated_outlier(beta: int) -> None:
    """√N(λ − Φ(θ)) → N(0, 2σ²Φ′(θ)/β), Φ′ = 1 − σ²/θ²."""
    n, theta, draws = 10**9, 2.0, 1000
    rng = np.random.default_rng(41)
    values = np.array(
        [sample_spiked_outliers(n, theta, beta=beta, rng=rng).outliers[0] for _ in range(draws)]
    )
    scaled = np.sqrt(n) * (values - 2.5)
    variance = 2 * 0.75 / beta
    assert abs(scaled.mean()) < 6 * np.sqrt(variance / draws)
    assert inside_variance(scaled, variance)
    assert not inside_variance(scaled, variance * beta / (3 - beta))


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "shape",
    [(10**9, 4 * 10**9), pytest.param((4 * 10**9, 10**9), marks=pytest.mark.slow)],
)
def test_fluctuations_of_an_isolated_singular_value(shape: tuple[int, int]) -> None:
    """Variance (σ²/2m)(t⁴ − c)(2t² + 1 + c)/(t²(t² + c)(t² + 1)), t = θ/σ, c = n/m."""
    draws, c, t = 1000, 0.25, 1.5
    rng = np.random.default_rng(42)
    values = np.array(
        [sample_spiked_singular_values(shape, t, rng=rng).outliers[0] for _ in range(draws)]
    )
    s = t**2
    scaled = np.sqrt(max(shape)) * (values - np.sqrt((s + 1) * (s + c) / s))
    variance = (s**2 - c) * (2 * s + 1 + c) / (2 * s * (s + c) * (s + 1))
    assert abs(scaled.mean()) < 6 * np.sqrt(variance / draws)
    assert inside_variance(scaled, variance)
    assert not inside_variance(scaled, 1.6 * variance)


@pytest.mark.slow
def test_complex_singular_values_fluctuate_half_as_much() -> None:
    rng = np.random.default_rng(43)
    shape, draws, t = (10**9, 10**9), 1000, 1.5
    values = np.array(
        [sample_spiked_singular_values(shape, t, beta=2, rng=rng).outliers[0] for _ in range(draws)]
    )
    s = t**2
    real_variance = (s**2 - 1) * (2 * s + 2) / (2 * s * (s + 1) ** 2)
    scaled = np.sqrt(shape[0]) * (values - (s + 1) / t)
    assert inside_variance(scaled, real_variance / 2)
    assert not inside_variance(scaled, real_variance)


# Mean and variance of the Tracy–Widom laws (Bornemann 2010).
TRACY_WIDOM = {1: (-1.2065335745820, 1.607781034581), 2: (-1.7710868074, 0.8131947928)}


@pytest.mark.lengthy
@pytest.mark.parametrize("beta", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_subcritical_spike_sticks_to_the_edge_with_tracy_widom_fluctuations(beta: int) -> None:
    n, draws = 10**5, 200
    rng = np.random.default_rng(44)
    values = np.array(
        [sample_spiked_outliers(n, 0.3, beta=beta, rng=rng).outliers[0] for _ in range(draws)]
    )
    scaled = (values - 2) * n ** (2 / 3)

    def close(index: int) -> bool:
        # The spike's own shift is of order N^(−1/3); 4 standard errors: false alarm 6e-5.
        mean, variance = TRACY_WIDOM[index]
        return bool(abs(scaled.mean() - mean) < 4 * np.sqrt(variance / draws) + 0.06)

    assert close(beta)
    assert not close(3 - beta)


def test_a_spike_just_above_criticality_is_right_at_every_size() -> None:
    """At θ = 1.05σ the limit is 2.00238σ; at large N the draw is within 7 standard deviations."""
    for n in (10**7, 10**9, 10**12):
        draw = sample_spiked_outliers(n, 1.05, rng=45)
        deviation = np.sqrt(2 * (1 - 1.05**-2) / n)
        assert abs(draw.outliers[0] - (1.05 + 1 / 1.05)) < 7 * deviation + 1e-9
        assert draw.truncation_error <= 1e-9


def test_equal_spikes_spread_as_the_eigenvalues_of_a_small_goe() -> None:
    """At N = 10¹² a cluster of r equal spikes spreads by about 2√(r(1 − 1/θ²)/N) on each side."""
    n, r, theta = 10**12, 80, 2.0
    outliers = sample_spiked_outliers(n, np.full(r, theta), rng=46).outliers
    radius = (outliers[0] - outliers[-1]) / 2 * np.sqrt(n / (r * (1 - theta**-2)))
    # 2 in the limit of large r; the extremes of a GOE of size 80 are within 0.2 of it.
    assert 1.75 < radius < 2.1
    assert abs(outliers.mean() - 2.5) < 7 * np.sqrt(2 / n)


def test_a_spike_beyond_the_noise_is_found_through_a_wide_range_of_sizes() -> None:
    draw = sample_spiked_singular_values((10, 10**12), [1e6, 2.0], rng=47)
    limit = [np.sqrt((t**2 + 1) * (t**2 + 1e-11)) / t for t in (1e6, 2.0)]
    np.testing.assert_allclose(draw.outliers, limit, rtol=1e-5)


def test_spectra_of_noise_alone_follow_the_limit_laws() -> None:
    values = sample_spiked_spectrum(2000, 0.0, sigma=2.0, rng=48)
    semicircle = stats.semicircular(scale=4.0)
    # Eigenvalues are rigid: the distance is about log(N)/N, far below N^(−1/2).
    assert stats.kstest(values, semicircle.cdf).statistic < 0.005
    assert stats.kstest(values, stats.semicircular(scale=4.1).cdf).statistic > 0.005
    square = sample_spiked_singular_spectrum((1000, 1000), 0.0, rng=49)
    # At ratio 1 the singular values follow the quarter circle.
    quarter = stats.kstest(square, lambda x: 2 * stats.semicircular(scale=2.0).cdf(x) - 1)
    assert quarter.statistic < 0.005


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: sample_spiked_outliers(10, [2.0, 0.0]), InvalidInputError, "leave zeros out"),
        (lambda: sample_spiked_outliers(2, [1, 2, 3]), InvalidInputError, "holds 3 values, but"),
        (lambda: sample_spiked_outliers(9, []), InvalidInputError, "must not be empty"),
        (lambda: sample_spiked_outliers(9, [np.nan]), InvalidInputError, "must be finite"),
        (lambda: sample_spiked_outliers(9, 2.0, beta=4), InvalidInputError, "one of 1, 2. Got 4"),
        (lambda: sample_spiked_outliers(9, 2.0, sigma=0), InvalidInputError, "positive. Got 0"),
        (
            lambda: sample_spiked_outliers(9, 2.0, tolerance=1e-20),
            InvalidInputError,
            "at least 1e-16 times `sigma`",
        ),
        (
            lambda: sample_spiked_singular_values((9, 5), [1.0, -1.0]),
            InvalidInputError,
            "must not be negative. Got -1",
        ),
        (
            lambda: sample_spiked_singular_values((9, 5), [1.0, 0.0]),
            InvalidInputError,
            "leave zeros out",
        ),
        (lambda: sample_spiked_singular_values(9, 1.0), InvalidTypeError, "must be a pair"),  # type: ignore[arg-type]
        (
            lambda: sample_spiked_outliers(10**12, np.linspace(0.5, 3, 100)),
            InvalidInputError,
            "a spike of size 0.5, too close to the noise.*Leave out the weakest spikes",
        ),
        (
            lambda: sample_spiked_singular_values((10**12, 10**12), np.linspace(0.5, 3, 10)),
            InvalidInputError,
            "a spike of size 0.5, too close to the noise: its eigenvalue is expected at 2 ",
        ),
    ],
)
def test_errors_say_what_to_do(
    call: Callable[[], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        call()


def test_progress_counts_the_outliers_found() -> None:
    """Of both signs, in the end all; many calls before that, and the same draw as without."""
    spikes = np.concatenate([np.linspace(1.6, 3, 14), np.linspace(-3, -1.6, 6)])
    seen: list[tuple[int, int, str]] = []
    sample = sample_spiked_outliers(10**8, spikes, rng=3, progress=lambda *one: seen.append(one))
    np.testing.assert_array_equal(
        sample.outliers, sample_spiked_outliers(10**8, spikes, rng=3).outliers
    )
    done = [one[0] for one in seen]
    assert len(seen) > 100 and done[0] == 0 and done[-1] == 20 and 14 in done
    assert done == sorted(done) and {one[1] for one in seen} == {20}
    assert seen[-1][2] == f"outliers found, step {len(seen)}"
    small: list[tuple[int, int, str]] = []
    sample_spiked_singular_values((40, 60), [3.0, 2.0], progress=lambda *one: small.append(one))
    assert small == [(2, 2, "outliers found, step 1")]


def test_the_result_is_frozen() -> None:
    draw = sample_spiked_outliers(100, 2.0, rng=50)
    with pytest.raises(AttributeError):
        draw.blocks = 3  # type: ignore[misc]
