"""Arrays that are in memory already, or that turn into one when asked."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import AnyArray
from pastur.weights._inputs import files_behind
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import shown

_KINDS = {"S": "texts", "U": "texts", "M": "dates", "m": "durations", "V": "records"}


def open_arrays(source: Any) -> Weights:
    """Return a dictionary of arrays by its keys, or one array under the name ``matrix``.

    An array is whatever `numpy.asarray` makes a regular array of numbers of. What states its own
    shape and type (tensors of PyTorch, data sets of h5py) becomes one when it is read.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        When `source` is neither, or empty.
    """
    if not isinstance(source, Mapping):
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
    """Return the header of one value, and the value: an array where it had none to state."""
    stated = _stated(value)
    if stated is None:
        if hasattr(type(value), "shape"):
            return TensorInfo(name, (), "unknown", 0, "has no shape yet: run the model once"), value
        try:
            value = np.asarray(value)
        except ValueError:
            return TensorInfo(name, (), "unknown", 0, "has rows of unequal length"), value
        except Exception as error:
            reason = f"does not turn into a NumPy array ({type(error).__name__})"
            return TensorInfo(name, (), "unknown", 0, reason), value
        stated = value.shape, value.dtype
    shape, dtype = stated
    word = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]
    itemsize = int(getattr(dtype, "itemsize", 0))
    nbytes = math.prod(shape) * itemsize
    if _is_quantised(value):
        return TensorInfo(name, shape, "float32", 4 * math.prod(shape), quantised=word), value
    return TensorInfo(name, shape, word, nbytes, _fault(value, dtype)), value


def _stated(value: Any) -> tuple[tuple[int, ...], Any] | None:
    # A lazy tensor raises when it is asked for its shape.
    try:
        if not all(hasattr(value, name) for name in ("__array__", "shape", "dtype")):
            return None
        return tuple(int(size) for size in value.shape), value.dtype
    except (TypeError, ValueError, RuntimeError):
        return None


def _fault(value: Any, dtype: Any) -> str:
    if getattr(getattr(value, "device", None), "type", "") == "meta":
        return "has no values: it lies on the device 'meta'"
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return "has masked entries: fill them first"
    if not isinstance(dtype, np.dtype) or dtype.type.__module__ == "ml_dtypes":
        return ""
    if dtype.kind == "O":
        kinds = {type(item).__name__ for item in np.ravel(value)[:100]} if value.size else set()
        return f"holds Python objects ({', '.join(sorted(kinds)) or 'none'}), not numbers"
    return f"holds {_KINDS[dtype.kind]}, not numbers" if dtype.kind in _KINDS else ""


def load_array(values: Mapping[str, Any], name: str) -> AnyArray:
    """Return one of the values as an array."""
    value = values[name]
    try:
        array = np.asarray(_plain(value))
    except Exception as error:
        raise InvalidTypeError(
            f"Tensor {shown(name)} does not turn into a NumPy array: "
            f"{' '.join(str(error).split()).rstrip('.')}. Convert it first."
        ) from error
    return array


def _plain(value: Any) -> Any:
    """Return a tensor of PyTorch as one that NumPy takes: no gradient, in memory, a known type."""
    for step in ("detach", "cpu", *(["dequantize"] if _is_quantised(value) else [])):
        method = getattr(value, step, None)
        value = method() if callable(method) else value
    kind = str(getattr(value, "dtype", ""))
    # float32 holds every number of these.
    return value.float() if kind.startswith(("torch.bfloat", "torch.float8")) else value


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
