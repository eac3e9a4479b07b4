"""Denoising: the formulas, and the error beside the best that W's singular vectors allow."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.estimation._kinds.shrinkage import shrink_eigenvalues, shrink_singular_values


def test_the_shrinkers_are_those_of_the_papers() -> None:
    s, sigma, c = np.array([4.0, 2.5, 1.8, 1.0]), 0.9, 0.4
    naive = np.sqrt(np.maximum((s**2 - sigma**2 * (1 + c)) ** 2 - 4 * c * sigma**4, 0)) / s
    naive[s < sigma * (1 + np.sqrt(c))] = 0
    np.testing.assert_allclose(shrink_singular_values(s, sigma=sigma, ratio=c), naive)
    values = np.array([3.0, 1.0, -2.5])
    expected = [np.sqrt(9 - 4), 0.0, -np.sqrt(6.25 - 4)]
    np.testing.assert_allclose(shrink_eigenvalues(values, sigma=1.0), expected)


def test_a_shrunk_outlier_is_the_spike_times_the_cosines() -> None:
    # s ↦ θ√(o_n o_m): the best multiple of u vᵀ.
    theta, c = 1.7, 0.4
    s = np.sqrt((theta**2 + 1) * (theta**2 + c)) / theta
    left = (theta**4 - c) / (theta**2 * (theta**2 + c))
    right = (theta**4 - c) / (theta**2 * (theta**2 + 1))
    found = shrink_singular_values(np.array([s]), sigma=1.0, ratio=c)
    assert found[0] == pytest.approx(theta * np.sqrt(left * right))


def squared(matrix: FloatArray) -> float:
    return float(np.sum(matrix**2))


@pytest.mark.parametrize("shape", [(200, 300), (300, 200)])
def test_close_to_the_best_with_the_same_vectors(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(90)
    signal = make["plant"](np.zeros(shape), [4.0, 3.0, 2.0, 1.5])
    ours, oracle, hard = 0.0, 0.0, 0.0
    for _ in range(10):
        w = signal + make["rectangular"](shape, rng)
        fit = fit_rectangular(w)
        u, s, v = np.linalg.svd(w, full_matrices=False)
        best = np.maximum(np.einsum("ik,ij,kj->k", u, signal, v), 0)
        ours += squared(fit.denoise(w) - signal)
        oracle += squared((u * best) @ v - signal)
        kept = np.where(s > fit.edge, s, 0)
        hard += squared((u * kept) @ v - signal)
    assert ours < 1.03 * oracle
    assert hard > 1.2 * oracle


def test_symmetric_close_to_the_best_with_the_same_vectors(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    rng = np.random.default_rng(91)
    signal = make["plant"](np.zeros((250, 250)), [4.0, -3.0, 2.0])
    ours, oracle, hard = 0.0, 0.0, 0.0
    for _ in range(10):
        w = signal + make["symmetric"](250, rng)
        fit = fit_symmetric(w)
        values, vectors = np.linalg.eigh(w)
        best = np.einsum("ik,ij,jk->k", vectors, signal, vectors)
        ours += squared(fit.denoise(w) - signal)
        oracle += squared((vectors * best) @ vectors.T - signal)
        kept = np.where(np.abs(values) > fit.edge, values, 0)
        hard += squared((vectors * kept) @ vectors.T - signal)
    # The oracle uses the 250 − 3 other eigenvectors too, with what little they know.
    assert ours < 1.1 * oracle
    assert hard > 1.2 * oracle


def test_rank_and_symmetry_of_the_estimate(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(92)
    w = make["plant"](make["rectangular"]((60, 90), rng), [4.0, 3.0])
    estimate = fit_rectangular(w).denoise(w)
    assert np.linalg.matrix_rank(estimate) == 2
    np.testing.assert_allclose(fit_rectangular(w.T).denoise(w.T), estimate.T, atol=1e-12)
    w = make["plant"](make["symmetric"](80, rng), [4.0, -3.0])
    estimate = fit_symmetric(w).denoise(w)
    np.testing.assert_allclose(estimate, estimate.T, atol=1e-15)


def test_pure_noise_leaves_nothing(make: dict[str, Callable[..., FloatArray]]) -> None:
    w = make["rectangular"]((60, 90), np.random.default_rng(93))
    fit = fit_rectangular(w, alpha=1e-6)
    assert fit.rank == 0
    assert not fit.denoise(w).any()


def test_without_noise_nothing_is_lost() -> None:
    rng = np.random.default_rng(94)
    w = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 30))
    np.testing.assert_allclose(fit_rectangular(w).denoise(w), w, atol=1e-12)
    np.testing.assert_allclose(fit_symmetric(w @ w.T).denoise(w @ w.T), w @ w.T, atol=1e-10)
