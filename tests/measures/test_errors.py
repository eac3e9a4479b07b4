"""Every sentence that a user of measures can meet."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError, NumericalError, PasturError
from pastur.measures import Atoms, Empirical, MarchenkoPastur, Semicircle, Uniform

LAW = Semicircle(1.0)
SIGNED = 2 * LAW - Uniform(0, 1)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (
            lambda: MarchenkoPastur(-0.3),
            InvalidInputError,
            "the `ratio` of MarchenkoPastur is rows over columns and must be positive. Got -0.3.",
        ),
        (lambda: MarchenkoPastur(0.0), InvalidInputError, "must be positive. Got 0."),
        (lambda: MarchenkoPastur(np.nan), InvalidInputError, "`ratio` must be finite. Got nan."),
        (lambda: MarchenkoPastur(1.0, 0.0), InvalidInputError, "`sigma` must be positive. Got 0."),
        (lambda: Semicircle(-1.0), InvalidInputError, "`sigma` must be positive. Got -1."),
        (lambda: Semicircle("wide"), InvalidTypeError, "`sigma` must be a real number. Got 'wide'"),  # type: ignore[arg-type]
        (lambda: Semicircle(1.0, np.inf), InvalidInputError, "`center` must be finite. Got inf."),
        (
            lambda: Uniform(2, 1),
            InvalidInputError,
            "`low` must be below `high`. Got low=2, high=1.",
        ),
        (lambda: Uniform(1, 1), InvalidInputError, "`low` must be below `high`."),
        (lambda: Atoms([]), InvalidInputError, "`points` must not be empty."),
        (lambda: Atoms([[1, 2]]), InvalidInputError, "`points` must be one-dimensional. Got shape"),
        (lambda: Atoms([1, np.nan]), InvalidInputError, "`points` must be finite. Found nan at"),
        (lambda: Atoms([1j]), InvalidTypeError, "`points` must be real."),
        (lambda: Atoms(["a"]), InvalidTypeError, "`points` must hold numbers."),
        (lambda: Atoms([1, 2], [1.0]), InvalidInputError, "Got 1 for 2 points."),
        (lambda: Atoms([1, 2], [0.4, 0.4]), InvalidInputError, "must add up to 1. Got 0.8."),
        (
            lambda: Atoms([1, 2], [1.5, -0.5]),
            InvalidInputError,
            "`weights` must be positive. Got -0.5. A signed measure is a difference",
        ),
        (lambda: Empirical([]), InvalidInputError, "`values` must not be empty."),
        (lambda: LAW.quantile(1.2), InvalidInputError, "`q` must lie in [0, 1]. Got 1.2."),
        (lambda: LAW.quantile([0.5, -0.1]), InvalidInputError, "in [0, 1]. Got -0.1."),
        (lambda: LAW.quantile(np.nan), InvalidInputError, "`q` must be finite."),
        (lambda: LAW.cdf(np.nan), InvalidInputError, "`x` must not be NaN."),
        (lambda: LAW.sf("left"), InvalidTypeError, "`x` must hold numbers. It holds text"),
        (lambda: LAW.cdf(1j), InvalidTypeError, "`x` must hold real numbers. Got type complex128."),
        (lambda: LAW.density(np.inf), InvalidInputError, "`x` must be finite. Found inf"),
        (
            lambda: LAW.stieltjes([3.0, 0.5]),
            InvalidInputError,
            "`z` = 0.5 lies on the support, where the transform has no single value. "
            "Add a small imaginary part, or ask for `density`.",
        ),
        (lambda: LAW.stieltjes(-2.0 + 0j), InvalidInputError, "`z` = -2 lies on the support"),
        (lambda: LAW.stieltjes_derivative(1.0), InvalidInputError, "`z` = 1 lies on the support"),
        (lambda: LAW.stieltjes(np.nan), InvalidInputError, "`z` must be finite."),
        (lambda: LAW.stieltjes("z"), InvalidTypeError, "`z` must hold numbers."),
        (
            lambda: LAW.stieltjes(3.0, method="guess"),
            InvalidInputError,
            "`method` must be one of 'formula', 'quadrature'. Got 'guess'.",
        ),
        (
            lambda: Atoms([0, 1]).log_potential([2, 1]),
            InvalidInputError,
            "`z` = 1 is an atom, where the potential is infinite. Add a small imaginary part.",
        ),
        (lambda: LAW.log_potential(np.inf), InvalidInputError, "`z` must be finite."),
        (lambda: LAW.log_potential("z"), InvalidTypeError, "`z` must hold numbers."),
        (lambda: LAW.moment(-1), InvalidInputError, "`k` must be at least 0. Got -1."),
        (lambda: LAW.moment(1.5), InvalidTypeError, "`k` must be an integer. Got 1.5"),  # type: ignore[arg-type]
        (lambda: LAW.scale(0), InvalidInputError, "`a` must not be 0"),
        (lambda: LAW.scale(np.inf), InvalidInputError, "`a` must be finite."),
        (lambda: LAW.shift("up"), InvalidTypeError, "`b` must be a real number."),  # type: ignore[arg-type]
        (lambda: LAW / 0, InvalidInputError, "`divisor` must not be 0"),
        (lambda: LAW * np.ones(2), InvalidTypeError, "`factor` must be a real number."),  # type: ignore[operator]
        (lambda: np.ones(2) * LAW, InvalidTypeError, "`factor` must be a real number."),  # type: ignore[operator]
        (lambda: LAW * LAW, InvalidTypeError, "`factor` must be a real number."),  # type: ignore[operator]
        (lambda: LAW + 1, InvalidTypeError, "Only measures can be added to a measure. Got 1"),
        (lambda: LAW - "x", InvalidTypeError, "Only measures can be added to a measure. Got 'x'"),
        (lambda: LAW.sample(3, rng="seed"), InvalidTypeError, "`rng` must be a numpy.random"),  # type: ignore[arg-type]
        (
            lambda: LAW.sample(3, rng=-1),
            InvalidInputError,
            "`rng` must not be negative",
        ),
        (
            lambda: LAW.integrate(lambda t: 1 / abs(t - 0.123) if t != 0.123 else 0.0),
            NumericalError,
            "The integrand is too rough or not integrable there.",
        ),
    ],
)
def test_sentence(make: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert sentence in str(caught.value)
    assert isinstance(caught.value, PasturError)


@pytest.mark.parametrize("name", ["quantile", "sample"])
def test_a_signed_measure_says_what_it_has_instead(name: str) -> None:
    assert not hasattr(SIGNED, name)
    with pytest.raises(AttributeError) as caught:
        getattr(SIGNED, name)
    assert f"A signed measure has no `{name}`" in str(caught.value)
    assert "Ask for `cdf(x)`, `measure_of(interval)`" in str(caught.value)


def test_other_missing_names_are_reported_as_python_does() -> None:
    with pytest.raises(AttributeError, match="'SignedSum' object has no attribute 'colour'"):
        SIGNED.colour  # noqa: B018
