"""Draws shared by the tests of estimation, and the bounds they are held to."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from pastur._typing import FloatArray

SQUARE, LONG, LONGER = (300, 300), (300, 600), (300, 1200)
DRAWS = 400


def gaussian(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Noise with σ = 1: entries of variance 1/max(shape)."""
    result: FloatArray = rng.normal(size=shape) / np.sqrt(max(shape))
    return result


def orthogonal_ensemble(size: int, rng: np.random.Generator) -> FloatArray:
    """Symmetric noise with σ = 1: variance 1/size off the diagonal, 2/size on it."""
    square = rng.normal(size=(size, size)) / np.sqrt(2 * size)
    result: FloatArray = square + square.T
    return result


def plant(noise: FloatArray, spikes: FloatArray | Sequence[float]) -> FloatArray:
    """Add spikes in directions that no row or column is near; the same vectors each time."""
    rows, columns = noise.shape
    rng = np.random.default_rng(1)
    left = np.linalg.qr(rng.normal(size=(rows, len(spikes))))[0]
    symmetric = rows == columns and np.array_equal(noise, noise.T)
    right = left if symmetric else np.linalg.qr(rng.normal(size=(columns, len(spikes))))[0]
    matrix = noise + (left * spikes) @ right.T
    result: FloatArray = (matrix + matrix.T) / 2 if symmetric else matrix
    return result


@pytest.fixture(scope="session")
def make() -> dict[str, Callable[..., FloatArray]]:
    """The samplers, by name."""
    return {"rectangular": gaussian, "symmetric": orthogonal_ensemble, "plant": plant}


def noise_of_shape(shape: tuple[int, int]) -> FloatArray:
    """Singular values, one row a draw, of 400 matrices of pure Gaussian noise."""
    rng = np.random.default_rng([20, *shape])
    grams = ((w := gaussian(shape, rng)) @ w.T for _ in range(DRAWS))
    return np.sqrt([np.linalg.eigvalsh(gram)[::-1] for gram in grams])


@pytest.fixture(
    scope="module",
    params=[SQUARE, *(pytest.param(shape, marks=pytest.mark.slow) for shape in (LONG, LONGER))],
    ids=lambda shape: f"{shape[0]} × {shape[1]}",
)
def noise_draws(
    request: pytest.FixtureRequest, once: Callable[[str, Callable[[], Any]], Any]
) -> tuple[tuple[int, int], FloatArray]:
    """One of the shapes, and its draws."""
    rows, columns = request.param
    draws = once(f"noise of {rows} by {columns}", lambda: noise_of_shape(request.param))
    return request.param, draws


@pytest.fixture(scope="session")
def symmetric_draws(once: Callable[[str, Callable[[], Any]], Any]) -> FloatArray:
    """Eigenvalues, one row a draw, of 400 matrices of the orthogonal ensemble of size 300."""
    rng = np.random.default_rng(21)
    found: FloatArray = once(
        "symmetric noise of 300",
        lambda: np.array([np.linalg.eigvalsh(orthogonal_ensemble(300, rng)) for _ in range(DRAWS)]),
    )
    return found


@pytest.fixture(scope="session")
def within_binomial() -> Callable[..., bool]:
    """Whether a count is within the central interval of a binomial law of given level."""

    def check(count: np.integer | int, draws: int, chance: float, level: float = 0.999) -> bool:
        low, high = binom.interval(level, draws, chance)
        return bool(low <= count <= high)

    return check
