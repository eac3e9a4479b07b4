"""Arguments of samplers: shapes and spikes, checked."""

from __future__ import annotations

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidInputError
from pastur._typing import ArrayLike, FloatArray


def spike_array(value: ArrayLike, size: int) -> FloatArray:
    """Return `value` as a descending float64 array of at most `size` spikes."""
    spikes = vector("spikes", value)
    if spikes.size > size:
        raise InvalidInputError(
            f"`spikes` holds {spikes.size} values, but the matrix has at most {size}. "
            "Pass fewer spikes or a larger matrix."
        )
    return np.sort(spikes)[::-1]
