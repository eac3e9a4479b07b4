"""The inequalities that the truncation error rests on, each against the slow and obvious thing."""

import numpy as np
import pytest

from pastur._typing import AnyArray, FloatArray
from pastur.ensembles._chains.block_eigen import band, count_above, top_pairs, top_values
from pastur.ensembles._chains.chain import Chain, RectangularChain, SymmetricChain
from pastur.ensembles._chains.noise_bounds import rectangular_noise_bound, symmetric_noise_bound
from pastur.ensembles._chains.separation import noise_level


def dense_chain(diagonal: AnyArray, coupling: AnyArray, rows: int) -> AnyArray:
    """The block tridiagonal matrix, block by block."""
    count, r, _ = diagonal.shape
    matrix = np.zeros((count * r, count * r), dtype=diagonal.dtype)
    for k in range(count):
        here, below = slice(k * r, (k + 1) * r), slice((k + 1) * r, (k + 2) * r)
        matrix[here, here] = diagonal[k]
        if k + 1 < count:
            matrix[below, here] = coupling[k]
            matrix[here, below] = coupling[k].conj().T
    return matrix[:rows, :rows]


CHAINS = [
    SymmetricChain(np.array([3.0, 1.5, -2.0]), 1.0, 1, n=400),
    SymmetricChain(np.array([3.0, 1.5, -2.0]), 1.0, 2, n=1000),
    SymmetricChain(np.array([1.2]), 1.0, 1, n=900),
    SymmetricChain(np.array([1.2]), 1.0, 2, n=900),
    SymmetricChain(np.linspace(1.5, 3.0, 40), 1.0, 1, n=1000),
    RectangularChain(np.array([2.0, 1.1]), 0.8, 1, n=299, m=500),
    RectangularChain(np.array([2.0, 1.1]), 0.8, 2, n=300, m=500),
]


@pytest.mark.parametrize("law", CHAINS)
def test_eigenvalue_routines_agree_with_a_dense_solver(
    law: RectangularChain | SymmetricChain,
) -> None:
    chain = Chain(law, np.random.default_rng(60))
    diagonal, coupling = chain.blocks(chain.size)
    lower = band(diagonal, coupling, law.rows)
    dense = dense_chain(diagonal, coupling, law.rows)
    expected = np.linalg.eigvalsh(dense)[::-1]
    np.testing.assert_allclose(top_values(lower), expected, rtol=0, atol=2e-14 * law.rows)
    np.testing.assert_allclose(top_values(lower, 5), expected[:5], rtol=0, atol=1e-12)
    values, vectors, residuals = top_pairs(lower, 3, lambda found: None)
    np.testing.assert_allclose(values, expected[:3], rtol=0, atol=1e-12)
    assert np.abs(vectors.conj().T @ vectors - np.eye(3)).max() < 1e-12
    if law.spikes.size > 1 or law.beta == 1:
        # For one complex spike the vectors are those of the real matrix with the same spectrum.
        assert np.abs(dense @ vectors - vectors * values).max() < 1e-12
    assert residuals.max() < 1e-13


@pytest.mark.parametrize("law", [law for law in CHAINS if law.rows % law.spikes.size == 0])
def test_eigenvalues_are_counted_by_elimination(law: RectangularChain | SymmetricChain) -> None:
    chain = Chain(law, np.random.default_rng(61))
    diagonal, coupling = chain.blocks(chain.size)
    expected = np.linalg.eigvalsh(dense_chain(diagonal, coupling, law.rows))
    for level in (-2.5, -0.3, 0.1234, 1.9, 2.2, 9.0):
        assert count_above(diagonal, coupling, level) == (expected > level).sum()


@pytest.mark.parametrize(
    ("law", "blocks"),
    [
        (SymmetricChain(np.array([0.5]), 1.0, 1, n=4000), 900),
        (SymmetricChain(np.array([1.1, 0.5]), 1.0, 1, n=4000), 700),
        (SymmetricChain(np.array([1.05]), 1.0, 2, n=3000), 300),
        (RectangularChain(np.array([0.9]), 1.0, 1, n=1500, m=1500), 900),
    ],
)
def test_the_level_holds_back_all_but_the_spikes_of_the_complete_matrix(
    law: RectangularChain | SymmetricChain, blocks: int
) -> None:
    """Cut in two, where the noise as a whole reaches farther than the weakest outlier."""
    count = law.spikes.size
    for seed in range(5):
        chain = Chain(law, np.random.default_rng(seed))
        complete = top_values(band(*chain.blocks(chain.size), law.rows), count + 1)
        diagonal, coupling = chain.blocks(blocks)
        values = top_values(band(diagonal, coupling, blocks * count), count + 1)
        level = noise_level(law, diagonal, coupling, values, count)
        assert complete[count] <= level
        assert level < values[count - 1]


def test_the_level_of_a_spike_that_is_missing_is_infinite() -> None:
    """One spike, but two are asked for: what is between noise and noise is not told apart."""
    law = SymmetricChain(np.array([1.5]), 1.0, 1, n=10**6)
    diagonal, coupling = Chain(law, np.random.default_rng(62)).blocks(30)
    values = top_values(band(diagonal, coupling, 30), 3)
    assert noise_level(law, diagonal, coupling, values, 2) >= values[1]


@pytest.mark.parametrize("n", [1, 2, 7, 50, 400])
def test_moments_of_gue_stay_below_the_bound(n: int) -> None:
    """Harer and Zagier's recursion for the moments, term by term."""
    for failure in (0.5, 1e-3, 1e-14):
        bound = float(symmetric_noise_bound(np.array(n), 2, failure))
        log_moment, before, now = np.log(n), 1.0, 1.0
        best = 0.0
        for q in range(1, int(40 * n ** (2 / 3)) + 20):
            before, now = now, now + q * (q - 1) / (4 * n**2) * before
            log_moment += np.log((4 * q - 2) / (q + 1) * n)
            best = min(best, log_moment + np.log(now) - 2 * q * np.log(bound))
        # The exact moments give at most the failure that was asked for.
        assert best <= np.log(failure) + 1e-9


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (5, 9), (40, 41), (100, 300), (400, 400)])
def test_moments_of_complex_wishart_stay_below_the_bound(n: int, m: int) -> None:
    """Haagerup and Thorbjørnsen's recursion for the moments, term by term."""
    s, d = n + m, m - n
    for failure in (0.5, 1e-3, 1e-14):
        bound = 2 * np.log(float(rectangular_noise_bound(np.array(n), np.array(m), 2, failure)))
        log_moment, ratio, best = np.log(n * m), float(m), np.log(n * m) - bound
        for q in range(1, int(40 * s ** (2 / 3)) + 20):
            ratio = ((2 * q + 1) * s + (q - 1) * (q**2 - d**2) / ratio) / (q + 2)
            log_moment += np.log(ratio)
            best = min(best, log_moment - (q + 1) * bound)
        assert best <= np.log(failure) + 1e-9


def test_eigenvalues_of_two_real_matrices_interlace_to_a_complex_one() -> None:
    """Forrester and Rains: every second one of n and n + 1 real is one complex; n = 3, means."""
    rng = np.random.default_rng(63)
    draws = 20000

    def spectrum(n: int, beta: int) -> FloatArray:
        square = rng.standard_normal((draws, n, n))
        if beta == 2:
            square = (square + 1j * rng.standard_normal((draws, n, n))) / np.sqrt(2)
        return np.linalg.eigvalsh((square + square.conj().swapaxes(1, 2)) / np.sqrt(2))

    union = np.sort(np.concatenate([spectrum(3, 1), spectrum(4, 1)], axis=1))
    for power in (1, 2):
        second, single = union[:, -2] ** power, spectrum(3, 2)[:, -1] ** power
        error = np.sqrt((second.var() + single.var()) / draws)
        # 4.9 standard errors: false alarm 1e-6; the largest of all is far off.
        assert abs(second.mean() - single.mean()) < 4.9 * error
        assert abs((union[:, -1] ** power).mean() - single.mean()) > 20 * error


@pytest.mark.parametrize("beta", [1, 2])
def test_noise_exceeds_the_bound_no_more_often_than_stated(beta: int) -> None:
    rng = np.random.default_rng(64)
    draws, n, failure = 1000, 40, 0.1
    square = rng.standard_normal((draws, n, n)) + (beta - 1) * 1j * rng.standard_normal(
        (draws, n, n)
    )
    square /= np.sqrt(beta)
    tops = np.linalg.eigvalsh((square + square.conj().swapaxes(1, 2)) / np.sqrt(2))[:, -1]
    exceeding = (tops > symmetric_noise_bound(np.array(n), beta, failure)).mean()
    norms = np.linalg.svd(square, compute_uv=False)[:, 0]
    beyond = (norms > rectangular_noise_bound(np.array(n), np.array(n), beta, failure)).mean()
    assert exceeding <= failure
    assert beyond <= failure
    # A bound that is 8 % lower would not hold.
    assert (tops > 0.92 * symmetric_noise_bound(np.array(n), beta, failure)).mean() > 0


def test_bounds_approach_the_edge_as_the_tracy_widom_scale_does() -> None:
    for n in (10**4, 10**8, 10**12):
        for beta in (1, 2):
            excess = float(symmetric_noise_bound(np.array(n), beta, 1e-14)) / np.sqrt(n) - 2
            # s N^(−2/3) with exp(−(2β/3) s^(3/2)) = 1e-14, up to the logarithm of the prefactor.
            s = (np.log(1e14) * 3 / (2 * beta)) ** (2 / 3)
            assert 0.9 < excess * n ** (2 / 3) / s < 1.5
    assert float(symmetric_noise_bound(np.array(0), 1, 1e-14)) == 0
    assert float(rectangular_noise_bound(np.array(0), np.array(9), 1, 1e-14)) == 0
