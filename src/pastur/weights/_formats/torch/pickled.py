"""The pickle of a PyTorch file, read by a machine that knows tensors and nothing else.

A pickle is a program. This one may build dictionaries, lists, numbers, words, descriptions of
tensors, and objects of classes that it only names: a module that was saved whole, or a part of a
TorchScript program, becomes a dictionary of its attributes, without a search for its class.
Nothing that a file names is ever imported or called. A call of anything else than what tensors are
made by ends the reading, and so does the name of a harmful function, even if it is not called.

The opcodes are those that `torch.save` writes, run by Python's own unpickler in Python, whose
memory grows with what is read and not with what is claimed. What each step leaves behind, and what
it copies, is charged to the budget of the file, which ends it. States of other things than objects
are passed over, so that no file can change what the next one meets, and only words and numbers are
keys: the hash of a deeply nested tuple would end the process.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._formats.torch.stand_ins import (
    ForbiddenNameError,
    Foreign,
    SavedObject,
    Storage,
    Type,
    called,
    check_keys,
    dictionary,
    meaning,
)
from pastur.weights._hostile.bounded_stream import BoundedStream
from pastur.weights._hostile.budget import Budget
from pastur.weights._places.place import Place

# 100 bytes a tensor are usual: a million of them.
LARGEST_PICKLE = 200_000_000

# The steps, and the bytes that each leaves behind: an object, its place on stack or in the memo.
_STEPS = {
    pickle.PROTO: 0,
    pickle.STOP: 0,
    pickle.MARK: 100,
    pickle.FRAME: 0,
    pickle.GLOBAL: 250,
    pickle.STACK_GLOBAL: 250,
    pickle.REDUCE: 250,
    pickle.NEWOBJ: 250,
    pickle.BUILD: 0,
    pickle.BINPERSID: 250,
    pickle.NONE: 10,
    pickle.NEWTRUE: 10,
    pickle.NEWFALSE: 10,
    pickle.BININT: 45,
    pickle.BININT1: 10,
    pickle.BININT2: 45,
    pickle.LONG1: 45,
    pickle.BINFLOAT: 35,
    pickle.BINUNICODE: 70,
    pickle.SHORT_BINUNICODE: 70,
    pickle.SHORT_BINSTRING: 70,
    pickle.SHORT_BINBYTES: 50,
    pickle.BINBYTES: 50,
    pickle.EMPTY_TUPLE: 10,
    # The items have their places on the stack already.
    pickle.TUPLE: 60,
    pickle.TUPLE1: 65,
    pickle.TUPLE2: 75,
    pickle.TUPLE3: 80,
    pickle.EMPTY_LIST: 90,
    pickle.APPEND: 40,
    pickle.APPENDS: 0,
    pickle.EMPTY_DICT: 100,
    pickle.SETITEM: 0,
    pickle.SETITEMS: 0,
    pickle.BINPUT: 130,
    pickle.LONG_BINPUT: 130,
    pickle.BINGET: 10,
    pickle.LONG_BINGET: 10,
    pickle.MEMOIZE: 130,
}
_ITEM = 100  # in a dictionary, while it grows


def _charged(step: Callable[[Any], None], cost: int) -> Callable[[Any], None]:
    def run(reader: Any) -> None:
        reader.budget.take(cost)
        step(reader)

    return run


# Python's own unpickler, in Python: that in C takes as much memory as a memo's number claims.
class _Reader(pickle._Unpickler):
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {}
    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    load_reduce: Callable[[], None]
    read: Callable[[int], bytes]

    def __init__(self, stream: BoundedStream) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storages: dict[str, Storage] = {}
        self.budget = stream.budget

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, nothing of which can do harm."""
        return meaning(module, name)

    def pass_over_frame(self) -> None:
        # A frame would be read in one go, where the stream does not count the steps.
        self.read(8)

    def call(self) -> None:
        """Call what makes tensors; refuse to call anything that is only a name."""
        function, arguments = self.stack[-2:]
        if type(arguments) is not tuple:
            raise pickle.UnpicklingError("a call that torch does not write")
        # They are copied, and so are those of another call among them.
        self.budget.take(_ITEM * sum(map(_length, (arguments, *arguments[:3]))))
        if isinstance(function, Foreign):
            self.stack[-2:] = [called(function)]
        elif function is dictionary:
            # Empty: its items follow; unless Python 2 wrote it, and they are here as pairs.
            self.stack[-2:] = [{}]
            pairs = list(arguments[0]) if arguments else []
            self.fill([key for key, _ in pairs], [value for _, value in pairs])
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
            self.fill(list(part), list(part.values()))

    def persistent_load(self, pid: Any) -> Any:
        """Return the storage that a tensor refers to, or the class alongside its source code."""
        if type(pid) is not tuple:
            raise pickle.UnpicklingError("a reference that torch does not write")
        self.budget.take(_ITEM * len(pid))
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
        self.fill(items[::2], items[1::2])

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key], [value])

    def fill(self, keys: list[Any], values: list[Any]) -> None:
        """Put items into the dictionary on top of the stack."""
        target = self.stack[-1]
        if type(target) not in (dict, SavedObject):
            raise pickle.UnpicklingError("items that torch does not write")
        check_keys(keys)
        # A word may be compared with another one of the same letters.
        letters = sum(len(key) for key in keys if type(key) is str)
        self.budget.take(_ITEM * len(keys) + letters)
        target.update(zip(keys, values, strict=True))

    _own: ClassVar[dict[bytes, Callable[[Any], None]]] = {
        pickle.FRAME: pass_over_frame,
        pickle.REDUCE: call,
        pickle.NEWOBJ: new_object,
        pickle.BUILD: take_state,
        pickle.SETITEMS: set_items,
        pickle.SETITEM: set_item,
    }
    for _code, _cost in _STEPS.items():
        _step = _own.get(_code, pickle._Unpickler.dispatch[_code[0]])
        dispatch[_code[0]] = _charged(_step, _cost)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (tuple, list, dict)) else 0


def read_pickle(content: bytes, budget: Budget) -> Any:
    """Return what the pickle builds, tensors as `StoredTensor`, objects as `SavedObject`.

    Raises
    ------
    ForbiddenNameError
        When it calls or names what has no place in a file of weights.
    FileFormatError
        When it goes beyond the budget.
    Exception
        Any other, where it is damaged: the machine runs into what is not there.
    """
    return _Reader(BoundedStream(io.BytesIO(content), len(content), budget)).load()


def read_pickles(stream: BoundedStream, count: int) -> tuple[list[Any], dict[str, Storage]]:
    """Return what `count` pickles one after the other build, and the storages they name.

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
def unpickling(path: Place) -> Iterator[None]:
    """Turn what goes wrong while a pickle of `path` is read into an error that names the file."""
    try:
        yield
    except FileFormatError:
        raise
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


def unpickled(content: bytes, path: Place, budget: Budget) -> Any:
    """Return what `read_pickle` does, with errors that name the file."""
    with unpickling(path):
        return read_pickle(content, budget)
