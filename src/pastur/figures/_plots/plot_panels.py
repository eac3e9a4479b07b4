"""Panels of measured points with error bars and curves: what an experiment has to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._checks import one_of, vector
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray
from pastur.figures._plots.ink import GREY, OUTLIER, SIGNAL, SUBCRITICAL, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("points", "curve", "contrast")
AXES = ("linear", "log")
# Of values that are not negative: what hardly changes is not blown up.
_FROM_ZERO = "from zero"
_HEADROOM = 1.1

_COLOURS = (OUTLIER, SUBCRITICAL, SIGNAL, "#7b4aa8", "#8a6d00", GREY)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_COLUMNS = 3
# Letters of a label from which on no second one fits next to it.
_LONG_LABEL = 26
# Of an axis, that a label of four digits takes.
_LABEL_WIDTH = 0.12
_PANEL_INCHES = (4.6, 4.4)


@dataclass(frozen=True)
class Series:
    """One row of points with error bars, or a curve.

    Parameters
    ----------
    label : str
        For the legend; empty for none.
    x, y : array_like, shape (k,)
    error : array_like, shape (k,), optional
        Standard errors of y, drawn as bars of one of them each way.
    kind : {"points", "curve", "contrast"}
        "contrast" is for what should disagree: grey crosses on a dotted line.

    Examples
    --------
    >>> from pastur.figures import Series
    >>> Series("measured", [100, 400], [0.1, 0.05], error=[0.01, 0.005]).kind
    'points'
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    error: ArrayLike | None = None
    kind: str = "points"

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        for name in ("x", "y") if self.error is None else ("x", "y", "error"):
            object.__setattr__(self, name, vector(name, getattr(self, name)))
        sizes = {np.size(v) for v in (self.x, self.y, self.error) if v is not None}
        if len(sizes) > 1:
            raise InvalidInputError(
                f"`x`, `y` and `error` must have one length. Got {sorted(sizes)}."
            )


@dataclass(frozen=True)
class Panel:
    """One pair of axes: a title, labels, and the series on them.

    Parameters
    ----------
    title, x_label, y_label : str
    series : sequence of Series
    x_axis : {"linear", "log"}
    y_axis : {"linear", "log", "from zero"}

    Examples
    --------
    >>> from pastur.figures import Panel, Series, plot_panel
    >>> rows = [Series("measured", [100, 400], [0.1, 0.05], error=[0.01, 0.005])]
    >>> axes = plot_panel(Panel("Distance", "N", "distance", rows))
    >>> axes.get_xscale()
    'log'
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    x_axis: str = "log"
    y_axis: str = "log"

    def __post_init__(self) -> None:
        one_of("x_axis", self.x_axis, AXES)
        one_of("y_axis", self.y_axis, (*AXES, _FROM_ZERO))


def plot_panel(panel: Panel, ax: Axes | None = None) -> Axes:
    """Draw one panel: points with bars of one standard error, curves, contrasts.

    Parameters
    ----------
    panel : Panel
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> points = Series("error", [100, 400], [0.1, 0.05], error=[0.01, 0.004])
    >>> ax = plot_panel(Panel("Theorem 2.2", "N", "largest error", [points]))
    >>> ax.get_xscale(), ax.get_ylabel()
    ('log', 'largest error')
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=_PANEL_INCHES, layout="constrained").subplots()
    ax.set_xscale(panel.x_axis)
    ax.set_yscale("log" if panel.y_axis == "log" else "linear")
    number = 0
    for series in panel.series:
        number += series.kind == "points"
        _draw(ax, series, max(number - 1, 0))
    if panel.y_axis == _FROM_ZERO:
        ax.set_ylim(0, _HEADROOM * ax.dataLim.ymax)
    ax.set_title(panel.title, fontsize="medium")
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(True, which="major", color=ink(0.15), linewidth=0.6)
    ax.set_axisbelow(True)
    _label_sizes(ax, panel)
    longest = max((len(series.label) for series in panel.series), default=0)
    if longest:
        # Below the axes, where it hides no point.
        ax.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
            ncols=1 if longest > _LONG_LABEL else 2,
            fontsize="small",
            frameon=False,
        )
    return ax


def panels_figure(panels: Sequence[Panel], *, title: str = "") -> Figure:
    """Return a figure of panels, three to a row.

    Examples
    --------
    >>> points = Series("", [1.0, 2.0], [1.0, 4.0])
    >>> figure = panels_figure([Panel("squares", "x", "y", [points])], title="one")
    >>> len(figure.axes)
    1
    """
    from matplotlib.figure import Figure

    if not panels:
        raise InvalidInputError("`panels` must not be empty: there is nothing to draw.")
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    width, height = _PANEL_INCHES
    # Not by pyplot, which would open a window where there is a screen.
    figure = Figure(figsize=(width * columns, height * rows + 0.5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        plot_panel(panel, ax)
    for ax in axes[len(panels) :]:
        ax.remove()
    if title:
        figure.suptitle(title, fontsize="large")
    return figure


def _draw(ax: Axes, series: Series, number: int) -> None:
    x, y = np.asarray(series.x), np.asarray(series.y)
    if series.kind == "curve":
        ax.plot(x, y, color=ink(), linewidth=1.4, label=series.label or None, zorder=1.5)
        return
    if series.kind == "contrast":
        style: dict[str, Any] = {"color": GREY, "marker": "x", "linestyle": ":"}
    else:
        style = {"color": _COLOURS[number % 6], "marker": _MARKERS[number % 6]}
        style["linestyle"] = "none"
    error = None if series.error is None else np.asarray(series.error)
    style |= {"markersize": 5, "linewidth": 1.2, "capsize": 2.5}
    ax.errorbar(x, y, yerr=error, label=series.label or None, **style)


def _label_sizes(ax: Axes, panel: Panel) -> None:
    """Write the few sizes of a logarithmic axis as they are, where powers of ten are too few."""
    if panel.x_axis != "log":
        return
    x: FloatArray = np.unique(np.concatenate([np.asarray(s.x) for s in panel.series]))
    if not 1 < len(x) <= 7 or x[0] <= 0 or x[-1] > 100 * x[0] or (x != np.round(x)).any():
        return
    from matplotlib.ticker import NullLocator

    ax.xaxis.set_minor_locator(NullLocator())
    labels: list[str] = []
    last = -np.inf
    for place in np.log(x / x[0]) / np.log(x[-1] / x[0]):
        wide = place - last > _LABEL_WIDTH
        labels.append(f"{x[len(labels)]:.0f}" if wide else "")
        last = place if wide else last
    ax.set_xticks(x, labels)
