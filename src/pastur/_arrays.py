"""Anything that holds numbers as a NumPy array, provided that no number changes.

Other libraries are recognised by what their objects offer; none is imported here.
"""

import math
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from pastur._format import bytes_text
from pastur._typing import AnyArray

_KINDS = {"S": "text", "U": "text", "T": "text", "M": "dates", "m": "durations", "V": "records"}
_REAL = (bool, int, float, np.bool_, np.integer, np.floating)
# Bytes that a sparse matrix may take as a dense one.
_LARGEST_DENSE = 1 << 30
# NumPy's own limit on dimensions.
_DEEPEST = 64

_T = TypeVar("_T")


def locked(value: _T) -> _T:
    """Return an array, or a tuple of arrays, that can no longer be written to.

    It is the same array: lock only an array that no other code holds.
    """
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, tuple):
        for part in value:
            locked(part)
    return value


class KeepsLocked:
    """A value whose copies have locked arrays too, which NumPy copies and unpickles unlocked."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: locked(part) for name, part in state.items()})


class UnfitError(Exception):
    """The value is not an array of numbers; the text is the reason, a predicate for its name.

    Attributes
    ----------
    is_value : bool
        Whether other values of the same type would be accepted.
    """

    def __init__(self, reason: str, *, is_value: bool = False) -> None:
        super().__init__(reason)
        self.is_value = is_value


def numeric_array(value: Any, *, gaps: bool = False) -> AnyArray:
    """Return `value` as an array of booleans, integers, floats or complex numbers.

    With `gaps` entries may be missing: NaN stands where one is masked, NA or None.

    Python numbers in an array of objects become float64; the small floats and integers of
    ml_dtypes become float32, which represents all of them exactly.

    Raises
    ------
    UnfitError
        If it is not an array of numbers, or some of its numbers are missing.
    """
    array = as_array(value, gaps=gaps)
    if array.dtype.kind == "O":
        return _of_objects(_with_nan(array) if gaps else array)
    if array.dtype.type.__module__ == "ml_dtypes":
        kind = np.complex64 if "complex" in array.dtype.name else np.float32
        return array.astype(kind)
    fault = type_fault(array.dtype)
    if fault:
        raise UnfitError(fault)
    return array


def as_array(value: Any, *, gaps: bool = False) -> AnyArray:
    """Return `value` as an array of its own type: without a mask, dense, in memory.

    PyTorch tensors on any device, sparse matrices of SciPy and PyTorch, pandas tables, and lists of
    any of these are accepted, as well as anything that `numpy.asarray` or DLPack can convert.
    Tensors of bfloat16 and 8 bits become float32; quantised tensors are dequantised. `gaps` as for
    `numeric_array`.
    """
    if type(value) is np.ndarray:
        return value
    if isinstance(value, (list, tuple)):
        return _of_list(value, 1, gaps)
    if is_masked(value):
        masked = np.ma.asarray(value)
        if gaps and masked.dtype.kind in "biuf":
            return np.ma.filled(masked.astype(np.float64), np.nan)
        if gaps and masked.dtype.kind == "O":
            return np.ma.filled(masked, np.nan)
        raise UnfitError(
            "has masked entries: fill them first, or drop their rows or columns",
            is_value=True,
        )
    try:
        return np.asarray(_plain(value, gaps))
    except (UnfitError, MemoryError):
        raise
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        reason = f"cannot be converted to a NumPy array: {text}. Convert it first"
        raise UnfitError(reason) from error


def is_masked(value: Any) -> bool:
    """Return whether `value` is an array with masked entries, or the masked constant."""
    # NumPy loads numpy.ma when it is first used: until then no masked array exists.
    masked = sys.modules.get("numpy.ma")
    return masked is not None and bool(masked.is_masked(value))


def type_fault(dtype: Any) -> str:
    """Return why an array of this type cannot hold numbers; empty if it can, objects included."""
    if not isinstance(dtype, np.dtype) or dtype.type.__module__ == "ml_dtypes":
        return ""
    if dtype.kind in _KINDS:
        return f"holds {_KINDS[dtype.kind]}, not numbers"
    return "" if dtype.kind in "biufcO" else f"is of type {dtype}, not of numbers"


def speaks_torch(value: Any) -> bool:
    """Return whether `value` is a PyTorch tensor, by the name of its dtype."""
    return str(getattr(value, "dtype", "")).startswith("torch.")


def without_values(tensor: Any) -> str:
    """Return why a PyTorch tensor has no values yet; empty if it has."""
    if hasattr(tensor, "materialize"):
        return "has no values yet: call its module once, so that its shape is set"
    if getattr(tensor, "is_meta", False):
        return "has no values: it is on the device 'meta'"
    return ""


def _plain(value: Any, gaps: bool) -> Any:
    """Return an object that `numpy.asarray` converts without loss."""
    if speaks_torch(value):
        return _dense_tensor(value, gaps)
    libraries = {kind.__module__.partition(".")[0] for kind in type(value).__mro__}
    if "pandas" in libraries and hasattr(value, "isna"):
        return _columns(value, gaps)
    if hasattr(value, "toarray") or hasattr(value, "todense"):
        _check_dense(value.shape)
        return (value.toarray if hasattr(value, "toarray") else value.todense)()
    if any(hasattr(value, name) for name in ("__array__", "__array_interface__", "dtype")):
        return value
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    return np.from_dlpack(value) if hasattr(value, "__dlpack__") else value


def _dense_tensor(tensor: Any, gaps: bool) -> Any:
    """Return a tensor that NumPy accepts: without a gradient, in memory, of a known type."""
    missing = without_values(tensor)
    if missing:
        raise UnfitError(missing, is_value=True)
    if type(tensor).__name__ == "MaskedTensor":
        if gaps:
            return tensor.to_tensor(math.nan)
        raise UnfitError("has a mask: fill it first, for example with `.to_tensor(0.0)`")
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
            f"is sparse, and would take {bytes_text(nbytes)} as a dense matrix: pass a part of "
            "it, or make it dense yourself",
            is_value=True,
        )


def _columns(value: Any, gaps: bool) -> Any:
    """Return a pandas table, column or index with nullable numbers converted to plain ones."""
    dtypes = set(value.dtypes) if getattr(value, "ndim", 1) == 2 else {value.dtype}
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return value
    missing = int(np.sum(np.asarray(value.isna())))
    numbers = all(getattr(dtype, "kind", "O") in "biuf" for dtype in dtypes)
    if missing and gaps:
        # Texts among the columns are refused after this.
        return (
            value.to_numpy(dtype=np.float64, na_value=np.nan) if numbers else value.astype(object)
        )
    if missing:
        raise UnfitError(
            f"has {missing} missing value{'s' * (missing > 1)} (NA): fill them first, or drop "
            "their rows or columns",
            is_value=True,
        )
    if numbers:
        plain = (getattr(d, "numpy_dtype", getattr(d, "subtype", d)) for d in dtypes)
        return value.to_numpy(dtype=np.result_type(*plain))
    return value


def _of_list(items: Any, depth: int, gaps: bool) -> AnyArray:
    if depth > _DEEPEST:
        raise UnfitError(f"is a list nested more than {_DEEPEST} levels deep")
    if all(
        issubclass(kind, (*_REAL, complex, np.complexfloating)) for kind in set(map(type, items))
    ):
        return np.asarray(items)
    parts = [
        _of_list(item, depth + 1, gaps)
        if isinstance(item, (list, tuple))
        else numeric_array(item, gaps=gaps)
        for item in items
    ]
    if len({part.shape for part in parts}) > 1:
        raise UnfitError("has rows of unequal length", is_value=True)
    return numeric_array(np.stack(parts), gaps=gaps)


def _with_nan(array: AnyArray) -> AnyArray:
    """Return an array of objects with NaN in place of None and of the NA of pandas."""
    missing = [value is None or type(value).__name__ == "NAType" for value in array.ravel()]
    return np.where(np.reshape(missing, array.shape), math.nan, array)


def _of_objects(array: AnyArray) -> AnyArray:
    kinds = set(map(type, array.ravel()))
    if all(issubclass(kind, _REAL) for kind in kinds):
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise UnfitError("holds integers beyond the largest float64", is_value=True) from None
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    several = array.ndim == 0 and isinstance(array[()], Iterable)
    hint = ": pass a list or an array of numbers" if several else ""
    raise UnfitError(f"holds Python objects ({names}), not numbers{hint}")
