"""Matrices stored in small types: what rounding adds is neither signal nor noise."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pytest

from pastur import analyze
from pastur._numerics.rounding import Tolerance, precision_of
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric

TYPES = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]
SHAPES = {"wide": (120, 200, 20), "tall": (300, 90, 12), "square": (150, 150, 40)}


def product(
    shape: Sequence[int], rank: int, rng: np.random.Generator, scale: float = 1.0
) -> FloatArray:
    return scale * rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 3e-3])
def test_an_exact_rank_survives_every_type(shape: str, kind: type, scale: float) -> None:
    rows, columns, rank = SHAPES[shape]
    sides = (rows, columns)
    w = product(sides, rank, np.random.default_rng(rank), scale)
    fit = fit_rectangular(w.astype(kind))
    assert [fit.rank, fit.signal_rank, fit.zeros] == [rank, rank, min(sides) - rank]
    assert fit.signal_rank_interval == (float(rank), float(rank))
    assert fit.goodness.verdict == "no noise"
    (found,) = analyze({"w": w.astype(kind)}).matrices
    assert (found.fit.rank, found.metrics.matrix_rank) == (rank, rank)


@pytest.mark.parametrize("kind", TYPES)
def test_rows_of_unequal_size_do_not_hide_it(kind: type) -> None:
    rng = np.random.default_rng(1)
    w = product((150, 220), 15, rng) * np.exp(rng.normal(size=(150, 1)))
    assert fit_rectangular(w.astype(kind)).rank == 15


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("count", [1, 10, 60, 110])
def test_noise_in_a_part_of_the_space_does_not_depend_on_the_type(count: int, kind: type) -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(160, 240))
    basis = np.linalg.qr(rng.normal(size=(160, count)))[0]
    w = noise - basis @ (basis.T @ noise)
    fit, exact = fit_rectangular(w.astype(kind)), fit_rectangular(w)
    assert fit.zeros == exact.zeros == count
    assert fit.rank == exact.rank == 0
    assert fit.goodness.verdict == exact.goodness.verdict == "noise bulk"
    assert fit.entry_sd == pytest.approx(exact.entry_sd, rel=2e-3)
    symmetric = noise[:, :160] + noise[:, :160].T
    symmetric = symmetric - basis @ (basis.T @ symmetric)
    symmetric = symmetric - (symmetric @ basis) @ basis.T
    symmetric = ((symmetric + symmetric.T) / 2).astype(kind)
    # An eigenvalue of the noise may lie within the rounding of bfloat16.
    assert 0 <= fit_symmetric(symmetric).zeros - count <= (kind is ml_dtypes.bfloat16)


def test_what_was_computed_in_float32_has_its_errors_too() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(200, 300)).astype(np.float32)
    for count in (1, 20, 95):
        basis = np.linalg.qr(rng.normal(size=(200, count)))[0].astype(np.float32)
        fit = fit_rectangular(noise - basis @ (basis.T @ noise))
        assert (fit.zeros, fit.rank, fit.goodness.verdict) == (count, 0, "noise bulk")
    left, right = rng.normal(size=(400, 60)), rng.normal(size=(60, 500))
    assert fit_rectangular(left.astype(np.float32) @ right.astype(np.float32)).rank == 60


@pytest.mark.parametrize(
    ("kind", "sd"),
    [(np.float64, 1e-10), (np.float32, 1e-5), (np.float16, 1e-2), (ml_dtypes.bfloat16, 0.1)],
)
def test_weak_noise_is_not_taken_for_rounding(kind: type, sd: float) -> None:
    rng = np.random.default_rng(4)
    w = product((150, 250), 3, rng) + sd * rng.normal(size=(150, 250))
    fit = fit_rectangular(w.astype(kind))
    assert (fit.rank, fit.zeros) == (3, 0)
    assert fit.entry_sd == pytest.approx(sd, rel=0.02)


@pytest.mark.parametrize("kind", TYPES)
def test_the_small_values_of_square_noise_are_not_zero(kind: type) -> None:
    rng = np.random.default_rng(5)
    found = [fit_rectangular(rng.normal(size=(100, 100)).astype(kind)).zeros for _ in range(20)]
    # A least value below 5ε/√12 in units of 1/√100 is due in 14 % with bfloat16, else never.
    assert sum(found) <= (8 if kind is ml_dtypes.bfloat16 else 0)


def test_both_routes_agree_in_float32() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(150, 260))
    basis = np.linalg.qr(rng.normal(size=(150, 30)))[0]
    noise -= basis @ (basis.T @ noise)
    matrices: list[AnyArray] = [noise, product((150, 260), 9, rng)]
    for w in [matrix.astype(np.float32) for matrix in matrices]:
        values, whole = np.linalg.svd(w, compute_uv=False), fit_rectangular(w)
        for given in (values, values.tolist(), values.astype(np.float64)):
            fit = fit_rectangular(singular_values=given, shape=w.shape)
            assert (fit.rank, fit.zeros) == (whole.rank, whole.zeros)
            assert fit.goodness.verdict == whole.goodness.verdict
        both = fit_rectangular(w, singular_values=np.linalg.svd(w.astype(float), compute_uv=False))
        assert (both.rank, both.zeros) == (whole.rank, whole.zeros)


@pytest.mark.parametrize("kind", TYPES)
def test_the_type_is_that_of_the_entries_not_of_the_array(kind: type) -> None:
    w: AnyArray = np.random.default_rng(7).normal(size=(40, 50)).astype(kind)
    for held in (np.float64, np.float32):
        name = np.dtype(kind).name
        expected = "float32" if (name, held) == ("float64", np.float32) else name
        assert precision_of(w.astype(held)).name == expected


def test_integers_signs_and_zeros_are_exact() -> None:
    rng = np.random.default_rng(8)
    for w in (rng.integers(-9, 10, (40, 50)), rng.choice([-1, 1], (40, 50)), np.eye(40)):
        assert precision_of(w.astype(np.float64)).name == "float64"
    # So is a small singular value of theirs: diag(1, 2^−20) has rank 2.
    w = np.diag(np.append(np.ones(30), 2.0**-20))
    assert fit_rectangular(w).zeros == 0


def test_the_bound_is_that_of_gaussian_noise() -> None:
    # Chance of noise beyond √k + √(k + d) + 3: exp(−9/2) for each draw, three at once 2e-4.
    rng, tolerance = np.random.default_rng(9), Tolerance(1.0, 0.0, 15)
    beyond = sum(
        np.linalg.norm(rng.normal(size=(10, 25)), 2) > tolerance.largest(10) for _ in range(50)
    )
    assert beyond <= 2
    assert np.linalg.norm(3 * rng.normal(size=(10, 25)), 2) > tolerance.largest(10)


@pytest.mark.parametrize("scale", [2.0**-75, 2.0**-110, 2.0**70])
def test_the_unit_of_a_matrix_in_float32_does_not_matter(scale: float) -> None:
    """The squares of these are zero, or infinite, in float32."""
    w = product((60, 90), 7, np.random.default_rng(3)).astype(np.float32)
    fit, scaled = fit_rectangular(w), fit_rectangular(w * np.float32(scale))
    assert fit.rank == scaled.rank == 7
    assert fit.zeros == scaled.zeros == 53
