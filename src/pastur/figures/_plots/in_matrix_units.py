"""A model as its pictures show it: in eigenvalues, or in singular values that are not squared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.models import DeformedWigner, InformationPlusNoise

Model = DeformedWigner | InformationPlusNoise

# Parts of a support nearer to each other than this share of the picture are one band.
_TOUCHING = 1 / 250
_MARGIN = 0.08


@dataclass(frozen=True, eq=False)
class PlainModel:
    """A model and spikes, all values in the units of the matrix."""

    model: Model
    spikes: FloatArray

    @classmethod
    def of(cls, model: Model, spikes: ArrayLike) -> PlainModel:
        """Check what a figure was given; `spikes` may be empty."""
        if not isinstance(model, (DeformedWigner, InformationPlusNoise)):
            raise InvalidTypeError(
                "The model to draw is a DeformedWigner or an InformationPlusNoise. "
                f"Got a {type(model).__name__}."
            )
        theta = vector("spikes", spikes) if np.size(spikes) else np.empty(0)
        if isinstance(model, InformationPlusNoise) and (theta < 0).any():
            raise InvalidInputError(
                f"`spikes` are singular values here and must not be negative. Got {theta.min():g}."
            )
        return cls(model, np.sort(theta)[::-1])

    @property
    def squared(self) -> bool:
        """Whether the model itself lives on squared singular values."""
        return isinstance(self.model, InformationPlusNoise)

    @property
    def word(self) -> str:
        """What the values are called."""
        return "singular value" if self.squared else "eigenvalue"

    @property
    def signal(self) -> ProbabilityMeasure:
        """The law of the signal, in the units of the model."""
        return self.model.h if isinstance(self.model, InformationPlusNoise) else self.model.nu0

    def seen(self, values: Any) -> FloatArray:
        """Return values of the model in the units of the matrix."""
        array = np.asarray(values, dtype=np.float64)
        return np.sqrt(np.maximum(array, 0.0)) if self.squared else array

    def stored(self, values: FloatArray) -> FloatArray:
        """Return values of the matrix in the units of the model."""
        return values**2 if self.squared else values

    @cached_property
    def support(self) -> FloatArray:
        """Intervals of the law of W, shape (k, 2)."""
        return self.seen(self.model.law.support)

    @cached_property
    def critical(self) -> FloatArray:
        """The critical spikes that there are, ascending."""
        critical = self.model.critical_spikes
        return self.seen(critical[np.isfinite(critical)])

    @cached_property
    def edges(self) -> FloatArray:
        """The edges of the law of W that a spike can pass, in the order of `critical`."""
        return self.support.ravel()[np.isfinite(self.model.critical_spikes)]

    def phi(self, theta: FloatArray) -> FloatArray:
        """Return Φ(θ): where the outliers of spikes are, up to the critical ones."""
        return self.seen(self.model.phi(self.stored(theta)))

    def outliers(self, theta: FloatArray) -> FloatArray:
        """Return where the value of each spike goes, subcritical ones included."""
        return self.seen(self.model.outlier(self.stored(theta)))

    def detached(self, theta: FloatArray) -> Any:
        """Whether each spike makes an outlier."""
        return self.model.is_supercritical(self.stored(theta))

    def overlaps(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Return the overlaps of each spike: one, or those of left and right singular vectors."""
        found = self.model.overlap(self.stored(theta))
        if isinstance(found, tuple):
            return dict(zip(("left overlap", "right overlap"), found, strict=True))
        return {"overlap": found}

    @cached_property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value in the picture, of W and of S, with a margin."""
        values = [self.support.ravel(), self.seen(self.signal.support).ravel(), self.critical]
        shown = np.concatenate([*values, self.spikes, self.outliers(self.spikes)])
        margin = _MARGIN * (shown.max() - shown.min())
        low = shown.min() - margin
        return float(max(low, 0.0) if self.squared else low), float(shown.max() + margin)

    @cached_property
    def signal_bands(self) -> FloatArray:
        """The support of the signal's law, with what touches joined, shape (k, 2)."""
        return self._joined(self.seen(self.signal.support))

    @cached_property
    def bands(self) -> FloatArray:
        """The support of the law of W, with what touches joined, shape (k, 2)."""
        return self._joined(self.support)

    def _joined(self, intervals: FloatArray) -> FloatArray:
        apart = intervals[1:, 0] - intervals[:-1, 1] > _TOUCHING * (self.span[1] - self.span[0])
        lows = intervals[np.concatenate([[True], apart]), 0]
        highs = intervals[np.concatenate([apart, [True]]), 1]
        return np.column_stack([lows, highs])
