"""A model in the units of its matrix: eigenvalues, or singular values that are not squared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.models.edge_scale import EdgeScale

if TYPE_CHECKING:
    from pastur.models.spiked import SpikedModel


@dataclass(frozen=True)
class MatrixUnits(KeepsLocked):
    """What `model` predicts, with all values in the units of the matrix.

    Attributes
    ----------
    model : SpikedModel

    Examples
    --------
    >>> from pastur import Atoms, InformationPlusNoise
    >>> model = InformationPlusNoise(Atoms([0.0]), ratio=0.25)
    >>> model.law.support, model.in_matrix_units.support
    (array([[0.25, 2.25]]), array([[0.5, 1.5]]))
    """

    model: SpikedModel

    @cached_property
    def support(self) -> FloatArray:
        """Intervals of the law of W, ascending, shape (k, 2)."""
        return locked(self.model.to_matrix(self.model.law.support))

    @cached_property
    def signal_support(self) -> FloatArray:
        """Intervals of the law of S, ascending, shape (k, 2)."""
        return locked(self.model.to_matrix(self.model.signal.support))

    @cached_property
    def critical_spikes(self) -> FloatArray:
        """The spike at which an outlier leaves each edge, as ``support.ravel()``; NaN for none."""
        return locked(self.model.to_matrix(self.model.critical_spikes))

    def check_spikes(self, theta: FloatArray) -> None:
        """Refuse negative singular values, and what lies on the support of the signal's law."""
        if self.model.squared and (theta < 0).any():
            raise InvalidInputError(
                f"`spikes` are singular values here and must not be negative. Got {theta.min():g}."
            )
        on = theta[self.on_signal(theta)]
        if on.size:
            raise InvalidInputError(
                f"The spike {on[0]:g} lies on the support of the signal's law, so it belongs to "
                "the bulk and is not a spike."
            )

    def on_signal(self, theta: FloatArray) -> Any:
        """Return whether each value lies on the support of the signal's law, and is not a spike."""
        return self.model._on_signal(self.model.to_law(theta))

    def phi(self, theta: FloatArray) -> FloatArray:
        """Return Φ(θ): where the outliers of spikes are, up to the critical ones."""
        return self.model.to_matrix(self.model.phi(self.model.to_law(theta)))

    def outlier(self, theta: FloatArray) -> FloatArray:
        """Return where the value of each spike goes, subcritical ones included."""
        return self.model.to_matrix(self.model.outlier(self.model.to_law(theta)))

    def is_supercritical(self, theta: FloatArray) -> Any:
        """Return whether each spike makes an outlier."""
        return self.model.is_supercritical(self.model.to_law(theta))

    def overlaps(self, theta: FloatArray) -> tuple[FloatArray, ...]:
        """Return the overlaps of each spike, one array for each of ``model.overlap_names``."""
        found = self.model.overlap(self.model.to_law(theta))
        return found if isinstance(found, tuple) else (np.asarray(found),)

    def cdf(self, x: FloatArray) -> FloatArray:
        """Return the distribution function of the law of W."""
        return np.asarray(self.model.law.cdf(self.model.to_law(x)))

    def edge_scale(self, n: int) -> EdgeScale:
        """Return centring and scale of the extreme value at each edge, at size n."""
        centring, scale = self.model.edge_scale(n)
        if not self.model.squared:
            return EdgeScale(centring, scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(centring)
            return EdgeScale(locked(root), locked(np.asarray(scale / (2 * root))))
