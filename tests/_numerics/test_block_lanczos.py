"""Ends of a spectrum with bounds, and quadrature over the rest, from products with a matrix."""

import numpy as np
import pytest

from pastur._numerics.block_lanczos import BlockLanczos
from pastur._typing import FloatArray

SIZE, BLOCK = 120, 4


def eigenvalues(seed: int = 0) -> FloatArray:
    """A bulk in [0, 2] and four values that stand out, two of them equal."""
    bulk = np.random.default_rng(seed).uniform(0, 2, SIZE - 4)
    return np.concatenate([[9.0, 5.0, 5.0, 3.0], bulk])


def started(values: FloatArray, steps: int, seed: int = 0) -> tuple[BlockLanczos, FloatArray]:
    start = np.linalg.qr(np.random.default_rng(seed).normal(size=(values.size, BLOCK)))[0]
    found = BlockLanczos(lambda x: values[:, None] * x, start)
    found.extend(steps)
    return found, start


@pytest.mark.parametrize("steps", [4, 8, 12, 20])
def test_errors_are_within_their_bounds(steps: int) -> None:
    # An eigenvalue is as near as the residual; as near as its square over the gap where the Ritz
    # values around it are nearly exact. Rounding is 1e-12.
    for seed in range(5):
        values = eigenvalues(seed)
        ritz = started(values, steps, seed)[0].ritz()
        distance = np.abs(ritz.values[:, None] - values).min(axis=1)
        assert (distance <= ritz.residuals + 1e-12).all()
        errors = ritz.errors(4)
        settled = ritz.residuals[:4] < 0.1
        truth = np.sort(values)[::-1][:4]
        assert (np.abs(ritz.values[:4] - truth) <= 2 * errors + 1e-12)[settled].all()
    if steps >= 12:
        assert errors.max() < 1e-6


def test_a_bound_that_is_too_small_is_exceeded() -> None:
    values = eigenvalues()
    ritz = started(values, 4)[0].ritz()
    distance = np.abs(ritz.values[:, None] - values).min(axis=1)
    assert (distance > 1e-3 * ritz.residuals + 1e-12).any()


def moments(ritz: tuple[FloatArray, ...], power: int) -> float:
    return float(ritz[2] @ ritz[0] ** power)


def test_the_quadrature_is_exact_up_to_its_degree() -> None:
    values = eigenvalues()
    krylov, start = started(values, 5)
    ritz = krylov.ritz()
    truth = [float(((values[:, None] ** k) * start**2).sum() / BLOCK) for k in range(14)]
    found = [moments(ritz, k) for k in range(14)]
    np.testing.assert_allclose(found[:10], truth[:10], rtol=1e-11)
    assert found[12] != pytest.approx(truth[12], rel=1e-8)


def test_a_matrix_of_low_rank_ends_the_steps() -> None:
    values = np.where(np.arange(SIZE) < 6, np.arange(SIZE) + 1.0, 0.0)
    krylov, _ = started(values, 20)
    assert krylov.exhausted and krylov.steps <= 4
    np.testing.assert_allclose(krylov.ritz().values[:6], [6, 5, 4, 3, 2, 1], rtol=1e-10)


def test_steps_can_be_taken_in_parts() -> None:
    values = eigenvalues()
    krylov, _ = started(values, 3)
    krylov.extend(4)
    np.testing.assert_array_equal(krylov.ritz().values, started(values, 7)[0].ritz().values)
