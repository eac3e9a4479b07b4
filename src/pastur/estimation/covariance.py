"""The variance of new samples along each direction of the data: covariances without their noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation.rectangular import RectangularFit

# Bandwidth of the smoothed spectrum: p^(−0.35), as published.
_BANDWIDTH = 0.35


class ShrunkVariances(NamedTuple):
    """Variances along directions, and how they were found.

    Attributes
    ----------
    leading : array
        Along each singular vector of the data.
    rest : float
        Along all other directions.
    method : {"spiked", "law", "smoothed"}
    """

    leading: FloatArray
    rest: float
    method: str


def shrunk_variances(
    fit: RectangularFit, values: FloatArray, *, samples: int, features: int
) -> ShrunkVariances:
    """Return the variance of new samples along each right singular vector of fitted data.

    With Σ the covariance and v a direction of the data it is v'Σv: of all matrices with these
    directions the one with these values is closest to Σ in Frobenius norm, and has the greatest
    expected likelihood.

    Parameters
    ----------
    fit : RectangularFit
        Of the data, one row for each sample.
    values : array
        All singular values of the data that were fitted (with a profile, of the scaled ones),
        descending, zeros included.
    samples, features : int
        Degrees of freedom of the samples, and features that are not constant.
    """
    size = fit.kind.size
    inside = values[:size]
    if fit.sigma is None:
        leading, rest = _smoothed(inside**2 / samples, samples, features)
        method = "smoothed"
    elif fit.growing:
        leading, rest = _of_law(fit, inside, samples, features)
        method = "law"
    else:
        leading, rest = _spiked(fit, size, samples)
        method = "spiked"
    # Where there are enough samples, a direction without variance has none.
    beyond = 0.0 if features <= samples else rest
    return ShrunkVariances(np.append(leading, np.full(values.size - size, beyond)), rest, method)


def _spiked(fit: RectangularFit, size: int, samples: int) -> tuple[FloatArray, float]:
    """Return σ² and, along spikes, the share of their variance that the direction has.

    Neighbours that mix have that of their group.
    """
    spikes = fit.spikes if fit.profile is None else fit.profile.spikes
    noise = float(fit.entry_sd) ** 2
    leading = np.full(size, noise)
    group = spikes["group"]
    squares = np.bincount(group, spikes["theta"] ** 2) / np.maximum(np.bincount(group), 1)
    leading[: len(spikes)] += squares[group] * spikes["span_right"] / samples
    return leading, noise


def _of_law(
    fit: RectangularFit, values: FloatArray, samples: int, features: int
) -> tuple[FloatArray, float]:
    """Return ``d(λ) = 1/(λ|m(λ)|²)``, m the transform of the law of the samples' products.

    This is Ledoit's and Péché's formula, with the fitted law for that of the spectrum.
    """
    unit = float(fit.edge)
    law, squares = fit.law_in(unit), np.square(values / unit)
    share = values.size / samples
    inside = law._stieltjes(squares.astype(np.complex128))
    m = share * inside - (1 - share) / squares
    scale = unit**2 / samples
    leading = scale / (squares * np.abs(m) ** 2)
    if features <= samples:
        return np.asarray(leading), float(leading.min())
    at_zero = float(np.mean(1 / squares))
    return np.asarray(leading), scale / (at_zero * (features / samples - 1))


def _smoothed(eigenvalues: FloatArray, samples: int, features: int) -> tuple[FloatArray, float]:
    """Return the quadratic-inverse shrinkage of the eigenvalues, with the sum that they have.

    It is the formula of `_of_law` with the observed inverse eigenvalues, smoothed over a bandwidth
    in proportion to each (Ledoit, Wolf 2022).
    """
    ratio = features / samples
    width = min(ratio**2, ratio**-2) ** _BANDWIDTH / features**_BANDWIDTH
    inverse = 1 / eigenvalues
    apart = np.subtract.outer(inverse, inverse)
    squares = apart**2 + (width * inverse[:, None]) ** 2
    real = np.mean(inverse[:, None] * apart / squares, axis=0)
    imaginary = np.mean(width * inverse[:, None] ** 2 / squares, axis=0)
    size = real**2 + imaginary**2
    if features <= samples:
        shrunk = 1 / (
            (1 - ratio) ** 2 * inverse
            + 2 * ratio * (1 - ratio) * inverse * real
            + ratio**2 * inverse * size
        )
        total, rest = float(shrunk.sum()), 0.0
    else:
        shrunk = 1 / (inverse * size)
        rest = 1 / ((ratio - 1) * float(inverse.mean()))
        total = float(shrunk.sum()) + rest * (features - samples)
    factor = float(eigenvalues.sum()) / total
    return np.asarray(factor * shrunk), factor * (rest or float(shrunk.min()))
