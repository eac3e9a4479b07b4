"""What laws share whose density consists of polynomial pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._errors import InvalidInputError
from pastur._numerics.piecewise.pieces import Pieces
from pastur._numerics.piecewise.transforms import PieceTransforms
from pastur._numerics.quadrature import integrate_interval
from pastur._typing import ComplexArray, FloatArray
from pastur.measures._contract.measure import ProbabilityMeasure
from pastur.measures._contract.quantiles import quantile_by_pieces

# A density may miss mass 1 by this much, as one does whose far tails are cut off: it is rescaled.
MASS_TOLERANCE = 1e-6
# Nodes of the two rules of `integrate`, and how well they must agree.
_RULES = (20, 32)
_AGREEMENT = 1e-13


class PiecewiseLaw(ProbabilityMeasure):
    """A law without atoms whose density is exactly that of its pieces."""

    _pieces: Pieces

    def __repr__(self) -> str:
        low, high = self._pieces.low[0], self._pieces.high[-1]
        return f"{type(self).__name__}({self._pieces.low.size} pieces on [{low:g}, {high:g}])"

    @property
    def support(self) -> FloatArray:
        """Intervals of positive density, ascending, shape (k, 2); touching ones are joined."""
        starts = np.append(True, self._pieces.low[1:] > self._pieces.high[:-1])
        low, high = self._pieces.low[starts], self._pieces.high[np.append(starts[1:], True)]
        return locked(np.column_stack([low, high]))

    @cached_property
    def _transforms(self) -> PieceTransforms:
        return PieceTransforms(self._pieces)

    def _density(self, x: FloatArray) -> FloatArray:
        return self._pieces.density(x)

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return self._transforms.cauchy(z, (1,))[0]

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return self._transforms.cauchy(z, (2,))[0]

    def _stieltjes_pair(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        first, second = self._transforms.cauchy(z, (1, 2))
        return first, second

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return self._transforms.log(z)

    def _cdf(self, x: FloatArray) -> FloatArray:
        # Exactly 1 at the end, where adding up the pieces rounds.
        return np.where(x >= self._pieces.high[-1], 1.0, self._pieces.below_and_above(x)[0])

    def _sf(self, x: FloatArray) -> FloatArray:
        return np.where(x <= self._pieces.low[0], 1.0, self._pieces.below_and_above(x)[1])

    def _quantile(self, q: FloatArray) -> FloatArray:
        # On a piece the cdf is smooth, so that inverting it takes a few steps only.
        intervals = np.column_stack([self._pieces.low, self._pieces.high])
        found = quantile_by_pieces(intervals, self.atoms, self._cdf, self._sf, q)
        return np.where(q >= 1.0, self._pieces.high[-1], found)

    def _moment(self, k: int) -> float:
        return self._pieces.moment(k)

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        """Two Gauss rules with the density in their weights, or a search where they disagree."""
        (coarse, _), (fine, sizes) = (_applied(f, *self._pieces.rule(n)) for n in _RULES)
        low, high = self._pieces.low, self._pieces.high
        # Points are rounded at their own size, which f feels on the scale of the piece.
        rounding = np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high)) / (high - low)
        tolerance = (_AGREEMENT + 4 * rounding) * np.max(sum(sizes))
        for i, value in enumerate(fine):
            if not np.max(np.abs(value - coarse[i])) <= tolerance[i]:
                fine[i] = self._integrate_piece(f, self._pieces.alone(i))
        return sum(fine)

    @staticmethod
    def _integrate_piece(f: Callable[[Any], Any], piece: Pieces) -> Any:
        low, high = float(piece.low[0]), float(piece.high[0])
        return integrate_interval(lambda t: f(t) * float(piece.density(np.asarray(t))), low, high)


def _applied(
    f: Callable[[Any], Any], nodes: FloatArray, weights: FloatArray
) -> tuple[list[Any], list[Any]]:
    """Σ w f(t) and Σ |w f(t)| on each piece."""
    values, sizes = [], []
    for t, w in zip(nodes.tolist(), weights, strict=True):
        terms = [v * f(point) for point, v in zip(t, w, strict=True)]
        values.append(sum(terms))
        sizes.append(sum(np.abs(term) for term in terms))
    return values, sizes


def normalised(pieces: Pieces) -> Pieces:
    """Return the pieces with mass 1; refuse those that are not a probability density."""
    mass = float(pieces.masses.sum())
    if not abs(mass - 1) <= MASS_TOLERANCE:
        raise InvalidInputError(
            f"The density integrates to {mass:.9g} over its support, not to 1. Divide it by that, "
            "or extend the support if mass lies outside, or let it begin and end closer to a "
            "narrow peak. For another mass use factor * measure."
        )
    kept = pieces.scaled(1 / mass)
    locked(tuple(vars(kept).values()))
    return kept
