"""The edge of the noise with its Tracy–Widom margin, and which values lie beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind, Noise
from pastur.estimation._low_rank.edge_law import EdgeLaw, TracyWidomEdge

GAUSSIAN = TracyWidomEdge()


def edge_shift(kind: Kind, cumulant: float) -> float:
    """Return how far a fourth cumulant κ₄ of the entries moves the extreme value, over its scale.

    By ``κ₄/(2√(nm))`` of itself (the mean of Bai and Silverstein 2004, and of Lytova and Pastur
    2009 for symmetric matrices, of which n = m).
    """
    centring, scale = kind.noise.edge_scale(np.zeros(1))
    entries = kind.size * kind.side
    return float(centring[0] / scale[0] * cumulant / (2 * entries**0.5))


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of noise with σ = 1 after 0, 1, 2, … spikes, as long as half of the values are left.

    Attributes
    ----------
    centring, scale : array
        Of the Tracy–Widom law (β = 1) of the largest value left.
    edge : array
        After k spikes noise alone goes beyond it with chance alpha/(k + 1), both edges together
        where there are two.
    sides : int
        Number of edges watched: the chance of each is alpha/sides.
    law : EdgeLaw
        Of the reduced extreme value.
    """

    centring: FloatArray
    scale: FloatArray
    edge: FloatArray
    sides: int
    law: EdgeLaw = GAUSSIAN

    @property
    def most(self) -> int:
        """Most spikes that leave a bulk to compare with."""
        return self.edge.size - 1

    def count(self, distances: FloatArray, sigma: float) -> int:
        """Return how many of the descending `distances` lie beyond the edge, one after the other.

        The (k + 1)-th is tested against the edge of the noise that k spikes leave over, until the
        first one that stays within.
        """
        tested = distances[: self.most]
        within = np.flatnonzero(tested <= sigma * self.edge[: tested.size])
        return int(within[0]) if within.size else tested.size

    def p_values(self, outliers: FloatArray, sigma: float | FloatArray) -> FloatArray:
        """Return the chance that noise alone goes as far as each, those before it taken out.

        Parameters
        ----------
        sigma : float or array
            One for all, or that with which each is tested.
        """
        return np.minimum(self.sides * self.law.sf(self.reduced(outliers, sigma)), 1.0)

    def reduced(self, outliers: FloatArray, sigma: float | FloatArray) -> FloatArray:
        """Return outliers less the centring and over the scale, each with those before it out."""
        k = outliers.size
        return np.asarray((outliers / sigma - self.centring[:k]) / self.scale[:k])

    def overrun(self, distances: FloatArray, sigma: float) -> bool:
        """Whether even after the most spikes the next of the descending `distances` is beyond."""
        return bool(distances[self.most] > sigma * self.edge[-1])


@lru_cache(maxsize=16)
def noise_edges(noise: Noise, alpha: float, law: EdgeLaw = GAUSSIAN) -> Edges:
    """Return the edges of `noise`: ``centring + scale·q`` with q the quantile of `law`.

    After k spikes that at 1 − alpha/(k + 1): each further spike has to be as sure as all before it
    together, so that false ones stay rare however many there are.
    """
    # One value cannot tell a noise level: two are left at least.
    most = min(noise.size // 2, noise.size - 2)
    removed = np.arange(most + 1, dtype=np.float64)
    centring, scale = noise.edge_scale(removed)
    margin = law.upper_quantile(alpha / noise.sides / (removed + 1))
    return Edges(centring, scale, centring + scale * margin, noise.sides, law)
