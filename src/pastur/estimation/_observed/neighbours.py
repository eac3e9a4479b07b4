"""Whether neighbouring rows or columns are correlated, or have variances of their own in common.

Correlations among all rows, or all columns, are a matter of the spectrum, which cannot distinguish
them from a signal. Those of neighbours in the order of storage are none: a signal in no special
direction does not know that order.
"""

from typing import NamedTuple

import numpy as np

from pastur._numerics.leading import without_leading
from pastur._numerics.scaling import largest_magnitude
from pastur._typing import AnyArray, FloatArray

# So many leading directions are taken out, of the shorter side at most one in ten: a mean that is
# not zero, or a trend, is a signal that neighbours have in common, and no noise.
_LEADING, _SHARE = 10, 10
# Entries that are examined at most, in runs of so many neighbours along the longer side: the
# correlation of so many is known to two thousandths.
_MOST, _RUN = 1 << 18, 64
# A rest of less than this share of the sum of squares is rounding.
_ROUNDING = 1e-10
# A row that lies within the directions taken out by more than this has nothing left to compare.
_LEVERAGE = 0.5
# Squares count as so many times their mean at most, so that no single entry decides.
_CLIP = 9.0
_TINY = 1e-30


class Agreement(NamedTuple):
    """What neighbours have in common.

    Attributes
    ----------
    mean : float
        The mean over all pairs of neighbours.
    error : float
        Its standard deviation where they have nothing in common.
    """

    mean: float = 0.0
    error: float = 0.0

    @property
    def deviations(self) -> float:
        """How many standard deviations the mean is from 0."""
        return self.mean / self.error if self.error else 0.0

    @property
    def chance(self) -> float:
        """A bound of the chance of a mean so far from 0, by Hoeffding's inequality."""
        return float(min(2 * np.exp(-0.5 * self.deviations**2), 1.0))


class Neighbours(NamedTuple):
    """What neighbouring rows, and neighbouring columns, have in common.

    Attributes
    ----------
    rows, columns : Agreement
        The correlation of the entries.
    variances_of_rows, variances_of_columns : Agreement
        The covariance of the variances of the entries, relative to the products of a variance for
        the row and one for the column.
    shape : tuple of two ints
        Of the matrix.
    """

    rows: Agreement
    columns: Agreement
    variances_of_rows: Agreement
    variances_of_columns: Agreement
    shape: tuple[int, int]

    @property
    def chance(self) -> float:
        """A bound of the chance of correlations so far from 0."""
        return min(2 * self.rows.chance, 2 * self.columns.chance, 1.0)

    @property
    def edge_shift(self) -> float:
        """About how far the correlations move the edge of the noise, over its fluctuation.

        With a correlation ρ between neighbouring rows, decaying as ρ^k, the edge of n × m noise
        rises by ``2ρ²√(m/n)``, relatively; its Tracy–Widom fluctuation is ``(n ∧ m)^(−2/3)`` times
        a factor of the ratio.
        """
        n, m = self.shape
        rise = 2 * (self.rows.mean**2 * (m / n) ** 0.5 + self.columns.mean**2 * (n / m) ** 0.5)
        short, ratio = min(n, m), min(n, m) / max(n, m)
        width = short ** (-2 / 3) * ratio ** (-1 / 6) * (1 + ratio**0.5) ** (-2 / 3)
        return float(rise / width)


def neighbours(w: AnyArray) -> Neighbours:
    """Return what neighbours in the storage order of `w` have in common.

    Parameters
    ----------
    w : array of float64 or float32, shape (n, m)

    Notes
    -----
    Let c_i be the cosine between the rows i and i + 1, without the leading directions. Where noise
    is independent and symmetric, of any variances and tails, or a matrix the same in law in any
    bases, changing the sign of a row changes nothing: given their sizes, the signs of all c_i are
    then independent and fair, and ``P(|Σc| ≥ t√(Σc²)) ≤ 2 exp(−t²/2)`` (Hoeffding). Neither the
    spectrum nor a variance nor a number of spikes is needed.
    """
    shape, turned = (w.shape[0], w.shape[1]), w.shape[0] > w.shape[1]
    sample, rows, columns = _sample(w.T if turned else w)
    total = float(np.vdot(sample, sample))
    rest = without_leading(sample, min(_LEADING, sample.shape[0] // _SHARE))
    left = float(np.vdot(rest.matrix, rest.matrix))
    if left <= _ROUNDING * total:
        return Neighbours(Agreement(), Agreement(), Agreement(), Agreement(), shape)
    pairs = _pairs(rows, rest.left), _pairs(columns, rest.right)
    short = _correlation(rest.matrix, rest.left, pairs[0], left)
    long = _correlation(rest.matrix.T, rest.right, pairs[1], left)
    deviations = _standardised_squares(rest.matrix)
    of_short, of_long = _common(deviations, pairs[0]), _common(deviations.T, pairs[1])
    if turned:
        short, long, of_short, of_long = long, short, of_long, of_short
    return Neighbours(short, long, of_short, of_long, shape)


def _sample(wide: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return runs of columns in float32, of order one, and the places of its rows and columns.

    Rows and columns of zeros are left out.
    """
    n, m = wide.shape
    runs, length = max(_MOST // (n * _RUN), 1), _RUN
    if m <= runs * _RUN:
        runs, length = 1, m
    starts = np.linspace(0, m - length, runs).astype(np.intp)
    unit = largest_magnitude(wide)
    sample = np.empty((n, runs * length), dtype=np.float32)
    for part, start in zip(np.split(sample, runs, axis=1), starts, strict=True):
        given = wide[:, start : start + length]
        np.divide(given, unit, out=part, dtype=given.dtype, casting="same_kind")
    columns = (starts[:, None] + np.arange(length)).ravel()
    filled = np.any(sample, axis=1), np.any(sample, axis=0)
    if not (filled[0].all() and filled[1].all()):
        sample = sample[np.ix_(*filled)]
    return sample, np.flatnonzero(filled[0]), columns[filled[1]]


def _pairs(places: AnyArray, basis: AnyArray) -> AnyArray:
    """Return which rows are compared with the next: neighbours, neither mostly taken out."""
    kept = np.einsum("ij,ij->i", basis, basis) < _LEVERAGE
    return np.asarray(kept[:-1] & kept[1:] & (np.diff(places) == 1))


def _correlation(rest: AnyArray, basis: AnyArray, pairs: AnyArray, total: float) -> Agreement:
    """Return the mean cosine between neighbouring rows of `rest`.

    Noise of independent rows has a small one without its part within `basis`, which is corrected.
    """
    sizes = np.einsum("ij,ij->i", rest, rest).astype(np.float64)
    products = np.einsum("ij,ij->i", rest[:-1], rest[1:]).astype(np.float64)
    lost = np.einsum("ij,ij->i", basis[:-1], basis[1:])
    products += lost * (total / (len(rest) - basis.shape[1]))
    # Of a row that lies in the directions taken out nothing is left to compare.
    pairs = pairs & (sizes[:-1] > 0) & (sizes[1:] > 0)
    return _agreement(products[pairs] / np.sqrt((sizes[:-1] * sizes[1:])[pairs]))


def _agreement(found: FloatArray) -> Agreement:
    if not found.size:
        return Agreement()
    return Agreement(float(found.mean()), float(found @ found) ** 0.5 / found.size)


def _standardised_squares(rest: AnyArray) -> AnyArray:
    """Return the squares over the product of the means of row and column, about their mean.

    `rest` is overwritten.
    """
    squares = np.square(rest, out=rest)
    for axis in (1, 0, 1, 0):
        squares /= np.maximum(squares.mean(axis=axis, keepdims=True), _TINY)
    np.minimum(squares, _CLIP, out=squares)
    for axis in (1, 0):
        squares -= squares.mean(axis=axis, keepdims=True)
    return squares


def _common(deviations: AnyArray, pairs: AnyArray) -> Agreement:
    """Return the mean product of neighbouring rows."""
    products = np.einsum("ij,ij->i", deviations[:-1], deviations[1:])
    return _agreement(products[pairs].astype(np.float64) / deviations.shape[1])
