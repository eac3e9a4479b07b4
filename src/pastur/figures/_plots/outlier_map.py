"""Where a spike goes: the outlier map, its subcritical part included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._typing import ArrayLike, FloatArray
from pastur.figures._plots.in_matrix_units import PlainModel
from pastur.figures._plots.ink import GREY, OUTLIER, SIGNAL, SUBCRITICAL, ink
from pastur.figures._plots.plot_law import LEGEND, new_axes, plot_law
from pastur.models import SpikedModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_POINTS, _PIECE_POINTS = 2400, 120
# Distance kept from the signal's support, where the map is not defined, as a share of the picture.
_OFF = 1e-9


def plot_outlier_map(model: SpikedModel, ax: Axes | None = None, *, spikes: ArrayLike = ()) -> Axes:
    """Draw where the value of a spike θ goes, for every θ off the support of the signal's law.

    Solid where the spike makes an outlier, at Φ(θ); dashed where it is subcritical, its value at an
    edge or a quantile of the bulk. The support of the signal's law is shaded on the axis of θ, that
    of the law of W on the other. A rectangular model is shown in plain singular values.

    Parameters
    ----------
    model : DeformedWigner or InformationPlusNoise
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.
    spikes : array_like, shape (r,), optional
        Spikes θ to mark on the map, in the units of its axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidTypeError
        When `model` is not a model.
    InvalidInputError
        When a spike is negative in a rectangular model or lies on the support of the signal's law.

    Examples
    --------
    >>> from pastur.measures import Atoms
    >>> from pastur.models import DeformedWigner
    >>> ax = plot_outlier_map(DeformedWigner(Atoms([0.0])), spikes=[2.0, 0.5])
    >>> [text.get_text() for text in ax.get_legend().get_texts()][3:]
    ['outlier of a spike', 'subcritical: no outlier']
    """
    plain = PlainModel.of(model, spikes)
    ax = ax if ax is not None else new_axes()
    _shade(ax, plain)
    ax.axline((0, 0), slope=1, color=GREY, linewidth=1, linestyle=":", label="no noise")
    _draw_branches(ax, plain)
    _draw_spikes(ax, plain)
    ax.set_xlim(*plain.span)
    ax.set_xlabel(f"spike θ, {_article(plain.word)} of S")
    ax.set_ylabel(f"its {plain.word} of W")
    ax.legend(**LEGEND)
    return ax


def law_figure(model: SpikedModel, *, spikes: ArrayLike = ()) -> Figure:
    """Return a figure of the law (`plot_law`) above the outlier map (`plot_outlier_map`).

    Examples
    --------
    >>> from pastur.measures import Uniform
    >>> from pastur.models import DeformedWigner
    >>> figure = law_figure(DeformedWigner(Uniform(-1.0, 1.0), sigma=0.5), spikes=[2.0])
    >>> figure.savefig("law.svg")  # doctest: +SKIP
    """
    from matplotlib.figure import Figure

    # Not by pyplot, which would open a window where there is a screen.
    figure = Figure(figsize=(7.2, 8.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.2))
    plot_law(model, above, spikes=spikes)
    plot_outlier_map(model, below, spikes=spikes)
    return figure


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _shade(ax: Axes, plain: PlainModel) -> None:
    """Shade both supports; the frame of a band shows it where it is thinner than a line."""
    for bands, draw, colour, style, word in (
        (plain.signal_bands, ax.axvspan, SIGNAL, "--", "support of S"),
        (plain.bands, ax.axhspan, ink()[0], "-", "support of W"),
    ):
        look: dict[str, Any] = {
            "facecolor": (colour, 0.15),
            "edgecolor": (colour, 0.4),
            "linestyle": style,
        }
        for i, (low, high) in enumerate(bands):
            label = word if i == 0 else None
            draw(low, high, label=label, **look)


def _draw_branches(ax: Axes, plain: PlainModel) -> None:
    pieces = _pieces(plain)
    middle = pieces.mean(axis=1)
    detached = plain.units.is_supercritical(middle)
    free, level = pieces[detached], pieces[~detached]
    if len(free):
        count = max(5, min(_PIECE_POINTS, _MOST_POINTS // len(free)))
        theta = np.linspace(free[:, 0], free[:, 1], count, axis=1)
        _draw_rows(ax, theta, plain.units.phi(theta), OUTLIER, "-", "outlier of a spike")
    if len(level):
        places = np.column_stack([_subcritical_at(plain, level)] * 2)
        _draw_rows(ax, level, places, SUBCRITICAL, (0, (3, 2)), "subcritical: no outlier")


def _subcritical_at(plain: PlainModel, pieces: FloatArray) -> FloatArray:
    """Return where the spikes of each piece go: to one place, as no signal lies between its ends.

    It is the edge of the critical spike at which the piece ends, and only where it ends at none, in
    a gap that noise has closed, a quantile of the bulk.
    """
    places = np.full(len(pieces), np.nan)
    for end in pieces.T:
        at = np.minimum(np.searchsorted(plain.critical, end), plain.critical.size - 1)
        places = np.where(plain.critical[at] == end, plain.edges[at], places)
    closed = np.isnan(places)
    if closed.any():
        places[closed] = plain.units.outlier(pieces[closed].mean(axis=1))
    return places


def _draw_rows(ax: Axes, x: FloatArray, y: FloatArray, colour: str, style: Any, label: str) -> None:
    """Draw each row as a curve of its own, all of them as one line of the legend."""
    x, y = (np.column_stack([part, np.full(len(part), np.nan)]).ravel() for part in (x, y))
    ax.plot(x, y, color=colour, linestyle=style, linewidth=2.2, label=label)


def _pieces(plain: PlainModel) -> FloatArray:
    """Intervals of θ off the bands on each of which no spike is critical, shape (k, 2)."""
    low, high = plain.span
    off = _OFF * (high - low)
    starts = np.concatenate([[low], plain.signal_bands[:, 1] + off])
    stops = np.concatenate([plain.signal_bands[:, 0] - off, [high]])
    found = []
    for start, stop in zip(starts, stops, strict=True):
        between = plain.critical[(plain.critical > start) & (plain.critical < stop)]
        ends = np.concatenate([[start], between, [stop]])
        if stop > start:
            found.append(np.column_stack([ends[:-1], ends[1:]]))
    return np.concatenate(found)


def _draw_spikes(ax: Axes, plain: PlainModel) -> None:
    spikes = plain.spikes
    if not spikes.theta.size:
        return
    for chosen, colour, marker in (
        (spikes.detached, OUTLIER, "o"),
        (~spikes.detached, SUBCRITICAL, "X"),
    ):
        style: dict[str, Any] = {"linestyle": "none", "markersize": 8, "zorder": 5}
        there = spikes.position[chosen]
        ax.plot(spikes.theta[chosen], there, marker=marker, color=colour, **style)
