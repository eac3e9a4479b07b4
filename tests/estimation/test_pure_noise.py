"""Pure noise: false spikes at the rate alpha, σ without bias and with honest errors.

Seeds are fixed. A test with a fresh seed would raise a false alarm with the chance stated.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, fit_rectangular, fit_symmetric
from pastur.measures import MarchenkoPastur, Semicircle


@pytest.fixture(scope="module")
def rectangular_fits(
    noise_draws: tuple[tuple[int, int], FloatArray],
) -> tuple[FloatArray, list[RectangularFit]]:
    shape, draws = noise_draws
    return draws, [fit_rectangular(singular_values=s, shape=shape) for s in draws]


@pytest.fixture(scope="module")
def symmetric_fits(symmetric_draws: FloatArray) -> tuple[FloatArray, list[SymmetricFit]]:
    return symmetric_draws, [fit_symmetric(eigenvalues=e) for e in symmetric_draws]


@pytest.mark.lengthy
def test_rectangular_noise_gives_rank_at_the_rate_alpha(
    rectangular_fits: tuple[FloatArray, list[RectangularFit]], within_binomial: Callable[..., bool]
) -> None:
    # False alarm: 1e-3 for each of three shapes.
    _, fits = rectangular_fits
    assert within_binomial(sum(fit.rank > 0 for fit in fits), len(fits), 0.05)


@pytest.mark.lengthy
def test_an_edge_without_a_margin_is_rejected(
    rectangular_fits: tuple[FloatArray, list[RectangularFit]], within_binomial: Callable[..., bool]
) -> None:
    draws, fits = rectangular_fits
    # The edge of the law alone, σ(1 + √c), which the largest value passes in 17 of 100 draws.
    count = sum(
        s[0] ** 2 > fit.sigma**2 * MarchenkoPastur(len(s) / max(fit.shape), 1.0).support[-1, 1]
        for s, fit in zip(draws, fits, strict=True)
    )
    assert not within_binomial(count, len(fits), 0.05)


@pytest.mark.slow
def test_a_margin_for_another_alpha_is_rejected(
    noise_draws: tuple[tuple[int, int], FloatArray], within_binomial: Callable[..., bool]
) -> None:
    shape, draws = noise_draws
    count = sum(fit_rectangular(singular_values=s, shape=shape, alpha=0.2).rank > 0 for s in draws)
    assert not within_binomial(count, len(draws), 0.05)
    assert within_binomial(count, len(draws), 0.2)


@pytest.mark.lengthy
def test_symmetric_noise_gives_rank_at_the_rate_alpha(
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]], within_binomial: Callable[..., bool]
) -> None:
    # False alarm: 1e-3.
    _, fits = symmetric_fits
    assert within_binomial(sum(fit.rank > 0 for fit in fits), len(fits), 0.05)


@pytest.mark.slow
def test_watching_each_edge_at_alpha_is_rejected(
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]], within_binomial: Callable[..., bool]
) -> None:
    draws, _ = symmetric_fits
    # Both edges at alpha double the rate: as fits at twice the alpha.
    count = sum(fit_symmetric(eigenvalues=e, alpha=0.1).rank > 0 for e in draws)
    assert not within_binomial(count, len(draws), 0.05)


@pytest.mark.lengthy
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_the_rate_holds_where_sigma_is_known(
    noise_draws: tuple[tuple[int, int], FloatArray],
    within_binomial: Callable[..., bool],
    alpha: float,
) -> None:
    # False alarm: 1e-3 for each of six.
    shape, draws = noise_draws
    fits = [fit_rectangular(singular_values=s, shape=shape, sigma=1.0, alpha=alpha) for s in draws]
    assert within_binomial(sum(fit.rank > 0 for fit in fits), len(fits), alpha)
    assert all(fit.sigma == 1.0 and fit.sigma_interval == (1.0, 1.0) for fit in fits)


def deviation(values: FloatArray | Sequence[float]) -> float:
    """Standard errors by which the mean differs from 1."""
    return float(abs(np.mean(values) - 1) / (np.std(values) / np.sqrt(len(values))))


@pytest.mark.lengthy
def test_sigma_is_unbiased(
    rectangular_fits: tuple[FloatArray, list[RectangularFit]],
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]],
) -> None:
    # 4 standard errors: false alarm 1e-4 for each of six.
    for _, fits in (rectangular_fits, symmetric_fits):
        assert deviation([fit.sigma for fit in fits]) < 4


@pytest.mark.lengthy
def test_plain_quantile_matching_is_biased(
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]],
) -> None:
    draws, _ = symmetric_fits
    # Over the whole spectrum, without the known term of order 1/N of real symmetric noise: half a
    # standard deviation of σ.
    size = draws.shape[1]
    position = Semicircle(1.0).quantile((np.arange(size) + 0.5) / size)
    assert deviation(draws @ position / np.sum(position**2)) > 4


@pytest.mark.lengthy
def test_the_interval_of_sigma_covers_it(
    rectangular_fits: tuple[FloatArray, list[RectangularFit]],
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]],
    within_binomial: Callable[..., bool],
) -> None:
    # False alarm: 1e-3 for each of six.
    for _, fits in (rectangular_fits, symmetric_fits):
        low, high = np.array([fit.sigma_interval for fit in fits]).T
        assert within_binomial(np.sum((low < 1) & (high > 1)), len(fits), 0.95)
        # A third narrower is no longer 95 %.
        # Where a signal within the noise was found the interval has no lower end.
        some = [fit for fit in fits if fit.sigma_interval[0] > 0]
        assert len(some) > 0.9 * len(fits)
        narrow = [f.sigma * (f.sigma / np.array(f.sigma_interval)) ** (2 / 3) for f in some]
        high, low = np.array(narrow).T
        assert not within_binomial(np.sum((low < 1) & (high > 1)), len(fits), 0.95)


@pytest.mark.lengthy
def test_the_verdict_on_noise_is_noise(
    rectangular_fits: tuple[FloatArray, list[RectangularFit]],
    symmetric_fits: tuple[FloatArray, list[SymmetricFit]],
    within_binomial: Callable[..., bool],
) -> None:
    for _, fits in (rectangular_fits, symmetric_fits):
        p_values = np.array([fit.goodness.p_value for fit in fits])
        # On the safe side by construction: small p-values at most at their rate.
        # 99.9 % of a binomial law with that rate, false alarm below 5e-4 for each of twelve.
        for level in (0.01, 0.05, 0.2):
            assert np.mean(p_values < level) < level or within_binomial(
                np.sum(p_values < level), len(fits), level
            )
        rejected = [fit for fit in fits if fit.goodness.verdict != "noise bulk"]
        assert len(rejected) == np.sum(p_values < 0.01)
        statistics = [fit.goodness.statistic for fit in fits]
    assert all(statistic is not None and statistic < 0.03 for statistic in statistics)
