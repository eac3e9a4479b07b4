"""The figures of Theorems 2.1 and 2.2 draw the numbers that they should."""

from itertools import pairwise

import numpy as np
import pytest

from pastur import Atoms, DeformedWigner, InformationPlusNoise, Uniform, sample_goe
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.figures import plot_outlier_measure, plot_theorem_2_2, theorem_figure
from pastur.models import SignalSequence, outlier_table

ZERO = Atoms([0.0])
NU1 = Uniform(1.8, 3.0) - ZERO
MODEL = DeformedWigner(ZERO)
SIGNAL = SignalSequence(ZERO, NU1).eigenvalues(200, 14)


@pytest.fixture(scope="module")
def observed() -> FloatArray:
    """Eigenvalues of four matrices."""
    return np.array(
        [np.linalg.eigvalsh(np.diag(SIGNAL) + sample_goe(200, rng=i)) for i in range(4)]
    )


def test_bars_and_dots_are_the_measure_of_each_bin(observed: FloatArray) -> None:
    ax = plot_outlier_measure(MODEL, nu1=NU1, observed=observed, rank=14)
    heights, bins, _ = ax.patches[0].get_data()  # type: ignore[attr-defined]
    width = np.diff(bins)
    # Naively: counted, less the semicircle by its own distribution function.
    semicircle = 0.5 + np.nan_to_num(
        bins * np.sqrt(np.maximum(4 - bins**2, 0)) / (4 * np.pi)
        + np.arcsin(np.clip(bins / 2, -1, 1)) / np.pi
    )
    counted = np.array([((observed >= a) & (observed < b)).mean() for a, b in pairwise(bins)])
    expected = 200 / 14 * (counted - np.diff(semicircle)) / width
    np.testing.assert_allclose(heights, expected, atol=1e-9)
    dots = next(line for line in ax.get_lines() if line.get_label() == "μ₁ of each bin")
    middle, exact = (np.asarray(part, dtype=float) for part in dots.get_data())
    # All in all nothing is lost, and the outliers have mass 1.
    assert exact @ width == pytest.approx(0, abs=1e-12)
    assert (exact * width)[middle > 2.1].sum() == pytest.approx(1, abs=0.02)
    # Samples show it: not so a measure that leaves the bulk as it was.
    inside = np.abs(middle) < 1.9
    assert (heights * width)[inside].sum() == pytest.approx((exact * width)[inside].sum(), abs=0.2)
    assert (exact * width)[inside].sum() < -0.6


def test_the_curve_is_the_density_and_is_cut_off_at_the_edges() -> None:
    ax = plot_outlier_measure(MODEL, nu1=NU1)
    curves = [line for line in ax.get_lines() if np.size(line.get_xdata()) > 100]
    assert curves[0].get_label() == "ρ_μ₁" and len(curves) == 2
    x, y = (np.asarray(part, dtype=float) for part in curves[1].get_data())
    w = (x + np.sqrt(x**2 - 4)) / 2
    np.testing.assert_allclose(y, (1 + x / np.sqrt(x**2 - 4)) / 2 * (w <= 3) / 1.2, rtol=1e-9)
    assert ax.get_ylim()[0] > -5


def test_singular_values_are_plain() -> None:
    """ρ(x²)·2x: outliers of spikes 2 … 2.5 lie between their images, not between squares."""
    model = InformationPlusNoise(ZERO, ratio=0.5)
    ax = plot_outlier_measure(model, nu1=Uniform(4.0, 6.25) - ZERO)
    x, y = (np.asarray(part, float) for part in ax.get_lines()[2].get_data())
    ends = [np.sqrt((s + 1) * (s + 0.5) / s) for s in (4.0, 6.25)]
    np.testing.assert_allclose([x[0], x[-1]], ends, rtol=1e-4)
    assert np.trapezoid(y, x) == pytest.approx(1, abs=1e-3)
    assert ax.get_xlabel() == "singular value of W"


def test_differences_are_those_of_the_table(observed: FloatArray) -> None:
    table = outlier_table(MODEL, observed[0], signal=SIGNAL)
    ax = plot_theorem_2_2(table)
    lines = {str(line.get_label()).split(",")[0]: line for line in ax.get_lines()}
    np.testing.assert_allclose(
        np.asarray(lines["Φ(λ_j(S))"].get_ydata()),
        np.sort(observed[0])[::-1][:14] - (SIGNAL[:14] + 1 / SIGNAL[:14]),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        np.asarray(lines["law at N = 200"].get_ydata()), table.observed - table.at_size
    )
    texts = [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
    assert f"Φ(λ_j(S)), root mean square {table.limit_error:.2g}" in texts


def test_subcritical_spikes_are_marked() -> None:
    signal = np.concatenate([[2.0, 0.7], np.zeros(98)])
    seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(100, rng=1))
    ax = plot_theorem_2_2(outlier_table(MODEL, seen, signal=signal))
    labels = [str(line.get_label()) for line in ax.get_lines()]
    assert "subcritical spikes" in labels


def test_one_figure_has_both(observed: FloatArray) -> None:
    figure = theorem_figure(MODEL, nu1=NU1, signal=SIGNAL, observed=observed)
    above, below = figure.axes
    assert above.get_ylabel() == "density of μ₁" and below.get_xlabel() == "outlier λ_j(W)"
    label = above.get_legend().get_texts()[0].get_text()  # type: ignore[union-attr]
    assert label == "samples, N = 200, r = 14, mean of 4 draws"


def test_samples_need_their_rank(observed: FloatArray) -> None:
    with pytest.raises(InvalidInputError, match="`observed` needs `rank`"):
        plot_outlier_measure(MODEL, nu1=NU1, observed=observed)
    with pytest.raises(InvalidInputError, match=r"Got shape \(2, 2, 2\)"):
        plot_outlier_measure(MODEL, nu1=NU1, observed=np.zeros((2, 2, 2)), rank=1)
