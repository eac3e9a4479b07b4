"""The Marchenko–Pastur law for any ratio, with its atom at 0 and its hard edge."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from pastur._arrays import locked
from pastur._checks import finite_number, positive_number
from pastur._errors import InvalidInputError
from pastur._numerics.series import log1p_tail
from pastur._typing import ComplexArray, FloatArray
from pastur.measures._contract.measure import ProbabilityMeasure
from pastur.measures._contract.scale import check_scale
from pastur.measures._laws.edge_arc import Edge

_SLACK = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class MarchenkoPastur(ProbabilityMeasure):
    """Law of the squared singular values of an n × m matrix of noise with entries of variance σ²/m.

    With c = n/m and a, b = σ²(1 ∓ √c)² the density is ``√((b − x)(x − a))/(2πcσ²x)`` on [a, b]; for
    c > 1 there is an atom of mass 1 − 1/c at 0; for c = 1 the density grows like 1/√x at the hard
    edge 0 and `density(0)` is infinite (Marchenko, Pastur 1967).

    Parameters
    ----------
    ratio : float, > 0
        c, rows over columns.
    sigma : float, > 0
        σ, standard deviation of an entry times √m.

    Examples
    --------
    >>> MarchenkoPastur(0.25, 1.0).support
    array([[0.25, 2.25]])
    >>> MarchenkoPastur(4.0, 1.0).atoms
    array([[0.  , 0.75]])
    """

    ratio: float
    sigma: float = 1.0

    def __post_init__(self) -> None:
        ratio = finite_number("ratio", self.ratio)
        if ratio <= 0:
            raise InvalidInputError(
                "the `ratio` of MarchenkoPastur is rows over columns and must be positive. "
                f"Got {ratio:g}."
            )
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "sigma", positive_number("sigma", self.sigma))
        check_scale("sigma", self.sigma, *self._scales)

    @property
    def _scales(self) -> tuple[float, float]:
        """The upper edge, and how far a spread of eigenvalues the law has."""
        reach = self.sigma * (1 + self.ratio**0.5)
        with np.errstate(over="ignore", under="ignore"):
            return float(np.square(reach)), float(np.square(self.sigma) * self.ratio**0.5)

    @property
    def _edges(self) -> tuple[float, float]:
        outer = 1 + np.sqrt(self.ratio)
        # 1 − √c = (1 − c)/(1 + √c) keeps its digits as c → 1.
        inner = (1 - self.ratio) / outer
        return float((self.sigma * inner) ** 2), float((self.sigma * outer) ** 2)

    @property
    def support(self) -> FloatArray:
        """The bulk, and before it the interval [0, 0] of the atom where c > 1."""
        bulk = np.array([self._edges])
        return locked(bulk if self.ratio <= 1 else np.concatenate([[[0.0, 0.0]], bulk]))

    @property
    def atoms(self) -> FloatArray:
        """The atom at 0 of mass 1 − 1/c where c > 1, else none."""
        if self.ratio <= 1:
            return locked(np.empty((0, 2)))
        return locked(np.array([[0.0, 1 - 1 / self.ratio]]))

    @property
    def _dual(self) -> MarchenkoPastur:
        """Law of the transposed matrix, whose ratio is below 1: it has the same bulk, no atom."""
        return MarchenkoPastur(1 / self.ratio, self.sigma * float(np.sqrt(self.ratio)))

    def _density(self, x: FloatArray) -> FloatArray:
        low, high = self._edges
        positive = (x > low) & (x < high)
        inside = np.where(positive, x, high)
        # One root for each end: a product of ends may leave the doubles.
        root = np.sqrt(high - inside) * np.sqrt(inside - low) / inside
        density = root / (2 * np.pi * self.ratio * self.sigma**2)
        return np.where((x == 0) & (low == 0), np.inf, density)

    def _root(self, z: ComplexArray) -> ComplexArray:
        low, high = self._edges
        return np.asarray(np.sqrt(z - low) * np.sqrt(z - high))

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        if self.ratio > 1:
            return -(1 - 1 / self.ratio) / z + self._dual._stieltjes(z) / self.ratio
        return -2 / (z - self.sigma**2 * (1 - self.ratio) + self._root(z))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        if self.ratio > 1:
            dual = self._dual._stieltjes_derivative(z)
            return (1 - 1 / self.ratio) / z / z + dual / self.ratio
        g = self._stieltjes(z)
        return -g * (1 + self.ratio * self.sigma**2 * g) / self._root(z)

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        if self.ratio > 1:
            with np.errstate(divide="ignore"):
                atom = (1 - 1 / self.ratio) * np.log(z)
            return atom + self._dual._log_potential(z) / self.ratio
        # z = σ²(1 + √c y)(1 + √c/y) maps |y| > 1 onto the plane without the bulk.
        root = np.sqrt(self.ratio)
        centred = z - self.sigma**2 * (1 + self.ratio)
        y = (centred + self._root(z)) / (2 * root * self.sigma**2)
        return np.asarray(np.log(self.sigma**2 * root * y) + self._bend(root / y))

    def _bend(self, u: ComplexArray) -> ComplexArray:
        """U − log(σ²√c y) as a function of u = √c/y, written so that c ≪ 1 cancels nothing."""
        weight = (1 - self.ratio) / self.ratio
        return u if weight == 0 else u - weight * log1p_tail(u)

    @property
    def _width(self) -> float:
        """That of the bulk."""
        return float(4 * self.sigma**2 * np.sqrt(self.ratio))

    @property
    def _arcs(self) -> tuple[Edge, Edge]:
        """The lower and the upper edge of the bulk."""
        ratio = min(self.ratio, 1 / self.ratio)
        root = float(np.sqrt(ratio))
        return Edge(-root, (1 - ratio) / (1 + root)), Edge(root, 1 + root)

    def _bulk(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the shares of the bulk's mass below and above each x."""
        low, high = self._edges
        upper = x > (low + high) / 2
        share = np.clip(np.minimum(high - x, x - low) / self._width, 0.0, 0.5)
        mass = np.empty_like(share)
        for edge, those in zip(self._arcs, (~upper, upper), strict=True):
            mass[those] = edge.mass(share[those])
        # From the nearer edge, its digits kept.
        return np.abs(upper - mass), np.abs(~upper - mass)

    def _sf(self, x: FloatArray) -> FloatArray:
        above = self._bulk(x)[1] / max(self.ratio, 1.0)
        return above if self.ratio <= 1 else above + np.where(x < 0, 1 - 1 / self.ratio, 0.0)

    def _cdf(self, x: FloatArray) -> FloatArray:
        below = self._bulk(x)[0] / max(self.ratio, 1.0)
        return below if self.ratio <= 1 else below + np.where(x < 0, 0.0, 1 - 1 / self.ratio)

    def _quantile(self, q: FloatArray) -> FloatArray:
        low, high = self._edges
        # Beyond a ratio of 1 the bulk has the mass 1/c, above the atom's.
        above = (1 - q) * max(self.ratio, 1.0)
        below = q if self.ratio <= 1 else 1 - above
        lower = below < 0.5
        found = np.empty_like(above)
        for edge, those, mass in zip(self._arcs, (lower, ~lower), (below, above), strict=True):
            found[those] = edge.share(np.maximum(mass[those], 0.0))
        found *= self._width
        inside = np.where(lower, low + found, high - found)
        if self.ratio <= 1:
            return inside
        # A level that is the atom's mass to rounding is the atom's.
        return np.where(q - _SLACK > 1 - 1 / self.ratio, inside, 0.0)

    def _moment(self, k: int) -> float:
        narayana = (self.ratio**j * comb(k, j) * comb(k - 1, j) / (j + 1) for j in range(k))
        return float(sum(narayana)) * self.sigma ** (2 * k)
