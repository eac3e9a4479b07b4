"""The leading eigenvectors of a symmetric matrix, without those that follow."""

import numpy as np
from scipy.linalg import eigh, get_lapack_funcs

from pastur._typing import AnyArray


def leading_eigenvectors(matrix: AnyArray, count: int) -> AnyArray:
    """Return the eigenvectors of the `count` largest eigenvalues, descending, one in each column.

    As SciPy's `eigh` by divide and conquer, of which the last step, back from the tridiagonal
    matrix, is done for these alone: for half of them it takes three quarters of the time. The
    matrix is finite and about of the size of 1, and read below the diagonal.
    """
    found = _by_tridiagonal(matrix, count) if len(matrix) > 2 else None
    if found is None:
        # In older versions of SciPy one of the steps is not there.
        found = eigh(matrix, driver="evd", check_finite=False)[1][:, ::-1][:, :count]
    return np.asarray(found)


def _by_tridiagonal(matrix: AnyArray, count: int) -> AnyArray | None:
    try:
        reduced, solved, turned = get_lapack_funcs(("sytrd", "stevd", "ormqr"), (matrix,))
    except ValueError:
        return None
    work = 64 * len(matrix)
    reflections, diagonal, beside, scales, _ = reduced(matrix, lower=True, lwork=work)
    _, vectors, failed = solved(diagonal, beside)
    if failed:
        return None
    found = np.asfortranarray(vectors[:, ::-1][:, :count])
    # The first of all coordinates stays; the reflections of the others are stored below.
    found[1:] = turned("L", "N", reflections[1:, :-1], scales, found[1:], work)[0]
    return found
