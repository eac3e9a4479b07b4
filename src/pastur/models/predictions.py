"""Where every eigenvalue or singular value of signal plus noise goes, at finite size."""

from __future__ import annotations

import numpy as np

from pastur._checks import matrix_shape, vector
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import Empirical
from pastur.models.deformed_wigner import DeformedWigner
from pastur.models.information_plus_noise import InformationPlusNoise


def predict_eigenvalues(signal_eigenvalues: ArrayLike, sigma: float = 1.0) -> FloatArray:
    """Predict all eigenvalues of W = R/√N + S from those of S.

    The j-th largest is placed at the quantile of level ``1 − (j − ½)/N`` of ν_N ⊞ semicircle(σ),
    the law that Pastur's equation (1.5) gives for the whole spectral law ν_N of S. Unlike Φ of the
    limit, which places each outlier as if it were alone (Theorem 2.2), this accounts for all
    spikes at once: at N = 1000 and rank 100 the error is about a tenth.

    Parameters
    ----------
    signal_eigenvalues : array_like, shape (N,)
        All N eigenvalues of S, zeros included, in any order; equal ones may repeat.
    sigma : float, > 0
        Standard deviation σ of the off-diagonal entries of R.

    Returns
    -------
    array, shape (N,)
        Descending. Single eigenvalues fluctuate about it: by about 1/N inside the bulk, N^(−2/3) at
        an edge, N^(−1/2) where an outlier stands alone.

    Examples
    --------
    >>> predict_eigenvalues([3.0, 0.0, 0.0, 0.0], sigma=0.5).round(4)
    array([ 3.0624,  0.4566, -0.0207, -0.4984])
    """
    values = vector("signal_eigenvalues", signal_eigenvalues)
    law = DeformedWigner(Empirical(values), sigma=sigma).law
    return np.asarray(law.quantile(levels(values.size)))


def predict_singular_values(
    signal_singular_values: ArrayLike, shape: tuple[int, int], *, sigma: float = 1.0
) -> FloatArray:
    """Predict all singular values of W = R/√max(n, m) + S from those of S.

    The j-th largest of N = min(n, m) is the root of the quantile of level ``1 − (j − ½)/N`` of
    the law that `InformationPlusNoise` gives for all squared singular values of S.

    Parameters
    ----------
    signal_singular_values : array_like, shape (k,), k ≤ min(n, m)
        Singular values of S in any order; those left out are 0.
    shape : pair of int
        (n, m), rows and columns, wide or tall.
    sigma : float, > 0
        Standard deviation σ of the entries of R, so that noise in an entry of W has σ/√max(n, m).

    Returns
    -------
    array, shape (min(n, m),)
        Descending.

    Examples
    --------
    >>> predict_singular_values([3.0], (3, 12), sigma=0.5).round(4)
    array([3.0467, 0.5489, 0.3826])
    """
    rows, columns = sorted(matrix_shape(shape))
    values = vector("signal_singular_values", signal_singular_values)
    if (values < 0).any():
        raise InvalidInputError(
            "`signal_singular_values` must not be negative. "
            f"Got {values.min():g}; for eigenvalues use predict_eigenvalues."
        )
    if values.size > rows:
        raise InvalidInputError(
            f"`signal_singular_values` holds {values.size} values, but a matrix of this shape has "
            f"{rows} singular values."
        )
    squares = np.concatenate([values**2, np.zeros(rows - values.size)])
    law = InformationPlusNoise(Empirical(squares), sigma=sigma, ratio=rows / columns).law
    return np.asarray(np.sqrt(np.maximum(law.quantile(levels(rows)), 0)))


def levels(size: int) -> FloatArray:
    """Return the level of the j-th largest of `size` values, 1 − (j − ½)/size."""
    return 1 - (np.arange(size) + 0.5) / size
