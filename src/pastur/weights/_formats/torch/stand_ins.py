"""What stands for the names in the pickle of a PyTorch file; nothing of it can do harm."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

_KEYS = (str, int, float, bool, type(None))
_LARGEST = 2**60
_LONGEST_NAME = 500
# Beginnings of names of functions that make tensors of kinds that are not read.
_REBUILDING = (
    "torch._utils._rebuild",
    "torch._tensor._rebuild",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
)


def check_keys(keys: Sequence[Any]) -> None:
    """Refuse keys of dictionaries that are neither words nor numbers of the usual size."""
    for key in keys:
        # All multiples of 2⁶¹ − 1 have one hash: each would be compared with all the others.
        if type(key) not in _KEYS or (type(key) is int and not -_LARGEST < key < _LARGEST):
            raise pickle.UnpicklingError("keys that torch does not write")


class ForbiddenNameError(Exception):
    """A name that a file of weights has no need of; its text is ``module.name``."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers of one or several tensors: a member of the archive.

    Attributes
    ----------
    dtype : str
        NumPy's or ml_dtypes' name, or "" where the tensor itself states it.
    key : str
        Name of the member.
    size : int
        Count of numbers that the file claims.
    """

    dtype: str
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as a view of a storage; nothing of it has been checked.

    `quantizer` is what a quantised one says about its codes: a name, scale, zero point, and an axis
    where they go along one.
    """

    storage: Any
    offset: Any
    shape: Any
    strides: Any
    dtype: str
    quantizer: Any = None


@dataclass(frozen=True)
class Type:
    """A storage class or a dtype of torch, by NumPy's name."""

    dtype: str


class SavedObject(dict[Any, Any]):
    """The attributes of an object, whose class is only named in the file."""


@dataclass(frozen=True)
class Foreign:
    """A class or a function that a file names, and that stays a name."""

    name: str


class _Other:
    """Something that a checkpoint may hold alongside its tensors, of no concern here."""


def _other(*_: Any) -> _Other:
    return _Other()


def dictionary(*_: Any) -> dict[Any, Any]:
    """An OrderedDict; the machine fills it."""
    return {}


def _reconstructed(*_: Any) -> SavedObject:
    return SavedObject()


def _rebuild_from_type(function: Any, kind: Any, arguments: Any, *_: Any) -> Any:
    """A tensor of a class of its own, or with attributes: what it is made of."""
    if isinstance(function, Foreign):
        return _unknown_tensor(function.name)
    known = (_rebuild, _rebuild_typed, _rebuild_quantised, _first)
    if function not in known or type(arguments) is not tuple:
        raise pickle.UnpicklingError("a tensor that torch does not write")
    return function(*arguments)


def _unknown_tensor(name: str) -> StoredTensor:
    return StoredTensor(None, 0, (), (), name)


_DTYPES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
    "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4",
}
_TORCH_TYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool "
    "complex64 complex128 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu"
).split()


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    return StoredTensor(storage, offset, shape, strides, getattr(storage, "dtype", ""))


def _rebuild_typed(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> StoredTensor:
    kind = dtype.name if isinstance(dtype, Foreign) else getattr(dtype, "dtype", "")
    return StoredTensor(storage, offset, shape, strides, kind)


def _rebuild_quantised(
    storage: Any, offset: Any, shape: Any, strides: Any, quantizer: Any, *_: Any
) -> StoredTensor:
    return replace(_rebuild(storage, offset, shape, strides), quantizer=quantizer)


def _first(value: Any, *_: Any) -> Any:
    return value


_HARMLESS = (
    "numpy.dtype numpy.core.multiarray.scalar numpy._core.multiarray.scalar _codecs.encode "
    "builtins.set builtins.frozenset builtins.slice builtins.complex __builtin__.set "
    "__builtin__.frozenset __builtin__.slice __builtin__.complex functools.partial "
    "pathlib.Path pathlib.PosixPath pathlib.WindowsPath pathlib.PurePosixPath "
    "datetime.datetime datetime.date datetime.timedelta torch.torch_version.TorchVersion "
    "torch.serialization._get_layout"
).split()
_NAMES: dict[str, Callable[..., Any] | Type] = {
    "collections.OrderedDict": dictionary,
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_typed,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch.Size": _first,
    "torch.device": _other,
    "torch.storage.UntypedStorage": Type(""),
    **{f"torch.{name}Storage": Type(dtype) for name, dtype in _DTYPES.items()},
    **{f"torch.{name}": Type(name) for name in _TORCH_TYPES},
    "torch._utils._rebuild_qtensor": _rebuild_quantised,
    "torch._tensor._rebuild_from_type": _rebuild_from_type,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    # Lists and tags of types in a TorchScript program, around the values themselves.
    **{f"torch.jit._pickle.build_{kind}list": _first for kind in ("int", "double", "bool")},
    "torch.jit._pickle.build_tensorlist": _first,
    "torch.jit._pickle.restore_type_tag": _first,
    # What trainers and modules keep alongside the weights.
    "collections.defaultdict": _reconstructed,
    "copyreg._reconstructor": _reconstructed,
    "copy_reg._reconstructor": _reconstructed,
    **{name: _other for name in _HARMLESS},
}
# Modules whose very names a file of weights has no need of.
_ALARMING = frozenset(
    "__builtin__ builtins code codeop ctypes importlib io marshal nt operator os pdb pickle posix "
    "pty runpy shutil signal socket subprocess sys threading webbrowser _pickle".split()
)
# But for these, which stand in modules as types and hooks.
_BUILTINS = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in "abs bool bytes dict float int len list max min object print str sum tuple".split()
)


def meaning(module: str, name: str) -> Any:
    """Return what stands for a name.

    Raises
    ------
    ForbiddenNameError
        When the name alone is an alarm.
    pickle.UnpicklingError
        When it is longer than names are.
    """
    if len(module) + len(name) > _LONGEST_NAME:
        raise pickle.UnpicklingError("a name that torch does not write")
    full = f"{module}.{name}"
    if full in _NAMES:
        return _NAMES[full]
    if module.partition(".")[0] in _ALARMING and full not in _BUILTINS:
        raise ForbiddenNameError(full)
    return Foreign(full)


def called(function: Foreign) -> StoredTensor:
    """Return what stands for the result of a function that is only a name.

    Raises
    ------
    ForbiddenNameError
        When it is none that makes tensors.
    """
    if function.name.startswith(_REBUILDING):
        return _unknown_tensor(function.name)
    raise ForbiddenNameError(function.name)
