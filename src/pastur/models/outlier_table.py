"""Theorem 2.2 on one matrix: where each spike's eigenvalue is, and where two predictions put it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._checks import vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import Empirical
from pastur.models.predictions import levels
from pastur.models.signal_sequence import off_support
from pastur.models.spiked import SpikedModel


@dataclass(frozen=True, eq=False, repr=False)
class OutlierTable(KeepsLocked):
    """The spikes of one matrix, descending: λ_j(S), λ_j(W), and two predictions of λ_j(W).

    Attributes
    ----------
    model : SpikedModel
    size : int
        N, all eigenvalues (or singular values) of the matrix.
    spikes : ndarray, shape (r,)
        λ_j(S) off the support of the signal's law.
    observed : ndarray, shape (r,)
        λ_j(W), of the same j.
    limit : ndarray, shape (r,)
        Φ(λ_j(S)) of Theorem 2.2; where the spike is subcritical, the place it goes to instead.
    at_size : ndarray, shape (r,)
        The law at size N: the quantile of ν_N ⊞ semicircle at the level of j.
    detached : ndarray of bool, shape (r,)
        Whether the spike is supercritical, so that Theorem 2.2 holds for it.
    fluctuation : ndarray, shape (r,)
        Standard deviation of an isolated outlier at this size; NaN for subcritical spikes.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> from pastur.models import outlier_table
    >>> table = outlier_table(DeformedWigner(Atoms([0.0])), [2.6, 0.1, -0.1], signal=[2, 0, 0])
    >>> table.spikes, table.observed, table.limit
    (array([2.]), array([2.6]), array([2.5]))
    """

    model: SpikedModel
    size: int
    spikes: FloatArray
    observed: FloatArray
    limit: FloatArray
    at_size: FloatArray
    detached: Any
    fluctuation: FloatArray

    @property
    def limit_error(self) -> float:
        """Root mean square of λ_j(W) − Φ(λ_j(S))."""
        return float(np.sqrt(np.mean((self.observed - self.limit) ** 2)))

    @property
    def at_size_error(self) -> float:
        """Root mean square of λ_j(W) less its prediction by the law at size N."""
        return float(np.sqrt(np.mean((self.observed - self.at_size) ** 2)))

    def __repr__(self) -> str:
        return (
            f"OutlierTable({self.spikes.size} spikes at size {self.size}; root mean square error "
            f"of Φ(λ_j(S)) {self.limit_error:.3g}, of the law at this size "
            f"{self.at_size_error:.3g})"
        )


def outlier_table(model: SpikedModel, observed: ArrayLike, *, signal: ArrayLike) -> OutlierTable:
    """Compare the outliers of a matrix with Theorem 2.2 and with the law at its size.

    Parameters
    ----------
    model : DeformedWigner or InformationPlusNoise
        With the limit of the signal's law and the noise level.
    observed : array_like, shape (N,)
        All eigenvalues of W (singular values, not squared, for `InformationPlusNoise`), any order.
    signal : array_like, shape (N,)
        All eigenvalues (singular values) of S.

    Returns
    -------
    OutlierTable

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If their numbers differ, or no eigenvalue of S lies off the support of the signal's law.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner, Uniform, sample_goe
    >>> from pastur.models import SignalSequence
    >>> sequence = SignalSequence(Atoms([0.0]), Uniform(1.8, 3.0) - Atoms([0.0]))
    >>> signal = sequence.eigenvalues(400, 40)
    >>> W = np.diag(signal) + sample_goe(400, rng=1)
    >>> table = outlier_table(DeformedWigner(Atoms([0.0])), np.linalg.eigvalsh(W), signal=signal)
    >>> print(f"{table.limit_error:.2f} {table.at_size_error:.2f}")
    0.13 0.02
    """
    if not isinstance(model, SpikedModel):
        raise InvalidTypeError(
            "`model` must be a DeformedWigner or an InformationPlusNoise. "
            f"Got a {type(model).__name__}."
        )
    s, w = (
        np.sort(vector(name, values))[::-1]
        for name, values in (("signal", signal), ("observed", observed))
    )
    if s.size != w.size:
        raise InvalidInputError(
            f"`signal` and `observed` must be as many, all of the matrix. Got {s.size} and "
            f"{w.size}."
        )
    units = model.in_matrix_units
    chosen = off_support(s, units.signal_support)
    if not chosen.any():
        raise InvalidInputError(
            "`signal` has no value off the support of the signal's law, so there is no spike."
        )
    spikes = s[chosen]
    return OutlierTable(
        model=model,
        size=s.size,
        spikes=locked(spikes),
        observed=locked(w[chosen]),
        limit=locked(units.outlier(spikes)),
        at_size=locked(_at_size(model, s)[chosen]),
        detached=locked(np.asarray(units.is_supercritical(spikes))),
        fluctuation=locked(np.asarray(model.fluctuation(model.to_law(spikes), s.size))),
    )


def _at_size(model: SpikedModel, signal: FloatArray) -> FloatArray:
    """Return the quantiles of the law that the model gives for the whole spectrum of S."""
    whole = model.with_signal(Empirical(model.to_law(signal)))
    return model.to_matrix(whole.law.quantile(levels(signal.size)))
