"""The measures that a text can name, and what each takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pastur._errors import InvalidInputError
from pastur.measures._contract.measure import ProbabilityMeasure
from pastur.measures._laws.atoms import Atoms
from pastur.measures._laws.classical import Semicircle, Uniform
from pastur.measures._laws.density import Density, proportional_density
from pastur.measures._laws.marchenko_pastur import MarchenkoPastur


class Word(NamedTuple):
    """A measure by name: its arguments in words, how many it takes, and what makes it."""

    arguments: str
    least: int
    most: float
    make: Callable[..., ProbabilityMeasure]


def _arcsine(low: float, high: float) -> Density:
    Uniform(low, high)  # Checks the ends.
    return proportional_density(lambda t: 1 / np.sqrt((t - low) * (high - t)), (low, high))


def _triangle(low: float, peak: float, high: float) -> Density:
    if not low <= peak <= high:
        raise InvalidInputError(f"The peak {peak:g} must lie between {low:g} and {high:g}.")
    Uniform(low, high)
    ends = [low, peak, high] if low < peak < high else [low, high]

    def rise(t: float) -> float:
        return (t - low) / (peak - low) if t < peak else (high - t) / (high - peak)

    return proportional_density(rise, list(pairwise(ends)))


def _normal(mean: float, sd: float, low: float, high: float) -> Density:
    if not sd > 0:
        raise InvalidInputError(f"The standard deviation must be positive. Got {sd:g}.")
    return proportional_density(lambda t: np.exp(-(((t - mean) / sd) ** 2) / 2), (low, high))


WORDS = {
    "atom": Word("t", 1, 1, lambda t: Atoms([t])),
    "atoms": Word("t1, t2, …", 1, np.inf, lambda *points: Atoms(points)),
    "uniform": Word("low, high", 2, 2, Uniform),
    "semicircle": Word("sigma[, center]", 1, 2, Semicircle),
    "marchenko_pastur": Word("ratio[, sigma]", 1, 2, MarchenkoPastur),
    "arcsine": Word("low, high", 2, 2, _arcsine),
    "triangle": Word("low, peak, high", 3, 3, _triangle),
    "normal": Word("mean, sd, low, high", 4, 4, _normal),
}
# Its first argument is a formula.
DENSITY = "density"
DENSITY_ARGUMENTS = "formula in t, low, high"
