"""The pickle of a PyTorch file, read by a machine that knows tensors and nothing else.

A pickle is a program. This one may build dictionaries, lists, numbers, words, descriptions of
tensors, and objects of classes that it only names: a module that was saved whole, or a part of a
TorchScript program, becomes a dictionary of its attributes, without its class being looked for.
Nothing that a file names is ever imported or called. A call of anything else than what tensors are
made by ends the reading, and so does the name of what could do harm, even if nobody calls it.

The opcodes are those that `torch.save` writes, run by Python's own unpickler in Python, whose
memory grows with what is read and not with what is claimed: up to 90 bytes for one, and it stops at
ten million steps. States of other things than objects are passed over, so that no file can change
what the next one meets, and only words and numbers are keys: the hash of a deeply nested tuple
would end the process.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pastur._errors import FileFormatError
from pastur.weights._bounded import BoundedStream
from pastur.weights._words import shown


class ForbiddenNameError(Exception):
    """A name that a file of weights has no need of; its text is ``module.name``."""


@dataclass(frozen=True)
class Storage:
    """The numbers of one or several tensors: a member of the archive.

    Attributes
    ----------
    dtype : str
        NumPy's or ml_dtypes' name, or "" where the tensor itself tells.
    key : str
        Name of the member.
    size : int
        Count of numbers that the file claims.
    """

    dtype: str
    key: str
    size: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as a view of a storage; nothing of it has been checked."""

    storage: Any
    offset: Any
    shape: Any
    strides: Any
    dtype: str


@dataclass(frozen=True)
class _Type:
    """A storage class or a dtype of torch, by NumPy's name."""

    dtype: str


class SavedObject(dict[Any, Any]):
    """The attributes of an object, whose class is only named in the file."""


@dataclass(frozen=True)
class _Foreign:
    """A class or a function that a file names, and that stays a name."""

    name: str


class _Other:
    """Something that a checkpoint may hold beside its tensors, and that is of no concern here."""


def _other(*_: Any) -> _Other:
    return _Other()


def _dictionary(items: Any = (), *_: Any) -> dict[Any, Any]:
    """An OrderedDict, whose items follow, unless Python 2 wrote it: then they come as pairs."""
    made: dict[Any, Any] = {}
    for key, value in items:
        _check_keys([key])
        made[key] = value
    return made


def _reconstructed(*_: Any) -> SavedObject:
    return SavedObject()


def _rebuild_from_type(function: Any, kind: Any, arguments: Any, *_: Any) -> Any:
    """A tensor of a class of its own, or with attributes: what it is made of."""
    if isinstance(function, _Foreign):
        return _unknown_tensor(function.name)
    return function(*arguments)


def _unknown_tensor(name: str) -> StoredTensor:
    return StoredTensor(None, 0, (), (), f"made by {name}")


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
}
_TORCH_TYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool "
    "complex64 complex128 float8_e4m3fn float8_e5m2"
).split()


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    return StoredTensor(storage, offset, shape, strides, getattr(storage, "dtype", ""))


def _rebuild_typed(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> StoredTensor:
    return StoredTensor(storage, offset, shape, strides, getattr(dtype, "dtype", ""))


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
_NAMES: dict[str, Callable[..., Any] | _Type] = {
    "collections.OrderedDict": _dictionary,
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_typed,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch.Size": _first,
    "torch.device": _other,
    "torch.storage.UntypedStorage": _Type(""),
    **{f"torch.{name}Storage": _Type(dtype) for name, dtype in _DTYPES.items()},
    **{f"torch.{name}": _Type(name) for name in _TORCH_TYPES},
    "torch._utils._rebuild_qtensor": _rebuild,
    "torch._tensor._rebuild_from_type": _rebuild_from_type,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    # Lists and tags of types in a TorchScript program, around the values themselves.
    **{f"torch.jit._pickle.build_{kind}list": _first for kind in ("int", "double", "bool")},
    "torch.jit._pickle.build_tensorlist": _first,
    "torch.jit._pickle.restore_type_tag": _first,
    # What trainers and modules keep beside the weights.
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

_OPCODES = (
    pickle.PROTO,
    pickle.STOP,
    pickle.MARK,
    pickle.FRAME,
    pickle.GLOBAL,
    pickle.STACK_GLOBAL,
    pickle.REDUCE,
    pickle.NEWOBJ,
    pickle.BUILD,
    pickle.BINPERSID,
    pickle.NONE,
    pickle.NEWTRUE,
    pickle.NEWFALSE,
    pickle.BININT,
    pickle.BININT1,
    pickle.BININT2,
    pickle.LONG1,
    pickle.BINFLOAT,
    pickle.BINUNICODE,
    pickle.SHORT_BINUNICODE,
    pickle.SHORT_BINSTRING,
    pickle.SHORT_BINBYTES,
    pickle.BINBYTES,
    pickle.EMPTY_TUPLE,
    pickle.TUPLE,
    pickle.TUPLE1,
    pickle.TUPLE2,
    pickle.TUPLE3,
    pickle.EMPTY_LIST,
    pickle.APPEND,
    pickle.APPENDS,
    pickle.EMPTY_DICT,
    pickle.SETITEM,
    pickle.SETITEMS,
    pickle.BINPUT,
    pickle.LONG_BINPUT,
    pickle.BINGET,
    pickle.LONG_BINGET,
    pickle.MEMOIZE,
)
_KEYS = (str, int, float, bool, type(None))
# Beginnings of names of functions that make tensors of kinds that are not read.
_REBUILDING = (
    "torch._utils._rebuild",
    "torch._tensor._rebuild",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
)


def _check_keys(keys: list[Any]) -> None:
    if not all(type(key) in _KEYS for key in keys):
        raise pickle.UnpicklingError("keys that torch does not write")


# Python's own unpickler, in Python: that in C takes as much memory as a memo's number claims.
class _Reader(pickle._Unpickler):
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        op[0]: pickle._Unpickler.dispatch[op[0]] for op in _OPCODES
    }
    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    load_reduce: Callable[[], None]
    read: Callable[[int], bytes]

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, nothing of which can do harm."""
        full = f"{module}.{name}"
        if full in _NAMES:
            return _NAMES[full]
        if str(module).partition(".")[0] in _ALARMING and full not in _BUILTINS:
            raise ForbiddenNameError(full)
        return _Foreign(full)

    def pass_over_frame(self) -> None:
        # A frame would be read in one go, where the stream does not count the steps.
        self.read(8)

    def call(self) -> None:
        """Call what makes tensors; refuse to call anything that is only a name."""
        function = self.stack[-2]
        if not isinstance(function, _Foreign):
            self.load_reduce()
        elif function.name.startswith(_REBUILDING):
            self.stack[-2:] = [_unknown_tensor(function.name)]
        else:
            raise ForbiddenNameError(function.name)

    def new_object(self) -> None:
        self.stack.pop()
        if not isinstance(self.stack.pop(), _Foreign):
            raise pickle.UnpicklingError("an object that torch does not write")
        self.stack.append(SavedObject())

    def take_state(self) -> None:
        """Give an object its attributes; the state of anything else is passed over."""
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is not SavedObject:
            return
        # Attributes, or a pair of them and of those in slots, or what a class makes of its own.
        pair = type(state) is tuple and len(state) == 2
        parts = [part for part in (state if pair else (state,)) if part is not None]
        if not all(type(part) is dict for part in parts):
            parts = [{"state": state}]
        for part in parts:
            target.update(part)

    def persistent_load(self, pid: Any) -> Any:
        """Return the storage that a tensor refers to, or the class beside its source code."""
        if pid[0] == "module":
            return pid[1]
        word, kind, key, _, size, *part = pid
        plain = part in ([], [None])
        if word != "storage" or not isinstance(kind, _Type) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage that torch does not write")
        self.storages[key] = storage = Storage(kind.dtype, key, size)
        # Before 0.4 a storage could be a part of another one, which nothing here can place.
        return storage if plain else Storage(kind.dtype, "", size)

    def set_items(self) -> None:
        items = self.pop_mark()
        self.put(items)

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.put([key, value])

    def put(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, SavedObject):
            raise pickle.UnpicklingError("items that torch does not write")
        _check_keys(items[::2])
        target.update(zip(items[::2], items[1::2], strict=True))

    dispatch[pickle.FRAME[0]] = pass_over_frame
    dispatch[pickle.REDUCE[0]] = call
    dispatch[pickle.NEWOBJ[0]] = new_object
    dispatch[pickle.BUILD[0]] = take_state
    dispatch[pickle.SETITEMS[0]] = set_items
    dispatch[pickle.SETITEM[0]] = set_item


def read_pickle(content: bytes) -> Any:
    """Return what the pickle builds, tensors as `StoredTensor`, objects as `SavedObject`.

    Raises
    ------
    ForbiddenNameError
        When it calls or names what has no place in a file of weights.
    Exception
        Any other, where it is damaged: the machine runs into what is not there.
    """
    return _Reader(BoundedStream(io.BytesIO(content), len(content))).load()


def read_pickles(stream: BoundedStream, count: int) -> tuple[list[Any], dict[str, Storage]]:
    """Return what `count` pickles one behind the other build, and the storages they name.

    Raises
    ------
    ForbiddenNameError, Exception
        As `read_pickle`.
    """
    built: list[Any] = []
    storages: dict[str, Storage] = {}
    for _ in range(count):
        reader = _Reader(stream)
        built.append(reader.load())
        storages |= reader.storages
    return built, storages


@contextmanager
def unpickling(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a pickle of `path` is read into an error that names the file."""
    try:
        yield
    except ForbiddenNameError as error:
        raise FileFormatError(
            f"Reading {shown(path)} would execute code stored in it ({shown(error)}). Nothing was "
            "run. Save the model's state_dict() alone, or convert it to safetensors where you "
            "trust it."
        ) from None
    except Exception as error:
        # Whatever a damaged program runs into; it has nothing to run that could do harm.
        raise FileFormatError(
            f"{shown(path)} is not a sound PyTorch file: its pickle is damaged "
            f"({type(error).__name__})."
        ) from None


def unpickled(content: bytes, path: Path) -> Any:
    """Return what `read_pickle` does, with errors that name the file."""
    with unpickling(path):
        return read_pickle(content)
