"""Where the noise lies in the law of a signal of any rank plus noise, and what lies beyond."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import Ends, Kind
from pastur.estimation._kinds.noise_end import tracy_widom_upper_quantile
from pastur.measures import ProbabilityMeasure, TracyWidom
from pastur.models import SpikedModel


@dataclass(frozen=True, eq=False)
class NoiseIntervals:
    """The intervals of a fitted law in which the noise lies, as plain values.

    Attributes
    ----------
    ends, critical : array, shape (k, 2)
        Ends of the intervals, and the spike at which an outlier leaves each; infinite where no
        value can lie beyond.
    centring, scale : array, shape (k, 2)
        Of the Tracy–Widom law of the extreme value at each end, as distances outwards.
    """

    ends: FloatArray
    critical: FloatArray
    centring: FloatArray
    scale: FloatArray

    @property
    def sides(self) -> int:
        """Number of ends watched: the chance of each is alpha/sides."""
        return int(np.isfinite(self.ends).sum())

    def edges(self, alpha: float) -> FloatArray:
        """Return the ends with their margins: noise alone goes beyond any with chance alpha."""
        margin = self.scale * tracy_widom_upper_quantile(alpha / self.sides)
        return np.asarray(self.centring + np.array([-1.0, 1.0]) * margin)

    def detached(self, values: FloatArray, alpha: float) -> AnyArray:
        """Return the positions of the values beyond: the k-th surest of them at alpha/k."""
        found = self._beyond(values, alpha)
        p_values = self.p_values(values[found])
        order = np.argsort(p_values, kind="stable")
        doubtful = np.flatnonzero(p_values[order] * np.arange(1, found.size + 1) > alpha)
        count = int(doubtful[0]) if doubtful.size else found.size
        return np.sort(found[order[:count]])

    def limits(self, outliers: FloatArray, p_values: FloatArray, alpha: float) -> FloatArray:
        """Return how far from 0, on its side of all noise, each outlier had to lie to be detached.

        The k-th surest of them had to be as sure as alpha/k.
        """
        order = np.empty(p_values.size)
        order[np.argsort(p_values, kind="stable")] = np.arange(1, p_values.size + 1)
        margin = np.asarray(TracyWidom(1).upper_quantile(alpha / self.sides / order))
        upper = self.centring[-1, 1] + self.scale[-1, 1] * margin
        lower = self.centring[0, 0] - self.scale[0, 0] * margin
        return np.asarray(np.where(outliers > self.ends[-1, 1], upper, -lower))

    def _beyond(self, values: FloatArray, alpha: float) -> AnyArray:
        low, high = self.edges(alpha).T
        inside = (values[:, None] >= low) & (values[:, None] <= high)
        return np.flatnonzero(~inside.any(axis=1))

    def p_values(self, outliers: FloatArray) -> FloatArray:
        """Return the chance that noise alone goes as far, at the nearest end that was passed."""
        outwards = np.array([-1.0, 1.0])
        x = outliers[:, None, None]
        middle = np.where(np.isfinite(self.ends), self.ends, self.ends[:, ::-1]).mean(axis=1)
        passed = np.isfinite(self.ends) & (outwards * (x - middle[:, None]) > 0)
        with np.errstate(invalid="ignore"):
            reduced = np.where(passed, outwards * (x - self.centring) / self.scale, np.inf)
        nearest = reduced.min(axis=(1, 2))
        return np.asarray(np.minimum(self.sides * TracyWidom(1).sf(nearest), 1.0))


def noise_intervals(
    kind: Kind, model: SpikedModel, base: ProbabilityMeasure | None, size: int
) -> NoiseIntervals:
    """Return where the noise lies in a fitted law: around the image of 0, or of `base`."""
    scale = model.edge_scale(size)
    ends, critical = model.law.support, model.critical_spikes.reshape(-1, 2)
    regular = np.isfinite(scale.scale).reshape(-1, 2)
    centring = np.where(regular, scale.centring.reshape(-1, 2), ends)
    # An edge that is no square root is too rare to have a law here: the scale of noise alone.
    usual = float(np.ptp(ends)) / 4 * size ** (-2 / 3)
    width = np.where(regular, np.abs(scale.scale.reshape(-1, 2)), usual)
    return NoiseIntervals(*kind.noise_ends(Ends(ends, critical, centring, width), base))
