"""A matrix by blocks of its rows, so that it is never whole in float64."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pastur._typing import AnyArray, FloatArray

# Numbers of a block: a megabyte in float64.
_ENTRIES = 1 << 17

# ``rows(part)`` returns these rows of a matrix in float64.
Rows = Callable[[slice], FloatArray]


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of a matrix of this shape, some at a time."""
    step = max(_ENTRIES // shape[1], 1)
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def rows_of(matrix: AnyArray) -> Rows:
    """Return the rows of a matrix of any type."""
    return lambda part: matrix[part].astype("f8")


def held(numbers: AnyArray, dtype: Any) -> AnyArray:
    """Return numbers in another type, those beyond it at its end."""
    import ml_dtypes

    finfo: Any = ml_dtypes.finfo
    largest = float(finfo(dtype).max)
    return np.asarray(np.clip(numbers, -largest, largest).astype(dtype))
