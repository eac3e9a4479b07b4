"""What plot_fit draws, where, and what it refuses."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, Verdict, fit_rectangular, fit_symmetric
from pastur.figures import plot_fit


def legend_texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def bars_of(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_draws_bars_law_edge_and_spikes(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked)
    ax = plot_fit(fit, singular_values=np.linalg.svd(spiked, compute_uv=False))
    legend = set(legend_texts(ax))
    expected = {"observed, 80 values", "law of the noise", f"edge, {fit.edge:.4g}", "spikes, 2"}
    assert legend == expected
    assert sum(bar.get_width() * bar.get_height() for bar in bars_of(ax)) == pytest.approx(1)
    marked = next(line for line in ax.lines if str(line.get_label()).startswith("spikes"))
    np.testing.assert_array_equal(marked.get_xdata(), fit.spikes["observed"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("singular value", "density")


def test_draws_on_the_axes_given(spiked: FloatArray) -> None:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert plot_fit(fit_rectangular(spiked), ax) is ax
    assert not ax.patches


def test_symmetric_fit_has_two_edges() -> None:
    noise = np.random.default_rng(2).standard_normal((100, 100))
    w = (noise + noise.T) / np.sqrt(200)
    fit = fit_symmetric(w)
    ax = plot_fit(fit, eigenvalues=np.linalg.eigvalsh(w))
    dashed = [
        float(np.asarray(line.get_xdata())[0]) for line in ax.lines if line.get_linestyle() == "--"
    ]
    assert sorted(dashed) == [-fit.edge, fit.edge]
    assert ax.get_xlabel() == "eigenvalue"


def test_says_which_values_belong_to_the_fit(spiked: FloatArray) -> None:
    with pytest.raises(InvalidInputError, match=r"drawn over `singular_values`. Got `eigenvalues`"):
        plot_fit(fit_rectangular(spiked), eigenvalues=[1.0])
    symmetric = fit_symmetric(spiked[:, :80] + spiked[:, :80].T)
    with pytest.raises(InvalidInputError, match=r"drawn over `eigenvalues`. Got `singular_values`"):
        plot_fit(symmetric, singular_values=[1.0])


def test_refuses_what_is_no_fit() -> None:
    with pytest.raises(InvalidTypeError, match=r"result of `fit_rectangular`.*Got a ndarray"):
        plot_fit(np.eye(3))  # type: ignore[arg-type]


def test_import_leaves_matplotlib_alone() -> None:
    code = "import sys, pastur.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_law_of_a_growing_signal_is_that_of_all_values() -> None:
    # 40 spikes in 200 values: without them the law would hold four fifths.
    rng = np.random.default_rng(5)
    left, right = (np.linalg.qr(rng.normal(size=(side, 40)))[0] for side in (200, 400))
    w = (left * np.linspace(1.3, 3.3, 40)) @ right.T + rng.normal(size=(200, 400)) / 20
    fit = fit_rectangular(w)
    assert fit.growing and fit.rank > 30
    ax = plot_fit(fit, singular_values=np.linalg.svd(w, compute_uv=False))
    legend = set(legend_texts(ax))
    assert "law of noise and signal" in legend and "law of the noise" not in legend
    law = next(line for line in ax.lines if line.get_label() == "law of noise and signal")
    x, y = np.asarray(law.get_xdata(), float), np.asarray(law.get_ydata(), float)
    pieces = np.diff(x) * (y[1:] + y[:-1]) / 2
    assert np.nansum(pieces) == pytest.approx(1.0, abs=0.02)


def test_without_a_law_there_is_neither_curve_nor_edge(
    broad: FloatArray, lawless: RectangularFit
) -> None:
    values = np.linalg.svd(broad, compute_uv=False)
    ax = plot_fit(lawless, singular_values=values)
    expected = {"observed, 120 values", "standing out, 3", "strength θ, interval of 95 %"}
    assert set(legend_texts(ax)) == expected
    assert sum(bar.get_width() * bar.get_height() for bar in bars_of(ax)) == pytest.approx(1)
    marked = next(line for line in ax.lines if str(line.get_label()).startswith("standing"))
    np.testing.assert_allclose(np.asarray(marked.get_xdata(), float), values[:3])
    # White noise of the same size has both.
    white = plot_fit(fit_rectangular(broad, noise="white"), singular_values=values)
    assert {text.split(",")[0] for text in legend_texts(white)} >= {"edge"}
    assert any("law of" in text for text in legend_texts(white))


def test_a_strength_has_its_interval(lawless: RectangularFit) -> None:
    ax = plot_fit(lawless)
    (strengths,) = (
        lines for lines in ax.collections if str(lines.get_label()).startswith("strength")
    )
    first, second, third = (np.asarray(path.vertices) for path in strengths.get_paths())
    theta, low = lawless.leading["theta"], lawless.leading["low"]
    assert first[:, 0].tolist() == [low[0], lawless.leading["high"][0]]
    assert [second[0, 0], third[0, 0]] == low[1:3].tolist()
    # An open end reaches the largest value drawn.
    assert np.isfinite(third).all() and third[1, 0] >= lawless.leading["observed"][0]
    ticks = next(line for line in ax.lines if line.get_marker() == "|")
    assert np.asarray(ticks.get_xdata()).tolist() == theta[:3].tolist()
    assert len({first[0, 1], second[0, 1], third[0, 1]}) == 3, "they would hide each other"


def test_where_the_law_does_not_fit_spikes_are_not_marked(broad: FloatArray) -> None:
    values = np.linalg.svd(broad, compute_uv=False)
    asked = fit_rectangular(broad, noise="white")
    refuted = dataclasses.replace(asked.goodness, verdict=Verdict.NOT_LAW)
    ax = plot_fit(dataclasses.replace(asked, goodness=refuted), singular_values=values)
    texts = legend_texts(ax)
    assert any(text.endswith(", which does not fit") for text in texts)
    assert not any(text.startswith("spikes") for text in texts)
    untested = dataclasses.replace(asked.goodness, verdict=Verdict.TOO_SMALL)
    ax = plot_fit(dataclasses.replace(asked, goodness=untested), singular_values=values)
    assert any(text.endswith(", which was not tested") for text in legend_texts(ax))


def test_a_bulk_that_ends_beyond_the_noise_has_two_edges(spiked: FloatArray) -> None:
    fit = fit_rectangular(spiked)
    inner = dataclasses.replace(fit, edge=0.7 * fit.edge)
    drawn = {
        line.get_linestyle(): float(np.asarray(line.get_xdata())[0])
        for line in plot_fit(inner).lines
        if line.get_linestyle() in ("--", ":")
    }
    assert drawn == {"--": 0.7 * fit.edge, ":": fit.edge}
    assert not [line for line in plot_fit(fit).lines if line.get_linestyle() == ":"]


def test_a_symmetric_fit_without_a_law_is_drawn_on_both_sides() -> None:
    noise = np.random.default_rng(2).standard_normal((100, 100)) * np.linspace(0.2, 3, 100)
    w = noise + noise.T
    ax = plot_fit(fit_symmetric(w, noise="free"), eigenvalues=np.linalg.eigvalsh(w))
    assert legend_texts(ax) == ["observed, 100 values"]
