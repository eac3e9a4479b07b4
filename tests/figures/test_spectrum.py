"""The histogram and the curve of a spectrum against closed forms."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pastur._typing import FloatArray
from pastur.analysis import analyze
from pastur.estimation import RectangularFit, fit_rectangular, fit_symmetric
from pastur.estimation._curves import DrawnSpectrum
from pastur.figures import histogram, law_curve, law_name, plot_fit
from pastur.report._build import chart_data


def bars_of(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_bars_hold_every_value_and_have_area_one(spiked: FloatArray) -> None:
    values = np.linalg.svd(spiked, compute_uv=False).astype(np.float64, copy=False)
    bars = histogram(fit_rectangular(spiked), values)
    assert bars.counts.sum() == 80
    assert np.sum(bars.density * np.diff(bars.bins)) == pytest.approx(1, abs=1e-12)
    assert bars.bins[0] <= values[-1] and bars.bins[-1] >= values[0]


def test_edge_is_a_limit_of_bins_when_spikes_lie_beyond(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked)
    bars = histogram(fit, np.linalg.svd(spiked, compute_uv=False).astype(np.float64, copy=False))
    assert np.abs(bars.bins - fit.edge).min() < 1e-12
    assert bars.counts[bars.bins[:-1] >= fit.edge - 1e-12].sum() == fit.rank == 2


def test_a_spike_far_away_costs_few_bins(spiked: FloatArray) -> None:
    values = np.append(np.linalg.svd(spiked, compute_uv=False).astype(np.float64, copy=False), 1e6)
    assert histogram(fit_rectangular(spiked), values).counts.size < 400


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_equal_values_give_one_bar(spiked: FloatArray, value: float) -> None:
    bars = histogram(fit_rectangular(spiked), np.full(5, value))
    assert bars.counts.tolist() == [5]


def test_square_noise_is_drawn_as_a_quarter_circle() -> None:
    # Ratio 1: singular values have the density √(4σ² − s²)/(πσ²) on [0, 2σ].
    fit = fit_rectangular(np.random.default_rng(3).standard_normal((90, 90)) / np.sqrt(90))
    assert fit.rank == 0
    x, y = law_curve(fit)
    expected = np.sqrt(np.maximum(4 * fit.sigma**2 - x**2, 0)) / (np.pi * fit.sigma**2)
    # The first point repeats its neighbour's height: the law of squares is infinite at 0.
    np.testing.assert_allclose(y[1:], expected[1:], atol=1e-6)
    assert y[0] == y[1]


@pytest.mark.parametrize("shape", [(60, 150), (150, 60)])
def test_rectangular_curve_has_area_one_tall_or_wide(shape: tuple[int, int]) -> None:
    fit = fit_rectangular(np.random.default_rng(5).standard_normal(shape))
    # The trapezium rule on 121 Chebyshev points, for a square root at each end: error below 1e-3.
    assert np.trapezoid(*law_curve(fit)[::-1]) == pytest.approx(1, abs=2e-3)


def test_curve_is_scaled_to_the_share_of_the_bulk(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked)
    (_, alone), (_, scaled) = law_curve(fit), law_curve(fit, 80)
    np.testing.assert_allclose(scaled, alone * 78 / 80)


def test_symmetric_noise_is_drawn_as_a_semicircle() -> None:
    noise = np.random.default_rng(6).standard_normal((120, 120))
    fit = fit_symmetric((noise + noise.T) / np.sqrt(240))
    assert fit.rank == 0
    x, y = law_curve(fit)
    expected = np.sqrt(np.maximum(4 * fit.sigma**2 - x**2, 0)) / (2 * np.pi * fit.sigma**2)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    assert x[0] == pytest.approx(-x[-1])


def test_values_zero_to_rounding_are_no_part_of_the_curve() -> None:
    noise = np.random.default_rng(9).standard_normal((80, 120))
    noise[60:] = 0.0
    fit = fit_rectangular(noise)
    (_, alone), (_, scaled) = law_curve(fit), law_curve(fit, 80)
    np.testing.assert_allclose(scaled, alone * (60 - fit.rank) / 80)


def test_a_matrix_without_noise_has_bars_and_no_curve() -> None:
    values = np.array([3.0, 2.0, 0.0, 0.0, 0.0, 0.0])
    fit = fit_rectangular(np.diag(values))
    assert law_curve(fit, 6)[0].size == 0
    assert histogram(fit, values).counts[[0, -1]].tolist() == [4, 1]


def test_every_picture_shows_the_same(spiked: FloatArray) -> None:
    """The bars, the curve and the spikes of a plot are those that the page gets."""
    (matrix,) = analyze({"w": spiked}).matrices
    drawn = matrix.drawn
    ax = plot_fit(matrix.fit, singular_values=matrix.singular_values)
    assert [bar.get_height() for bar in bars_of(ax)] == pytest.approx(drawn.bars.density)
    assert chart_data.spectrum(matrix)["counts"] == drawn.bars.counts.tolist()
    (curve,) = (line for line in ax.lines if line.get_label() == drawn.law_name)
    assert np.array_equal(curve.get_xdata(), drawn.law[0], equal_nan=True)
    assert drawn.noise_interval == (0.0, matrix.fit.edge)
    assert drawn.spikes.tolist() == matrix.fit.spikes["observed"].tolist()
    assert drawn.over_edge(drawn.spikes).min() > 1


def test_a_symmetric_fit_has_noise_on_both_sides() -> None:
    x = np.random.default_rng(2).normal(size=(60, 60))
    fit = fit_symmetric((x + x.T) / 2)
    drawn = DrawnSpectrum(fit)
    assert drawn.noise_interval == (-fit.edge, fit.edge)
    assert (drawn.word, drawn.keyword) == ("eigenvalue", "eigenvalues")


def test_without_a_law_there_are_bars_alone(broad: FloatArray, lawless: RectangularFit) -> None:
    values = np.linalg.svd(broad, compute_uv=False).astype(np.float64, copy=False)
    assert law_curve(lawless, 120)[0].size == 0 and law_name(lawless) == ""
    bars = histogram(lawless, values)
    assert bars.counts.sum() == 120
    # Equal as far as nine tenths of the values, then wider, each by 6 %.
    widths = np.diff(bars.bins)
    inner = bars.bins[1:] <= np.quantile(values, 0.9) * (1 + 1e-12)
    np.testing.assert_allclose(widths[inner], widths[0])
    np.testing.assert_allclose(widths[~inner][1:] / widths[~inner][:-1], 1.06)
    assert histogram(lawless, np.append(values, 1e6)).counts.size < 400


def test_without_a_law_the_bulk_ends_where_nothing_stands_out(
    broad: FloatArray, lawless: RectangularFit
) -> None:
    values = np.linalg.svd(broad, compute_uv=False).astype(np.float64, copy=False)
    drawn = DrawnSpectrum(lawless, values)
    assert drawn.lawless and not drawn.noisy and not drawn.wider
    assert drawn.bulk_end == pytest.approx(values[3])
    np.testing.assert_allclose(drawn.spikes, values[:3])
    assert drawn.over_edge(values)[:4].min() == pytest.approx(1.0)
    white = DrawnSpectrum(fit_rectangular(broad), values)
    assert white.noisy and not white.lawless and white.bulk_end == white.fit.bulk_edge


def test_with_a_profile_the_scaled_matrix_is_shown() -> None:
    rng = np.random.default_rng(7)
    w = rng.normal(size=(100, 150)) * np.exp(0.3 * rng.normal(size=100))[:, None]
    w += 40 * np.outer(rng.normal(size=100), rng.normal(size=150)) / np.sqrt(100 * 150)
    values = np.linalg.svd(w, compute_uv=False).astype(np.float64, copy=False)
    fit = fit_rectangular(w, noise="profile")
    drawn = DrawnSpectrum(fit, values)
    assert fit.profile is not None and fit.goodness.fits
    scaled = np.linalg.svd(fit.profile.whiten(w), compute_uv=False)
    assert drawn.observed is not None
    np.testing.assert_allclose(drawn.observed, scaled, rtol=1e-10)
    assert drawn.noisy and drawn.word.endswith("scaled to one variance")
    inside = drawn.bars.counts[drawn.bars.bins[1:] <= drawn.bulk_end * (1 + 1e-12)]
    assert inside.sum() == 100 - fit.rank
    # Where it does not hold, the spectrum is that of the matrix itself, without a law.
    heavy = np.random.default_rng(8).standard_t(1.5, size=(100, 150))
    values = np.linalg.svd(heavy, compute_uv=False).astype(np.float64, copy=False)
    refuted = DrawnSpectrum(fit_rectangular(heavy, noise="profile"), values)
    assert not refuted.counted and not refuted.noisy and refuted.word == "singular value"
    assert refuted.law[0].size == 0 and refuted.observed is values
