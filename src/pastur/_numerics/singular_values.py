"""Singular values of a dense matrix, by its Gram matrix where that is accurate."""

import numpy as np
import scipy

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray, FloatArray

# Below this ratio of the smallest to the largest singular value the Gram route loses digits.
_GRAM_LIMIT = 1e-5
# Rows or columns of float32 that are turned into float64 together.
_PART = 1024


def singular_values(matrix: AnyArray) -> FloatArray:
    """Return the singular values of a finite n × m matrix, descending, length min(n, m).

    The eigenvalues of the Gram matrix of the short side cost several times less than a singular
    value decomposition, but know a singular value s only to about ``eps·s₁²/(2s)``. They are taken
    where the smallest one exceeds 1e-5·s₁, so that every error is below 1e-10·s₁ and that of values
    above 1e-2·s₁ is at the level of rounding; otherwise NumPy's decomposition is called.

    Entries of any size are safe: a matrix of very large or small ones is first scaled by a power of
    two, which is exact. A singular value beyond the largest double is returned as infinity.

    A matrix of float32 is turned into float64 in parts, unless it needs the decomposition.
    """
    largest = largest_magnitude(matrix)
    if largest == 0.0:
        return np.zeros(min(matrix.shape))
    exponent = safe_exponent(largest)
    scaled = divided(matrix, exponent)
    values = _by_gram(scaled)
    if values is None:
        values = np.linalg.svd(np.asarray(scaled, dtype=np.float64), compute_uv=False)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent), dtype=np.float64)


def _by_gram(matrix: AnyArray) -> FloatArray | None:
    """Return the square roots of the Gram eigenvalues, None where they would be inaccurate."""
    squares = scipy.linalg.eigvalsh(_gram(matrix), lower=True, overwrite_a=True, check_finite=False)
    return roots_of_gram(squares)


def _gram(matrix: AnyArray) -> FloatArray:
    """Return the lower triangle of the Gram matrix, in a form that LAPACK overwrites.

    NumPy would hold all of it and a copy.
    """
    rows, columns = matrix.shape
    wide = rows <= columns
    gram = np.zeros((min(rows, columns),) * 2, order="F")
    step = max(rows, columns) if matrix.dtype == np.float64 else _PART
    for start in range(0, max(rows, columns), step):
        part = matrix[:, start : start + step] if wide else matrix[start : start + step]
        # The transpose of what has its rows contiguous is what BLAS takes as it is.
        gram = scipy.linalg.blas.dsyrk(
            1.0,
            np.ascontiguousarray(part, dtype=np.float64).T,
            trans=wide,
            lower=True,
            beta=1.0,
            c=gram,
            overwrite_c=True,
        )
    return gram


def roots_of_gram(squares: FloatArray) -> FloatArray | None:
    """Return singular values, descending, from Gram eigenvalues, ascending; None as above."""
    if not squares[0] > _GRAM_LIMIT**2 * squares[-1]:
        return None
    return np.sqrt(squares[::-1])
