"""Strength and overlaps of a direction from the transform of everything else, with their errors.

No law is assumed of the rest, only that the direction is in general position to it: then linear and
quadratic forms of its vectors have the means and variances that the other values give.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray


class Rest(NamedTuple):
    """What some values are read against: for each a row of `values`, of which those `present`."""

    values: FloatArray
    present: AnyArray


class Readings(NamedTuple):
    """Readings of some values, in arrays.

    `inverse` is 1/θ̂ with its standard deviation, and `slope` the rate at which it falls along the
    axis; `overlaps` are in the order of `Kind.overlap_names`, `overlap_deviations` the standard
    deviations of their logarithms.
    """

    readable: AnyArray
    inverse: FloatArray
    deviation: FloatArray
    slope: FloatArray
    overlaps: tuple[FloatArray, ...]
    overlap_deviations: tuple[FloatArray, ...]


@dataclass(frozen=True)
class _Pair:
    """Two quadratic forms of one random unit vector, one pair for each row, from sums of summands.

    Attributes
    ----------
    first, second : array
        Their means.
    squares, products, second_squares : array
        Means of the squares of the first, of the products, and of the squares of the second.
    count : array
        How many summands there are.
    """

    first: FloatArray
    second: FloatArray
    squares: FloatArray
    products: FloatArray
    second_squares: FloatArray
    count: FloatArray

    @classmethod
    def of(cls, sums: Iterable[FloatArray], count: FloatArray) -> "_Pair":
        """Return the pair of which these are the five sums, in this order."""
        first, second, squares, products, second_squares = (one / count for one in sums)
        return cls(first, second, squares, products, second_squares, count)

    @property
    def variance(self) -> FloatArray:
        """Of the first."""
        return self._spread(self.squares, self.first)

    def combined_variance(self, factor: FloatArray, second_factor: FloatArray) -> FloatArray:
        """Of both, times factors."""
        squares = factor**2 * self.squares + second_factor**2 * self.second_squares
        squares = squares + 2 * factor * second_factor * self.products
        return self._spread(squares, factor * self.first + second_factor * self.second)

    def _spread(self, squares: FloatArray, mean: FloatArray) -> FloatArray:
        # Equal summands have none, up to rounding.
        return np.asarray(2 / self.count * np.maximum(squares - mean**2, 0.0))


@np.errstate(all="ignore")
def read_singular_values(y: FloatArray, rest: Rest, empty: int) -> Readings:
    """Return the readings of singular values.

    Parameters
    ----------
    empty : int
        By how much the longer side of the matrix exceeds the shorter.

    Notes
    -----
    With the N other values s, M = N + `empty`, y the value itself:

        A = Σ y/(y² − s²)/N,   B = (Σ y/(y² − s²) + (M − N)/y)/M,
        1/θ̂ = √(AB),   Var 1/θ̂ = (B/A)Var a/4 + (A/B)Var b/4 + Var x,

    with Var a, Var b twice the variances of the summands over N and M, and
    Var x = Σ s²/(y² − s²)²/(NM); and with Q = √(AB), ′ = d/dy, the overlaps
    ``−√(A/B) Q²/Q′`` and ``−√(B/A) Q²/Q′`` (Benaych-Georges, Nadakuditi 2012), whose errors follow
    from the same forms to first order. With r = 1/(y² − s²) the summands of A and A′ are y r and
    r − 2y²r², so that all comes from sums of r^k and s²r^k.
    """
    s, row = rest.values, y[:, None]
    r = row - s
    r *= row + s
    np.divide(1, r, out=r)
    r[~rest.present] = 0.0
    r2, r3, r4, s2, s3, s4 = _power_sums(r, s)
    size = np.count_nonzero(rest.present, axis=1).astype(float)
    r1 = r.sum(axis=1)
    sums = (
        y * r1,
        r1 - 2 * y**2 * r2,
        y**2 * r2,
        y * r2 - 2 * y**3 * r3,
        r2 - 4 * y**2 * r3 + 4 * y**4 * r4,
    )
    # Those of the directions in which the matrix is 0.
    at_zero = (1 / y, -1 / y**2, 1 / y**2, -1 / y**3, 1 / y**4)
    short = _Pair.of(sums, size)
    with_zeros = (one + empty * other for one, other in zip(sums, at_zero, strict=True))
    longer = _Pair.of(with_zeros, size + empty)
    a, b, a1, b1 = short.first, longer.first, short.second, longer.second
    q = np.sqrt(a * b)
    q1 = (a1 * b + a * b1) / (2 * q)
    pairs = size * (size + empty)
    deviation = np.sqrt(b / a * short.variance / 4 + a / b * longer.variance / 4 + s2 / pairs)
    # A sum of squares, which cancel to rounding far from the rest.
    mixed = 4 * np.maximum(s2 / q**2 + 2 * y * s3 / (q * q1) + y**2 * s4 / q1**2, 0.0) / pairs
    k = q1 / (2 * q**2)

    def log_deviation(sign: int) -> FloatArray:
        by_short = sign / (2 * a) + np.sqrt(b / a) / q - (b1 / (2 * q) - k * b) / q1
        by_longer = -sign / (2 * b) + np.sqrt(a / b) / q - (a1 / (2 * q) - k * a) / q1
        of_short = short.combined_variance(by_short, -b / (2 * q * q1))
        of_longer = longer.combined_variance(by_longer, -a / (2 * q * q1))
        return np.asarray(np.sqrt(of_short + of_longer + mixed))

    overlaps = (-np.sqrt(a / b) * q**2 / q1, -np.sqrt(b / a) * q**2 / q1)
    deviations = (log_deviation(1), log_deviation(-1))
    readable = (a > 0) & (b > 0) & (q1 < 0) & np.isfinite(deviation) & np.isfinite(q / q1)
    return Readings(readable, q, deviation, -q1, overlaps, deviations)


def _power_sums(r: FloatArray, s: FloatArray) -> tuple[FloatArray, ...]:
    """Return Σr^k of each row for k = 2, 3, 4, then Σs²r^k."""
    powers, squares = [r * r], s**2
    powers += [powers[0] * r, powers[0] ** 2]
    plain = [one.sum(axis=1) for one in powers]
    return (*plain, *(np.einsum("ij,ij->i", one, squares) for one in powers))


@np.errstate(all="ignore")
def read_eigenvalues(y: FloatArray, rest: Rest) -> Readings:
    """Return the readings of eigenvalues of a symmetric matrix, those below 0 of −W.

    Notes
    -----
    With h = 1/(y − λ) over the N others, G and V the means of h and h²:
    ``1/θ̂ = G``, ``Var 1/θ̂ = 2(V − G²)/N``, the overlap is G²/V and its logarithm has the variance
    ``(2/N)(mean (2h/G − h²/V)² − 1)``.
    """
    gap = np.sign(y)[:, None] * (y[:, None] - rest.values)
    h = np.where(rest.present, 1 / gap, 0.0)
    size = np.count_nonzero(rest.present, axis=1).astype(float)
    squared = h * h
    sums = h, squared, squared, squared * h, squared * squared
    pair = _Pair.of((one.sum(axis=1) for one in sums), size)
    g, v, variance = pair.first, pair.second, pair.variance
    spread = pair.combined_variance(2 / g, -1 / v)
    readable = (g > 0) & np.isfinite(variance) & np.isfinite(g / v)
    return Readings(readable, g, np.sqrt(variance), v, (g**2 / v,), (np.sqrt(spread),))
