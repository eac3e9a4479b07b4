"""Variances of rows and columns that are known."""

from typing import Any

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation._whitened.variances import Variances


def known_pair(value: Any, shape: tuple[int, int]) -> Variances:
    """Return variances of rows and columns given as a pair of vectors, brought to mean 1."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidInputError(
            "`variances` must be a pair: one vector for the rows, one for the columns. For "
            "variances that are no such product use `biwhiten`."
        )
    return Variances(
        _checked("variances[0]", value[0], shape[0], "rows"),
        _checked("variances[1]", value[1], shape[1], "columns"),
    )


def known_vector(value: Any, size: int) -> Variances:
    """Return the variances of a symmetric matrix given as one vector d, V_ij = d_i d_j."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and np.ndim(value[0]) == 1:
        raise InvalidInputError(
            "`variances` must be one vector: rows and columns of a symmetric matrix have the same."
        )
    d = _checked("variances", value, size, "rows")
    return Variances(d, d)


def _checked(name: str, value: Any, size: int, side: str) -> FloatArray:
    d = vector(name, value)
    if d.size != size:
        raise InvalidInputError(
            f"`{name}` must have one variance for each of {size} {side}. Got {d.size}."
        )
    if not (d > 0).all():
        raise InvalidInputError(f"`{name}` must be positive. Got {d.min():g}.")
    # The largest first, so that no sum overflows.
    part = d / d.max()
    if not (part > 0).all():
        raise InvalidInputError(f"`{name}` spans more than doubles hold. Got {d.min():g}.")
    return np.asarray(part / part.mean())
