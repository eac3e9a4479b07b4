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
from pathlib import Path
from typing import Any, ClassVar

from pastur._errors import FileFormatError
from pastur.weights._bounded import BoundedStream
from pastur.weights._torch_values import (
    ForbiddenNameError,
    Foreign,
    SavedObject,
    Storage,
    Type,
    called,
    check_keys,
    meaning,
)
from pastur.weights._words import shown

# 100 bytes a tensor are usual: a million of them.
LARGEST_PICKLE = 200_000_000

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
        return meaning(str(module), name)

    def pass_over_frame(self) -> None:
        # A frame would be read in one go, where the stream does not count the steps.
        self.read(8)

    def call(self) -> None:
        """Call what makes tensors; refuse to call anything that is only a name."""
        function = self.stack[-2]
        if isinstance(function, Foreign):
            self.stack[-2:] = [called(function)]
        else:
            self.load_reduce()

    def new_object(self) -> None:
        self.stack.pop()
        if not isinstance(self.stack.pop(), Foreign):
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
        if word != "storage" or not isinstance(kind, Type) or not isinstance(key, str):
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
        check_keys(items[::2])
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
