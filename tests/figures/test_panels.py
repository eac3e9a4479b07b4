"""Panels: what is drawn, and that it can be told apart without colour."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from pastur.figures import Panel, Series, panels_figure, plot_panel


def errors_of(ax: Axes) -> list[ErrorbarContainer]:
    return [one for one in ax.containers if isinstance(one, ErrorbarContainer)]


def legend_texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def panel(**changes: Any) -> Panel:
    series = [
        Series("first", [100, 200, 400], [0.3, 0.2, 0.1], error=[0.02, 0.01, 0.01]),
        Series("second", [100, 200, 400], [0.4, 0.3, 0.2]),
        Series("fit", [100, 400], [0.3, 0.1], kind="curve"),
        Series("wrong", [100, 200, 400], [0.5, 0.5, 0.5], kind="contrast"),
    ]
    return Panel(**{"title": "t", "x_label": "N", "y_label": "error", "series": series} | changes)


def test_axes_are_labelled_and_sizes_written_as_they_are() -> None:
    ax = plot_panel(panel())
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("t", "N", "error")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "200", "400"]
    names = legend_texts(ax)
    assert sorted(names) == ["first", "fit", "second", "wrong"]


def test_points_have_error_bars_and_markers_of_their_own() -> None:
    ax = plot_panel(panel())
    first, second, wrong = (container.lines[0] for container in errors_of(ax))
    assert first.get_marker() != second.get_marker() != wrong.get_marker()
    assert first.get_color() != second.get_color()
    (bars,) = errors_of(ax)[0].lines[2]
    low, high = bars.get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(0.02)


def test_linear_axes_and_many_sizes_keep_their_ticks() -> None:
    wide = Series("", 10.0 ** np.arange(2, 9), np.ones(7))
    ax = plot_panel(panel(series=[wide], y_axis="linear"))
    assert ax.get_yscale() == "linear"
    assert len(ax.get_xticklabels()) != 7 or ax.get_xticklabels()[0].get_text() != "100"
    assert ax.get_legend() is None


def test_a_figure_is_white_three_to_a_row() -> None:
    figure = panels_figure([panel() for _ in range(4)], title="all")
    assert len(figure.axes) == 4
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert figure.get_suptitle() == "all"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Series("", [1, 2], [1]), "one length"),
        (lambda: Series("", [1, 2], [1, 2], error=[1]), "one length"),
        (lambda: Series("", [1, np.nan], [1, 2]), "must be finite"),
        (lambda: Series("", [1], [1], kind="dots"), "`kind` must be one of"),
        (lambda: panel(x_axis="log2"), "`x_axis` must be one of"),
        (lambda: panels_figure([]), "must not be empty"),
    ],
)
def test_sentences(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
