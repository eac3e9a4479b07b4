"""Figures in the reader's style, and for readers who see few colours, or none."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pastur import Atoms, DeformedWigner, Uniform, analyze, fit_rectangular, sample_goe
from pastur._typing import FloatArray
from pastur.analysis import Finding, MatrixNoiseTest, NoiseTest
from pastur.estimation import RectangularFit
from pastur.estimation._result.noise_used import NoiseName
from pastur.figures import (
    Panel,
    Series,
    law_figure,
    panels_figure,
    plot_analysis,
    plot_fit,
    plot_noise_test,
    plot_scree,
    theorem_figure,
)
from pastur.models import SignalSequence

STYLES = ("default", "dark_background", "Solarize_Light2", "ggplot", "grayscale", "bmh")
# Of a line on its paper, as luminances with 0.05 added to each.
CONTRAST = 2.5
# Machado, Oliveira and Fernandes (2009), for readers without red and without green.
BLIND = (
    [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
)


def theorems() -> Figure:
    nu0 = Atoms([0.0])
    nu1 = Uniform(0.3, 3.0) - nu0
    signal = SignalSequence(nu0, nu1).eigenvalues(100, 10)
    seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(100, rng=1))
    return theorem_figure(DeformedWigner(nu0), nu1=nu1, signal=signal, observed=seen)


def panels() -> Figure:
    x = np.arange(3.0)
    series = [Series(f"series {i}", x, x + i, np.full(3, 0.2)) for i in range(6)]
    series += [Series("law", x, x, kind="curve"), Series("before", x, 2 * x, kind="contrast")]
    return panels_figure([Panel("one", "x", "y", series)])


def noise_test() -> Any:
    one = MatrixNoiseTest("fc", (40, 60), NoiseName.WHITE, 2, 0.6, 1.0, 0.3, (0.1, 0.2), 1.2, ())
    return plot_noise_test(NoiseTest(0.3, 0.3, 2, 0, (one,), {}, {})).figure


@pytest.fixture(scope="module")
def figures(spiked: FloatArray, lawless: RectangularFit, broad: FloatArray) -> Any:
    """What draws each kind of figure."""
    fit, values = fit_rectangular(spiked), np.linalg.svd(spiked, compute_uv=False)
    analysis = analyze({"a": spiked, "b": broad, "c": spiked[:5]})
    rest = np.linalg.svd(broad, compute_uv=False)
    makers: dict[str, Callable[[], Any]] = {
        "fit": lambda: plot_fit(fit, singular_values=values).figure,
        "without a law": lambda: plot_fit(lawless, singular_values=rest).figure,
        "scree": lambda: plot_scree(fit, singular_values=values).figure,
        "analysis": lambda: plot_analysis(analysis).figure,
        "law": lambda: law_figure(DeformedWigner(Atoms([-1.5, 1.5]), 0.8), spikes=[2.8, 1.9]),
        "theorems": theorems,
        "panels": panels,
        "noise test": noise_test,
    }
    return makers


def linear(colour: Any) -> FloatArray:
    """Return a colour as light."""
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: Any) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: Any, other: Any) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def inks(figure: Figure) -> list[tuple[str, Any, Any]]:
    """What is drawn as lines, markers and words, each with the colour of its paper."""
    found: list[tuple[str, Any, Any]] = []
    for ax in figure.axes:
        paper = ax.get_facecolor() if ax.patch.get_visible() else figure.get_facecolor()
        if to_rgba(paper)[3] == 0:
            paper = figure.get_facecolor()
        # Thin lines that part nothing, and those of the grid, may be faint.
        lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        found += [(str(line.get_label()), line.get_color(), paper) for line in lines]
        found += [("word", text.get_color(), paper) for text in ax.texts]
        legend = ax.get_legend()
        if legend is not None:
            found += [("legend", text.get_color(), paper) for text in legend.get_texts()]
        for label in (ax.xaxis.label, ax.yaxis.label):
            found.append(("label", label.get_color(), figure.get_facecolor()))
    return found


@pytest.mark.lengthy
@pytest.mark.parametrize("style", STYLES)
def test_everything_can_be_read_in_any_style(figures: Any, style: str) -> None:
    with matplotlib.style.context(style):
        before = dict(matplotlib.rcParams)
        for name, make in figures.items():
            figure = make()
            figure.canvas.draw()
            assert figure.get_facecolor() == to_rgba(matplotlib.rcParams["figure.facecolor"])
            for what, colour, paper in inks(figure):
                # Words have the colours of the style, which are not ours to judge.
                least = 1.5 if what in ("word", "legend", "label") else CONTRAST
                assert contrast(colour, paper) >= least, (name, what, colour)
        assert dict(matplotlib.rcParams) == before


def seen_by_the_blind(colour: Any) -> list[FloatArray]:
    """Return a colour as those see it who lack red, green, or all colours."""
    light = linear(colour)
    grey = np.full(3, luminance(colour))
    return [np.clip(matrix @ light, 0, 1) for matrix in np.array(BLIND)] + [grey]


def alike(one: Any, other: Any) -> bool:
    """Whether some reader may take one colour for the other, by their lightness alone."""
    pairs = zip(seen_by_the_blind(one), seen_by_the_blind(other), strict=True)
    return any(np.abs(np.cbrt(a) - np.cbrt(b)).max() < 0.1 for a, b in pairs)


def sign_of(handle: Any) -> Any:
    """The marker of error bars, the first of the bars of a histogram; else what it is."""
    return handle[0] if isinstance(handle, tuple) else handle


def shape(handle: Any) -> tuple[Any, ...]:
    """What a sign of the legend has besides its colour."""
    if isinstance(handle, Line2D):
        full = to_rgba(handle.get_markerfacecolor()) == to_rgba(handle.get_color())
        return ("line", handle.get_marker(), handle.get_linestyle(), full)
    # The frame of an area, whose copy in a legend has its dashes and not their name.
    return (type(handle).__name__, str(getattr(handle, "_dash_pattern", "")))


def confusable(handles: list[Any]) -> list[tuple[str, str]]:
    """Return pairs of signs that differ in colour alone, if some reader may not see that."""
    return [
        (one.get_label(), other.get_label())
        for one, other in combinations(handles, 2)
        if shape(one) == shape(other) and alike(colour_of(one), colour_of(other))
    ]


def colour_of(handle: Any) -> Any:
    """The colour of a sign; of an area, as it is on white."""
    if isinstance(handle, Line2D):
        return handle.get_color()
    filled = np.ravel(handle.get_facecolor())[:4]
    # A line has no area.
    *colour, alpha = filled if filled.size == 4 else np.ravel(handle.get_edgecolor())[:4]
    return tuple(1 - alpha * (1 - np.array(colour)))


def test_no_two_signs_differ_in_colour_alone(figures: Any) -> None:
    for name, make in figures.items():
        figure = make()
        figure.canvas.draw()
        signs: dict[Any, list[Any]] = {}
        for ax in figure.axes:
            # Two axes in one place have one legend.
            here = signs.setdefault(ax.get_position().bounds, [])
            here += map(sign_of, ax.get_legend_handles_labels()[0])
        for place in signs.values():
            assert confusable(place) == [], name


def test_a_pair_in_red_and_green_is_noticed() -> None:
    red, green = Line2D([], [], color="#b3400a"), Line2D([], [], color="#5f7a0b")
    assert len(confusable([red, green])) == 1
    blue, violet, black = (Line2D([], [], color=c) for c in ("#2456c5", "#7b4aa8", "#17202b"))
    assert len(confusable([blue, violet])) == 1
    assert confusable([blue, black]) == []
    green.set_linestyle("--")
    assert confusable([red, green]) == []


def test_colours_with_a_meaning_are_read_on_white_and_on_black() -> None:
    for finding in Finding:
        assert contrast(finding.colour, "white") > 3
        assert contrast(finding.colour, "black") > 3
