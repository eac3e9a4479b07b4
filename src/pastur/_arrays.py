"""Whatever holds numbers, as an array of NumPy, where that changes none of them.

Other libraries are known by what their objects offer: none is imported here.
"""

import math
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from pastur._format import bytes_text
from pastur._typing import AnyArray

_KINDS = {"S": "texts", "U": "texts", "T": "texts", "M": "dates", "m": "durations", "V": "records"}
_REAL = (bool, int, float, np.bool_, np.integer, np.floating)
# Bytes that a sparse matrix may take once it is dense.
_LARGEST_DENSE = 1 << 30
# NumPy's own limit of dimensions.
_DEEPEST = 64


class UnfitError(Exception):
    """What is given is not an array of numbers; the text is why, in words that follow its name.

    Attributes
    ----------
    is_value : bool
        Whether other values of the same type would do.
    """

    def __init__(self, reason: str, *, is_value: bool = False) -> None:
        super().__init__(reason)
        self.is_value = is_value


def numeric_array(value: Any) -> AnyArray:
    """Return `value` as an array of booleans, integers, floats or complex numbers.

    Python numbers in an array of objects become float64, and the small floats and integers of
    ml_dtypes float32, which holds them all.

    Raises
    ------
    UnfitError
        Where it is not an array of numbers, or not all of its numbers are known.
    """
    array = as_array(value)
    if array.dtype.kind == "O":
        return _of_objects(array)
    if array.dtype.type.__module__ == "ml_dtypes":
        kind = np.complex64 if "complex" in array.dtype.name else np.float32
        return array.astype(kind)
    fault = type_fault(array.dtype)
    if fault:
        raise UnfitError(fault)
    return array


def as_array(value: Any) -> AnyArray:
    """Return `value` as an array of its own type: no mask, dense, in memory.

    Tensors of PyTorch on any device, sparse matrices of SciPy and PyTorch, tables of pandas, and
    lists of any of these are taken, as well as what `numpy.asarray` and DLPack know. Tensors of
    bfloat16 and of 8 bits become float32, quantised ones the numbers that they stand for.
    """
    if type(value) is np.ndarray:
        return value
    if isinstance(value, (list, tuple)):
        return _of_list(value, 1)
    if is_masked(value):
        raise UnfitError(
            "has masked entries: fill them first, or leave their rows or columns out",
            is_value=True,
        )
    try:
        return np.asarray(_plain(value))
    except (UnfitError, MemoryError):
        raise
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnfitError(f"does not turn into a NumPy array: {text}. Convert it first") from error


def is_masked(value: Any) -> bool:
    """Return whether `value` is an array with masked entries, or the masked constant."""
    # NumPy loads this part when it is first named: until then there is no such array.
    masked = sys.modules.get("numpy.ma")
    return masked is not None and bool(masked.is_masked(value))


def type_fault(dtype: Any) -> str:
    """Return why an array of this type holds no numbers; empty where it may, objects included."""
    if not isinstance(dtype, np.dtype) or dtype.type.__module__ == "ml_dtypes":
        return ""
    if dtype.kind in _KINDS:
        return f"holds {_KINDS[dtype.kind]}, not numbers"
    return "" if dtype.kind in "biufcO" else f"is of type {dtype}, not of numbers"


def speaks_torch(value: Any) -> bool:
    """Return whether `value` is a tensor of PyTorch, by the name of its type."""
    return str(getattr(value, "dtype", "")).startswith("torch.")


def without_values(tensor: Any) -> str:
    """Return why a tensor of PyTorch has no values yet; empty where it has."""
    if hasattr(tensor, "materialize"):
        return "has no values yet: call its module once, so that it takes its shape"
    if getattr(tensor, "is_meta", False):
        return "has no values: it is on the device 'meta'"
    return ""


def _plain(value: Any) -> Any:
    """Return what `numpy.asarray` takes without losing anything."""
    if speaks_torch(value):
        return _dense_tensor(value)
    libraries = {kind.__module__.partition(".")[0] for kind in type(value).__mro__}
    if "pandas" in libraries and hasattr(value, "isna"):
        return _columns(value)
    if hasattr(value, "toarray") or hasattr(value, "todense"):
        _check_dense(value.shape)
        return (value.toarray if hasattr(value, "toarray") else value.todense)()
    if any(hasattr(value, name) for name in ("__array__", "__array_interface__", "dtype")):
        return value
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    return np.from_dlpack(value) if hasattr(value, "__dlpack__") else value


def _dense_tensor(tensor: Any) -> Any:
    """Return a tensor of PyTorch as one that NumPy takes: no gradient, in memory, a known type."""
    missing = without_values(tensor)
    if missing:
        raise UnfitError(missing, is_value=True)
    if type(tensor).__name__ == "MaskedTensor":
        raise UnfitError("has a mask: fill it first, as with `.to_tensor(0.0)`")
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        _check_dense(tensor.shape)
        tensor = tensor.to_dense()
    for step in ("detach", "cpu", "resolve_conj", "resolve_neg"):
        method = getattr(tensor, step, None)
        tensor = method() if callable(method) else tensor
    # float32 holds every number of these.
    small = str(getattr(tensor, "dtype", "")).startswith(("torch.bfloat", "torch.float8"))
    return tensor.float() if small else tensor


def _check_dense(shape: Any) -> None:
    nbytes = 8 * math.prod(int(side) for side in shape)
    if nbytes > _LARGEST_DENSE:
        raise UnfitError(
            f"is sparse, and would take {bytes_text(nbytes)} as a dense matrix: give a part of "
            "it, or make it dense yourself",
            is_value=True,
        )


def _columns(value: Any) -> Any:
    """Return a table, column or index of pandas with its nullable numbers as plain ones."""
    dtypes = set(value.dtypes) if getattr(value, "ndim", 1) == 2 else {value.dtype}
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return value
    missing = int(np.sum(np.asarray(value.isna())))
    if missing:
        raise UnfitError(
            f"has {missing} missing value{'s' * (missing > 1)} (NA): fill them first, or drop "
            "their rows or columns",
            is_value=True,
        )
    if all(getattr(dtype, "kind", "O") in "biuf" for dtype in dtypes):
        plain = (getattr(d, "numpy_dtype", getattr(d, "subtype", d)) for d in dtypes)
        return value.to_numpy(dtype=np.result_type(*plain))
    return value


def _of_list(items: Any, depth: int) -> AnyArray:
    if depth > _DEEPEST:
        raise UnfitError(f"is a list within lists, more than {_DEEPEST} deep")
    if all(
        issubclass(kind, (*_REAL, complex, np.complexfloating)) for kind in set(map(type, items))
    ):
        return np.asarray(items)
    parts = [
        _of_list(item, depth + 1) if isinstance(item, (list, tuple)) else numeric_array(item)
        for item in items
    ]
    if len({part.shape for part in parts}) > 1:
        raise UnfitError("has rows of unequal length", is_value=True)
    return numeric_array(np.stack(parts))


def _of_objects(array: AnyArray) -> AnyArray:
    kinds = set(map(type, array.ravel()))
    if all(issubclass(kind, _REAL) for kind in kinds):
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise UnfitError("holds integers beyond the largest float64", is_value=True) from None
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    several = array.ndim == 0 and isinstance(array[()], Iterable)
    hint = ": give a list or an array of numbers" if several else ""
    raise UnfitError(f"holds Python objects ({names}), not numbers{hint}")
