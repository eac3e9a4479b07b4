"""The block models are equal in law to dense matrices, at every size and for every cut."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.ensembles import (
    sample_goe,
    sample_spiked_outliers,
    sample_spiked_singular_spectrum,
    sample_spiked_singular_values,
    sample_spiked_spectrum,
)

# Means, variances and correlations of at most 12 numbers are 90 scores; each is beyond 5 with
# probability 6e-7 if normal. Log variances have somewhat heavier tails: false alarm < 1e-3.
BOUND = 5.0

SYMMETRIC = [
    pytest.param(60, [3.0, 2.0, -2.5], 1.0, 1, id="N=60 r=3"),
    pytest.param(60, [3.0, 2.0, -2.5], 0.7, 2, id="N=60 r=3 complex", marks=pytest.mark.slow),
    pytest.param(60, [2.5], 1.0, 1, id="one spike"),
    pytest.param(50, [2.0, 0.6, -0.3], 1.0, 1, id="subcritical"),
]


@pytest.mark.lengthy
@pytest.mark.parametrize(("n", "spikes", "sigma", "beta"), SYMMETRIC)
def test_outliers_are_equal_in_law_to_dense(
    n: int,
    spikes: Sequence[float],
    sigma: float,
    beta: int,
    dense_eigenvalues: Callable[..., FloatArray],
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    rng = np.random.default_rng(20)
    drawn = np.array(
        [
            sample_spiked_outliers(n, spikes, sigma=sigma, beta=beta, rng=rng).outliers
            for _ in range(800)
        ]
    )
    above = sum(spike > 0 for spike in spikes)
    below = len(spikes) - above
    chosen = [*range(above), *range(n - below, n)]
    dense = dense_eigenvalues(n, spikes, sigma, beta, 1600, 21)[:, chosen]
    assert largest_score(drawn, dense) < BOUND


@pytest.mark.lengthy
def test_a_wrong_diagonal_variance_is_rejected(
    dense_eigenvalues: Callable[..., FloatArray],
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    """Variance σ² for 2σ² takes ½(1 − 1/θ²) of the variance of a spike on a basis vector."""
    rng = np.random.default_rng(22)
    drawn = np.array(
        [sample_spiked_outliers(60, [3.0, 2.0, -2.5], rng=rng).outliers for _ in range(800)]
    )
    wrong = dense_eigenvalues(60, [3.0, 2.0, -2.5], 1.0, 1, 1600, 23, diagonal_variance=1.0)
    assert largest_score(drawn, wrong[:, [0, 1, 59]]) > BOUND


# Sizes that are no multiple of r, a last block that is cut, and r > N/2.
SPECTRA = [(11, 3), (7, 5), (6, 6), (10, 5), (1, 1)]
BETAS = [1, pytest.param(2, marks=pytest.mark.slow)]


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("n", "r"), SPECTRA)
def test_whole_spectra_are_equal_in_law_to_dense(
    n: int,
    r: int,
    beta: int,
    dense_eigenvalues: Callable[..., FloatArray],
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    spikes = np.linspace(2.0, -1.0, r)
    rng = np.random.default_rng(24)
    drawn = np.array(
        [sample_spiked_spectrum(n, spikes, sigma=1.5, beta=beta, rng=rng) for _ in range(800)]
    )
    assert drawn.shape == (800, n)
    dense = dense_eigenvalues(n, spikes, 1.5, beta, 3000, 25)
    assert largest_score(drawn, dense) < BOUND
    if n == 11:
        other = dense_eigenvalues(n, spikes, 1.6, beta, 3000, 25)
        assert largest_score(drawn, other) > BOUND


RECTANGULAR = [(11, 14, 3), (14, 11, 3), (7, 7, 5), (7, 9, 5), (5, 40, 5), (6, 6, 6), (1, 3, 1)]


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("n", "m", "r"), RECTANGULAR)
def test_whole_singular_spectra_are_equal_in_law_to_dense(
    n: int,
    m: int,
    r: int,
    beta: int,
    dense_singular_values: Callable[..., FloatArray],
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    spikes = np.linspace(2.0, 0.5, r)
    rng = np.random.default_rng(26)
    drawn = np.array(
        [
            sample_spiked_singular_spectrum((n, m), spikes, sigma=1.5, beta=beta, rng=rng)
            for _ in range(800)
        ]
    )
    assert drawn.shape == (800, min(n, m))
    dense = dense_singular_values((n, m), spikes, 1.5, beta, 3000, 27)
    assert largest_score(drawn, dense) < BOUND
    if (n, m) == (11, 14):
        other = dense_singular_values((n, m), spikes, 1.5, beta, 3000, 27, entry_scale=1.06)
        assert largest_score(drawn, other) > BOUND


@pytest.mark.lengthy
@pytest.mark.parametrize("shape", [(30, 60), (60, 30), (40, 40)])
@pytest.mark.parametrize("beta", BETAS)
def test_singular_outliers_are_equal_in_law_to_dense(
    shape: tuple[int, int],
    beta: int,
    dense_singular_values: Callable[..., FloatArray],
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    spikes = [2.5, 1.8, 1.5]
    rng = np.random.default_rng(28)
    drawn = np.array(
        [
            sample_spiked_singular_values(shape, spikes, beta=beta, rng=rng).outliers
            for _ in range(800)
        ]
    )
    dense = dense_singular_values(shape, spikes, 1.0, beta, 1600, 29)[:, :3]
    assert largest_score(drawn, dense) < BOUND


@pytest.mark.lengthy
def test_many_spikes_agree_with_one_dense_mean(
    largest_score: Callable[[FloatArray, FloatArray], float],
) -> None:
    """Twelve spikes at N = 48: crowded ones repel each other as in the dense matrix."""
    spikes = np.linspace(1.5, 3, 12)
    rng = np.random.default_rng(30)
    drawn = np.array([sample_spiked_outliers(48, spikes, rng=rng).outliers for _ in range(800)])
    dense = []
    for _ in range(800):
        matrix = sample_goe(48, rng=rng)
        matrix[np.arange(12), np.arange(12)] += spikes
        dense.append(np.linalg.eigvalsh(matrix)[::-1][:12])
    assert largest_score(drawn[:, ::3], np.array(dense)[:, ::3]) < BOUND
