"""Sums and extremes of entries, block by block, against the whole matrix at once."""

import numpy as np
import pytest

from pastur._numerics import entries

SHAPES = [(1, 1), (30, 64), (200, 3)]
DRAWS = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "heavy": lambda rng, shape: rng.standard_cauchy(size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "one huge": lambda rng, shape: np.append(rng.normal(size=np.prod(shape) - 1), 1e9),
    "zeros": lambda rng, shape: np.zeros(shape),
}


@pytest.fixture(autouse=True, params=[1, 100, 10_000])
def block(request, monkeypatch):
    """Blocks of one row, of a few, and the whole matrix in one."""
    monkeypatch.setattr(entries, "_BLOCK", request.param)


@pytest.fixture(params=SHAPES, ids=str)
def shape(request):
    return request.param


@pytest.fixture(params=list(DRAWS))
def matrix(request, shape):
    return DRAWS[request.param](np.random.default_rng(4), shape).reshape(shape)


def test_clipped_sums(matrix):
    clip = 0.7
    clipped = np.minimum(matrix**2, clip)
    found = entries.clipped_sums(matrix, clip)
    np.testing.assert_allclose(found.rows, clipped.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found.columns, clipped.sum(axis=0), rtol=1e-13)
    assert found.of_squares == pytest.approx((clipped**2).sum(), rel=1e-13)


@pytest.mark.parametrize("clip", [25.0, 2.0, 0.5])
def test_clipped_mean_square(matrix, clip):
    # Clips below 1 bring the mean down at every step, so that parts are summed again.
    size = matrix.size + 3
    first = mean = float((matrix**2).sum()) / size
    for _ in range(5):
        mean = np.minimum(matrix**2, clip * mean).sum() / size
    found = entries.clipped_mean_square(matrix, clip, first=first, size=size, steps=5)
    assert found == pytest.approx(mean, rel=1e-13)


@pytest.mark.parametrize("limit", [0.0, 1.0, 1e12])
def test_places_beyond(matrix, limit):
    expected = np.flatnonzero(np.abs(matrix).ravel() > limit)
    assert entries.places_beyond(matrix, limit).tolist() == expected.tolist()


@pytest.mark.parametrize("count", [1, 20, 10**6])
def test_largest_magnitudes(matrix, count):
    expected = np.sort(np.abs(matrix).ravel())[-count:]
    assert entries.largest_magnitudes(matrix, count).tolist() == expected.tolist()
