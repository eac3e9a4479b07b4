"""What must change with the matrix, and what must not."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, fit_rectangular, fit_symmetric


@pytest.fixture(scope="module")
def matrix(make: dict[str, Callable[..., FloatArray]]) -> FloatArray:
    rng = np.random.default_rng(50)
    return make["plant"](make["rectangular"]((80, 120), rng), [3.0, 1.6])


@pytest.fixture(scope="module")
def symmetric(make: dict[str, Callable[..., FloatArray]]) -> FloatArray:
    rng = np.random.default_rng(51)
    return make["plant"](make["symmetric"](100, rng), [3.0, -2.0])


def lengths(fit: SymmetricFit | RectangularFit) -> FloatArray:
    table = fit.spikes
    return np.concatenate(
        [[fit.sigma, *fit.sigma_interval, fit.entry_sd, fit.edge]]
        + [table[name] for name in ("observed", "theta", "low", "high")]
    )


def numbers(fit: SymmetricFit | RectangularFit) -> FloatArray:
    shares = ("overlap", "span", "p_value")
    names = [n for n in fit.spikes.dtype.names or () if n.startswith(shares)]
    goodness = [fit.goodness.statistic, fit.goodness.p_value]
    return np.concatenate([goodness, *(fit.spikes[name] for name in names)])


def same(
    one: SymmetricFit | RectangularFit, other: SymmetricFit | RectangularFit, factor: float = 1.0
) -> None:
    assert one.rank == other.rank
    assert one.goodness.verdict == other.goodness.verdict
    assert one.spikes["isolated"].tolist() == other.spikes["isolated"].tolist()
    # Rounding of the decomposition, which Tracy–Widom tails magnify.
    np.testing.assert_allclose(lengths(one), factor * lengths(other), rtol=1e-9)
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-300, 3.7e-9, 42.0, -1.0, 1e300])
def test_scaling_scales_lengths_alone(
    matrix: FloatArray, symmetric: FloatArray, factor: float
) -> None:
    same(fit_rectangular(factor * matrix), fit_rectangular(matrix), abs(factor))
    if factor > 0:
        same(fit_symmetric(factor * symmetric), fit_symmetric(symmetric), factor)


def test_the_sign_of_a_symmetric_matrix_turns_its_spikes(symmetric: FloatArray) -> None:
    plus, minus = fit_symmetric(symmetric), fit_symmetric(-symmetric)
    assert minus.sigma == pytest.approx(plus.sigma, rel=1e-9)
    for name in ("observed", "theta"):
        np.testing.assert_allclose(minus.spikes[name], -plus.spikes[name][::-1], rtol=1e-9)
    np.testing.assert_allclose(minus.spikes["low"], -plus.spikes["high"][::-1], rtol=1e-9)
    assert (np.diff(minus.spikes["observed"]) < 0).all()


def test_transposing_swaps_left_and_right_alone(matrix: FloatArray) -> None:
    wide, tall = fit_rectangular(matrix), fit_rectangular(matrix.T)
    assert tall.shape == (120, 80)
    np.testing.assert_allclose(tall.spikes["overlap_left"], wide.spikes["overlap_right"], rtol=1e-9)
    np.testing.assert_allclose(tall.spikes["overlap_right"], wide.spikes["overlap_left"], rtol=1e-9)
    np.testing.assert_allclose(lengths(tall), lengths(wide), rtol=1e-9)


def test_orthogonal_matrices_change_nothing(matrix: FloatArray, symmetric: FloatArray) -> None:
    rng = np.random.default_rng(52)
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in matrix.shape)
    same(fit_rectangular(left @ matrix @ right), fit_rectangular(matrix))
    basis = np.linalg.qr(rng.normal(size=symmetric.shape))[0]
    turned = basis @ symmetric @ basis.T
    same(fit_symmetric((turned + turned.T) / 2), fit_symmetric(symmetric))


def test_a_matrix_and_its_values_in_any_order_are_the_same(
    matrix: FloatArray, symmetric: FloatArray
) -> None:
    rng = np.random.default_rng(53)
    values = rng.permutation(np.linalg.svd(matrix, compute_uv=False))
    same(fit_rectangular(singular_values=values, shape=(80, 120)), fit_rectangular(matrix))
    values = rng.permutation(np.linalg.eigvalsh(symmetric))
    same(fit_symmetric(eigenvalues=values), fit_symmetric(symmetric))


def test_rows_of_zeros_are_left_out(matrix: FloatArray, symmetric: FloatArray) -> None:
    # σ belongs to the matrix as given; its entries keep their standard deviation.
    padded = np.vstack([matrix, np.zeros((20, 120))])
    fit = fit_rectangular(padded)
    assert fit.zeros == 20
    same(fit, fit_rectangular(matrix))
    assert "20 rows of zeros were left out" in fit.goodness.reason
    wider = np.pad(symmetric, (0, 25))
    wide, plain = fit_symmetric(wider), fit_symmetric(symmetric)
    assert wide.zeros == 25
    assert wide.entry_sd == pytest.approx(plain.entry_sd)
    np.testing.assert_allclose(wide.spikes["theta"], plain.spikes["theta"], rtol=1e-9)
    np.testing.assert_allclose(wide.law.support, plain.law.support, rtol=1e-9)


def test_a_subtracted_mean_leaves_a_zero_out(make: dict[str, Callable[..., FloatArray]]) -> None:
    noise = make["rectangular"]((90, 200), np.random.default_rng(54))
    fit = fit_rectangular(noise - noise.mean(axis=0))
    assert fit.zeros == 1
    assert fit.goodness.verdict == "noise bulk"
