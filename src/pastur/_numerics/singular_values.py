"""Singular values of a dense matrix, by its Gram matrix where that is accurate."""

import numpy as np

from pastur._typing import FloatArray

# Entries within 2^±this have squares, and sums of them, far from overflow and underflow.
_SAFE_EXPONENT = 200
# Below this ratio of the smallest to the largest singular value the Gram route loses digits.
_GRAM_LIMIT = 1e-5


def singular_values(matrix: FloatArray) -> FloatArray:
    """Return the singular values of a finite n × m matrix, descending, length min(n, m).

    The eigenvalues of the Gram matrix of the short side cost several times less than a singular
    value decomposition, but know a singular value s only to about ``eps·s₁²/(2s)``. They are taken
    where the smallest one exceeds 1e-5·s₁, so that every error is below 1e-10·s₁ and that of values
    above 1e-2·s₁ is at the level of rounding; otherwise NumPy's decomposition is called.

    Entries of any size are safe: a matrix of very large or small ones is first scaled by a power of
    two, which is exact. A singular value beyond the largest double is returned as infinity.
    """
    largest = float(max(matrix.max(), -matrix.min()))
    if largest == 0.0:
        return np.zeros(min(matrix.shape))
    exponent = int(np.frexp(largest)[1])
    if abs(exponent) <= _SAFE_EXPONENT:
        exponent = 0
    scaled = np.ldexp(matrix, -exponent) if exponent else matrix
    values = _by_gram(scaled)
    if values is None:
        values = np.asarray(np.linalg.svd(scaled, compute_uv=False), dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent), dtype=np.float64)


def _by_gram(matrix: FloatArray) -> FloatArray | None:
    """Return the square roots of the Gram eigenvalues, None where they would be inaccurate."""
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    squares = np.linalg.eigvalsh(short @ short.T)[::-1]
    if not squares[-1] > _GRAM_LIMIT**2 * squares[0]:
        return None
    return np.asarray(np.sqrt(squares), dtype=np.float64)
