"""Least squares with weights that are not negative: SciPy, and the conditions of optimality."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scipy.optimize import nnls

from pastur._numerics.nonnegative import nonnegative_least_squares
from pastur._typing import FloatArray


def problems() -> Iterator[tuple[FloatArray, FloatArray]]:
    rng = np.random.default_rng(0)
    for rows, columns in [(8, 3), (40, 40), (12, 30), (60, 45), (1, 5), (5, 1)]:
        for shift in (0.0, 1.0):
            for _ in range(8):
                yield rng.normal(size=(rows, columns)) + shift, rng.normal(size=rows)
    # Kernels that are nearly the same, as those of neighbouring spikes are.
    x = np.linspace(0, 1, 50)
    kernels = 1 / (1 + (x[:, None] - np.linspace(0, 1, 40)) ** 2 / 0.01)
    for _ in range(8):
        yield kernels, kernels[:, rng.choice(40, 4)].sum(axis=1) + 0.01 * rng.normal(size=50)


def test_the_conditions_of_optimality_hold_and_the_residual_is_scipys() -> None:
    for columns, target in problems():
        found = nonnegative_least_squares(columns, target)
        assert (found >= 0).all()
        residual = target - columns @ found
        slope = columns.T @ residual
        size = np.linalg.norm(columns, axis=0) * np.linalg.norm(target)
        assert (slope <= 1e-12 * size).all()
        assert (np.abs(slope[found > 0]) <= 1e-12 * size[found > 0]).all()
        assert np.linalg.norm(residual) <= nnls(columns, target)[1] + 1e-12 * np.linalg.norm(target)


def test_weights_that_are_determined_are_scipys() -> None:
    for columns, target in problems():
        expected, residual = nnls(columns, target)
        kept = columns[:, expected > 0]
        # Where nothing is left over, many weights do as well.
        if kept.size and residual > 1e-9 and np.linalg.cond(kept) < 1e5:
            found = nonnegative_least_squares(columns, target)
            np.testing.assert_allclose(found, expected, atol=1e-9 * expected.max())


@pytest.mark.parametrize(
    ("columns", "target", "expected"),
    [
        (np.zeros((3, 2)), np.ones(3), [0, 0]),
        (np.ones((3, 0)), np.ones(3), []),
        (np.eye(3), -np.ones(3), [0, 0, 0]),
        (np.eye(3), np.array([1.0, -2.0, 3.0]), [1, 0, 3]),
        (np.ones((5, 4)), np.zeros(5), [0, 0, 0, 0]),
    ],
)
def test_cases_that_end_at_once(
    columns: FloatArray, target: FloatArray, expected: Sequence[int]
) -> None:
    np.testing.assert_allclose(nonnegative_least_squares(columns, target), expected, atol=1e-15)


def test_equal_columns_share_a_weight() -> None:
    assert nonnegative_least_squares(np.ones((3, 2)), np.ones(3)).sum() == pytest.approx(1.0)
