"""A model as its pictures show it: in eigenvalues, or in singular values that are not squared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.models import Description, MatrixUnits, SpikedModel, SpikeTable

# Parts of a support nearer to each other than this share of the picture are one band.
_TOUCHING = 1 / 250
_MARGIN = 0.08


@dataclass(frozen=True, eq=False)
class PlainModel:
    """A model with spikes as its pictures show it, all values in the units of the matrix."""

    description: Description

    @classmethod
    def of(cls, model: SpikedModel, spikes: ArrayLike) -> PlainModel:
        """Check what a figure was given; `spikes` may be empty."""
        if not isinstance(model, SpikedModel):
            raise InvalidTypeError(
                "The model to draw is a DeformedWigner or an InformationPlusNoise. "
                f"Got a {type(model).__name__}."
            )
        theta = vector("spikes", spikes) if np.size(spikes) else np.empty(0)
        return cls(model.describe(np.sort(theta)[::-1]))

    @property
    def model(self) -> SpikedModel:
        """The model itself."""
        return self.description.model

    @cached_property
    def units(self) -> MatrixUnits:
        """The model in the units of the matrix."""
        return self.model.in_matrix_units

    @property
    def spikes(self) -> SpikeTable:
        """What becomes of the spikes, the largest first."""
        return self.description.spikes

    @property
    def word(self) -> str:
        """What the values are called."""
        return "singular value" if self.model.squared else "eigenvalue"

    @cached_property
    def critical(self) -> FloatArray:
        """The critical spikes that there are, ascending."""
        critical = self.description.edges.critical_spike
        return critical[np.isfinite(critical)]

    @cached_property
    def edges(self) -> FloatArray:
        """The edges of the law of W that a spike can pass, in the order of `critical`."""
        edges = self.description.edges
        return edges.position[np.isfinite(edges.critical_spike)]

    @cached_property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value in the picture, of W and of S, with a margin."""
        supports = (self.description.intervals, self.units.signal_support)
        values = [*(support.ravel() for support in supports), self.critical]
        shown = np.concatenate([*values, self.spikes.theta, self.spikes.position])
        margin = _MARGIN * (shown.max() - shown.min())
        low = shown.min() - margin
        return float(max(low, 0.0) if self.model.squared else low), float(shown.max() + margin)

    @cached_property
    def signal_bands(self) -> FloatArray:
        """The support of the signal's law, with what touches joined, shape (k, 2)."""
        return self._joined(self.units.signal_support)

    @cached_property
    def bands(self) -> FloatArray:
        """The support of the law of W, with what touches joined, shape (k, 2)."""
        return self._joined(self.description.intervals)

    def _joined(self, intervals: FloatArray) -> FloatArray:
        apart = intervals[1:, 0] - intervals[:-1, 1] > _TOUCHING * (self.span[1] - self.span[0])
        lows = intervals[np.concatenate([[True], apart]), 0]
        highs = intervals[np.concatenate([apart, [True]]), 1]
        return np.column_stack([lows, highs])
