"""Exact spectra of Gaussian noise with spikes, from a band matrix instead of a dense one.

Rotations of the rows without spikes, and of all columns, leave the law of Gaussian noise as it is.
Alternated between k columns and k rows at a time they make the matrix block bidiagonal, as
Householder's reduction does with one at a time for noise alone (Dumitriu, Edelman 2002; with spikes
Bloemendal, Virág 2016): what is left is a lower triangular band of width k with normal numbers
inside and roots of χ² at both ends, next to a first block that has the spikes.
"""

import numpy as np
from scipy.linalg import cholesky, eigvals_banded

from pastur._typing import FloatArray


def singular_values(
    shape: tuple[int, int], theta: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw the singular values, descending, of n × m noise of entry variance 1/m with spikes θ.

    n ≤ m, and the spikes are at most n/2.
    """
    gram = _gram_of_band(_band(shape, theta * np.sqrt(shape[1]), rng))
    found = eigvals_banded(gram, lower=True, overwrite_a_band=True, check_finite=False)
    values: FloatArray = np.sqrt(np.maximum(found[::-1], 0.0) / shape[1])
    return values


def _band(shape: tuple[int, int], theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the diagonals of the reduced matrix B with entries of variance 1, B[j + d, j]."""
    (n, m), width = shape, max(theta.size, 1)
    band = rng.normal(size=(width + 1, n))
    band[0] = np.sqrt(rng.chisquare(m - np.arange(n)))
    band[width, : n - width] = np.sqrt(rng.chisquare(n - width - np.arange(n - width)))
    first = _first_block(width, m, theta, rng)
    for below in range(width + 1):
        band[below, : width - below] = np.diagonal(first, -below)
        band[below, n - below :] = 0.0
    return band


def _first_block(
    width: int, columns: int, theta: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the triangle to which the rows with spikes are rotated."""
    rows = rng.normal(size=(width, columns))
    rows[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.asarray(cholesky(rows @ rows.T, lower=True), dtype=np.float64)


def _gram_of_band(band: FloatArray) -> FloatArray:
    """Return the diagonals of B Bᵀ, from the main one downwards."""
    gram = np.zeros_like(band)
    size = band.shape[1]
    for upper in range(len(band)):
        for lower in range(upper, len(band)):
            product = band[lower, : size - upper] * band[upper, : size - upper]
            gram[lower - upper, upper:] += product
    return gram
