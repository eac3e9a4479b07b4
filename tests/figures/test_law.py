"""What the pictures of a law and of the outlier map show, against closed forms."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes._axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.figures import density_curve, law_figure, plot_law, plot_outlier_map
from pastur.measures import Atoms, Empirical, MarchenkoPastur, Semicircle, Uniform
from pastur.models import DeformedWigner, InformationPlusNoise

TWO = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8)
NOISE = DeformedWigner(Atoms([0.0]), sigma=1.0)
SQUARE = InformationPlusNoise(Atoms([0.0]), sigma=1.0, ratio=1.0)


def named(ax: Axes, label: str) -> Line2D:
    """The line of this label, on the axes or on their twin at the right."""
    lines = [line for axes in ax.figure.axes for line in axes.lines]
    (found,) = [line for line in lines if line.get_label() == label]
    return found


def points(line: Line2D) -> FloatArray:
    xy = np.array(line.get_data(), dtype=float)
    return xy[:, np.isfinite(xy).all(axis=0)]


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def test_law_of_pure_noise_is_the_semicircle() -> None:
    x, y = points(named(plot_law(NOISE), "law of W"))
    np.testing.assert_allclose(y, np.sqrt(np.maximum(4 - x**2, 0)) / (2 * np.pi), atol=1e-9)
    assert (x[0], x[-1]) == (-2, 2)


def test_square_noise_is_a_quarter_circle_in_plain_singular_values() -> None:
    ax = plot_law(SQUARE)
    x, y = points(named(ax, "law of W"))
    np.testing.assert_allclose(y[1:], np.sqrt(np.maximum(4 - x[1:] ** 2, 0)) / np.pi, atol=1e-9)
    # The first point repeats the second: there the law of squares is infinite.
    assert y[0] == y[1] == pytest.approx(2 / np.pi)
    assert ax.get_xlabel() == "singular value"
    assert ax.get_xlim()[0] == 0


def test_two_intervals_are_two_curves() -> None:
    x, y = named(plot_law(TWO), "law of W").get_data()
    assert np.isnan(x).sum() == np.isnan(y).sum() == 1
    left, right = points(named(plot_law(TWO), "law of W"))
    area = np.trapezoid(right, left)
    # The trapezium rule on 400 Chebyshev points an interval, for square roots at the ends.
    assert area == pytest.approx(1, abs=1e-4)


def test_atoms_stand_at_their_mass_and_outliers_at_their_overlap() -> None:
    ax = plot_law(DeformedWigner(Atoms([0.0, 6.0], [0.75, 0.25]), sigma=1.0), spikes=[-3.0])
    np.testing.assert_allclose(points(named(ax, "atoms of S, by mass")), [[0.0, 6.0], [0.75, 0.25]])
    # Φ(θ) = θ − σ²Σp/(t − θ) and the overlap 1 − σ²Σp/(t − θ)².
    place, overlap = -3 - 0.75 / 3 - 0.25 / 9, 1 - 0.75 / 9 - 0.25 / 81
    np.testing.assert_allclose(points(named(ax, "outliers, by overlap")), [[place], [overlap]])
    assert "subcritical spikes: no outlier" not in legend(ax)


def test_left_and_right_overlaps_have_their_own_markers() -> None:
    # Low rank, θ = 2, c = ½: (t⁴ − c)/(t²(t² + c)) and (t⁴ − c)/(t²(t² + 1)).
    model = InformationPlusNoise(Atoms([0.0]), sigma=1.0, ratio=0.5)
    ax = plot_law(model, spikes=[2.0])
    left, right = (named(ax, f"outliers, by {side} overlap") for side in ("left", "right"))
    place = np.sqrt(5 * 4.5) / 2
    np.testing.assert_allclose(points(left), [[place], [15.5 / 18]])
    np.testing.assert_allclose(points(right), [[place], [15.5 / 20]])
    assert left.get_marker() != right.get_marker()


def test_a_subcritical_spike_has_a_marker_of_its_own() -> None:
    ax = plot_law(NOISE, spikes=[2.0, 0.5])
    subcritical = named(ax, "subcritical spikes: no outlier")
    np.testing.assert_allclose(points(subcritical), [[2.0], [0.0]])
    assert subcritical.get_marker() != named(ax, "outliers, by overlap").get_marker()


def test_many_atoms_are_a_histogram_of_area_one() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, 500)
    ax = plot_law(DeformedWigner(Empirical(values), sigma=0.5))
    (stairs,) = ax.patches
    assert isinstance(stairs, StepPatch)
    heights, bins, _ = stairs.get_data()
    assert np.sum(heights * np.diff(bins)) == pytest.approx(1)
    assert stairs.get_label() == "law of S, 500 values"
    assert len(ax.figure.axes) == 1, "nothing to measure on an axis of shares"


def test_a_signal_with_a_density_is_drawn_and_an_infinite_one_cut_off() -> None:
    ax = plot_law(DeformedWigner(Uniform(-1.0, 3.0), sigma=0.5))
    _, y = points(named(ax, "law of S"))
    assert set(y.round(12)) == {0.0, 0.25}
    ax = plot_law(DeformedWigner(MarchenkoPastur(1.0), sigma=0.5))
    assert points(named(ax, "law of S"))[1].max() > 10
    assert ax.get_ylim()[1] < 1.5


def test_map_of_two_atoms_solid_outside_dashed_at_the_edges() -> None:
    ax = plot_outlier_map(TWO)
    solid = named(ax, "outlier of a spike")
    dashed = named(ax, "subcritical: no outlier")
    assert solid.get_linestyle() != dashed.get_linestyle()
    theta, place = points(solid)
    phi = theta - 0.64 * 0.5 * (1 / (-1.5 - theta) + 1 / (1.5 - theta))
    np.testing.assert_allclose(place, phi, atol=1e-12)
    # Φ′ = 0: with u = θ², (u − a²)² = σ²(u + a²), a = 1.5.
    roots = np.sqrt((2 * 2.25 + 0.64 + 0.8 * np.sqrt(0.64 + 8 * 2.25) * np.array([-1, 1])) / 2)
    critical = np.array([-roots[1], -roots[0], roots[0], roots[1]])
    inner = (np.abs(theta) > roots[1] - 1e-9) | (np.abs(theta) < roots[0] + 1e-9)
    assert inner.all()
    theta, place = points(dashed)
    edges = critical - 0.32 * (1 / (-1.5 - critical) + 1 / (1.5 - critical))
    ends = [critical[0], -1.5, -1.5, critical[1], critical[2], 1.5, 1.5, critical[3]]
    np.testing.assert_allclose(theta, ends, atol=1e-7)
    np.testing.assert_allclose(place, np.repeat(edges, 2), atol=1e-12)


def test_map_in_a_closed_gap_stays_at_one_quantile() -> None:
    model = DeformedWigner(Atoms([-1.0, 1.0], [0.7, 0.3]), sigma=1.2)
    theta, place = points(named(plot_outlier_map(model), "subcritical: no outlier"))
    inside = np.abs(theta) < 1
    assert inside.sum() == 2
    np.testing.assert_allclose(place[inside], float(model.law.quantile(0.7)))


def test_map_of_low_rank_in_plain_singular_values() -> None:
    model = InformationPlusNoise(Atoms([0.0]), sigma=1.0, ratio=0.25)
    ax = plot_outlier_map(model, spikes=[2.0, 0.5])
    theta, place = points(named(ax, "outlier of a spike"))
    np.testing.assert_allclose(place, np.sqrt((theta**2 + 1) * (theta**2 + 0.25)) / theta)
    assert theta[0] == pytest.approx(0.25**0.25)
    theta, place = points(named(ax, "subcritical: no outlier"))
    np.testing.assert_allclose(place, 1.5)
    marked = {tuple(points(line).ravel()) for line in ax.lines if line.get_marker() in ("o", "X")}
    assert {tuple(np.round(p, 9)) for p in marked} == {
        (2.0, round(np.sqrt(5 * 4.25) / 2, 9)),
        (0.5, 1.5),
    }
    assert ax.get_xlabel() == "spike θ, a singular value of S"


def test_both_supports_are_shaded() -> None:
    labels = legend(plot_outlier_map(DeformedWigner(Semicircle(1.0), sigma=1.0)))
    assert labels[:2] == ["support of S", "support of W"]


def test_spectrum_with_many_values_is_one_band() -> None:
    values = np.linspace(-1, 1, 300)
    ax = plot_outlier_map(DeformedWigner(Empirical(values), sigma=0.5))
    theta, place = points(named(ax, "outlier of a spike"))
    assert np.abs(theta).min() > 1
    phi = theta + 0.25 * np.mean(1 / (theta[:, None] - values), axis=1)
    np.testing.assert_allclose(place, phi, atol=1e-12)


def test_figure_has_both_and_opens_no_window() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    figure = law_figure(TWO, spikes=[2.8])
    assert [ax.get_xlabel() for ax in figure.axes[:2]] == [
        "eigenvalue",
        "spike θ, an eigenvalue of S",
    ]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert plt.get_fignums() == before


@pytest.mark.parametrize("plot", [plot_law, plot_outlier_map])
def test_draws_on_the_axes_given(plot: Callable[..., Any]) -> None:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert plot(NOISE, ax) is ax


@pytest.mark.parametrize("plot", [plot_law, plot_outlier_map, law_figure])
def test_says_what_it_cannot_draw(plot: Callable[..., Any]) -> None:
    with pytest.raises(InvalidTypeError, match=r"DeformedWigner or an Info.*Got a Semicircle"):
        plot(Semicircle(1.0))
    with pytest.raises(InvalidInputError, match=r"singular values here.*Got -2"):
        plot(SQUARE, spikes=[-2.0])
    with pytest.raises(InvalidInputError, match="lies on the support"):
        plot(NOISE, spikes=[0.0])


def test_curve_shares_its_points_by_length_with_a_gap_between() -> None:
    law = DeformedWigner(Atoms([-5.0, 5.0], [0.04, 0.96]), sigma=1.0).law
    x, y = density_curve(law, points=120)
    gap = int(np.flatnonzero(np.isnan(x)).item())
    assert np.isnan(y[gap])
    # Semicircles of radius 2√mass, nearly: the shares are 1 to √24.
    assert 9 <= gap < 30
    assert x.size - 1 == pytest.approx(120, abs=1)
    np.testing.assert_array_equal(x[[0, gap - 1, gap + 1, -1]], law.support.ravel())
    assert y[[0, gap - 1, gap + 1, -1]].tolist() == [0, 0, 0, 0]


def test_curve_of_atoms_alone_is_empty() -> None:
    assert density_curve(Atoms([1.0, 2.0]))[0].size == 0
