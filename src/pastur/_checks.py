"""Argument checks: each returns the value in its working type, or raises a helpful error."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pastur._arrays import UnfitError, is_masked, numeric_array
from pastur._errors import InvalidInputError, InvalidTypeError, MissingExtraError
from pastur._typing import AnyArray, ArrayLike, FloatArray, RandomLike

# The laws of noise do not describe real matrices at smaller probabilities.
LEAST_SIGNIFICANCE = 1e-15
# Characters of a value that an error quotes.
_LONGEST = 100
_LARGEST_INTEGER = 2**63 - 1
_BYTES = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kMGTP])(i)?)?B?", re.IGNORECASE)


def finite_number(name: str, value: Any) -> float:
    """Return `value` as a finite float."""
    number = _as_float(value)
    if number is None:
        raise InvalidTypeError(
            f"`{name}` must be a real number. Got {_shown(value)} of type {type(value).__name__}."
        )
    if not np.isfinite(number):
        raise InvalidInputError(f"`{name}` must be finite. Got {number}.")
    return number


def _as_float(value: Any) -> float | None:
    """Return a single number as a float; None for text, arrays and anything else."""
    if isinstance(value, (str, bytes)) or is_masked(value) or getattr(value, "ndim", None):
        return None
    try:
        return float(value)
    except Exception:
        return None


def _shown(value: Any) -> str:
    """Return `value` as text of at most one line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        return "a value"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


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
    """Return `value` as a false-alarm probability, large enough for an edge to have it."""
    number = probability(name, value)
    if number < LEAST_SIGNIFICANCE:
        raise InvalidInputError(
            f"`{name}` must be at least {LEAST_SIGNIFICANCE:g}: the law of the noise is not known "
            f"at smaller probabilities. Got {number:g}."
        )
    return number


def positive_integer(name: str, value: Any) -> int:
    """Return `value` as an int greater than zero."""
    return _integer(name, value, 1)


def non_negative_integer(name: str, value: Any) -> int:
    """Return `value` as an int that is not negative."""
    return _integer(name, value, 0)


def byte_count(name: str, value: Any) -> float:
    """Return a positive number of bytes, given as such or as text: "8GB", "500 MB", "7.5GiB"."""
    if not isinstance(value, str):
        return positive_number(name, value)
    found = _BYTES.fullmatch(value.strip())
    if found is None:
        raise InvalidInputError(
            f"`{name}` must be a number of bytes, or text such as '8GB'. Got {_shown(value)}."
        )
    power = " kmgtp".index((found[2] or " ").lower())
    return positive_number(name, float(found[1]) * (1024 if found[3] else 1000) ** power)


def flag(name: str, value: Any) -> bool:
    """Return `value` as True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidTypeError(
            f"`{name}` must be True or False. Got {_shown(value)} of type {type(value).__name__}."
        )
    return bool(value)


@contextlib.contextmanager
def needed(what: str, package: str, extra: str) -> Iterator[None]:
    """Say which extra `what` needs where an import inside fails.

    Raises
    ------
    MissingExtraError
        If it does.
    """
    try:
        yield
    except ImportError:
        raise missing_extra(what, package, extra) from None


def _integer(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidTypeError(
            f"`{name}` must be an integer. Got {_shown(value)} of type {type(value).__name__}."
        )
    if value < least:
        raise InvalidInputError(f"`{name}` must be at least {least}. Got {value}.")
    if value > _LARGEST_INTEGER:
        raise InvalidInputError(f"`{name}` must fit into 64 bits. Got {_shown(value)}.")
    return int(value)


def items(name: str, value: Any) -> list[Any]:
    """Return the items of an iterable; text and mappings, which have others, are refused."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InvalidTypeError(
            f"`{name}` must be a list, or something else to go through item by item. Got "
            f"{_shown(value)} of type {type(value).__name__}."
        )
    return list(value)


def matrix_shape(value: Any) -> tuple[int, int]:
    """Return `value` as a pair (n, m) of positive ints."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidTypeError(
            f"`shape` must be a pair (n, m) of rows and columns. Got {_shown(value)}."
        )
    return positive_integer("shape[0]", value[0]), positive_integer("shape[1]", value[1])


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """Return `value` if it is among `allowed`."""
    # The comparison of an array is an array, not a bool.
    if getattr(value, "ndim", None) or value not in allowed:
        listed = ", ".join(repr(a) for a in allowed)
        raise InvalidInputError(f"`{name}` must be one of {listed}. Got {_shown(value)}.")
    return value


def dyson_index(value: Any) -> int:
    """Return β as 1 (real symmetric, GOE) or 2 (complex Hermitian, GUE)."""
    return int(one_of("beta", value, (1, 2)))


def numeric(name: str, value: Any, *, gaps: bool = False) -> AnyArray:
    """Return `value` as an array of numbers, complex and infinite ones included.

    With `gaps`, NaN stands where an entry is masked or missing.
    """
    try:
        return numeric_array(value, gaps=gaps)
    except UnfitError as error:
        sentence = f"`{name}` must hold numbers. It {error}."
        raise (InvalidInputError if error.is_value else InvalidTypeError)(sentence) from None


def real_array(name: str, value: ArrayLike) -> AnyArray:
    """Return `value` as an array of real numbers; NaN and infinity are refused.

    float32 and float16 are kept, other types may become float64: longer types are rounded.
    """
    array = numeric(name, value)
    if array.dtype.kind == "c":
        raise InvalidTypeError(f"`{name}` must be real. Got the complex type {array.dtype}.")
    if array.dtype.kind == "f":
        if array.dtype.itemsize > 8:
            # A value beyond the largest double becomes infinite, which is detected below.
            with np.errstate(over="ignore"):
                array = array.astype(np.float64)
        _check_finite(name, array)
    return array


def _check_finite(name: str, array: AnyArray) -> None:
    # NaN passes through both, and neither makes an array as large as this one.
    if not array.size or np.isfinite([array.max(), array.min()]).all():
        return
    where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    found = f"`{name}` must be finite. Found {array[where]} at index {where or 0}"
    nan = int(np.isnan(array).sum())
    infinite = int(np.isinf(array).sum())
    more = f", and {nan} NaN and {infinite} infinite in total" if nan + infinite > 1 else ""
    raise InvalidInputError(f"{found}{more}.")


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
    """Return `value` as `matrix` does, except that float32 is kept: half the memory."""
    array = numeric(name, value)
    if array.dtype.kind == "c":
        raise InvalidTypeError(
            f"`{name}` must be real. Got the complex type {array.dtype}. Instead of a complex "
            "matrix, pass its singular values, or its eigenvalues if it is Hermitian."
        )
    array = real_array(name, array)
    if array.ndim != 2:
        raise InvalidInputError(f"`{name}` must be a matrix. Got shape {array.shape}.")
    if array.size == 0:
        raise InvalidInputError(f"`{name}` must not be empty. Got shape {array.shape}.")
    single = array.dtype == np.float32
    return np.ascontiguousarray(array, dtype=np.float32 if single else np.float64)


def generator(rng: RandomLike) -> np.random.Generator:
    """Return a generator: the one passed, one seeded with an int, or a new one for None."""
    if rng is None or isinstance(rng, (int, np.integer, np.random.Generator)):
        if isinstance(rng, (int, np.integer)) and rng < 0:
            raise InvalidInputError(f"`rng` must not be negative if it is a seed. Got {rng}.")
        return np.random.default_rng(rng)
    raise InvalidTypeError(
        "`rng` must be a numpy.random.Generator, an int or None. "
        f"Got {_shown(rng)} of type {type(rng).__name__}."
    )


def missing_extra(feature: str, package: str, extra: str) -> MissingExtraError:
    """Return the error for a feature whose optional package is absent."""
    return MissingExtraError(
        f"{feature} needs {package}, which is not installed. "
        f"Install it with `pip install pastur[{extra}]`."
    )
