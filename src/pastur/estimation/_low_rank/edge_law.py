"""The law of the extreme value of noise: of Tracy and Widom, or of a sample of such values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from pastur._typing import FloatArray
from pastur.measures import TracyWidom

# Values measured in single precision differ by as much.
_LEAST_EXCESS = 1e-3


class EdgeLaw(Protocol):
    """Law of the extreme value of noise, less the centring and over the scale of Gaussian entries.

    Equal ones have equal hashes.
    """

    def __hash__(self) -> int: ...

    def sf(self, reduced: FloatArray) -> FloatArray:
        """Return the chance to go beyond each value."""

    def upper_quantile(self, chance: FloatArray) -> FloatArray:
        """Return what it goes beyond with each chance."""


@dataclass(frozen=True)
class TracyWidomEdge:
    """The Tracy–Widom law (β = 1), moved by `location`."""

    location: float = 0.0

    def sf(self, reduced: FloatArray) -> FloatArray:
        """Return the chance to go beyond each value."""
        return np.asarray(TracyWidom(1).sf(reduced - self.location), dtype=np.float64)

    def upper_quantile(self, chance: FloatArray) -> FloatArray:
        """Return what it goes beyond with each chance."""
        return np.asarray(self.location + TracyWidom(1).upper_quantile(chance), dtype=np.float64)


@dataclass(frozen=True)
class SampledEdge:
    """The law of one more value after a sample of n, whatever the law of them all is.

    It falls into each of the n + 1 gaps with the same chance. Beyond the √n largest, h in number,
    the law is taken to fall off exponentially, as that of Tracy and Widom nearly does and those of
    heavier entries do less fast: with e the mean by which these exceed the next, u, the chance of
    one more beyond x is ::

        (h + 1)/(n + 1) · (1 + (x − u)/(h e))^(−h),

    exactly, as the mean of h exponential values is Gamma-distributed.

    Attributes
    ----------
    sample : tuple of float
        Descending.
    """

    sample: tuple[float, ...]

    def sf(self, reduced: FloatArray) -> FloatArray:
        """Return the chance to go beyond each value."""
        count, start, excess = self._tail
        points, chances = self._gaps
        beyond = np.maximum(reduced - start, 0.0) / (count * excess)
        inside = np.interp(reduced, points, chances, left=1.0)
        return np.asarray(inside * (1 + beyond) ** -count)

    def upper_quantile(self, chance: FloatArray) -> FloatArray:
        """Return what it goes beyond with each chance; the least of the sample for larger ones."""
        count, _, excess = self._tail
        points, chances = self._gaps
        below = np.interp(-chance, -chances, points)
        ratio = np.minimum(chance / chances[-1], 1.0)
        return np.asarray(below + count * excess * (ratio ** (-1 / count) - 1))

    @cached_property
    def _tail(self) -> tuple[int, float, float]:
        """How many are in the tail, where it starts, and their mean beyond that."""
        count = round(len(self.sample) ** 0.5)
        start = self.sample[count]
        return count, start, max(float(np.mean(self.sample[:count])) - start, _LEAST_EXCESS)

    @cached_property
    def _gaps(self) -> tuple[FloatArray, FloatArray]:
        """The values up to the start of the tail, ascending, and the chance to go beyond each."""
        size, count = len(self.sample), self._tail[0]
        return np.array(self.sample[count:][::-1]), np.arange(size, count, -1.0) / (size + 1)
