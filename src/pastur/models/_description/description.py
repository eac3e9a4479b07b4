"""Everything that a model predicts for given spikes, as one frozen result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._checks import positive_integer, vector
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray
from pastur.models._description.matrix_units import MatrixUnits
from pastur.models._description.notebook import description_html
from pastur.models._description.squares import check_order

if TYPE_CHECKING:
    from pastur.models.spiked import SpikedModel

# Noise below this share of the signal is lost in the rounding of the signal.
_FINEST = 1e-9


@dataclass(frozen=True, eq=False)
class EdgeTable(KeepsLocked):
    """The edges of a law, two for each interval, ascending.

    Attributes
    ----------
    position : array
        Where each edge is.
    critical_spike : array
        The spike at which an outlier leaves it; NaN where none can.
    centring, scale : array
        The extreme value at the edge is about ``centring + scale·TW_β``. NaN without a size, and
        where there is no Tracy–Widom law at that size: the density does not vanish like a square
        root, or does so only closer to the edge than single values are apart.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> edges = DeformedWigner(Atoms([0.0])).describe([], size=100).edges
    >>> edges.position, edges.critical_spike
    (array([-2.,  2.]), array([-1.,  1.]))
    >>> edges.scale.round(4)
    array([-0.0464,  0.0464])
    """

    position: FloatArray
    critical_spike: FloatArray
    centring: FloatArray
    scale: FloatArray


@dataclass(frozen=True, eq=False)
class SpikeTable(KeepsLocked):
    """What becomes of spikes: one entry for each, in their order.

    Attributes
    ----------
    theta : array
        The spikes.
    detached : bool array
        Whether the spike makes an outlier; otherwise it is subcritical.
    position : array
        Where its value goes: the outlier, or a place in the bulk.
    level : array
        For a subcritical spike in a gap that noise has closed, the level whose quantile its value
        goes to; NaN for outliers, and for spikes whose value goes to an edge.
    overlaps : tuple of arrays
        Squared cosines between the vectors of outlier and spike, 0 for subcritical spikes: one
        array for each of the model's ``overlap_names``.
    fluctuation : array
        Standard deviation of the outlier; NaN without a size, and for subcritical spikes.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> spikes = DeformedWigner(Atoms([0.0])).describe([3.0, 0.5]).spikes
    >>> spikes.detached, spikes.position.round(3), spikes.overlaps[0].round(3)
    (array([ True, False]), array([3.333, 2.   ]), array([0.889, 0.   ]))
    """

    theta: FloatArray
    detached: Any
    position: FloatArray
    level: FloatArray
    overlaps: tuple[FloatArray, ...]
    fluctuation: FloatArray


@dataclass(frozen=True, eq=False)
class Description(KeepsLocked):
    """What a model predicts, in the units of the matrix: singular values are not squared.

    Attributes
    ----------
    model : SpikedModel
    size : int or None
        The number of rows for which the random part is given.
    intervals : array, shape (k, 2)
        The support of the law of W, ascending.
    masses : array, shape (k,)
        The mass of the law on each interval.
    edges : EdgeTable
        The ends of the intervals, in the order of ``intervals.ravel()``.
    spikes : SpikeTable
        What becomes of the spikes.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> found = DeformedWigner(Atoms([0.0])).describe([3.0, 0.5], size=100)
    >>> found.intervals, found.spikes.position.round(3)
    (array([[-2.,  2.]]), array([3.333, 2.   ]))
    """

    model: SpikedModel
    size: int | None
    intervals: FloatArray
    masses: FloatArray
    edges: EdgeTable
    spikes: SpikeTable

    def _repr_html_(self) -> str:
        return description_html(self)


def describe(model: SpikedModel, spikes: ArrayLike, size: int | None) -> Description:
    """Return all that the model predicts; see `SpikedModel.describe`."""
    n = None if size is None else positive_integer("size", size)
    units = model.in_matrix_units
    theta = np.array(vector("spikes", spikes)) if np.size(spikes) else np.empty(0)
    _check_scale(units, theta)
    units.check_spikes(theta)
    return Description(
        model=model,
        size=n,
        intervals=units.support,
        masses=_masses(model),
        edges=_edges(units, n),
        spikes=_spikes(units, theta, n),
    )


def _check_scale(units: MatrixUnits, spikes: FloatArray) -> None:
    """Refuse what floating point numbers cannot square, or cannot distinguish."""
    sigma, signal = units.model.sigma, float(np.abs(units.signal_support).max())
    check_order(sigma, signal, *np.abs(spikes))
    if sigma < _FINEST * signal:
        raise InvalidInputError(
            f"The noise, σ = {sigma:g}, is lost in the rounding of a signal as large as "
            f"{signal:g}. Subtract what all its values have in common, or take σ larger."
        )


def _masses(model: SpikedModel) -> FloatArray:
    """An interval of the law has the mass that the signal has between its critical spikes."""
    critical = model.critical_spikes
    # Below a lowest edge that no spike can pass there is no signal either.
    levels = np.where(np.isnan(critical), 0.0, model.signal.cdf(np.nan_to_num(critical)))
    return locked(np.diff(levels.reshape(-1, 2), axis=1)[:, 0])


def _edges(units: MatrixUnits, size: int | None) -> EdgeTable:
    position, critical = locked(units.support.ravel()), units.critical_spikes
    none = locked(np.full(position.shape, np.nan))
    if size is None:
        return EdgeTable(position, critical, none, none)
    good = _settled(units.model, size)
    columns = (locked(np.where(good, part, none)) for part in units.edge_scale(size))
    return EdgeTable(position, critical, *columns)


def _settled(model: SpikedModel, size: int) -> Any:
    """Whether the density looks like a square root on the scale of single eigenvalues already.

    The first correction to an edge, which real noise shows in its centring, must be below a third
    of the scale: there samples follow the Tracy–Widom law to a tenth in mean and deviation, at two
    thirds to a fifth.
    """
    centring, scale = model._edge_scale(size, 1)
    return np.abs(centring - model.law.support.ravel()) < np.abs(scale) / 3


def _spikes(units: MatrixUnits, theta: FloatArray, size: int | None) -> SpikeTable:
    model, there = units.model, units.model.to_law(theta)
    detached = np.asarray(model.is_supercritical(there))
    at_edge = np.isin(model.outlier(there), model.law.support)
    none = np.full(theta.shape, np.nan)
    return SpikeTable(
        theta=locked(theta),
        detached=locked(detached),
        position=locked(units.outlier(theta)),
        level=locked(np.where(detached | at_edge, none, model.signal.cdf(there))),
        overlaps=locked(tuple(np.array(part) for part in units.overlaps(theta))),
        fluctuation=locked(none if size is None else np.array(model.fluctuation(there, size))),
    )
