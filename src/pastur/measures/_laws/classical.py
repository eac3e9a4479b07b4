"""The semicircle and uniform laws, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from pastur._arrays import locked
from pastur._checks import finite_number, positive_number
from pastur._errors import InvalidInputError
from pastur._numerics.series import log1p_tail
from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.measures._contract.measure import Measure, ProbabilityMeasure
from pastur.measures._contract.scale import check_scale
from pastur.measures._laws.edge_arc import Edge

# Either of the semicircle.
_EDGE = Edge(0.0, 1.0)


@dataclass(frozen=True)
class Semicircle(ProbabilityMeasure):
    """Wigner's semicircle law: density ``√(4σ² − (x − a)²)/(2πσ²)`` on [a − 2σ, a + 2σ], (1.7).

    Parameters
    ----------
    sigma : float, > 0
        Standard deviation σ of the law: that of √N times an off-diagonal entry.
    center : float
        The mean a.

    Examples
    --------
    >>> Semicircle(1.0).support
    array([[-2.,  2.]])
    >>> round(float(Semicircle(1.0).stieltjes(2.5)), 12)
    -0.5
    """

    sigma: float
    center: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", positive_number("sigma", self.sigma))
        object.__setattr__(self, "center", finite_number("center", self.center))
        check_scale("sigma", self.sigma, max(self.sigma, abs(self.center)), least=self.sigma)

    @property
    def support(self) -> FloatArray:
        """The interval [a − 2σ, a + 2σ], shape (1, 2)."""
        return locked(np.array([[self.center - 2 * self.sigma, self.center + 2 * self.sigma]]))

    def _density(self, x: FloatArray) -> FloatArray:
        t = (x - self.center) / (2 * self.sigma)
        return np.sqrt(np.maximum((1 - t) * (1 + t), 0)) / (np.pi * self.sigma)

    def _root(self, z: ComplexArray) -> ComplexArray:
        x = z - self.center
        return np.asarray(np.sqrt(x - 2 * self.sigma) * np.sqrt(x + 2 * self.sigma))

    def _omega(self, z: ComplexArray) -> ComplexArray:
        """ω = z + σ²g for the centred law: the root of ω + σ²/ω = z with |ω| ≥ σ."""
        return (z - self.center + self._root(z)) / 2

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return -1 / self._omega(z)

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return -self._stieltjes(z) / self._root(z)

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        omega = self._omega(z)
        return np.log(omega) + (self.sigma / omega) ** 2 / 2

    def _beyond(self, x: FloatArray) -> FloatArray:
        """Return the mass between each x and infinity on its side of the mean."""
        low, high = self.support[0]
        share = np.minimum(high - x, x - low) / (4 * self.sigma)
        return _EDGE.mass(np.clip(share, 0.0, 0.5))

    def _sf(self, x: FloatArray) -> FloatArray:
        # From the nearer edge, its digits kept: 1 less it on the other side of the mean.
        return np.asarray(np.abs((x <= self.center) - self._beyond(x)))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(np.abs((x > self.center) - self._beyond(x)))

    def _quantile(self, q: FloatArray) -> FloatArray:
        low, high = self.support[0]
        within = 4 * self.sigma * _EDGE.share(np.minimum(q, 1 - q))
        return np.asarray(np.where(q < 0.5, low + within, high - within))

    def _moment(self, k: int) -> float:
        terms = (
            comb(k, 2 * j)
            * self.center ** (k - 2 * j)
            * comb(2 * j, j)
            / (j + 1)
            * self.sigma ** (2 * j)
            for j in range(k // 2 + 1)
        )
        return float(sum(terms))

    def _affine(self, a: float, b: float) -> Measure:
        return Semicircle(abs(a) * self.sigma, a * self.center + b)


@dataclass(frozen=True)
class Uniform(ProbabilityMeasure):
    """Uniform law on [low, high].

    Examples
    --------
    >>> float(Uniform(-1.0, 3.0).quantile(0.25))
    0.0
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", finite_number("low", self.low))
        object.__setattr__(self, "high", finite_number("high", self.high))
        if not self.low < self.high:
            raise InvalidInputError(
                f"`low` must be below `high`. Got low={self.low:g}, high={self.high:g}."
            )

    @property
    def support(self) -> FloatArray:
        """The interval [low, high], shape (1, 2)."""
        return locked(np.array([[self.low, self.high]]))

    @property
    def _length(self) -> float:
        return self.high - self.low

    def _density(self, x: FloatArray) -> FloatArray:
        return np.where((x >= self.low) & (x <= self.high), 1 / self._length, 0.0)

    def _from_afar(self, z: ComplexArray) -> tuple[AnyArray, ComplexArray, ComplexArray]:
        """Where |z − m| > length, m the middle; z − m; u = (length/2)/(z − m), 0 elsewhere.

        The closed forms are differences of nearly equal terms there; with 1 ± u they are not.
        """
        middle = z - (self.low + self.high) / 2
        far = np.abs(middle) > self._length
        return far, middle, np.asarray(self._length / 2 / np.where(far, middle, np.inf))

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        far, _, u = self._from_afar(z)
        distant = log1p_tail(-u) - log1p_tail(u) - 2 * u
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.log((z - self.high) / (z - self.low))
        return np.asarray(np.where(far, distant, near) / self._length)

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return 1 / (z - self.low) / (z - self.high)

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        far, middle, u = self._from_afar(z)
        half = np.where(far, u, 0.5)
        bend = ((1 + half) * log1p_tail(half) - (1 - half) * log1p_tail(-half)) / (2 * half)
        low, high = z - self.low, z - self.high
        near = (_x_log_x(low) - _x_log_x(high)) / self._length - 1
        return np.where(far, np.log(np.where(far, middle, 1)) + bend, near)

    def _sf(self, x: FloatArray) -> FloatArray:
        return np.clip((self.high - x) / self._length, 0.0, 1.0)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.clip((x - self.low) / self._length, 0.0, 1.0)

    def _quantile(self, q: FloatArray) -> FloatArray:
        return self.low + q * self._length

    def _moment(self, k: int) -> float:
        powers = (self.low**j * self.high ** (k - j) for j in range(k + 1))
        return float(sum(powers)) / (k + 1)

    def _affine(self, a: float, b: float) -> Measure:
        ends = sorted((a * self.low + b, a * self.high + b))
        return Uniform(ends[0], ends[1])


def _x_log_x(z: ComplexArray) -> ComplexArray:
    return np.where(z == 0, 0, z * np.log(np.where(z == 0, 1, z)))
