"""Arrays that are in memory already, or that turn into one when they are read."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from pastur._arrays import UnfitError, as_array, numeric_array, type_fault, without_values
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.weights._formats.input_files import files_behind
from pastur.weights.tensors import TensorInfo, Weights


def open_arrays(source: Any) -> Weights:
    """Return a dictionary of arrays by its keys, or one array under the name ``matrix``.

    An array is whatever `numpy.asarray` makes a regular array of numbers of. What states its own
    shape and type (tensors of PyTorch, data sets of h5py) becomes one when it is read.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        When `source` is neither, or empty.
    """
    if isinstance(source, (list, tuple)) and any(getattr(a, "ndim", 0) > 1 for a in source):
        raise InvalidTypeError(
            f"`source` is a {type(source).__name__} of {len(source)} arrays. Give each a name: "
            "a dictionary {name: array, ...}."
        )
    # One kind of sparse matrix is a dictionary as well, of its entries.
    if not isinstance(source, Mapping) or hasattr(source, "toarray"):
        info, value = entry_of("matrix", source)
        if info.unreadable:
            raise InvalidTypeError(
                "`source` must be a path, a module of PyTorch, an array or a dictionary of arrays. "
                f"Got {type(source).__name__}, which {info.unreadable}."
            )
        fetch = partial(load_array, {"matrix": value})
        return Weights("array", (info,), {}, fetch, files=files_behind([value]))
    if not source:
        raise InvalidInputError("`source` is an empty dictionary: there is no array to read.")
    for name in source:
        if not isinstance(name, str):
            raise InvalidTypeError(
                f"The keys of a dictionary of arrays must be names. Got {shown(name)} "
                f"of type {type(name).__name__}."
            )
    pairs = [entry_of(name, value) for name, value in source.items()]
    values = {info.name: value for info, value in pairs}
    return Weights(
        "dict of arrays",
        tuple(info for info, _ in pairs),
        {},
        partial(load_array, values),
        partial(_rounding_of, values),
        files=files_behind(values.values()),
    )


def _rounding_of(values: Mapping[str, Any], name: str) -> AnyArray | None:
    return rounding(values[name])


def entry_of(name: str, value: Any) -> tuple[TensorInfo, Any]:
    """Return the header of one value, and the value: an array unless it is to be read later."""
    try:
        stated = _stated(value)
        if stated is None:
            value = as_array(value)
            if value.dtype.kind == "O":
                value = numeric_array(value)
            stated = value.shape, value.dtype
    except UnfitError as error:
        return TensorInfo(name, _shape_of(value), "unknown", 0, str(error)), value
    shape, dtype = stated
    word = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]
    itemsize = int(getattr(dtype, "itemsize", 0))
    # What a quantised tensor turns into when it is read.
    quantised = word if _is_quantised(value) else ""
    info = TensorInfo(
        name,
        shape,
        "float32" if quantised else word,
        math.prod(shape) * (4 if quantised else itemsize),
        type_fault(dtype) or without_values(value),
        quantised=quantised,
    )
    return info, value


def _stated(value: Any) -> tuple[tuple[int, ...], Any] | None:
    """Return the shape and type of what can wait until it is read; None for all else."""
    try:
        if (
            isinstance(value, np.ndarray)
            or not hasattr(value, "__array__")
            or hasattr(value, "isna")
        ):
            return None
        return tuple(int(size) for size in value.shape), value.dtype
    except Exception:
        return None


def _shape_of(value: Any) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in value.shape)
    except Exception:
        return ()


def load_array(values: Mapping[str, Any], name: str) -> AnyArray:
    """Return one of the values as an array."""
    try:
        return as_array(values[name])
    except UnfitError as error:
        raise InvalidTypeError(f"Tensor {shown(name)} {error}.") from error


def _is_quantised(value: Any) -> bool:
    """Tell whether this is a tensor of PyTorch whose numbers are codes with a scale."""
    return getattr(value, "is_quantized", False) is True


def rounding(value: Any) -> AnyArray | None:
    """Return the variance of rounding each entry of a quantised tensor; None for another."""
    if not _is_quantised(value):
        return None
    try:
        steps: AnyArray = np.asarray(value.q_scale(), np.float64)
    except RuntimeError:  # a scale for each channel
        sides = [1] * value.dim()
        sides[value.q_per_channel_axis()] = -1
        steps = np.asarray(value.q_per_channel_scales(), np.float64).reshape(sides)
    return np.broadcast_to(steps**2 / 12, tuple(value.shape))
