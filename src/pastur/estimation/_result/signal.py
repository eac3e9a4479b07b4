"""The spectrum of the signal S: point masses next to a known law."""

from dataclasses import dataclass, field

from pastur._typing import FloatArray
from pastur.estimation._kinds.masses import Masses
from pastur.estimation._result.locked import Locked
from pastur.estimation._result.schema import stored
from pastur.measures import ProbabilityMeasure


@dataclass(frozen=True, eq=False)
class Signal(Locked):
    """Point masses `weights` at `points`; the rest of the mass lies at 0, or follows `base`.

    Attributes
    ----------
    points, weights : array
        Points are in the units of the matrix: singular values or eigenvalues of S. Weights are at
        least 0 and add up to at most 1. Both are read-only.
    base : ProbabilityMeasure or None
        Law of the rest; None for a point mass at 0.
    """

    points: FloatArray = field(metadata=stored("Values of the signal."))
    weights: FloatArray = field(metadata=stored("Their masses; the rest is at 0."))
    base: ProbabilityMeasure | None = field(default=None, metadata=stored("Law of the rest."))

    @property
    def rest(self) -> float:
        """Mass at 0, or that follows `base`."""
        return float(1 - self.weights.sum())

    @property
    def measure(self) -> ProbabilityMeasure:
        """The whole, over plain values."""
        return Masses(self.points, self.weights, self.base).measure
