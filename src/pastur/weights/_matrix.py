"""What a matrix is, and why a tensor is none."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray
from pastur.weights._bytes import check_memory, too_large
from pastur.weights._select import Patterns, left_out
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import shown

_NUMBER = re.compile(r"u?int\d+|float\d+(_\w+)?|bfloat16")


@dataclass(frozen=True)
class Skipped:
    """A tensor that is not analysed.

    Attributes
    ----------
    name, shape, dtype
        As in `TensorInfo`.
    reason : str
        Why, in words that follow the name.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    reason: str


@dataclass(frozen=True, eq=False)
class Matrix:
    """A tensor whose header is that of a matrix. It holds no data, so that many can be kept.

    Attributes
    ----------
    name : str
    shape : tuple of two ints
        Rows and columns, as stored; both at least 2.
    dtype : str
        The type in which the file holds it.
    load : callable
        ``load()`` reads the matrix and returns it with its rows contiguous, in float32 where that
        holds every number of its type, else in float64 (where the source is such an array in
        memory, as that array: do not write to it). It raises
        `InvalidInputError` with the reason alone as its text when the values cannot be analysed
        (NaN or infinite ones, zeros only, no room in memory), and what `Weights.read` raises when
        they cannot be read. Both are reasons to skip this matrix and go on; `FileAccessError`, that
        the file is gone, is a reason to stop.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    load: Callable[[], AnyArray] = field(repr=False)


def iter_matrices(
    weights: Weights, *, include: Patterns = None, exclude: Patterns = None
) -> Iterator[Matrix | Skipped]:
    """Sort every tensor by its header: matrix, or skipped and why.

    No data are read here; `Matrix.load` does that, and finds what the header cannot tell.

    Parameters
    ----------
    weights : Weights
        See `open_weights`.
    include, exclude : sequence of str, optional
        Names, or patterns in the manner of a shell: ``*``, ``?``, ``[abc]``. Only what `include`
        names is taken, and of that nothing that `exclude` names.

    Returns
    -------
    iterator of Matrix or Skipped
        One for each of ``weights.entries``, in their order.

    Raises
    ------
    InvalidInputError
        When a pattern matches no tensor.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import open_weights
    >>> weights = open_weights({"fc.weight": np.eye(3), "fc.bias": np.ones(3)})
    >>> [type(item).__name__ for item in iter_matrices(weights)]
    ['Matrix', 'Skipped']
    >>> next(iter_matrices(weights, exclude=["*.weight"])).reason
    "excluded by '*.weight'"
    """
    reasons = left_out(weights, include, exclude)
    return (_item(weights, entry, reasons.get(entry.name, "")) for entry in weights.entries)


def _item(weights: Weights, entry: TensorInfo, reason: str) -> Matrix | Skipped:
    reason = reason or entry.unreadable or _header_reason(entry.shape, entry.dtype)
    if reason:
        return Skipped(entry.name, entry.shape, entry.dtype, reason)
    n, m = entry.shape
    return Matrix(entry.name, (n, m), entry.dtype, partial(_load, weights, entry))


def _header_reason(shape: tuple[int, ...], dtype: str) -> str:
    """Return why a tensor is no matrix of numbers; empty where it is one."""
    if len(shape) != 2:
        return f"not a matrix: its shape is {shape}"
    if 0 in shape:
        return f"has no entries: its shape is {shape}"
    if shape[0] == 1:
        return "has one row only: a spectrum of one value"
    if shape[1] == 1:
        return "has one column only: a spectrum of one value"
    if dtype == "bool":
        return "holds booleans, not numbers"
    if dtype.startswith("complex"):
        return f"holds complex numbers ({dtype}); only real matrices are analysed"
    if not _NUMBER.fullmatch(dtype):
        return f"is of type {dtype}, which pastur does not read as numbers"
    return ""


def _load(weights: Weights, entry: TensorInfo) -> AnyArray:
    try:
        check_memory(8 * math.prod(entry.shape))
        values = _as_floats(weights.read(entry.name))
        reason = _value_reason(values)
    except MemoryError:
        reason = too_large(8 * math.prod(entry.shape))
    if reason:
        error = InvalidInputError(reason)
        error.add_note(f"This is matrix {shown(entry.name)} of {weights.source}.")
        raise error
    return values


def _as_floats(array: AnyArray) -> AnyArray:
    """Return the numbers in float32 where that is exact: a large tensor takes half the memory."""
    exact = np.can_cast(array.dtype, np.float32)
    # Values beyond float64 become infinite, and are counted as such below.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32 if exact else np.float64)


def _value_reason(values: AnyArray) -> str:
    """Return why a matrix of these values has no spectrum to analyse; empty where it has."""
    if not np.isfinite(values).all():
        nan, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        counts = [f"{nan} NaN"] * (nan > 0) + [f"{infinite} infinite"] * (infinite > 0)
        return f"holds {' and '.join(counts)} value{'s' * (nan + infinite > 1)}"
    return "" if values.any() else "every entry is zero"
