"""Theorem 2.2 on one matrix: the outliers against Φ(λ_j(S)) and against the law at size N."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._typing import ArrayLike, FloatArray
from pastur.figures._plots.ink import GREY, OUTLIER, SIGNAL, SUBCRITICAL
from pastur.figures._plots.plot_law import LEGEND, new_axes
from pastur.figures._plots.plot_outlier_measure import plot_outlier_measure
from pastur.measures import Measure
from pastur.models import OutlierTable, SpikedModel, outlier_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_theorem_2_2(table: OutlierTable, ax: Axes | None = None) -> Axes:
    """Draw how far each outlier of a matrix is from two predictions of it.

    Over λ_j(W): the difference λ_j(W) − Φ(λ_j(S)), which tends to 0 by Theorem 2.2, and that from
    the law at size N, the quantile of ν_N ⊞ semicircle. The band is twice the standard deviation of
    an isolated outlier at this size. Subcritical spikes, for which the theorem does not hold, are
    compared with the edge or the quantile that they go to, and drawn as crosses.

    Parameters
    ----------
    table : OutlierTable
        From `pastur.models.outlier_table`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import Atoms, DeformedWigner, sample_goe
    >>> from pastur.models import outlier_table
    >>> signal = np.concatenate([np.linspace(1.8, 3.0, 20), np.zeros(380)])
    >>> seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(400, rng=1))
    >>> table = outlier_table(DeformedWigner(Atoms([0.0])), seen, signal=signal)
    >>> ax = plot_theorem_2_2(table)
    >>> ax.get_xlabel()
    'outlier λ_j(W)'
    """
    ax = ax if ax is not None else new_axes()
    ax.axhline(0, color=GREY, linewidth=0.8)
    _band(ax, table)
    limit = table.observed - table.limit
    name = f"Φ(λ_j(S)), root mean square {table.limit_error:.2g}"
    _points(ax, table.observed[table.detached], limit[table.detached], OUTLIER, "o", name)
    if not table.detached.all():
        there = ~table.detached
        _points(ax, table.observed[there], limit[there], SUBCRITICAL, "X", "subcritical spikes")
    name = f"law at N = {table.size}, root mean square {table.at_size_error:.2g}"
    _points(ax, table.observed, table.observed - table.at_size, SIGNAL, "^", name)
    ax.set_xlabel("outlier λ_j(W)")
    ax.set_ylabel("λ_j(W) less its prediction")
    ax.legend(**{**LEGEND, "ncols": 1})
    return ax


def theorem_figure(
    model: SpikedModel,
    *,
    nu1: Measure,
    signal: ArrayLike,
    observed: ArrayLike,
) -> Figure:
    """Return a figure of `plot_outlier_measure` above `plot_theorem_2_2`.

    Parameters
    ----------
    model, nu1
        As for `plot_outlier_measure`.
    signal : array_like, shape (N,)
        All eigenvalues of S.
    observed : array_like, shape (N,) or (draws, N)
        All eigenvalues of W, for as many draws of the noise as there are rows; the outliers below
        are those of the first.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import Atoms, DeformedWigner, Uniform, sample_goe
    >>> from pastur.models import SignalSequence
    >>> nu0, nu1 = Atoms([0.0]), Uniform(1.8, 3.0) - Atoms([0.0])
    >>> signal = SignalSequence(nu0, nu1).eigenvalues(100, 10)
    >>> seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(100, rng=1))
    >>> figure = theorem_figure(DeformedWigner(nu0), nu1=nu1, signal=signal, observed=seen)
    >>> len(figure.axes)
    2
    """
    from matplotlib.figure import Figure

    rows = np.atleast_2d(np.asarray(observed, dtype=np.float64))
    table = outlier_table(model, rows[0], signal=signal)
    # Not by pyplot, which would open a window where there is a screen.
    figure = Figure(figsize=(7.2, 8.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1.2, 1))
    plot_outlier_measure(model, above, nu1=nu1, observed=rows, rank=table.spikes.size)
    plot_theorem_2_2(table, below)
    return figure


def _band(ax: Axes, table: OutlierTable) -> None:
    """Shade what a single outlier may be off by chance, in each gap of the bulk by itself."""
    bulk = table.model.in_matrix_units.support[:, 0]
    gap = np.searchsorted(bulk, table.limit)
    label: str | None = "two standard deviations of a single outlier"
    for number in np.unique(gap):
        chosen = table.detached & (gap == number)
        order = np.argsort(table.observed[chosen])
        x, reach = table.observed[chosen][order], 2 * table.fluctuation[chosen][order]
        ax.fill_between(x, -reach, reach, color=OUTLIER, alpha=0.1, linewidth=0, label=label)
        label = None


def _points(ax: Axes, x: FloatArray, y: FloatArray, colour: str, marker: str, label: str) -> None:
    style: dict[str, Any] = {"linestyle": "none", "markersize": 4.5, "alpha": 0.85}
    ax.plot(x, y, color=colour, marker=marker, label=label, **style)
