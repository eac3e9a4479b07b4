"""The fast route to singular values against NumPy's decomposition, and its stated accuracy."""

from collections.abc import Sequence

import numpy as np
import pytest

from pastur._numerics import singular_values as module
from pastur._numerics.singular_values import singular_values
from pastur._typing import FloatArray


def graded(
    shape: tuple[int, int], smallest: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """A matrix with singular values from 1 down to `smallest`, known exactly, and those values."""
    size = min(shape)
    left = np.linalg.qr(rng.normal(size=(shape[0], size)))[0]
    right = np.linalg.qr(rng.normal(size=(shape[1], size)))[0]
    values = np.geomspace(1.0, smallest, size)
    return (left * values) @ right.T, values


@pytest.mark.parametrize("shape", [(60, 60), (40, 90), (90, 40), (1, 7), (7, 1), (1, 1)])
def test_agrees_with_a_decomposition(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).normal(size=shape)
    expected = np.linalg.svd(matrix, compute_uv=False)
    found = singular_values(matrix)
    assert found.shape == expected.shape
    # A smallest value near s₁/100 of a square matrix keeps ε·10⁴; the others are rounding.
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("smallest", [1e-1, 1e-2, 1e-4, 2e-5, 1e-6, 1e-12, 1e-16])
@pytest.mark.parametrize("shape", [(50, 50), (50, 80), (80, 50)])
def test_the_stated_accuracy_holds_for_graded_matrices(
    shape: tuple[int, int], smallest: float
) -> None:
    matrix, values = graded(shape, smallest, np.random.default_rng(2))
    found = singular_values(matrix)
    assert np.abs(found - values).max() < 1e-10
    large = values > 1e-2
    # ε·s₁²/(2s²) = 1e-12 at s = s₁/100.
    np.testing.assert_allclose(found[large], values[large], rtol=1e-11)


def test_descending_and_never_negative_where_the_rank_is_deficient() -> None:
    found = singular_values(np.ones((30, 20)))
    assert (np.diff(found) <= 0).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found[0], np.sqrt(600))
    assert found[1] < 1e-13


def test_zero() -> None:
    assert singular_values(np.zeros((3, 5))).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("exponent", [-1000, -500, 500, 1000])
def test_scaling_by_a_power_of_two_is_exact(exponent: int) -> None:
    matrix = np.random.default_rng(3).normal(size=(20, 30))
    scaled = singular_values(np.ldexp(matrix, exponent))
    assert np.array_equal(scaled, np.ldexp(singular_values(matrix), exponent))


def test_a_value_beyond_the_largest_double_is_infinite() -> None:
    assert singular_values(np.full((10, 10), 1e308))[0] == np.inf


@pytest.mark.parametrize("last", [[1e-6], [1e-9, 1e-9], [0.0], [1.1e-5, 9e-6], [1e-5, 1e-7, 0.0]])
@pytest.mark.parametrize("shape", [(50, 50), (50, 400), (400, 50)])
def test_the_stated_accuracy_holds_where_only_the_last_values_are_small(
    shape: tuple[int, int], last: Sequence[float]
) -> None:
    rng = np.random.default_rng(4)
    values = np.append(np.linspace(1.0, 0.1, 50 - len(last)), last)
    left, right = (np.linalg.qr(rng.normal(size=(n, 50)))[0] for n in shape)
    assert np.abs(singular_values((left * values) @ right.T) - values).max() < 1e-10


@pytest.mark.parametrize("part", [7, 1024])
@pytest.mark.parametrize("smallest", [1e-2, 1e-9])
@pytest.mark.parametrize("shape", [(50, 50), (50, 80), (80, 50)])
def test_float32_is_worked_on_in_float64(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], smallest: float, part: int
) -> None:
    monkeypatch.setattr(module, "_PART", part)
    matrix = graded(shape, smallest, np.random.default_rng(6))[0].astype(np.float32)
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    found = singular_values(matrix)
    assert found.dtype == np.float64
    assert np.abs(found - expected).max() < 1e-10


def test_a_matrix_with_its_columns_contiguous() -> None:
    matrix = np.asfortranarray(np.random.default_rng(7).normal(size=(30, 20)))
    for given in (matrix, matrix.T, matrix[::2], matrix.astype(np.float32)[:, ::-1]):
        expected = np.linalg.svd(given.astype(np.float64), compute_uv=False)
        np.testing.assert_allclose(singular_values(given), expected, rtol=1e-10)
