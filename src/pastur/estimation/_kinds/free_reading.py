"""Strength and overlaps of a direction from the transform of everything else, with their errors.

No law is assumed of the rest, only that the direction is in general position to it: then linear and
quadratic forms of its vectors have the means and variances that the other values give.
"""

from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray


class Readings(NamedTuple):
    """Readings of values, one for each.

    `inverse` is 1/θ̂ with its standard deviation `deviation`; `overlaps` are in the order of
    `Kind.overlap_names`, `overlap_deviations` the standard deviations of their logarithms.
    """

    readable: AnyArray
    inverse: FloatArray
    deviation: FloatArray
    overlaps: tuple[FloatArray, ...]
    overlap_deviations: tuple[FloatArray, ...]


@np.errstate(all="ignore")
def read_singular_values(values: FloatArray, count: int, columns: int) -> Readings:
    """Return the readings of the `count` largest of all singular values, descending.

    Parameters
    ----------
    columns : int
        The longer side m of the matrix; the shorter has as many as there are values.

    Notes
    -----
    With the N other values s, M = N + m − n, y the value itself:

        A = Σ y/(y² − s²)/N,   B = (Σ y/(y² − s²) + (M − N)/y)/M,
        1/θ̂ = √(AB),   Var 1/θ̂ = (B/A)Var a/4 + (A/B)Var b/4 + Var x,

    with Var a, Var b twice the variances of the summands over N and M, and
    Var x = Σ s²/(y² − s²)²/(NM); and with Q = √(AB), ′ = d/dy, the overlaps
    ``−√(A/B) Q²/Q′`` and ``−√(B/A) Q²/Q′`` (Benaych-Georges, Nadakuditi 2012), whose errors follow
    from the same forms to first order.
    """
    y = values[:count, None]
    s, own = values[None, :], np.arange(count)
    n = values.size - 1
    empty = columns - values.size
    m = n + empty
    gap = (y - s) * (y + s)
    gap[own, own] = np.inf
    f, g = y / gap, s / gap
    f1 = -(y**2 + s**2) / gap**2
    g1 = -2 * y * s / gap**2
    f1[own, own] = g1[own, own] = 0.0
    y = values[:count]
    f0, f01 = 1 / y, -1 / y**2

    def over_short(x: FloatArray) -> FloatArray:
        return np.asarray(x.sum(axis=1) / n)

    def over_long(x: FloatArray, at_zero: FloatArray) -> FloatArray:
        return np.asarray((x.sum(axis=1) + empty * at_zero) / m)

    a, b = over_short(f), over_long(f, f0)
    a1, b1 = over_short(f1), over_long(f1, f01)
    var_a = 2 / n * (over_short(f**2) - a**2)
    var_b = 2 / m * (over_long(f**2, f0**2) - b**2)
    var_x = (g**2).sum(axis=1) / (n * m)
    q = np.sqrt(a * b)
    q1 = (a1 * b + a * b1) / (2 * q)
    deviation = np.sqrt(b / a * var_a / 4 + a / b * var_b / 4 + var_x)
    left, right = -np.sqrt(a / b) * q**2 / q1, -np.sqrt(b / a) * q**2 / q1
    k = q1 / (2 * q**2)
    both = 2 * g / q[:, None] - g1 / q1[:, None]
    both[own, own] = 0.0

    def relative(sign: int) -> FloatArray:
        def short_form(x: FloatArray, x1: FloatArray) -> FloatArray:
            first = sign * x / (2 * a) + x * np.sqrt(b / a) / q
            return np.asarray(first - ((x1 * b + x * b1) / (2 * q) - k * b * x) / q1)

        def long_form(x: FloatArray, x1: FloatArray) -> FloatArray:
            first = -sign * x / (2 * b) + x * np.sqrt(a / b) / q
            return np.asarray(first - ((x1 * a + x * a1) / (2 * q) - k * a * x) / q1)

        short = short_form(f.T, f1.T).T
        short[own, own] = 0.0
        long, zero = long_form(f.T, f1.T).T, long_form(f0, f01)
        long[own, own] = 0.0
        var_short = over_short(short**2) - over_short(short) ** 2
        var_long = over_long(long**2, zero**2) - over_long(long, zero) ** 2
        return np.asarray(
            np.sqrt(2 / n * var_short + 2 / m * var_long + (both**2).sum(axis=1) / (n * m))
        )

    deviations = (relative(1), relative(-1))
    readable = (a > 0) & (b > 0) & (q1 < 0) & np.isfinite(deviation)
    return Readings(readable, q, deviation, (left, right), deviations)


@np.errstate(all="ignore")
def read_eigenvalues(values: FloatArray, count: int) -> Readings:
    """Return the readings of the `count` eigenvalues farthest from 0 of a symmetric matrix.

    Notes
    -----
    With h = 1/(y − λ) over the N others, G and V the means of h and h²:
    ``1/θ̂ = G``, ``Var 1/θ̂ = 2(V − G²)/N``, the overlap is G²/V and its logarithm has the variance
    ``(2/N)(mean (2h/G − h²/V)² − 1)``. Eigenvalues below 0 are read in −W.
    """
    own, n = np.arange(count), values.size - 1
    sign = np.sign(values[:count])
    gap = sign[:, None] * (values[:count, None] - values)
    gap[own, own] = np.inf
    h = 1 / gap
    first, second = h.sum(axis=1) / n, (h**2).sum(axis=1) / n
    deviation = np.sqrt(2 / n * (second - first**2))
    overlap = first**2 / second
    form = 2 * h / first[:, None] - h**2 / second[:, None]
    spread = np.sqrt(np.maximum(2 / n * ((form**2).sum(axis=1) / n - 1), 0.0))
    readable = (first > 0) & np.isfinite(deviation)
    return Readings(readable, first, deviation, (overlap,), (spread,))
