"""Singular values of a dense matrix, by its Gram matrix where that is accurate."""

from collections.abc import Iterable, Iterator

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray, FloatArray

# Below this ratio of the smallest to the largest singular value the Gram route loses digits.
GRAM_LIMIT = 1e-5
# Rows or columns of float32 that are turned into float64 together.
_PART = 1024
# From this side on SciPy's linear algebra, which needs half the memory, is worth loading: below,
# that takes longer than the matrix.
_WORTH_SCIPY = 1024


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


def load_linear_algebra(shape: tuple[int, ...]) -> None:
    """Load what `singular_values` will call for this shape, so that its threads can be limited."""
    if min(shape) >= _WORTH_SCIPY:
        import scipy

        _ = scipy.linalg.blas


def _by_gram(matrix: AnyArray) -> FloatArray | None:
    """Return the square roots of the Gram eigenvalues, None where they would be inaccurate."""
    if min(matrix.shape) >= _WORTH_SCIPY:
        return roots_of_gram(_in_place(matrix))
    return roots_of_gram(np.asarray(np.linalg.eigvalsh(gram(matrix)), dtype=np.float64))


def _parts(matrix: AnyArray) -> Iterator[FloatArray]:
    """Yield blocks of the short side times some of the long one, in float64."""
    wide = matrix.shape[0] <= matrix.shape[1]
    step = max(matrix.shape) if matrix.dtype == np.float64 else _PART
    for start in range(0, max(matrix.shape), step):
        part = matrix[:, start : start + step] if wide else matrix[start : start + step].T
        yield np.asarray(part, dtype=np.float64)


def gram(matrix: AnyArray) -> FloatArray:
    """Return the Gram matrix of the short side."""
    products = np.zeros((min(matrix.shape),) * 2)
    for part in _parts(matrix):
        products += part @ part.T
    return products


def _in_place(matrix: AnyArray) -> FloatArray:
    """Return the eigenvalues of the Gram matrix, of which one triangle is made and overwritten.

    NumPy would hold all of it and a copy.
    """
    return eigenvalues_of_lower(gram_of_parts(_parts(matrix), min(matrix.shape)))


def gram_of_parts(parts: Iterable[FloatArray], size: int) -> FloatArray:
    """Return the lower triangle of the sum of ``part @ part.T`` over parts of `size` rows."""
    import scipy

    gram = np.zeros((size, size), order="F")
    for part in parts:
        # The transpose of what has its rows contiguous is what BLAS takes as it is.
        by_rows = part.flags.c_contiguous
        gram = scipy.linalg.blas.dsyrk(
            1.0,
            part.T if by_rows else part,
            trans=by_rows,
            lower=True,
            beta=1.0,
            c=gram,
            overwrite_c=True,
        )
    return gram


def eigenvalues_of_lower(matrix: FloatArray) -> FloatArray:
    """Return the eigenvalues, ascending, of a symmetric matrix by its lower triangle.

    The matrix, in the order of Fortran, is overwritten.
    """
    import scipy

    return np.asarray(
        scipy.linalg.eigvalsh(matrix, lower=True, overwrite_a=True, check_finite=False)
    )


def roots_of_gram(squares: FloatArray) -> FloatArray | None:
    """Return singular values, descending, from Gram eigenvalues, ascending; None as above."""
    if not squares[0] > GRAM_LIMIT**2 * squares[-1]:
        return None
    return np.sqrt(squares[::-1])
