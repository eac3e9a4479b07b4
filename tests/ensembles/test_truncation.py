"""The truncation error is a bound, at every size, and blocks are added until it is small."""

from collections.abc import Sequence

import numpy as np
import pytest

from pastur.ensembles import (
    sample_spiked_outliers,
    sample_spiked_singular_spectrum,
    sample_spiked_singular_values,
    sample_spiked_spectrum,
)
from pastur.ensembles._chains.block_eigen import band, top_values
from pastur.ensembles._chains.chain import Chain, RectangularChain, SymmetricChain
from pastur.ensembles._chains.truncation import largest

# Rounding of eigenvalues of size 4, with a margin.
ROUNDING = 1e-13

SYMMETRIC = [
    ([3.0, 2.0, 1.5], 1),
    ([3.0, 1.2, -1.5], 2),
    ([1.05], 1),
    ([1.3, 1.05, -1.05], 1),
    ([2.0, 0.8], 1),
    ([-0.5], 2),
    (list(np.linspace(1.2, 3, 20)), 1),
]


@pytest.mark.parametrize("tolerance", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize(("spikes", "beta"), SYMMETRIC)
def test_outliers_of_the_complete_matrix_are_within_the_bound(
    spikes: Sequence[float], beta: int, tolerance: float
) -> None:
    """The same seed gives the same matrix, of which `sample_spiked_spectrum` sees all."""
    n = 1000
    draw = sample_spiked_outliers(n, spikes, sigma=2.0, beta=beta, tolerance=tolerance, rng=31)
    spectrum = sample_spiked_spectrum(n, spikes, sigma=2.0, beta=beta, rng=31)
    above = sum(spike > 0 for spike in spikes)
    below = len(spikes) - above
    complete = np.concatenate([spectrum[:above], spectrum[n - below :]])
    assert draw.truncation_error <= tolerance
    # Truncation pulls outliers towards zero.
    missing = np.abs(complete) - np.abs(draw.outliers)
    assert (missing > -ROUNDING).all()
    assert (missing <= draw.truncation_error + ROUNDING).all()


RECTANGULAR = [((700, 1200), [2.0, 1.5], 1), ((1000, 800), [1.1, 1.6], 2), ((800, 800), [0.7], 1)]


@pytest.mark.parametrize("tolerance", [1e-2, 1e-9])
@pytest.mark.parametrize(("shape", "spikes", "beta"), RECTANGULAR)
def test_singular_outliers_of_the_complete_matrix_are_within_the_bound(
    shape: tuple[int, int], spikes: Sequence[float], beta: int, tolerance: float
) -> None:
    draw = sample_spiked_singular_values(shape, spikes, beta=beta, tolerance=tolerance, rng=32)
    spectrum = sample_spiked_singular_spectrum(shape, spikes, beta=beta, rng=32)
    missing = spectrum[: len(spikes)] - draw.outliers
    assert draw.truncation_error <= tolerance
    assert (missing > -ROUNDING).all()
    assert (missing <= draw.truncation_error + ROUNDING).all()


LAWS = [
    SymmetricChain(np.array([3.0, 2.0, 1.5]), 1.0, 1, n=10**9),
    SymmetricChain(np.linspace(3.0, 1.3, 20), 1.0, 2, n=10**6),
    SymmetricChain(np.array([1.05]), 1.0, 1, n=10**5),
    SymmetricChain(np.array([2.0, 0.9]), 1.0, 1, n=10**5),
    RectangularChain(np.array([2.0, 1.0]), 1.0, 1, n=10**8, m=4 * 10**8),
    RectangularChain(np.array([1.1]), 1.0, 1, n=10**7, m=10**7),
]


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("law", LAWS)
def test_the_bound_holds_against_sixty_more_blocks(
    law: RectangularChain | SymmetricChain, tolerance: float
) -> None:
    chain = Chain(law, np.random.default_rng(33))
    found = largest(chain, law.spikes.size, 1, tolerance, lambda found: None)
    longer = found.blocks + 60
    deeper = top_values(band(*chain.blocks(longer), longer * law.spikes.size), law.spikes.size)
    assert found.error <= tolerance
    assert (np.abs(deeper - found.values) <= found.error + ROUNDING).all()


def test_the_bound_is_not_idle() -> None:
    """At a loose tolerance the true error is at least a hundredth of the bound, and no rounding."""
    law = LAWS[0]
    chain = Chain(law, np.random.default_rng(34))
    found = largest(chain, 3, 1, 1e-3, lambda found: None)
    deeper = top_values(band(*chain.blocks(70), 210), 3)
    true = np.abs(deeper - found.values).max()
    assert true > 1e-6
    assert true > found.error / 100


@pytest.mark.parametrize("blocks", [5, 10, 15, 20])
def test_truncation_errs_by_what_theory_says(blocks: int) -> None:
    """σ(σ/θ)^(2K−1)(1 − σ²/θ²)² for N ≫ Kr: 8.0e-3, 1.4e-4, 2.4e-6, 4.2e-8 at θ = 1.5σ."""
    law = SymmetricChain(np.array([1.5]), 1.0, 1, n=10**12)
    chain = Chain(law, np.random.default_rng(38))
    short, long = (top_values(band(*chain.blocks(k), k), 1)[0] for k in (blocks, 90))
    expected = 1.5 ** (1 - 2 * blocks) * (1 - 1.5**-2) ** 2
    # Corrections are relative (σ/θ)^2K·O(K): 0.1 at K = 5.
    assert long - short == pytest.approx(expected, rel=0.15 if blocks == 5 else 0.01)


def test_blocks_are_added_until_the_tolerance_is_met() -> None:
    """Known rate: the error falls by (σ/θ)² a block, THEORY: 2 log(1.5) per block here."""
    draws = [
        sample_spiked_outliers(10**9, 1.5, tolerance=tolerance, rng=35)
        for tolerance in (1e-3, 1e-6, 1e-9, 1e-12)
    ]
    blocks = np.array([draw.blocks for draw in draws])
    expected = np.log(1e3) / (2 * np.log(1.5))
    assert (np.abs(np.diff(blocks) - expected) < 3).all()
    errors = np.array([draw.truncation_error for draw in draws])
    assert (np.diff(errors) < 0).all()


def test_another_tolerance_sees_the_same_matrix() -> None:
    loose = sample_spiked_outliers(10**10, [3.0, -2.0], tolerance=1e-2, rng=36)
    tight = sample_spiked_outliers(10**10, [3.0, -2.0], tolerance=1e-12, rng=36)
    assert tight.blocks > loose.blocks
    np.testing.assert_allclose(loose.outliers, tight.outliers, rtol=0, atol=1e-2)
    assert np.abs(loose.outliers - tight.outliers).max() > 1e-9


def test_a_matrix_without_room_is_used_whole() -> None:
    draw = sample_spiked_outliers(5, [3.0, -2.0, 1.0], rng=37)
    assert (draw.truncation_error, draw.blocks) == (0.0, 2)
    assert draw.outliers.shape == (3,)
