"""The sentences that a wrong call is answered with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.measures import Semicircle, TracyWidom, Uniform

W = np.random.default_rng(70).normal(size=(6, 6))
S = W + W.T


def with_entry(value: float) -> FloatArray:
    matrix = S.copy()
    matrix[2, 3] = value
    return matrix


BAD_ARRAYS = {
    "NaN": (
        with_entry(np.nan),
        InvalidInputError,
        r"must be finite. Found nan at index \(2, 3",
    ),
    "infinite": (with_entry(np.inf), InvalidInputError, "`W` must be finite. Found inf"),
    "empty": (np.empty((0, 0)), InvalidInputError, "`W` must not be empty"),
    "1-D": (np.ones(5), InvalidInputError, r"`W` must be a matrix. Got shape \(5,\)"),
    "3-D": (np.ones((2, 2, 2)), InvalidInputError, "`W` must be a matrix"),
    "complex": (S + 1j, InvalidTypeError, "`W` must be real. Got the complex type"),
    "object": (np.full((2, 2), None), InvalidTypeError, "`W` must hold numbers"),
    "text": (np.full((2, 2), "a"), InvalidTypeError, "`W` must hold numbers"),
    "ragged": ([[1.0, 2.0], [3.0]], InvalidInputError, "rows of unequal length"),
    "zero": (
        np.zeros((4, 4)),
        InvalidInputError,
        "matrix is zero: it has neither",
    ),
    "one row": (np.ones((1, 1)), InvalidInputError, "at least two rows and two columns"),
    "too large": (np.full((9, 9), 1e308), InvalidInputError, "beyond the largest double"),
}


@pytest.mark.parametrize("fit", [fit_rectangular, fit_symmetric])
@pytest.mark.parametrize("name", list(BAD_ARRAYS))
def test_bad_arrays(fit: Callable[..., Any], name: str) -> None:
    array, error, sentence = BAD_ARRAYS[name]
    with pytest.raises(error, match=sentence) as caught:
        fit(array)
    assert "\n" not in str(caught.value)


def test_a_single_row_cannot_be_fitted() -> None:
    with pytest.raises(InvalidInputError, match=r"at least two rows.*Got shape \(1, 8\)"):
        fit_rectangular(np.ones((1, 8)))
    with pytest.raises(InvalidInputError, match=r"Got shape \(1, 8\)"):
        fit_rectangular(singular_values=[2.0], shape=(1, 8))
    with pytest.raises(InvalidInputError, match="at least two rows"):
        fit_symmetric(eigenvalues=[2.0])


def test_one_route_or_both() -> None:
    with pytest.raises(InvalidInputError, match=r"`W` or its `singular_values`. Got neither"):
        fit_rectangular()
    with pytest.raises(InvalidInputError, match=r"has \d+ singular values. Got 1"):
        fit_rectangular(W, singular_values=[1.0])
    values = np.linalg.svd(W, compute_uv=False)
    assert fit_rectangular(W, singular_values=values).sigma == pytest.approx(
        fit_rectangular(W).sigma
    )
    with pytest.raises(InvalidInputError, match="`shape` goes with `singular_values`"):
        fit_rectangular(W, shape=(6, 6))
    with pytest.raises(InvalidInputError, match=r"`W` or its `eigenvalues`. Got neither"):
        fit_symmetric()
    with pytest.raises(InvalidInputError, match=r"has \d+ eigenvalues. Got 2"):
        fit_symmetric(S, eigenvalues=[1.0, 2.0])
    assert fit_symmetric(S, eigenvalues=np.linalg.eigvalsh(S)).sigma == pytest.approx(
        fit_symmetric(S).sigma
    )


def test_singular_values_need_their_shape() -> None:
    with pytest.raises(InvalidInputError, match=r"`shape`, a pair \(rows, columns\). Got None"):
        fit_rectangular(singular_values=[2.0, 1.0])
    with pytest.raises(InvalidInputError, match=r"has 3 singular values. Got 2"):
        fit_rectangular(singular_values=[2.0, 1.0], shape=(3, 4))
    with pytest.raises(InvalidTypeError, match="`shape` must be a pair"):
        fit_rectangular(singular_values=[2.0, 1.0], shape=2)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match=r"`shape\[1\]` must be an integer"):
        fit_rectangular(singular_values=[2.0, 1.0], shape=(2, 4.0))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"`shape\[0\]` must be at least 1"):
        fit_rectangular(singular_values=[2.0, 1.0], shape=(0, 4))


def test_bad_spectra() -> None:
    with pytest.raises(InvalidInputError, match=r"must not be negative. Got -1; .*fit_symmetric"):
        fit_rectangular(singular_values=[2.0, -1.0], shape=(2, 2))
    with pytest.raises(InvalidInputError, match="`singular_values` must be finite"):
        fit_rectangular(singular_values=[2.0, np.nan], shape=(2, 2))
    with pytest.raises(InvalidInputError, match="`eigenvalues` must be one-dimensional"):
        fit_symmetric(eigenvalues=S)
    with pytest.raises(InvalidTypeError, match="`eigenvalues` must be real"):
        fit_symmetric(eigenvalues=[1.0, 1j])
    with pytest.raises(InvalidInputError, match="`eigenvalues` must not be empty"):
        fit_symmetric(eigenvalues=[])


def test_an_asymmetric_matrix_is_refused_with_the_amount() -> None:
    matrix = np.eye(4)
    matrix[0, 1] = 0.25
    with pytest.raises(InvalidInputError, match=r"differ by up to 0.25 times.*`fit_rectangular`"):
        fit_symmetric(matrix)
    with pytest.raises(InvalidInputError, match=r"must be square.*\(6, 5\).*`fit_rectangular`"):
        fit_symmetric(W[:, :5])
    # Rounding of single precision is let through.
    assert fit_symmetric(S + 1e-8 * W).shape == (6, 6)


@pytest.mark.parametrize("fit", [fit_rectangular, fit_symmetric])
def test_sigma_and_alpha_are_checked(fit: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"`sigma` must be positive. Got 0"):
        fit(S, sigma=0)
    with pytest.raises(InvalidInputError, match="`sigma` must be finite"):
        fit(S, sigma=np.inf)
    with pytest.raises(InvalidTypeError, match="`sigma` must be a real number"):
        fit(S, sigma="one")
    with pytest.raises(InvalidInputError, match=r"out of all proportion.*Check their units"):
        fit(S, sigma=1e150)
    with pytest.raises(InvalidInputError, match=r"strictly between 0 and 1. Got 1"):
        fit(S, alpha=1)


@pytest.mark.parametrize("fit", [fit_rectangular, fit_symmetric])
@pytest.mark.parametrize("matrix", [S, S * 1e-200, np.eye(40)], ids=["noise", "tiny", "identity"])
def test_a_sigma_of_any_size_is_judged_or_refused(
    fit: Callable[..., Any], matrix: FloatArray
) -> None:
    """In the square of σ, what is far below it is lost to rounding: a fit would divide by zero."""
    largest = np.abs(np.linalg.eigvalsh(matrix)).max()
    for exponent in (-14, -9, -4, 4, 9, 14):
        assert not fit(matrix, sigma=largest * 10.0**exponent).goodness.fits
    for exponent in (-99, -60, -17, 17, 60, 99):
        with pytest.raises(InvalidInputError, match="out of all proportion"):
            fit(matrix, sigma=largest * 10.0**exponent)


def test_a_bulk_is_a_probability_measure_of_bounded_support() -> None:
    words = "^`bulk` must be a probability measure, such as .* Got 3 of type int"
    with pytest.raises(InvalidTypeError, match=words):
        fit_symmetric(S, bulk=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match=r"^`bulk` must be a probability measure"):
        fit_symmetric(S, bulk=2 * Semicircle(1.0) - Uniform(0, 1))
    with pytest.raises(InvalidInputError, match=r"^`bulk` must have bounded support"):
        fit_symmetric(S, bulk=TracyWidom(1))


def test_denoising_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"of the fitted matrix, \(6, 6\). Got \(6, 5"):
        fit_rectangular(W).denoise(W[:, :5])
    with pytest.raises(InvalidInputError, match=r"shape of the fitted matrix, \(6, 6\)"):
        fit_symmetric(S).denoise(S[:5, :5])
    with pytest.raises(InvalidInputError, match="must be symmetric"):
        fit_symmetric(S).denoise(np.triu(S))
