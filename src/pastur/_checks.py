"""Argument checks: each returns the value in its working type, or raises a sentence that helps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError, InvalidTypeError, MissingExtraError
from pastur._typing import AnyArray, ArrayLike, FloatArray, RandomLike

# Laws of noise describe real matrices to no smaller chance.
LEAST_SIGNIFICANCE = 1e-15


def finite_number(name: str, value: Any) -> float:
    """Return `value` as a finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidTypeError(
            f"`{name}` must be a real number. Got {value!r} of type {type(value).__name__}."
        ) from None
    if not np.isfinite(number):
        raise InvalidInputError(f"`{name}` must be finite. Got {number}.")
    return number


def positive_number(name: str, value: Any) -> float:
    """Return `value` as a finite float greater than zero."""
    number = finite_number(name, value)
    if number <= 0:
        raise InvalidInputError(f"`{name}` must be positive. Got {number:g}.")
    return number


def probability(name: str, value: Any) -> float:
    """Return `value` as a float strictly between 0 and 1."""
    number = finite_number(name, value)
    if not 0 < number < 1:
        raise InvalidInputError(f"`{name}` must lie strictly between 0 and 1. Got {number:g}.")
    return number


def significance(name: str, value: Any) -> float:
    """Return `value` as a chance of false alarm, far enough from 0 for an edge to have it."""
    number = probability(name, value)
    if number < LEAST_SIGNIFICANCE:
        raise InvalidInputError(
            f"`{name}` must be at least {LEAST_SIGNIFICANCE:g}: no noise is known so far out. "
            f"Got {number:g}."
        )
    return number


def positive_integer(name: str, value: Any) -> int:
    """Return `value` as an int greater than zero."""
    return _integer(name, value, 1)


def non_negative_integer(name: str, value: Any) -> int:
    """Return `value` as an int that is not negative."""
    return _integer(name, value, 0)


def _integer(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidTypeError(
            f"`{name}` must be an integer. Got {value!r} of type {type(value).__name__}."
        )
    if value < least:
        raise InvalidInputError(f"`{name}` must be at least {least}. Got {value}.")
    return int(value)


def matrix_shape(value: Any) -> tuple[int, int]:
    """Return `value` as a pair (n, m) of positive ints."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidTypeError(f"`shape` must be a pair (n, m) of rows and columns. Got {value!r}.")
    return positive_integer("shape[0]", value[0]), positive_integer("shape[1]", value[1])


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """Return `value` if it is among `allowed`."""
    if value not in allowed:
        listed = ", ".join(repr(a) for a in allowed)
        raise InvalidInputError(f"`{name}` must be one of {listed}. Got {value!r}.")
    return value


def dyson_index(value: Any) -> int:
    """Return β as 1 (real symmetric, GOE) or 2 (complex Hermitian, GUE)."""
    return int(one_of("beta", value, (1, 2)))


def real_array(name: str, value: ArrayLike) -> AnyArray:
    """Return `value` as a numeric real array, NaN and infinity refused."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInputError(
            f"`{name}` must be a regular array of numbers. Got rows of unequal length."
        ) from None
    if array.dtype.kind == "c":
        raise InvalidTypeError(f"`{name}` must be real. Got the complex type {array.dtype}.")
    if array.dtype.kind not in "fiub" and array.dtype.name not in ("bfloat16",):
        raise InvalidTypeError(f"`{name}` must hold numbers. Got an array of type {array.dtype}.")
    if array.dtype.kind != "b" and array.dtype.kind not in "iu" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        where = tuple(int(i) for i in bad)
        raise InvalidInputError(
            f"`{name}` must be finite. Found {array[where]} at index {where or 0}."
        )
    return array


def vector(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as a finite, non-empty float64 vector; a number becomes one of length 1."""
    array = np.atleast_1d(real_array(name, value)).astype(np.float64)
    if array.ndim != 1:
        raise InvalidInputError(f"`{name}` must be one-dimensional. Got shape {array.shape}.")
    if array.size == 0:
        raise InvalidInputError(f"`{name}` must not be empty.")
    return array


def matrix(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as a finite, non-empty, two-dimensional float64 array."""
    return np.asarray(single_or_double_matrix(name, value), dtype=np.float64)


def single_or_double_matrix(name: str, value: ArrayLike) -> AnyArray:
    """Return `value` as `matrix` does, but as it is where it is of float32: half the memory."""
    array = real_array(name, value)
    if array.ndim != 2:
        raise InvalidInputError(f"`{name}` must be a matrix. Got shape {array.shape}.")
    if array.size == 0:
        raise InvalidInputError(f"`{name}` must not be empty. Got shape {array.shape}.")
    single = array.dtype == np.float32
    return np.ascontiguousarray(array, dtype=np.float32 if single else np.float64)


def generator(rng: RandomLike) -> np.random.Generator:
    """Return a generator: the one given, one seeded with an int, or a fresh one for None."""
    if rng is None or isinstance(rng, (int, np.integer, np.random.Generator)):
        if isinstance(rng, (int, np.integer)) and rng < 0:
            raise InvalidInputError(f"`rng` must be a seed of at least 0. Got {rng}.")
        return np.random.default_rng(rng)
    raise InvalidTypeError(
        "`rng` must be a numpy.random.Generator, an int or None. "
        f"Got {rng!r} of type {type(rng).__name__}."
    )


def missing_extra(feature: str, package: str, extra: str) -> MissingExtraError:
    """Return the error for a feature whose optional package is absent."""
    return MissingExtraError(
        f"{feature} needs {package}, which is not installed. "
        f"Install it with `pip install pastur[{extra}]`."
    )
