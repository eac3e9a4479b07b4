"""The leading eigenvectors against SciPy's `eigh`, with and without the step that old ones lack."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh

from pastur._numerics import leading_eigenvectors as module
from pastur._numerics.leading_eigenvectors import leading_eigenvectors
from pastur._typing import FloatArray


def form(size: int, seed: int = 0) -> FloatArray:
    """A form of trace 1 with eigenvalues apart from each other."""
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    values = np.geomspace(1, 1e-2, size)
    return np.asarray((turned * (values / values.sum())) @ turned.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "count"), [(1, 1), (2, 1), (3, 2), (40, 1), (40, 17), (40, 40)])
def test_they_are_those_of_the_whole_decomposition(size: int, count: int, dtype: Any) -> None:
    matrix = form(size).astype(dtype)
    found = leading_eigenvectors(matrix, count)
    assert found.shape == (size, count) and found.dtype == dtype
    expected = eigh(matrix)[1][:, ::-1][:, :count]
    overlaps = np.abs(np.sum(expected * found, axis=0))
    np.testing.assert_allclose(overlaps, 1, atol=2e3 * np.finfo(dtype).eps)


def test_only_the_lower_triangle_is_read() -> None:
    matrix = form(12)
    there = np.tril(matrix) + np.triu(np.full((12, 12), 7.0), 1)
    np.testing.assert_array_equal(leading_eigenvectors(there, 5), leading_eigenvectors(matrix, 5))


@pytest.mark.parametrize("matrix", [np.zeros((6, 6)), np.eye(6)])
def test_equal_eigenvalues_have_orthonormal_vectors(matrix: FloatArray) -> None:
    found = leading_eigenvectors(matrix, 4)
    np.testing.assert_allclose(found.T @ found, np.eye(4), atol=1e-14)


def test_older_versions_of_scipy_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = form(20)
    expected = leading_eigenvectors(matrix, 6)

    def lacking(*arguments: Any) -> Any:
        raise ValueError("LAPACK function stevd could not be found")

    monkeypatch.setattr(module, "get_lapack_funcs", lacking)
    found = leading_eigenvectors(matrix, 6)
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=0)), 1, rtol=1e-12)
