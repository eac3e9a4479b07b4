"""Variances of the frequencies of noise whose neighbours are correlated.

Noise that is stationary along rows and along columns has nearly independent entries in the cosine
transform of both, and their variances are products: of the spectral densities along the two, which
autoregressions of low order give. A signal in no special direction stays one in no special
direction. A density that is smooth cannot take up a signal of few frequencies for noise.
"""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._free.shrinkage import kept_without_law
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._whitened.variances import Variances

_ORDER = 4
# Spikes that the noise hides are detached once its frequencies are known better, and the other way
# round: relative changes below the tolerance are within the error of the densities.
_MOST_STEPS, _TOLERANCE = 8, 0.02
# Consecutive rows that are asked first: so many for each column, of a matrix of twice as many.
_ASKED_FIRST = 2
# Densities that differ less from 1 make no difference to the estimate.
_FLAT = 0.05


def cosines(w: FloatArray) -> FloatArray:
    """Return the orthogonal cosine transform of rows and columns."""
    from scipy.fft import dctn

    return np.asarray(dctn(w, norm="ortho"))


def from_cosines(x: FloatArray) -> FloatArray:
    """Return the matrix of a cosine transform."""
    from scipy.fft import idctn

    return np.asarray(idctn(x, norm="ortho"))


def consecutive(w: AnyArray) -> AnyArray | None:
    """Return consecutive lines from the middle of a long matrix; None where it is not long."""
    count, start = _ASKED_FIRST * min(w.shape), max(w.shape) // 2
    if max(w.shape) < 2 * count:
        return None
    part = slice(start - count // 2, start - count // 2 + count)
    return w[part] if w.shape[0] > w.shape[1] else w[:, part]


def frequency_variances(w: FloatArray, kind: Kind) -> Variances | None:
    """Return the variances of the rows and columns of `cosines`, None where all are alike.

    Estimated from what is left without the directions that are detached from the rest, once the
    frequencies are brought to one variance: then the noise hides fewer of them.
    """
    x, variances = cosines(w), Variances(*(np.ones(side) for side in w.shape))
    for step in range(_MOST_STEPS):
        following = _densities(_rest(x, variances, kind))
        if following is None or (step == 0 and _apart(following, variances) < _FLAT):
            return None
        if not kind.squared:
            both = np.sqrt(following.rows * following.columns)
            following = Variances(both, both)
        change, variances = _apart(following, variances), following
        if change < _TOLERANCE:
            break
    return variances


def _rest(x: FloatArray, variances: Variances, kind: Kind) -> FloatArray:
    """Return the matrix without its detached directions."""
    factors = kind.factors(variances.whitened(x))
    left = ~kept_without_law(kind, factors.values)
    rest = (factors.left[:, left] * factors.values[left]) @ factors.right[left]
    return from_cosines(variances.restored(rest))


def _densities(rest: FloatArray) -> Variances | None:
    """Return the spectral densities along columns and rows, None where there is no noise."""
    found = [_density(rest), _density(rest.T)]
    if not all(np.isfinite(density).all() and density.min() > 0 for density in found):
        return None
    return Variances(*found)


@np.errstate(all="ignore")
def _density(lines: FloatArray) -> FloatArray:
    """Return the density, of mean 1, of the autoregression from each line to the next."""
    size = len(lines)
    products = np.array(
        [np.vdot(lines[: size - lag], lines[lag:]) / (size - lag) for lag in range(_ORDER + 1)]
    )
    transfer = np.exp(-1j * np.pi * np.outer(np.arange(size) / size, np.arange(1, _ORDER + 1)))
    density = np.abs(1 - transfer @ _autoregression(products)) ** -2.0
    return np.asarray(density / density.mean())


def _autoregression(products: FloatArray) -> FloatArray:
    """Return the coefficients of the autoregression with these mean products (Levinson)."""
    found, left = np.empty(0), products[0]
    for lag in range(1, products.size):
        partial = (products[lag] - found @ products[1:lag][::-1]) / left
        found = np.append(found - partial * found[::-1], partial)
        left = left * (1 - partial**2)
    return found


def _apart(one: Variances, other: Variances) -> float:
    return max(float(np.abs(np.log(a / b)).max()) for a, b in zip(one, other, strict=True))
