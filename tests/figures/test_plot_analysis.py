"""What plot_analysis draws, and what it refuses."""

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.analysis import Analysis, Finding, analyze
from pastur.estimation import RectangularFit
from pastur.figures import plot_analysis


def legend_texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def bars_of(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


@pytest.fixture(scope="module")
def analysis(spiked: FloatArray) -> Analysis:
    rng = np.random.default_rng(8)
    return analyze(
        {
            "block.0.spiked": spiked,
            "cost in $ and more $": rng.standard_normal((80, 120)),
            "a." * 40 + "end": rng.standard_normal((80, 120)),
            "tiny\ud800\x00": rng.standard_normal((3, 5)),
        }
    )


def test_one_bar_a_matrix_as_long_as_its_count(analysis: Analysis) -> None:
    ax = plot_analysis(analysis)
    bars = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in bars_of(ax)}
    assert bars == {i: matrix.fit.rank for i, matrix in enumerate(analysis.matrices)}
    assert bars[0] == 2
    low, high = ax.get_ylim()
    assert low > high, "the first matrix of the file stands on top"


def test_labels_are_drawable_and_keep_the_end_of_a_long_name(analysis: Analysis) -> None:
    ax = plot_analysis(analysis)
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0] == "block.0.spiked"
    assert labels[1] == r"cost in \$ and more \$"
    assert labels[2].startswith("…") and labels[2].endswith(".end") and len(labels[2]) == 48
    assert labels[3] == "tiny??"


def test_findings_differ_in_marker_and_fill_not_in_colour_alone() -> None:
    assert len({(finding.marker, finding.filled) for finding in Finding}) == len(Finding)


def test_every_finding_in_the_legend_with_its_count(analysis: Analysis) -> None:
    texts = legend_texts(plot_analysis(analysis))
    kinds = [matrix.kind for matrix in analysis.matrices]
    assert sorted(texts) == sorted(f"{kind}, {kinds.count(kind)}" for kind in set(kinds))


def test_says_what_it_cannot_draw(analysis: Analysis) -> None:
    with pytest.raises(InvalidTypeError, match=r"result of `analyze`. Got a dict"):
        plot_analysis({})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"holds no matrix.*`skipped` says why"):
        plot_analysis(dataclasses.replace(analysis, matrices=()))


def test_without_a_law_a_bar_counts_what_stands_out(
    analysis: Analysis, broad: FloatArray, lawless: RectangularFit
) -> None:
    (matrix,) = analyze({"w": broad}).matrices
    free = dataclasses.replace(matrix, fit=lawless)
    ax = plot_analysis(dataclasses.replace(analysis, matrices=(free,)))
    assert [bar.get_width() for bar in bars_of(ax)] == [3]
    assert ax.get_xlabel() == "directions that stand out from the rest"
    ax = plot_analysis(dataclasses.replace(analysis, matrices=(analysis.matrices[0], free)))
    assert {bar.get_width() for bar in bars_of(ax)} == {2, 3}
    assert ax.get_xlabel() == (
        "spikes beyond the edge of the noise, or directions that stand out from the rest"
    )
    counted = tuple(matrix for matrix in analysis.matrices if matrix.counted)
    ax = plot_analysis(dataclasses.replace(analysis, matrices=counted))
    assert ax.get_xlabel() == "spikes beyond the edge of the noise"
