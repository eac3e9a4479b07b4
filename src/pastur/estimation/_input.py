"""What a fit is made from: one of two routes, checked, ordered and brought to order one."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pastur._checks import (
    matrix,
    positive_integer,
    positive_number,
    single_or_double_matrix,
    vector,
)
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.singular_values import singular_values as _singular_values
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._entries import EntryDiagnosis, diagnose_entries

# Beyond this ratio of the largest value to σ, either way, the units cannot be the same.
_LARGEST_RATIO = 1e100
# Asymmetry, relative to the largest entry, that a symmetric matrix of float32 may have.
_ASYMMETRY = 1e-6


@dataclass(frozen=True, eq=False)
class Spectrum:
    """An observed spectrum, ready to be fitted.

    Attributes
    ----------
    shape : tuple of two ints
        Of the matrix, as given.
    values : array
        Singular values or eigenvalues by descending distance from 0, divided by `unit`.
    unit : float
        The largest distance from 0.
    rounding : float
        Values no larger than this, max(shape)·ε times the largest one, are zero to rounding.
    diagnosis : EntryDiagnosis or None
        Of the entries, where the matrix itself was given.
    """

    shape: tuple[int, int]
    values: FloatArray
    unit: float
    rounding: float
    diagnosis: EntryDiagnosis | None = None

    @property
    def zeros(self) -> int:
        """How many values are zero to rounding."""
        return int(np.count_nonzero(np.abs(self.values) <= self.rounding / self.unit))

    @property
    def nonzero(self) -> FloatArray:
        """The values that are not zero to rounding."""
        return self.values[: self.values.size - self.zeros]

    @property
    def noise_free(self) -> bool:
        """Whether at least half of the values are zero to rounding."""
        return 2 * self.zeros >= self.values.size


def rectangular_spectrum(
    matrix_given: ArrayLike | None, values_given: ArrayLike | None, shape: Any
) -> Spectrum:
    """Return the spectrum of `W`, or of a matrix of `shape` with the singular values given."""
    _some_route("fit_rectangular", matrix_given, "singular_values", values_given)
    if matrix_given is None:
        assert values_given is not None
        values = vector("singular_values", values_given)
        checked = _checked_shape(shape, values.size)
        return _spectrum(checked, _not_negative(values), _precision(values_given))
    if shape is not None:
        raise InvalidInputError(
            "`shape` goes with `singular_values` alone; W has its own. Drop it."
        )
    w = single_or_double_matrix("W", matrix_given)
    _at_least_two(w.shape)
    if values_given is None:
        values = _singular_values(w)
    else:
        values = _not_negative(vector("singular_values", values_given))
        _checked_shape(w.shape, values.size)
    return _of_matrix(w, values)


def _not_negative(values: FloatArray) -> FloatArray:
    if (values < 0).any():
        raise InvalidInputError(
            f"`singular_values` must not be negative. Got {values.min():g}; "
            "for eigenvalues of a symmetric matrix use `fit_symmetric`."
        )
    return values


def _of_matrix(w: AnyArray, values: FloatArray) -> Spectrum:
    """Return the spectrum of a matrix that is at hand, with what its entries say."""
    found = _spectrum((w.shape[0], w.shape[1]), values, float(np.finfo(np.float64).eps))
    return replace(found, diagnosis=diagnose_entries(w, values))


def symmetric_spectrum(matrix_given: ArrayLike | None, values_given: ArrayLike | None) -> Spectrum:
    """Return the spectrum of `W`, or of a matrix with the eigenvalues given."""
    _some_route("fit_symmetric", matrix_given, "eigenvalues", values_given)
    if matrix_given is None:
        assert values_given is not None
        values = vector("eigenvalues", values_given)
        _at_least_two((values.size, values.size))
        return _spectrum((values.size, values.size), values, _precision(values_given))
    w = matrix("W", matrix_given)
    _at_least_two(w.shape)
    if values_given is None:
        return _of_matrix(w, _eigenvalues(w))
    symmetric_part(w)
    values = vector("eigenvalues", values_given)
    _checked_count(w.shape, values.size, "eigenvalues")
    return _of_matrix(w, values)


def check_sigma(sigma: Any, unit: float) -> None:
    """Raise unless σ is None or a positive number in proportion to the largest value, `unit`."""
    if sigma is None:
        return
    number = positive_number("sigma", sigma)
    if not 1 / _LARGEST_RATIO < number / unit < _LARGEST_RATIO:
        raise InvalidInputError(
            f"`sigma` = {number:g} is out of all proportion to the largest value of the spectrum, "
            f"{unit:g}. Check their units."
        )


def symmetric_part(w: FloatArray) -> FloatArray:
    """Return the symmetric part of `w`, whose entries are of order one, if that is all of it."""
    if w.shape[0] != w.shape[1]:
        raise InvalidInputError(
            f"`W` must be square to be symmetric. Got shape {w.shape}; use `fit_rectangular`."
        )
    asymmetry = float(np.abs(w - w.T).max())
    if asymmetry > _ASYMMETRY * float(np.abs(w).max()):
        raise InvalidInputError(
            f"`W` must be symmetric. W and its transpose differ by up to "
            f"{asymmetry / float(np.abs(w).max()):.2g} times the largest entry; "
            "use `fit_rectangular`."
        )
    return w / 2 + w.T / 2


def _eigenvalues(w: FloatArray) -> FloatArray:
    exponent = int(np.frexp(np.abs(w).max())[1])
    values = np.linalg.eigvalsh(symmetric_part(np.ldexp(w, -exponent)))
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent), dtype=np.float64)


def _spectrum(shape: tuple[int, int], values: FloatArray, precision: float) -> Spectrum:
    unit = float(np.abs(values).max())
    if unit == 0.0:
        raise InvalidInputError("The matrix is zero: it has neither noise nor signal to fit.")
    if not np.isfinite(unit):
        raise InvalidInputError(
            "The spectrum reaches beyond the largest double. Divide the matrix by a large number."
        )
    ordered = values[np.argsort(-np.abs(values), kind="stable")] / unit
    return Spectrum(shape, ordered, unit, max(shape) * precision * unit)


def _some_route(name: str, w: object, other_name: str, other: object) -> None:
    if w is None and other is None:
        raise InvalidInputError(f"{name} takes a matrix `W` or its `{other_name}`. Got neither.")


def _precision(values: Any) -> float:
    """Return the rounding unit of the type in which a spectrum was given."""
    kind = np.asarray(values).dtype
    known = kind.kind == "f" and kind.itemsize <= 8
    return float(np.finfo(kind if known else np.float64).eps)


def _checked_shape(shape: Any, count: int) -> tuple[int, int]:
    if shape is None:
        raise InvalidInputError(
            "`singular_values` need the matrix's `shape`, a pair (rows, columns). Got None."
        )
    try:
        rows, columns = shape
    except (TypeError, ValueError):
        raise InvalidTypeError(f"`shape` must be a pair (rows, columns). Got {shape!r}.") from None
    checked = positive_integer("shape[0]", rows), positive_integer("shape[1]", columns)
    _checked_count(checked, count, "singular values")
    _at_least_two(checked)
    return checked


def _checked_count(shape: tuple[int, ...], count: int, what: str) -> None:
    if min(shape) != count:
        raise InvalidInputError(f"A matrix of shape {shape} has {min(shape)} {what}. Got {count}.")


def _at_least_two(shape: tuple[int, ...]) -> None:
    if min(shape) < 2:
        raise InvalidInputError(
            f"A fit needs at least two rows and two columns, to tell signal from noise. "
            f"Got shape {shape}."
        )
