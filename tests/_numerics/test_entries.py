"""Sums and extremes of entries, block by block, against the whole matrix at once."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._numerics import entry_sums as entries
from pastur._typing import FloatArray

SHAPES = [(1, 1), (30, 64), (200, 3)]
DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "heavy": lambda rng, shape: rng.standard_cauchy(size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "one huge": lambda rng, shape: np.append(rng.normal(size=np.prod(shape) - 1), 1e9),
    "zeros": lambda rng, shape: np.zeros(shape),
}


@pytest.fixture(autouse=True, params=[1, 100, 10_000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one row, of a few, and the whole matrix in one."""
    monkeypatch.setattr(entries, "_BLOCK", request.param)


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    result: tuple[int, int] = request.param
    return result


@pytest.fixture(params=list(DRAWS))
def matrix(request: pytest.FixtureRequest, shape: tuple[int, int]) -> FloatArray:
    return DRAWS[request.param](np.random.default_rng(4), shape).reshape(shape)


@pytest.mark.parametrize("guess", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("clip", [25.0, 2.0, 0.5])
def test_clipped_squares(matrix: FloatArray, clip: float, guess: float) -> None:
    # Clips below 1 bring the mean down at every step, so that the passes have to be made again.
    matrix[: len(matrix) // 3] = 0.0
    matrix[:, :1] = 0.0
    kept = matrix[np.ix_(matrix.any(axis=1), matrix.any(axis=0))]
    mean = float((kept**2).mean()) if kept.size else 0.0
    for _ in range(5):
        mean = float(np.minimum(kept**2, clip * mean).mean()) if kept.size else 0.0
    clipped = np.minimum(kept**2, clip * mean)
    guess = max(guess * float((matrix**2).mean()), 1e-300)
    found = entries.clipped_squares(matrix, clip, guess=guess, steps=5)
    assert found.rows.tolist() == np.flatnonzero(matrix.any(axis=1)).tolist()
    assert found.columns.tolist() == np.flatnonzero(matrix.any(axis=0)).tolist()
    assert found.mean == pytest.approx(mean, rel=1e-12)
    np.testing.assert_allclose(found.of_rows, clipped.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.of_columns, clipped.sum(axis=0), rtol=1e-12)
    assert found.of_squares == pytest.approx((clipped**2).sum(), rel=1e-12)


def test_sums_of_float32_are_those_of_float64(shape: tuple[int, int]) -> None:
    single = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    one, other = (
        entries.clipped_squares(w, 2.0, guess=1.0, steps=5)
        for w in (single, single.astype(np.float64))
    )
    for field in one._fields:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


@pytest.mark.parametrize("limit", [0.0, 1.0, 1e12])
def test_places_beyond(matrix: FloatArray, limit: float) -> None:
    expected = np.flatnonzero(np.abs(matrix).ravel() > limit)
    assert entries.places_beyond(matrix, limit).tolist() == expected.tolist()


@pytest.mark.parametrize("count", [1, 20, 10**6])
def test_largest_magnitudes(matrix: FloatArray, count: int) -> None:
    expected = np.sort(np.abs(matrix).ravel())[-count:]
    assert entries.largest_magnitudes(matrix, count).tolist() == expected.tolist()
