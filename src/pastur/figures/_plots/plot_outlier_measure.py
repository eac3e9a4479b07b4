"""Theorem 2.1 on samples: the change (N/r)(μ − μ₀) of the spectrum, over the density of μ₁."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._checks import positive_integer, real_array
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray
from pastur.figures._plots.in_matrix_units import PlainModel
from pastur.figures._plots.ink import GREY, OUTLIER, SIGNAL, ink
from pastur.figures._plots.plot_law import LEGEND, new_axes
from pastur.measures import Measure
from pastur.models import SpikedModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS, _INTERVAL_POINTS = 64, 400
_MARGIN = 0.06
_SAMPLE = "#8fa9e0"


def plot_outlier_measure(
    model: SpikedModel,
    ax: Axes | None = None,
    *,
    nu1: Measure,
    observed: ArrayLike | None = None,
    rank: int | None = None,
) -> Axes:
    """Draw the density of the signed measure μ₁ of Theorem 2.1, and what samples show of it.

    The curve is ρ_μ₁, negative inside the bulk, which loses what the outliers gain; it grows like
    an inverse square root at the edges, where it is cut off. Bars are (N/r)(μ − μ₀) of the samples,
    per unit of length, and dots are μ₁ on the same bins, which is exact, atoms and edges included.
    A rectangular model is shown in plain singular values.

    Parameters
    ----------
    model : DeformedWigner or InformationPlusNoise
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.
    nu1 : Measure
        ν₁, as in ``model.outlier_measure(nu1)``.
    observed : array_like, shape (N,) or (draws, N), optional
        All eigenvalues of W, of one matrix or of several.
    rank : int, optional
        r, the spikes of each of these matrices.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `observed` comes without `rank`, or an argument is of the wrong kind.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner, Uniform
    >>> model = DeformedWigner(Atoms([0.0]))
    >>> ax = plot_outlier_measure(model, nu1=Uniform(1.8, 3.0) - Atoms([0.0]))
    >>> ax.get_ylabel()
    'density of μ₁'
    """
    plain = PlainModel.of(model, ())
    mu1 = model.outlier_measure(nu1)
    values = None if observed is None else _values(observed, rank)
    ax = ax if ax is not None else new_axes()
    bins = _bins(plain, mu1, values)
    width = np.diff(bins)
    exact = np.diff(np.asarray(mu1.cdf(model.to_law(bins)))) / width
    heights = [exact]
    if values is not None and rank is not None:
        heights.append(_changes(model, values, rank, bins) / width)
        label = f"samples, N = {values.shape[1]}, r = {rank}, {_draws(len(values))}"
        ax.stairs(heights[1], bins, fill=True, color=_SAMPLE, alpha=0.8, label=label)
    ax.axhline(0, color=GREY, linewidth=0.8)
    for i, (low, high) in enumerate(_pieces(model, mu1)):
        x, y = _curve(model, mu1, low, high)
        inside = bool(((low >= plain.bands[:, 0]) & (high <= plain.bands[:, 1])).any())
        ax.plot(x, y, color=ink(), linewidth=1.6, label="ρ_μ₁" if i == 0 else None, zorder=3)
        if inside:
            ax.axvspan(low, high, color=SIGNAL, alpha=0.07, linewidth=0)
    middle = (bins[1:] + bins[:-1]) / 2
    style: dict[str, Any] = {"color": OUTLIER, "linestyle": "none", "marker": ".", "markersize": 4}
    ax.plot(middle, exact, label="μ₁ of each bin", zorder=4, **style)
    top = max(float(np.max(h)) for h in heights)
    bottom = min(float(np.min(h)) for h in heights)
    ax.set_ylim(1.1 * min(bottom, 0), 1.1 * max(top, 0))
    ax.set_xlim(bins[0], bins[-1])
    ax.set_xlabel(f"{plain.word} of W")
    ax.set_ylabel("density of μ₁")
    ax.legend(**LEGEND)
    return ax


def _values(observed: ArrayLike, rank: int | None) -> FloatArray:
    values = np.atleast_2d(real_array("observed", observed)).astype(np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InvalidInputError(
            "`observed` must hold all eigenvalues of a matrix, or one row for each of several. "
            f"Got shape {np.shape(observed)}."
        )
    if rank is None:
        raise InvalidInputError("`observed` needs `rank`, the number of spikes of each matrix.")
    positive_integer("rank", rank)
    return values


def _draws(number: int) -> str:
    return "1 draw" if number == 1 else f"mean of {number} draws"


def _bins(plain: PlainModel, mu1: Measure, values: FloatArray | None) -> FloatArray:
    ends = plain.model.to_matrix(mu1.support[[0, -1], [0, -1]])
    low, high = float(ends[0]), float(ends[1])
    if values is not None:
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    margin = _MARGIN * (high - low)
    low = max(low - margin, 0.0) if plain.model.squared else low - margin
    return np.linspace(low, high + margin, _BINS + 1)


def _changes(model: SpikedModel, values: FloatArray, rank: int, bins: FloatArray) -> FloatArray:
    """Return (N/r)(μ − μ₀) of each bin, the mean over the samples."""
    size = values.shape[1]
    found = np.histogram(values, bins)[0] / values.size
    limit = np.diff(np.asarray(model.law.cdf(model.to_law(bins))))
    return np.asarray(size / rank * (found - limit))


def _pieces(model: SpikedModel, mu1: Measure) -> FloatArray:
    """Return the intervals on which μ₁ has a density, in the units of the matrix."""
    support = mu1.support[mu1.support[:, 1] > mu1.support[:, 0]]
    edges = model.law.support.ravel()
    found = []
    # An image that touches the bulk is joined to it in the support.
    for low, high in support:
        inner = edges[(edges > low) & (edges < high)]
        ends = np.concatenate([[low], inner, [high]])
        found.append(np.column_stack([ends[:-1], ends[1:]]))
    return model.to_matrix(np.concatenate(found))


def _curve(
    model: SpikedModel, mu1: Measure, low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    """Return points of the density, crowded at the ends, where it may be infinite."""
    turn = (np.arange(_INTERVAL_POINTS) + 0.5) / _INTERVAL_POINTS
    x = low + (high - low) * np.sin(np.pi / 2 * turn) ** 2
    density = np.asarray(mu1.density(model.to_law(x)))
    return x, 2 * x * density if model.squared else density
