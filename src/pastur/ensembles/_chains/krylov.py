"""Largest eigenvalues of a Hermitian band matrix by restarted Lanczos iterations.

The Krylov–Schur form (Stewart 2001) with full orthogonalisation, for real and complex matrices
alike: ARPACK treats complex Hermitian matrices as general ones and is up to 400 times slower on
eigenvalues near the edge of a spectrum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from pastur._typing import AnyArray, FloatArray

# Residual, relative to the norm, at which an eigenvector counts as found.
_PRECISION = 1e-15
_MOST_RESTARTS = 3000


def largest_pairs(
    lower: AnyArray, count: int, step: Callable[[int], None]
) -> tuple[FloatArray, AnyArray, FloatArray]:
    """Return Ritz values, ascending, their orthonormal vectors and the norms of their residuals.

    `step` is called after each multiplication, with how many were found at the last restart.

    `lower`: lower band in Fortran order, shape (width, rows), with more than 2 count + 80 rows.
    An eigenvalue that the iterations overlook is left out: the caller must exclude that.
    """
    width, rows = lower.shape
    blas = scipy.linalg.blas
    multiply = blas.zhbmv if np.iscomplexobj(lower) else blas.dsbmv
    kept = count + count // 2 + 40
    restart = count + (kept - count) // 3
    basis = np.zeros((rows, kept + 1), dtype=lower.dtype, order="F")
    basis[:, 0] = 1 / np.sqrt(rows)
    projected = np.zeros((kept, kept), dtype=lower.dtype)
    first = found = 0
    for _ in range(_MOST_RESTARTS):
        for j in range(first, kept):
            image = multiply(width - 1, 1.0, lower, basis[:, j], lower=1)
            weights, image = _orthogonalise(image, basis[:, : j + 1])
            projected[: j + 1, j] = weights
            projected[j, : j + 1] = weights.conj()
            length = np.linalg.norm(image)
            basis[:, j + 1] = image / length
            step(found)
        values, turn = np.linalg.eigh(projected)
        residuals = length * np.abs(turn[-1, -count:])
        found = int(np.count_nonzero(residuals <= _PRECISION * np.abs(values).max()))
        if found == count:
            break
        basis[:, :restart] = basis[:, :kept] @ turn[:, -restart:]
        basis[:, restart] = basis[:, kept]
        projected[:] = 0
        projected[np.diag_indices(restart)] = values[-restart:]
        first = restart
    return values[-count:], basis[:, :kept] @ turn[:, -count:], residuals


def _orthogonalise(image: AnyArray, basis: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the components of `image` along `basis` and what is left, in two passes."""
    blas = scipy.linalg.blas
    multiply = blas.zgemv if np.iscomplexobj(basis) else blas.dgemv
    total: AnyArray = np.zeros(basis.shape[1], dtype=basis.dtype)
    for _ in range(2):
        weights = multiply(1.0, basis, image, trans=2)
        image = multiply(-1.0, basis, weights, beta=1.0, y=image, overwrite_y=1)
        total += weights
    return total, image
