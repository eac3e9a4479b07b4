"""Point masses next to a known law, in the coordinate of the law: what the deconvolution holds."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.measures import Atoms, ProbabilityMeasure

# Points on a circle of half the distance to the axis: the series they cut is 2^−8 small.
_RING = 8


class Transforms(NamedTuple):
    """A Stieltjes transform and its first three derivatives."""

    value: ComplexArray
    first: ComplexArray
    second: ComplexArray
    third: ComplexArray


@dataclass(frozen=True, eq=False)
class Masses:
    """A `Signal` in the coordinate of the law: point masses, the rest at 0 or following `base`.

    Attributes
    ----------
    points, weights : array
        Points are squared singular values or eigenvalues. Weights are at least 0 and add up to at
        most 1.
    base : ProbabilityMeasure or None
        Law of the rest; None for a point mass at 0.
    """

    points: FloatArray
    weights: FloatArray
    base: ProbabilityMeasure | None = None

    @property
    def rest(self) -> float:
        """Mass at 0, or that follows `base`."""
        return float(1 - self.weights.sum())

    @property
    def measure(self) -> ProbabilityMeasure:
        """The whole."""
        if self.base is None:
            points, weights = np.append(self.points, 0.0), np.append(self.weights, self.rest)
            return Atoms(points[weights > 0], weights[weights > 0])
        if not self.points.size:
            return self.base
        share = float(self.weights.sum())
        atoms = Atoms(self.points, self.weights / share)
        whole: ProbabilityMeasure = (1 - share) * self.base + share * atoms
        return whole

    def without(self, point: float) -> "Masses":
        """Return the masses less the one nearest to `point`, which goes to the rest."""
        nearest = int(np.argmin(np.abs(self.points - point)))
        points, weights = np.delete(self.points, nearest), np.delete(self.weights, nearest)
        return Masses(points, weights, self.base)

    def transforms(self, w: ComplexArray) -> Transforms:
        """Return f = ∫dν(t)/(t − w) and its derivatives at w."""
        terms = list(Transforms(*(self.rest * term for term in base_transforms(self.base, w))))
        inverse = 1 / (self.points - w[:, None])
        powers = inverse
        for k, factor in enumerate((1.0, 1.0, 2.0, 6.0)):
            terms[k] = terms[k] + factor * (powers @ self.weights)
            powers = powers * inverse
        return Transforms(*terms)


def base_transforms(base: ProbabilityMeasure | None, w: ComplexArray) -> Transforms:
    """Return the transform of `base` and its derivatives, the higher ones by Cauchy's formula."""
    if base is None:
        return Transforms(-1 / w, 1 / w**2, -2 / w**3, 6 / w**4)
    ring = np.exp(2j * np.pi * np.arange(_RING) / _RING)
    radius = np.abs(w.imag)[:, None] / 2
    around = base.stieltjes_derivative(w[:, None] + radius * ring)
    second = (around / (radius * ring)).mean(axis=1)
    third = 2 * (around / (radius * ring) ** 2).mean(axis=1)
    return Transforms(base.stieltjes(w), base.stieltjes_derivative(w), second, third)
