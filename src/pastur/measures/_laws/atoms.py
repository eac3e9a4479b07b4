"""Purely atomic laws: given points with weights, and the spectrum of one matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._checks import vector
from pastur._errors import InvalidInputError
from pastur._numerics.cauchy import AtomSums
from pastur._numerics.series import running_sum
from pastur._typing import ArrayLike, ComplexArray, FloatArray
from pastur.measures._contract.measure import Measure, ProbabilityMeasure


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Atoms(ProbabilityMeasure):
    """Probability measure ``Σ pᵢ δ(tᵢ)``.

    Parameters
    ----------
    points : array_like, shape (n,)
        The points tᵢ in any order; equal points are joined.
    weights : array_like, shape (n,), optional
        The masses pᵢ > 0, with sum 1. Default: 1/n each.

    Raises
    ------
    InvalidInputError
        If a weight is not positive, the weights do not add up to 1, or the lengths differ.

    Examples
    --------
    >>> float(Atoms([-1.5, 1.5]).stieltjes(3.0))
    -0.4444444444444444
    >>> Atoms([0.0, 4.0], [0.75, 0.25]).quantile([0.5, 0.9])
    array([0., 4.])
    """

    _points: FloatArray
    _weights: FloatArray

    def __init__(self, points: ArrayLike, weights: ArrayLike | None = None) -> None:
        t = vector("points", points)
        if weights is None:
            p = np.full(t.size, 1.0 / t.size)
        else:
            p = _checked_weights(vector("weights", weights), t.size)
        for name, array in zip(("_points", "_weights"), _joined(t, p), strict=True):
            object.__setattr__(self, name, locked(array))

    @property
    def support(self) -> FloatArray:
        """One interval of length 0 for each point."""
        return locked(np.column_stack([self._points, self._points]))

    @property
    def atoms(self) -> FloatArray:
        """Points and weights, ascending, shape (k, 2)."""
        return locked(np.column_stack([self._points, self._weights]))

    @cached_property
    def _sums(self) -> AtomSums:
        return AtomSums(self._points, self._weights)

    def __repr__(self) -> str:
        if self._points.size > 6:
            low, high = self._points[0], self._points[-1]
            return f"{type(self).__name__}({self._points.size} points on [{low:g}, {high:g}])"
        return f"{type(self).__name__}({self._points.tolist()}, {self._weights.tolist()})"

    def _density(self, x: FloatArray) -> FloatArray:
        return np.zeros(x.shape)

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._sums.cauchy(z, (1,))[0]

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return self._sums.cauchy(z, (2,))[0]

    def _stieltjes_pair(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        first, second = self._sums.cauchy(z, (1, 2))
        return first, second

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return self._sums.log(z)

    def _moment(self, k: int) -> float:
        return float(self._weights @ self._points**k)

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        return sum(p * f(t) for t, p in zip(self._points, self._weights, strict=True))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(_shares(self._weights)[np.searchsorted(self._points, x, side="right")])

    def _sf(self, x: FloatArray) -> FloatArray:
        tail = _shares(self._weights[::-1])[::-1]
        return np.asarray(tail[np.searchsorted(self._points, x, side="right")])

    def _quantile(self, q: FloatArray) -> FloatArray:
        # A level that equals a sum of weights belongs to the lower point, whatever the rounding.
        slack = 4 * np.finfo(float).eps
        index = np.searchsorted(_shares(self._weights)[1:], q - slack, side="left")
        return np.asarray(self._points[np.minimum(index, self._points.size - 1)])

    def _affine(self, a: float, b: float) -> Measure:
        return Atoms(a * self._points + b, self._weights)


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Empirical(Atoms):
    """Spectral law of one matrix: mass 1/n at each of its n eigenvalues, (1.3).

    Parameters
    ----------
    values : array_like, shape (n,)
        Eigenvalues (or squared singular values) in any order; repeated ones count repeatedly.

    Examples
    --------
    >>> Empirical([3.0, 1.0, 1.0]).atoms
    array([[1.        , 0.66666667],
           [3.        , 0.33333333]])
    """

    def __init__(self, values: ArrayLike) -> None:
        super().__init__(vector("values", values))


def _checked_weights(p: FloatArray, n: int) -> FloatArray:
    if p.size != n:
        raise InvalidInputError(f"`weights` must match `points`. Got {p.size} for {n} points.")
    if (p <= 0).any():
        raise InvalidInputError(
            f"`weights` must be positive. Got {p.min():g}. "
            "A signed measure is a difference: 2 * Atoms(...) - Atoms(...)."
        )
    if abs(p.sum() - 1) > 1e-9:
        raise InvalidInputError(f"`weights` must add up to 1. Got {p.sum():g}.")
    return np.asarray(p / p.sum())


def _joined(t: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    points, index = np.unique(t, return_inverse=True)
    return points, np.bincount(index, weights=p, minlength=points.size).astype(np.float64)


def _shares(weights: FloatArray) -> FloatArray:
    """Running sums of weights that add up to 1, the last one exactly so."""
    shares = running_sum(weights)
    shares[-1] = 1.0
    return shares
