"""Extreme eigenvalues of self-adjoint block tridiagonal matrices with triangular couplings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from pastur._typing import AnyArray, FloatArray
from pastur.ensembles._chains.krylov import largest_pairs

# Rows up to which a dense solver is the quickest.
_DENSE_ROWS = 256
# Rows that are worth a call of a dense routine when eigenvalues are counted.
_GROUP_ROWS = 32


def band(diagonal: AnyArray, coupling: AnyArray, rows: int) -> AnyArray:
    """Return the lower band, shape (r + 1, rows), of the matrix cut to its first `rows` rows."""
    count, r, _ = diagonal.shape
    column = np.arange(r)
    row = column + np.arange(r + 1)[:, None]
    stacked = np.concatenate([diagonal, coupling], axis=1)
    lower = stacked[:, row, column].transpose(1, 0, 2).reshape(r + 1, count * r)
    lower = np.asfortranarray(lower[:, :rows])
    for offset in range(1, min(r + 1, rows)):
        lower[offset, rows - offset :] = 0
    return lower


def top_values(lower: AnyArray, count: int | None = None) -> FloatArray:
    """Return the `count` largest eigenvalues of a band matrix, or all of them, descending."""
    rows = lower.shape[1]
    chosen = None if count is None else (rows - count, rows - 1)
    if rows <= _DENSE_ROWS or lower.shape[0] > rows // 8:
        values = scipy.linalg.eigvalsh(_full(lower), subset_by_index=chosen, check_finite=False)
    elif lower.shape[0] == 2:
        diagonal, below = lower[0].real, np.abs(lower[1, :-1])
        select = {} if chosen is None else {"select": "i", "select_range": chosen}
        values = scipy.linalg.eigvalsh_tridiagonal(diagonal, below, check_finite=False, **select)
    else:
        select = {} if chosen is None else {"select": "i", "select_range": chosen}
        values = scipy.linalg.eig_banded(
            lower, lower=True, eigvals_only=True, check_finite=False, **select
        )
    return np.asarray(values)[::-1]


def top_pairs(
    lower: AnyArray, count: int, step: Callable[[int], None]
) -> tuple[FloatArray, AnyArray, FloatArray]:
    """Return large eigenvalues, descending, orthonormal eigenvectors and norms of residuals.

    `step` is called with how many are found, where that takes long.

    Where Lanczos iterations are used, an eigenvalue that they overlook is left out: the caller
    must exclude that.
    """
    rows = lower.shape[1]
    chosen = (rows - count, rows - 1)
    residuals = np.zeros(count)
    if rows <= _DENSE_ROWS or rows <= 4 * count:
        values, vectors = scipy.linalg.eigh(
            _full(lower), subset_by_index=chosen, check_finite=False
        )
    elif lower.shape[0] == 2:
        values, vectors = _tridiagonal_pairs(lower, chosen)
    else:
        values, vectors, residuals = largest_pairs(lower, count, step)
    return values[::-1], vectors[:, ::-1], residuals[::-1]


def count_above(diagonal: AnyArray, coupling: AnyArray, level: float) -> int:
    """Return how many eigenvalues lie above `level`: Sylvester's law, by block elimination."""
    count, r, _ = diagonal.shape
    group = max(1, _GROUP_ROWS // r)
    above = 0
    carried: AnyArray | float = 0.0
    for start in range(0, count, group):
        block = _assemble(diagonal[start : start + group], coupling[start : start + group])
        block[np.diag_indices(len(block))] -= level
        block[:r, :r] -= carried
        above += int((np.linalg.eigvalsh(block) > 0).sum())
        last = coupling[min(start + group, count) - 1]
        padded = np.zeros((len(block), r), dtype=block.dtype)
        padded[-r:] = last.conj().T
        carried = last @ np.linalg.solve(block, padded)[-r:]
    return above


def _full(lower: AnyArray) -> AnyArray:
    """Dense matrix with this lower band; its upper triangle is filled in too."""
    width, rows = lower.shape
    matrix = np.zeros((rows, rows), dtype=lower.dtype)
    for offset in range(min(width, rows)):
        index = np.arange(rows - offset)
        matrix[index, index + offset] = lower[offset, : rows - offset].conj()
        matrix[index + offset, index] = lower[offset, : rows - offset]
    return matrix


def _assemble(diagonal: AnyArray, coupling: AnyArray) -> AnyArray:
    """Dense matrix of a few blocks; the last coupling leads out of it."""
    count, r, _ = diagonal.shape
    return _full(band(diagonal, coupling, count * r))


def _tridiagonal_pairs(lower: AnyArray, chosen: tuple[int, int]) -> tuple[FloatArray, AnyArray]:
    """Eigenpairs by index; complex couplings are turned real by a change of phases."""
    values, vectors = scipy.linalg.eigh_tridiagonal(
        lower[0].real,
        np.abs(lower[1, :-1]),
        select="i",
        select_range=chosen,
        check_finite=False,
    )
    return values, vectors
