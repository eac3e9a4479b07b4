"""Uneven variances brought back to one: the law, the rank, the units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pastur import biwhiten, fit_rectangular
from pastur._typing import AnyArray, FloatArray
from pastur.measures import MarchenkoPastur

N, M = 300, 500


def uneven(
    rng: np.random.Generator, theta: tuple[float, ...] = ()
) -> tuple[FloatArray, FloatArray]:
    rows, columns = rng.uniform(0.5, 3, size=N), rng.uniform(0.5, 3, size=M)
    left = np.linalg.qr(rng.normal(size=(N, max(len(theta), 1))))[0]
    right = np.linalg.qr(rng.normal(size=(M, max(len(theta), 1))))[0]
    signal = (left[:, : len(theta)] * np.asarray(theta)) @ right[:, : len(theta)].T
    flat = signal + rng.normal(size=(N, M)) / np.sqrt(M)
    return rows[:, None] * flat * columns, rows[:, None] * signal * columns


def distance(w: FloatArray) -> float:
    """Kolmogorov distance of squared singular values from Marchenko and Pastur's law."""
    power = np.sort(np.linalg.svd(w, compute_uv=False) ** 2)
    level = np.asarray(MarchenkoPastur(N / M, 1.0).cdf(power))
    steps = np.arange(N + 1) / N
    return float(max((steps[1:] - level).max(), (level - steps[:-1]).max()))


def test_the_spectrum_of_noise_becomes_the_law() -> None:
    w, _ = uneven(np.random.default_rng(0))
    found = biwhiten(w)
    # Eigenvalues are rigid: the distance is of order log n/n.
    assert distance(found.matrix) < 0.02
    assert distance(w / np.sqrt(np.mean(w**2) * M)) > 0.1
    assert found.status.converged and found.status.residual <= 1e-10
    means = (found.matrix**2).mean(axis=1)
    np.testing.assert_allclose(means, 1 / M, rtol=1e-9)
    np.testing.assert_allclose((found.matrix**2).mean(axis=0), 1 / M, rtol=1e-9)


def test_the_rank_comes_back() -> None:
    rng = np.random.default_rng(1)
    w, _ = uneven(rng, theta=(4.0, 3.0, 2.5))
    assert fit_rectangular(w).goodness.verdict == "row or column variances differ"
    fit = fit_rectangular(biwhiten(w).matrix)
    assert fit.rank == 3 and fit.goodness.verdict == "noise bulk"
    assert fit_rectangular(w).rank != 3


def test_a_denoised_matrix_goes_back_to_its_units() -> None:
    w, signal = uneven(np.random.default_rng(2), theta=(8.0, 6.0))
    found = biwhiten(w)
    denoised = found.restore(fit_rectangular(found.matrix).denoise(found.matrix))
    np.testing.assert_allclose(found.restore(found.matrix), w, rtol=1e-12)
    error = np.linalg.norm(denoised - signal) / np.linalg.norm(signal)
    assert error < 0.3 < np.linalg.norm(w - signal) / np.linalg.norm(signal)


def test_counts_are_scaled_by_their_own_variances() -> None:
    rng = np.random.default_rng(3)
    rate = np.outer(rng.uniform(1, 9, size=N), rng.uniform(1, 9, size=M))
    counts = rng.poisson(rate)
    fit = fit_rectangular(biwhiten(counts, variances=counts).matrix)
    # One component, the rate itself, and noise of level 1.
    assert fit.rank == 1
    assert fit.sigma == pytest.approx(1.0, abs=0.01)


def test_scales_do_not_depend_on_the_unit() -> None:
    w, _ = uneven(np.random.default_rng(4))
    plain = biwhiten(w)
    for unit in (1e-200, 1e200):
        np.testing.assert_allclose(biwhiten(unit * w).matrix, plain.matrix, rtol=1e-8)


@pytest.mark.parametrize(
    ("w", "options", "message"),
    [
        (np.diag([1.0, 0.0]), {}, "Row 1 has no variance"),
        (np.array([[1.0, 0.0], [2.0, 0.0]]), {}, "Column 1 has no variance"),
        (np.ones((2, 3)), {"variances": -np.ones((2, 3))}, "must not be negative. Got -1"),
        (np.ones((2, 3)), {"variances": np.ones((3, 2))}, "must have the shape"),
        (np.array([[1.0, np.nan]]), {}, "`W`"),
    ],
)
def test_misuse_is_told(w: FloatArray, options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        biwhiten(w, **options)


def test_a_pattern_that_cannot_be_scaled_is_a_status() -> None:
    # A triangle of zeros: no positive scales make the sums equal, the residual falls like 1/steps.
    found = biwhiten(np.triu(np.ones((30, 30))))
    assert not found.status.converged and found.status.residual > 1e-10
    assert np.isfinite(found.matrix).all()


def arrow(size: int) -> FloatArray:
    w = np.zeros((size, size))
    w[0], w[:, 0] = 1.0, 1.0
    return w


def lonely_row() -> FloatArray:
    w = np.ones((5, 50))
    w[0, 1:] = 0.0
    return w


def few_columns(rows: int, columns: int) -> FloatArray:
    w = np.random.default_rng(5).normal(size=(60, 40))
    w[:rows, columns:] = 0.0
    return w


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("w", "words"),
    [
        (arrow(50), r"49 rows \(1, 2, 3, 4, 5, …\) have entries in 1 column only"),
        (few_columns(50, 20), "50 rows .* in 20 columns only, .*: 50 of 60 rows need 50/60 of 40"),
        (lonely_row(), r"1 row \(0\) has entries in 1 column only"),
        (few_columns(50, 20).T, "only, too few for any scales"),
        (np.random.default_rng(6).poisson(0.005, (200, 300)), "too few for any scales"),
        (np.random.default_rng(7).poisson(0.002, (900, 100)), "too few for any scales"),
    ],
)
def test_patterns_that_no_scales_make_regular_are_refused(w: AnyArray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        biwhiten(w)
    with pytest.raises(ValueError, match=words):
        biwhiten(w, variances=np.abs(w))


@pytest.mark.filterwarnings("error")
def test_rows_that_just_fit_are_not() -> None:
    # 45 of 60 rows in 30 of 40 columns: just enough room, if the others leave these columns alone.
    w = np.random.default_rng(8).normal(size=(60, 40))
    w[:45, 30:] = 0.0
    found = biwhiten(w)
    assert np.isfinite(found.matrix).all() and not found.status.converged


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_sparse_patterns_that_can_be_scaled_are(share: float) -> None:
    rng = np.random.default_rng(9)
    w = rng.normal(size=(150, 200)) * (rng.random((150, 200)) < share)
    w *= rng.uniform(1, 5, size=(150, 1))
    found = biwhiten(w)
    assert found.status.converged
    np.testing.assert_allclose((found.matrix**2).mean(axis=0), 1 / 200, rtol=1e-8)
    np.testing.assert_allclose((found.matrix**2).mean(axis=1), 1 / 200, rtol=1e-8)


@pytest.mark.filterwarnings("error")
def test_rows_and_columns_may_be_decades_apart() -> None:
    rng = np.random.default_rng(10)
    plain = rng.normal(size=(50, 70))
    rows, columns = (10.0 ** rng.uniform(-140, 140, side) for side in plain.shape)
    w = rows[:, None] * plain * columns
    found = biwhiten(w)
    np.testing.assert_allclose(found.matrix, biwhiten(plain).matrix, rtol=1e-6)
    np.testing.assert_allclose(found.restore(found.matrix), w, rtol=1e-9)


def test_it_reads_as_what_was_done() -> None:
    found = biwhiten(np.diag([1.0, 2.0]) + 1.0)
    assert repr(found).startswith("Biwhitened(2 × 2, rows scaled by ")
    assert repr(found).endswith("; converged)") and "array" not in repr(found)
