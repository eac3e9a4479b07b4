"""Strength and overlaps of a direction from the transform of everything else, with their errors.

No law is assumed of the rest, only that the direction is in general position to it: then linear and
quadratic forms of its vectors have the means and variances that the other values give.
"""

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
class _Form:
    """Quadratic forms of random unit vectors, one for each row: means of summands over `count`.

    `alike` is the summand of the `count` − N directions in which the matrix is 0.
    """

    summands: FloatArray
    alike: FloatArray
    empty: int
    count: FloatArray

    @property
    def mean(self) -> FloatArray:
        return np.asarray((self.summands.sum(axis=1) + self.empty * self.alike) / self.count)

    @property
    def variance(self) -> FloatArray:
        squares = (self.summands**2).sum(axis=1) + self.empty * self.alike**2
        # Equal summands have none, up to rounding.
        return np.asarray(2 / self.count * np.maximum(squares / self.count - self.mean**2, 0.0))

    def combined(self, factor: FloatArray, other: "_Form", other_factor: FloatArray) -> "_Form":
        """Return the form with the summands of both, times factors."""
        summands = factor[:, None] * self.summands + other_factor[:, None] * other.summands
        alike = factor * self.alike + other_factor * other.alike
        return _Form(summands, alike, self.empty, self.count)


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
    from the same forms to first order.
    """
    s, row = rest.values, y[:, None]
    gap = np.where(rest.present, (row - s) * (row + s), np.inf)
    squared = gap**2
    f, f1 = row / gap, -(row**2 + s**2) / squared
    g, g1 = s / gap, -2 * row * s / squared
    size = np.count_nonzero(rest.present, axis=1).astype(float)
    short, short1 = (_Form(x, 0 * y, 0, size) for x in (f, f1))
    longer, longer1 = (
        _Form(x, at_zero, empty, size + empty) for x, at_zero in ((f, 1 / y), (f1, -1 / y**2))
    )
    a, b, a1, b1 = short.mean, longer.mean, short1.mean, longer1.mean
    q = np.sqrt(a * b)
    q1 = (a1 * b + a * b1) / (2 * q)
    pairs = size * (size + empty)
    deviation = np.sqrt(
        b / a * short.variance / 4 + a / b * longer.variance / 4 + (g**2).sum(axis=1) / pairs
    )
    mixed = ((2 * g / q[:, None] - g1 / q1[:, None]) ** 2).sum(axis=1) / pairs
    k = q1 / (2 * q**2)

    def log_deviation(sign: int) -> FloatArray:
        by_short = sign / (2 * a) + np.sqrt(b / a) / q - (b1 / (2 * q) - k * b) / q1
        by_longer = -sign / (2 * b) + np.sqrt(a / b) / q - (a1 / (2 * q) - k * a) / q1
        parts = (
            short.combined(by_short, short1, -b / (2 * q * q1)),
            longer.combined(by_longer, longer1, -a / (2 * q * q1)),
        )
        return np.asarray(np.sqrt(parts[0].variance + parts[1].variance + mixed))

    overlaps = (-np.sqrt(a / b) * q**2 / q1, -np.sqrt(b / a) * q**2 / q1)
    deviations = (log_deviation(1), log_deviation(-1))
    readable = (a > 0) & (b > 0) & (q1 < 0) & np.isfinite(deviation) & np.isfinite(q / q1)
    return Readings(readable, q, deviation, -q1, overlaps, deviations)


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
    first, second = (_Form(x, 0 * y, 0, size) for x in (h, h**2))
    g, v = first.mean, second.mean
    spread = first.combined(2 / g, second, -1 / v).variance
    readable = (g > 0) & np.isfinite(first.variance) & np.isfinite(g / v)
    return Readings(readable, g, np.sqrt(first.variance), v, (g**2 / v,), (np.sqrt(spread),))
