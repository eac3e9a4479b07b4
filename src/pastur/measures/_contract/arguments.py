"""Arguments of measures: points of the plane and of the extended line, checked and arranged."""

from __future__ import annotations

from typing import Any

import numpy as np

from pastur._checks import numeric
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import AnyArray, ArrayLike, ComplexArray, FloatArray


def plane_points(z: ArrayLike) -> AnyArray:
    """Return `z` as a finite numeric array, real or complex as given."""
    values = numeric("z", z)
    if values.dtype.kind == "b":
        raise InvalidTypeError(f"`z` must hold numbers. Got an array of type {values.dtype}.")
    if not np.isfinite(values).all():
        raise InvalidInputError("`z` must be finite.")
    return values


def line_points(name: str, x: ArrayLike) -> FloatArray:
    """Return x as float64, ±∞ allowed and NaN refused."""
    values = numeric(name, x)
    if values.dtype.kind == "c":
        raise InvalidTypeError(f"`{name}` must hold real numbers. Got type {values.dtype}.")
    values = values.astype(np.float64)
    if np.isnan(values).any():
        raise InvalidInputError(f"`{name}` must not be NaN.")
    return values


def upper(z: AnyArray) -> ComplexArray:
    """Mirror into the closed upper half-plane; real numbers get the imaginary part +0."""
    values = np.asarray(z, dtype=np.complex128)
    return np.where(values.imag < 0, np.conj(values), values.real + 1j * np.abs(values.imag))


def inside(support: FloatArray, x: FloatArray) -> Any:
    """Whether each x lies in one of the ascending closed intervals."""
    index = np.searchsorted(support[:, 0], x, side="right") - 1
    return (index >= 0) & (x <= support[np.maximum(index, 0), 1])
