"""What a model loses with noise or signal of its matrices changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._errors import InvalidTypeError
from pastur.analysis import NoiseTest
from pastur.figures._plots.ink import GREY, OUTLIER, SUBCRITICAL, ink
from pastur.figures._plots.plot_analysis import name_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# By what is changed: label, colour (None for that of the text), marker.
_CHANGES = (
    ("rest_removed", "rest removed", SUBCRITICAL, "s"),
    ("fresh_mean", "fresh rest", OUTLIER, "o"),
    ("signal_removed", "signal removed", None, "D"),
)
_DECADES = 1e-4


def plot_noise_test(test: NoiseTest, ax: Axes | None = None) -> Axes:
    """Draw the change of the loss, one row for each matrix.

    Without the rest, with a fresh one (the mean, and a small line for each draw), and without the
    signal; changes that are not finite are left out. The rest of a matrix is noise where its name
    is followed by a law; where that is "free", it is everything that does not stand out. The axis
    is logarithmic on both sides of 0, and linear near it.

    Parameters
    ----------
    test : NoiseTest
        See `pastur.torch.noise_test`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure, as tall as the matrices need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidTypeError
        When `test` is not a noise test.

    Examples
    --------
    >>> from pastur.analysis import MatrixNoiseTest, NoiseTest
    >>> one = MatrixNoiseTest("fc", (40, 60), "white", 2, 0.6, 1.0, 0.3, (0.1, 0.2), 1.2, ())
    >>> ax = plot_noise_test(NoiseTest(0.5, 0.5, 2, 0, (one,), {}, {}))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['rest removed', 'fresh rest', 'signal removed']
    """
    if not isinstance(test, NoiseTest):
        raise InvalidTypeError(
            f"plot_noise_test draws the result of `noise_test`. Got a {type(test).__name__}."
        )
    ax = ax if ax is not None else _new_axes(len(test.matrices))
    rows = np.arange(len(test.matrices))
    ax.axvline(0.0, color=GREY, linewidth=1)
    for row, matrix in enumerate(test.matrices):
        draws = [change for change in matrix.fresh if change is not None]
        ax.plot(draws, [row] * len(draws), linestyle="none", marker="|", color=OUTLIER, alpha=0.5)
    for name, label, colour, marker in _CHANGES:
        found = [getattr(matrix, name) for matrix in test.matrices]
        x = [np.nan if change is None else change for change in found]
        style: dict[str, Any] = {"linestyle": "none", "marker": marker, "color": colour or ink()}
        ax.plot(x, rows, label=label, zorder=3, **style)
    ax.set_xscale("symlog", linthresh=_linear(test))
    ax.set_yticks(rows, [f"{name_label(one.name)} ({one.noise})" for one in test.matrices])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("change of the loss")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _linear(test: NoiseTest) -> float:
    """Return up to where the axis is linear: a power of ten below all marks, but four at most."""
    found = [getattr(one, name) for one in test.matrices for name, *_ in _CHANGES]
    sizes = [abs(change) for change in found if change]
    if not sizes:
        return 1.0
    return float(10 ** np.floor(np.log10(max(min(sizes), _DECADES * max(sizes)))))


def _new_axes(rows: int) -> Axes:
    import matplotlib.pyplot as plt

    size = (8.0, 1.6 + 0.34 * rows)
    axes: Axes = plt.subplots(figsize=size, layout="constrained")[1]
    return axes
