"""A whole model at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.analysis import Analysis, Finding, MatrixAnalysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_NAME = 48


def plot_analysis(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw one bar for each matrix, as long as its number of spikes, in the order of the file.

    The finding on a matrix (`MatrixAnalysis.kind`) shows in the colour and the marker at the end of
    its bar. Where spikes do not count, as no law of noise is claimed or it does not fit, the bar
    counts what stands out from the rest.

    Parameters
    ----------
    analysis : Analysis
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure, as tall as the matrices need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidTypeError
        When `analysis` is not the result of `analyze`.
    InvalidInputError
        When it holds no matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import pastur.analysis
    >>> noise = np.random.default_rng(0).normal(size=(80, 120))
    >>> ax = plot_analysis(pastur.analysis.analyze({"layer": noise}))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['layer']
    """
    if not isinstance(analysis, Analysis):
        raise InvalidTypeError(
            f"plot_analysis draws the result of `analyze`. Got a {type(analysis).__name__}."
        )
    matrices = analysis.matrices
    if not matrices:
        raise InvalidInputError(
            "The analysis holds no matrix to draw; `skipped` says why each tensor was left out."
        )
    ax = ax if ax is not None else _new_axes(len(matrices))
    lengths = [len(matrix.drawn.marked) for matrix in matrices]
    for kind in Finding:
        rows = [i for i, matrix in enumerate(matrices) if matrix.kind == kind]
        if not rows:
            continue
        counts = [lengths[i] for i in rows]
        ax.barh(rows, counts, height=0.62, facecolor=(kind.colour, 0.3), edgecolor=kind.colour)
        ax.plot(
            counts,
            rows,
            linestyle="none",
            marker=kind.marker,
            color=kind.colour,
            markerfacecolor=kind.colour if kind.filled else ax.get_facecolor(),
            label=f"{kind}, {len(rows)}",
            clip_on=False,
        )
    ax.set_yticks(range(len(matrices)), [name_label(matrix.name) for matrix in matrices])
    ax.set_ylim(len(matrices) - 0.4, -0.6)
    ax.set_xlim(left=0, right=max(1, *lengths) * 1.05)
    ax.set_xlabel(_counted(matrices))
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _counted(matrices: Sequence[MatrixAnalysis]) -> str:
    counted = {matrix.drawn.counted for matrix in matrices}
    words = {
        True: "spikes beyond the edge of the noise",
        False: "directions that stand out from the rest",
    }
    return ", or ".join(text for count, text in words.items() if count in counted)


def _new_axes(rows: int) -> Axes:
    import matplotlib.pyplot as plt

    size = (8.0, 1.4 + 0.24 * rows)
    axes: Axes = plt.subplots(figsize=size, layout="constrained")[1]
    return axes


def name_label(matrix: str) -> str:
    """Return the name of a matrix as a label."""
    # The end of a dotted name distinguishes layers. A dollar sign would start mathematics; a font
    # has no picture of what cannot be printed.
    name = "".join(letter if letter.isprintable() else "?" for letter in matrix)
    short = name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]
    return short.replace("$", r"\$")
