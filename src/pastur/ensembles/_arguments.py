"""Arguments of samplers: shapes and spikes, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from pastur._checks import positive_integer, vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray


def matrix_shape(value: Any) -> tuple[int, int]:
    """Return `value` as a pair (n, m) of positive ints."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidTypeError(f"`shape` must be a pair (n, m) of rows and columns. Got {value!r}.")
    return positive_integer("shape[0]", value[0]), positive_integer("shape[1]", value[1])


def spike_array(value: ArrayLike, size: int) -> FloatArray:
    """Return `value` as a descending float64 array of at most `size` spikes."""
    spikes = vector("spikes", value)
    if spikes.size > size:
        raise InvalidInputError(
            f"`spikes` holds {spikes.size} values, but the matrix has room for {size}. "
            "Pass fewer spikes or a larger matrix."
        )
    return np.sort(spikes)[::-1]
