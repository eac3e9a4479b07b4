"""The law of signal plus noise, with the signal's own law and the outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._typing import ArrayLike, FloatArray
from pastur.figures._plots.in_matrix_units import PlainModel
from pastur.figures._plots.ink import OUTLIER, SIGNAL, SUBCRITICAL, ink
from pastur.measures._contract.curve import density_curve
from pastur.models import SpikedModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# What the overlaps are called in a legend.
_SHOWN = {
    "overlap": "overlap",
    "overlap_left": "left overlap",
    "overlap_right": "right overlap",
}
_MOST_STEMS = 40
_BARS = 80
_CURVE_POINTS = 801


def plot_law(model: SpikedModel, ax: Axes | None = None, *, spikes: ArrayLike = ()) -> Axes:
    """Draw the limiting law of signal plus noise over the law of the signal.

    Densities belong to the left axis. Atoms of the signal, by their mass, and the outliers of
    `spikes`, by their overlap, stand on an axis of their own at the right, from 0 to 1. More than
    40 atoms are drawn as a histogram. A rectangular model is shown in plain singular values.

    Parameters
    ----------
    model : DeformedWigner or InformationPlusNoise
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.
    spikes : array_like, shape (r,), optional
        Spikes θ off the support of the signal's law: eigenvalues of S, or its plain singular
        values.

    Returns
    -------
    matplotlib.axes.Axes
        That of the densities.

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
    >>> ax = plot_law(DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8), spikes=[2.8])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('eigenvalue', 'density')
    """
    plain = PlainModel.of(model, spikes)
    ax = ax if ax is not None else new_axes()
    x, y = density_curve(model.law, squared=plain.model.squared, points=_CURVE_POINTS)
    ax.fill_between(x, y, facecolor=ink(0.12), linewidth=0)
    ax.plot(x, y, color=ink(), linewidth=1.8, label="law of W", zorder=3)
    highest, signal = float(np.nanmax(y)), _draw_signal(ax, plain)
    # What is much higher than the law, or infinite, is cut off.
    ax.set_ylim(0, 1.1 * max(highest, signal if signal < 4 * highest else 2 * highest))
    ax.set_xlim(*plain.span)
    handles, labels = ax.get_legend_handles_labels()
    shares = _draw_shares(ax, plain)
    ax.legend(handles + shares, labels + [share.get_label() for share in shares], **LEGEND)
    ax.set_xlabel(plain.word)
    ax.set_ylabel("density")
    return ax


# Above the axes, where it can hide nothing.
LEGEND: dict[str, Any] = {
    "frameon": False,
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "ncols": 3,
    "borderaxespad": 0.2,
    "fontsize": "small",
}


def new_axes() -> Axes:
    """Return the axes of a new figure."""
    import matplotlib.pyplot as plt

    axes: Axes = plt.subplots(layout="constrained")[1]
    return axes


def _draw_signal(ax: Axes, plain: PlainModel) -> float:
    """Draw the part of the signal's law that goes by density; return its greatest height."""
    x, y = density_curve(plain.model.signal, squared=plain.model.squared, points=_CURVE_POINTS)
    heights = [0.0]
    if x.size:
        ax.plot(x, y, color=SIGNAL, linewidth=1.4, linestyle=(0, (5, 1.5)), label="law of S")
        heights.append(float(np.nanmax(y)))
    atoms = plain.model.signal.atoms
    if len(atoms) > _MOST_STEMS:
        density, bins = np.histogram(plain.model.to_matrix(atoms[:, 0]), _BARS, weights=atoms[:, 1])
        density /= np.diff(bins)
        label = f"law of S, {len(atoms)} values"
        ax.stairs(density, bins, color=SIGNAL, fill=True, alpha=0.3, label=label)
        heights.append(float(density.max()))
    return max(heights)


def _draw_shares(ax: Axes, plain: PlainModel) -> list[Any]:
    """Draw what has a share and no density on an axis at the right; return it for the legend."""
    atoms = plain.model.signal.atoms
    stems = 0 < len(atoms) <= _MOST_STEMS
    if not stems and not plain.spikes.theta.size:
        return []
    right = ax.twinx()
    right.set_ylim(0, 1.1)
    right.set_yticks(np.linspace(0, 1, 6))
    drawn = []
    if stems:
        points = plain.model.to_matrix(atoms[:, 0])
        drawn.append(_stems(right, points, atoms[:, 1], SIGNAL, "s", "atoms of S, by mass"))
    if plain.spikes.theta.size:
        drawn += _draw_outliers(right, plain)
    words = ["mass of an atom"] * stems + ["overlap of an outlier"] * bool(plain.spikes.theta.size)
    right.set_ylabel(", ".join(words))
    return drawn


def _draw_outliers(right: Axes, plain: PlainModel) -> list[Any]:
    spikes, detached = plain.spikes, plain.spikes.detached
    drawn = []
    if detached.any():
        markers = ("o",) if len(spikes.overlaps) == 1 else ("<", ">")
        named = zip(markers, plain.model.overlap_names, spikes.overlaps, strict=True)
        for marker, name, height in named:
            label = f"outliers, by {_SHOWN[name]}"
            place = spikes.position[detached]
            drawn.append(_stems(right, place, height[detached], OUTLIER, marker, label))
    if not detached.all():
        label = "subcritical spikes: no outlier"
        there = spikes.position[~detached]
        line = _stems(right, there, np.zeros(there.size), SUBCRITICAL, "X", label)
        drawn.append(line)
    return drawn


def _stems(
    ax: Axes, x: FloatArray, height: FloatArray, colour: str, marker: str, label: str
) -> Any:
    ax.vlines(x, 0, height, color=colour, linewidth=1.4)
    style: dict[str, Any] = {"linestyle": "none", "clip_on": False, "zorder": 5}
    return ax.plot(x, height, marker=marker, color=colour, label=label, **style)[0]
