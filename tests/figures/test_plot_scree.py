"""What plot_scree draws: values, edge, strengths with intervals, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, fit_rectangular, fit_symmetric
from pastur.figures import plot_scree


def drawn(ax: Axes, label: str) -> FloatArray:
    """Points of the line whose label begins so."""
    (line,) = [line for line in ax.lines if str(line.get_label()).startswith(label)]
    return np.array(line.get_data(), dtype=float)


def intervals(ax: Axes) -> FloatArray:
    """Place, low and high of each bar."""
    (bars,) = [one for one in ax.collections if isinstance(one, LineCollection)]
    ends = np.array([segment for segment in bars.get_segments()])
    return np.column_stack([ends[:, 0, 0], ends[:, :, 1]])


def values_of(w: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(w, compute_uv=False))


def test_draws_values_edge_and_strengths(spiked: FloatArray) -> None:
    fit, values = fit_rectangular(spiked), values_of(spiked)
    ax = plot_scree(fit, singular_values=values)
    np.testing.assert_allclose(drawn(ax, "observed, 30 of 80"), [np.arange(1, 31), values[:30]])
    np.testing.assert_allclose(drawn(ax, "edge of the noise")[1], fit.edge)
    place, theta = drawn(ax, "strength without noise, 2, interval of 95 %")
    np.testing.assert_allclose(theta, fit.spikes["theta"])
    assert np.floor(place).tolist() == [1, 2]
    bars = intervals(ax)
    np.testing.assert_allclose(bars[:, 1:].T, [fit.spikes["low"], fit.spikes["high"]])
    assert (theta < values[:2]).all()
    assert ax.get_ylabel() == "singular value"


def test_an_open_interval_ends_with_the_picture(lawless: RectangularFit, broad: FloatArray) -> None:
    ax = plot_scree(lawless, singular_values=values_of(broad))
    assert not [line for line in ax.lines if str(line.get_label()).startswith("edge")]
    assert drawn(ax, "strength against the rest, 3").shape == (2, 3)
    assert np.isfinite(intervals(ax)).all()


def test_noise_alone_has_no_strengths() -> None:
    w = np.random.default_rng(3).normal(size=(40, 20))
    ax = plot_scree(fit_rectangular(w), singular_values=values_of(w))
    assert len(ax.lines) == 2 and not ax.collections
    assert ax.get_yscale() == "linear"


def test_an_estimator_is_drawn_in_variances() -> None:
    sklearn = pytest.importorskip("pastur.sklearn")
    rng = np.random.default_rng(4)
    x = rng.normal(size=(90, 40)) + 4 * np.outer(rng.normal(size=90), rng.normal(size=40))
    pca = sklearn.SpikedPCA().fit(x)
    for source in (pca, sklearn.SpikedCovariance().fit(x)):
        ax = plot_scree(source)
        np.testing.assert_allclose(
            drawn(ax, "observed")[1], np.linalg.eigvalsh(np.cov(x.T))[::-1][:30]
        )
        np.testing.assert_allclose(drawn(ax, "strength")[1], pca.signal_variance_)
        assert ax.get_ylabel() == "variance along the component"
    scaled = plot_scree(sklearn.SpikedPCA(noise="profile").fit(x))
    assert scaled.get_ylabel() == "variance along the component (data scaled to one variance)"


def test_a_profile_needs_no_values(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked, noise="profile")
    assert fit.profile is not None
    ax = plot_scree(fit)
    np.testing.assert_allclose(drawn(ax, "observed")[1], fit.profile.values[:30])
    np.testing.assert_allclose(drawn(ax, "strength")[1], fit.profile.spikes["theta"])


def luminance(colour: Any) -> float:
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_its_colours_are_seen_on_white_and_on_black(spiked: FloatArray) -> None:
    ax = plot_scree(fit_rectangular(spiked), singular_values=values_of(spiked))
    for line in ax.lines:
        found = luminance(line.get_color())
        # The contrast that WCAG asks of graphics.
        assert 1.05 / (found + 0.05) >= 3 and (found + 0.05) / 0.05 >= 3


def test_what_cannot_be_drawn_is_refused(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked)
    with pytest.raises(InvalidInputError, match="does not keep the spectrum"):
        plot_scree(fit)
    with pytest.raises(InvalidInputError, match=r"must be all 80 of the fitted matrix. Got 3"):
        plot_scree(fit, singular_values=[3.0, 2.0, 1.0])
    with pytest.raises(InvalidTypeError, match=r"Got a SymmetricFit.*`plot_fit`"):
        plot_scree(fit_symmetric(spiked[:, :80] + spiked[:, :80].T))


@pytest.mark.parametrize(
    ("shown", "ticks"),
    [(4, [1, 2, 3, 4]), (10, list(range(1, 11))), (30, [1, 5, 10, 15, 20, 25, 30])],
)
def test_places_are_whole_numbers_from_one_on(shown: int, ticks: list[int]) -> None:
    w = np.random.default_rng(4).normal(size=(shown, 90))
    ax = plot_scree(fit_rectangular(w), singular_values=values_of(w))
    assert ax.get_xticks().tolist() == ticks
    assert ax.get_xlabel() == "number of the singular value, from the largest on"


def test_the_logarithm_is_labelled_with_numbers() -> None:
    values = np.append([200.0], np.linspace(9, 4, 29))
    ax = plot_scree(fit_rectangular(singular_values=values, shape=(30, 60)), singular_values=values)
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert ax.get_yscale() == "log" and {"5", "10", "100"} <= set(labels)
