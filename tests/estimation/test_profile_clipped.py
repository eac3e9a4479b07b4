"""Variances to which no single entry adds much, against a slow transcription."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation._profile.clipped import clipped_means


def slow(squares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same means, every square clipped again at each of a hundred steps."""
    v, u = squares.mean(axis=1), np.ones(squares.shape[1])
    for _ in range(100):
        u = np.minimum(squares / v[:, None], 25 * u).mean(axis=0)
        v = np.minimum(squares / u, 25 * v[:, None]).mean(axis=1)
    return v, u


def drawn(seed: int) -> FloatArray:
    """Squares of noise with variances of rows and columns, some of them huge."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(60, 90)) * np.exp(0.5 * rng.normal(size=(60, 1)))
    w *= np.exp(0.5 * rng.normal(size=90))
    w.ravel()[rng.permutation(w.size)[:30]] *= 30.0
    return np.asarray(w**2)


def test_they_are_those_of_the_slow_transcription() -> None:
    squares = drawn(1)
    v, u = slow(squares)
    found = clipped_means(squares, squares.mean(axis=1), squares.mean(axis=0))
    assert found.residual < 1e-6
    np.testing.assert_allclose(np.outer(found.rows, found.columns), np.outer(v, u), rtol=0.03)
    # Without clipping they are others.
    plain = np.outer(squares.mean(axis=1), squares.mean(axis=0)) / squares.mean()
    assert np.abs(plain / np.outer(v, u) - 1).max() > 1


@pytest.mark.parametrize("factor", [0.1, 1.0, 1e6])
def test_where_they_start_does_not_matter(factor: float) -> None:
    squares = drawn(2)
    rng = np.random.default_rng(3)
    v, u = slow(squares)
    start = factor * v * np.exp(rng.normal(size=v.size)), u * np.exp(rng.normal(size=u.size))
    found = clipped_means(squares, *start)
    np.testing.assert_allclose(np.outer(found.rows, found.columns), np.outer(v, u), rtol=0.03)


def test_a_row_of_few_entries_keeps_a_variance() -> None:
    rng = np.random.default_rng(4)
    squares = rng.normal(size=(60, 300)) ** 2
    squares[7, 10:] = 0.0
    found = clipped_means(squares, squares.mean(axis=1), squares.mean(axis=0))
    assert found.residual < 1e-6
    assert found.rows[7] > 0


def test_no_scales_is_said() -> None:
    squares = np.triu(np.random.default_rng(5).normal(size=(50, 50))) ** 2
    assert clipped_means(squares, squares.mean(axis=1), squares.mean(axis=0)).residual > 1e-3
    assert clipped_means(np.zeros((5, 5)), np.ones(5), np.ones(5)).residual == np.inf
