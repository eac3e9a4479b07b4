"""The modes of the bulk: means and variances of theory, with siblings that must be rejected.

Means are held to 5 standard errors and variances to 5 of theirs (√(2/draws)), false alarm 1e-6 a
mode; 0.1 more is allowed for what is left at n = 300 of the limit (values beyond the edges).
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, kstest, norm

from pastur._typing import FloatArray
from pastur.estimation._kinds.noise_law import NoiseLaw, spike_strengths
from pastur.estimation._kinds.rectangular import RectangularWhiteNoise
from pastur.estimation._kinds.symmetric import SymmetricWhiteNoise
from pastur.estimation._low_rank.modes import largest_deviation, mode_deviations, mode_p_value

NO_SPIKES = np.empty(0)
# By kind: bulks, their law, the strengths of what was taken out.
Spiked = dict[str, tuple[FloatArray, NoiseLaw, FloatArray]]


def deviations_of(
    bulks: FloatArray, law: NoiseLaw, strengths: FloatArray = NO_SPIKES
) -> FloatArray:
    return np.array([mode_deviations(bulk, law, strengths) for bulk in bulks])


def means_agree(deviations: FloatArray) -> bool:
    return bool((np.abs(deviations.mean(axis=0)) < 5 / np.sqrt(len(deviations)) + 0.1).all())


def variances_agree(deviations: FloatArray) -> bool:
    return bool((np.abs(deviations.var(axis=0) - 1) < 5 * np.sqrt(2 / len(deviations)) + 0.1).all())


@pytest.fixture(scope="module")
def rectangular(noise_draws: tuple[tuple[int, int], FloatArray]) -> FloatArray:
    shape, draws = noise_draws
    return deviations_of(draws**2, RectangularWhiteNoise(*shape).law(0))


@pytest.fixture(scope="module")
def symmetric(symmetric_draws: FloatArray) -> FloatArray:
    return deviations_of(symmetric_draws, SymmetricWhiteNoise(symmetric_draws.shape[1]).law(0))


@pytest.mark.lengthy
def test_modes_of_noise_are_standard(rectangular: FloatArray, symmetric: FloatArray) -> None:
    for deviations in (rectangular, symmetric):
        assert means_agree(deviations)
        assert variances_agree(deviations)
        between = np.corrcoef(deviations.T) - np.eye(8)
        # 5 standard errors of a correlation.
        assert np.abs(between).max() < 5 / np.sqrt(len(deviations))


@pytest.mark.lengthy
def test_the_variance_of_complex_noise_is_rejected(
    rectangular: FloatArray, symmetric: FloatArray
) -> None:
    for deviations in (rectangular, symmetric):
        assert not variances_agree(np.sqrt(2) * deviations)


@pytest.mark.lengthy
def test_the_mean_of_complex_noise_is_rejected(
    rectangular: FloatArray, symmetric: FloatArray
) -> None:
    # Without the term (1 + (−1)^k)/2.
    k = np.arange(1, 9)
    for deviations in (rectangular, symmetric):
        assert not means_agree(deviations + (1 + (-1) ** k) / 2 / np.sqrt(2 * k))


@pytest.fixture(scope="module")
def spiked(make: dict[str, Callable[..., FloatArray]]) -> Spiked:
    """Bulks that eight weak spikes leave over, with their strengths, symmetric and rectangular."""
    rng = np.random.default_rng(30)
    theta = np.linspace(1.4, 2.1, 8) * np.array([1, 1, -1, 1, 1, -1, 1, 1])
    values = [
        np.linalg.eigvalsh(make["plant"](make["symmetric"](250, rng), theta)) for _ in range(200)
    ]
    eigen = np.array(values)
    positive, negative = np.sum(theta > 0), np.sum(theta < 0)
    cut = eigen[:, negative : 250 - positive][:, ::-1]
    squares = []
    singular = np.linspace(1.4, 2.1, 8) * 0.5**0.25
    for _ in range(200):
        w = make["plant"](make["rectangular"]((250, 500), rng), singular)
        squares.append(np.linalg.eigvalsh(w @ w.T)[: 250 - 8][::-1])
    rectangular = RectangularWhiteNoise(250, 500).law(8)
    return {
        "symmetric": (cut, SymmetricWhiteNoise(250).law(8), theta),
        "rectangular": (np.array(squares), rectangular, singular**2 / np.sqrt(0.5)),
    }


@pytest.mark.lengthy
@pytest.mark.parametrize("model", ["symmetric", "rectangular"])
def test_spikes_leave_behind_what_their_strengths_say(spiked: Spiked, model: str) -> None:
    bulk, law, strengths = spiked[model]
    assert means_agree(deviations_of(bulk, law, strengths))


@pytest.mark.lengthy
@pytest.mark.parametrize("model", ["symmetric", "rectangular"])
def test_a_bulk_taken_for_pure_noise_is_rejected(spiked: Spiked, model: str) -> None:
    bulk, law, _ = spiked[model]
    assert not means_agree(deviations_of(bulk, law))


def exceeding(value: float, freedom: int, moved: int) -> float:
    """The chance that χ² and the excess of the mode `moved` over its room exceed a value."""
    low, high = -2 / np.sqrt(2 * moved), 6 / np.sqrt(2 * moved)

    def given(d: float) -> float:
        excess = d - min(max(d, low), high)
        return float(norm.pdf(d) * chi2.sf(value - excess**2, freedom))

    return float(quad(given, -9.0, 9.0, points=[low, high], limit=200)[0])


def test_the_p_value_is_that_of_chi_squared_and_what_the_cumulant_leaves() -> None:
    found = np.array([9.0, 0.0, 1.0, -1.5, 0.5, 2.0, 0.0, 1.0])
    # Rectangular: modes 2 to 8, mode 1 left out, mode 2 within what κ₄ allows.
    assert mode_p_value(found, level=1, sigma_known=False) == pytest.approx(
        exceeding(1 + 2.25 + 0.25 + 4 + 1, 6, moved=2)
    )
    # Symmetric: modes 3 to 8, mode 4 with the part below −2/√8 only.
    rest = (1.5 - 2 / np.sqrt(8)) ** 2
    assert mode_p_value(found, level=2, sigma_known=False) == pytest.approx(
        exceeding(1 + rest + 0.25 + 4 + 1, 5, moved=4)
    )


@pytest.mark.lengthy
@pytest.mark.parametrize("level", [1, 2])
def test_p_values_of_gaussian_modes_are_uniform(level: int) -> None:
    draws = np.random.default_rng(33).normal(size=(600, 8))
    found = [mode_p_value(d, level=level, sigma_known=False) for d in draws]
    # False alarm 1e-3. A whole degree of freedom for the mode that has room makes them too large.
    assert kstest(found, "uniform").pvalue > 1e-3
    draws[:, 2 * level - 1] = 0.0
    wrong = chi2.sf((draws[:, level:] ** 2).sum(axis=1), 8 - level)
    assert kstest(wrong, "uniform").pvalue < 1e-6


def test_a_known_sigma_is_tested_with_room_for_the_cumulant() -> None:
    for level, mode in [(1, 1), (2, 2)]:
        found = np.zeros(8)
        found[mode - 1] = 6.0
        assert mode_p_value(found, level=level, sigma_known=False) == pytest.approx(1.0)
        freedom = 7 if level == 1 else 6
        expected = exceeding((6 / 2) ** 2, freedom, moved=2 * level)
        assert mode_p_value(found, level=level, sigma_known=True) == pytest.approx(expected)


def test_the_modes_that_cumulants_move_count_from_where_no_cumulant_reaches() -> None:
    found = np.zeros(8)
    for value, excess in [(2.9, 0.0), (4.0, 4.0 - 3.0), (-1.0, 0.0), (-2.0, -2.0 + 1.0)]:
        found[1] = value
        expected = np.zeros(8)
        expected[2] = excess
        assert mode_p_value(found, level=1, sigma_known=False) == pytest.approx(
            mode_p_value(expected, level=1, sigma_known=False)
        )


def test_the_largest_deviation_is_kolmogorovs() -> None:
    law = SymmetricWhiteNoise(200).law(0)
    bulk = np.sort(np.random.default_rng(31).uniform(-1.5, 1.7, 200))[::-1]
    found = largest_deviation(bulk, law)
    grid = np.linspace(-2, 2, 200001)
    inside = np.clip(grid, -2, 2)
    cdf = 0.5 + inside * np.sqrt(4 - inside**2) / (4 * np.pi) + np.arcsin(inside / 2) / np.pi
    gap = np.searchsorted(np.sort(bulk), grid, side="right") / 200 - cdf
    assert found.distance == pytest.approx(np.abs(gap).max(), abs=1e-4)
    assert found.point == pytest.approx(grid[np.argmax(np.abs(gap))], abs=1e-4)
    assert found.excess == (gap[np.argmax(np.abs(gap))] < 0)


@pytest.mark.lengthy
def test_strengths_from_outliers_serve_as_well_as_the_true_ones(spiked: Spiked) -> None:
    _, law, theta = spiked["symmetric"]
    outliers = theta + law.half_width**2 / 4 / theta
    np.testing.assert_allclose(
        spike_strengths(law.cosine(outliers)), theta / (law.half_width / 2), rtol=1e-12
    )
