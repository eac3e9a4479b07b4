"""Flax' files (`flax_model.msgpack`): a tree of named arrays as one value of msgpack.

The bytes are walked here: msgpack's own reader builds every number of the model in memory before
the first can be asked for.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._axes.flax_kernels import flax_layout
from pastur.weights._axes.layout import Layout
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.flax.msgpack import (
    EXTENSION,
    LIST,
    MAP,
    NUMBER,
    TEXT,
    Stream,
    UnsoundError,
)
from pastur.weights._hostile.array_bytes import (
    check_memory,
    numpy_dtype,
    read_array,
    reading,
    shape_fault,
    shaped,
)
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3  # the extensions that Flax writes
_DEEPEST = 100
_LONGEST = 10_000  # bytes of a key
_VALUE = 100  # bytes that a value costs in time, of whatever is passed over
# An array of more than 1 GB is a map of three keys, of which this is the first.
_CHUNKED, _SHAPE, _CHUNKS = "__msgpack_chunked_array__", "shape", "chunks"
_DTYPES = re.compile(
    r"float(16|32|64)|bfloat16|float8_(e4m3|e5m2)(fn|fnuz)?|float8_e8m0fnu|"
    r"u?int(8|16|32|64)|bool|complex(64|128)"
)


@dataclass(frozen=True, slots=True)
class _Record:
    """One array; where each piece of its numbers begins, and how many bytes it takes."""

    info: TensorInfo
    pieces: tuple[tuple[int, int], ...]


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` begins with a map of msgpack whose first key is a text."""
    if not 0x81 <= head[0] <= 0x8F and head[0] not in (0xDE, 0xDF):
        return False
    key = head[{0xDE: 3, 0xDF: 5}.get(head[0], 1) :][:1]
    return b"\xa1" <= key <= b"\xbf" or key in (b"\xd9", b"\xda")


def open_flax(path: Place) -> Weights:
    """Return the arrays of a file of Flax, named by the keys that lead to each.

    Raises
    ------
    FileFormatError
        When the file is damaged, or holds no array as Flax writes it.
    """
    with path.open("rb") as file:
        source = SourceFile.of(path, file)
        tree = _Tree(Stream(file, source.size), Budget(path, source.size))
        try:
            tree.value((), _DEEPEST)
            if tree.stream.left:
                raise UnsoundError(f"{bytes_text(tree.stream.left)} follow its end")
        except UnsoundError as error:
            raise FileFormatError(f"{shown(path)} is not a sound Flax file: {error}.") from None
    if not tree.records:
        raise FileFormatError(
            f"{shown(path)} is a msgpack file, and holds no array as Flax writes it. "
            "In Python, pass its arrays: `pastur.analyze({name: array, ...})`."
        )
    shapes = {record.info.name: record.info.shape for record in tree.records}
    entries = tuple(_with_axes(record.info, shapes) for record in tree.records)
    records = {record.info.name: record for record in tree.records}
    return Weights(str(path), entries, {}, partial(_load, source, records))


def _with_axes(info: TensorInfo, shapes: Mapping[str, tuple[int, ...]]) -> TensorInfo:
    found = flax_layout(info.name, shapes)
    return replace(info, layout=found) if isinstance(found, Layout) else replace(info, aside=found)


class _Tree:
    """The value of a file, walked once; `records` are the arrays that were met."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        self.stream, self._budget = stream, budget
        self.records: list[_Record] = []

    def value(self, keys: tuple[str, ...], depth: int) -> None:
        """Walk one value, to which `keys` lead."""
        if depth < 0:
            raise UnsoundError(f"it is nested more than {_DEEPEST} deep")
        self._budget.take(_VALUE)
        kind, count = self.stream.head()
        if kind == TEXT:
            self.stream.pass_over(count)
        elif kind == EXTENSION:
            self._extension(count, keys)
        elif kind == LIST:
            for place in range(count):
                self.value((*keys, str(place)), depth - 1)
        elif kind == MAP:
            self._map(count, keys, depth - 1)

    def _map(self, count: int, keys: tuple[str, ...], depth: int) -> None:
        met = set()
        for _ in range(count):
            key = self._key()
            if key in met:
                raise UnsoundError(f"it holds the key {shown(key)} twice in one place")
            met.add(key)
            self._budget.take_tensor(key)
            self.value((*keys, key), depth)
            if key == _CHUNKED:
                self._chunked(count, keys, depth)
                return

    def _key(self) -> str:
        kind, count = self.stream.head()
        if kind == NUMBER:
            return str(count)
        if kind != TEXT or count > _LONGEST:
            raise UnsoundError("it has a key that is not a name")
        return self.stream.bytes(count).decode("utf-8", "backslashreplace")

    def _extension(self, length: int, keys: tuple[str, ...]) -> None:
        kind = self.stream.whole(1)
        if kind not in (_ARRAY, _COMPLEX, _SCALAR):
            raise UnsoundError(f"it holds a value of kind {kind}, which Flax does not write")
        if kind != _ARRAY:
            self.stream.pass_over(length)
            return
        self._budget.take_tensor(*keys)
        self.records.append(self._array(".".join(keys), self.stream.at + length))

    def _array(self, name: str, end: int) -> _Record:
        """Return the array that ends at this byte: a list of its shape, its type, its numbers."""
        label = f"array {shown(name)}"
        if self.stream.head() != (LIST, 3):
            raise UnsoundError(f"{label} is not a shape, a type and numbers")
        kind, count = self.stream.head()
        shape = self._sizes([self.stream.head() for _ in range(count)] if kind == LIST else [])
        kind, length = self.stream.head()
        dtype = self.stream.bytes(min(length, 100) if kind == TEXT else 0).decode("latin-1")
        kind, nbytes = self.stream.head()
        begin = self.stream.at
        if kind != TEXT or begin + nbytes != end:
            raise UnsoundError(f"the numbers of {label} do not fill the bytes that it claims")
        self.stream.pass_over(nbytes)
        reason = ""
        if not _DTYPES.fullmatch(dtype):
            reason = f"is of type {shown(dtype)}, which pastur does not read"
        elif (expected := math.prod(shape) * numpy_dtype(dtype).itemsize) != nbytes:
            raise UnsoundError(
                f"{label} of shape {shape} and type {dtype} takes {bytes_text(expected)}, and "
                f"{bytes_text(nbytes)} are there"
            )
        return _Record(TensorInfo(name, shape, dtype, nbytes, reason), ((begin, nbytes),))

    def _chunked(self, count: int, keys: tuple[str, ...], depth: int) -> None:
        """Walk the rest of a map that is one array in pieces: its shape, and the pieces."""
        label = f"array {shown('.'.join(keys))}"
        if count != 3 or self._key() != _SHAPE:
            raise UnsoundError(f"{label} is in pieces and has no shape")
        kind, sides = self.stream.head()
        heads = [(self._key(), self.stream.head())[1] for _ in range(sides if kind == MAP else 0)]
        shape = self._sizes(heads)
        if self._key() != _CHUNKS:
            raise UnsoundError(f"{label} is in pieces that are not there")
        begin = len(self.records)
        self.value(keys, depth)
        pieces = self.records[begin:]
        infos = [piece.info for piece in pieces]
        if len({info.dtype for info in infos}) != 1 or any(len(info.shape) != 1 for info in infos):
            raise UnsoundError(f"{label} is in pieces that are not of one kind")
        if sum(info.shape[0] for info in infos) != math.prod(shape):
            raise UnsoundError(f"{label} of shape {shape} is not the sum of its pieces")
        places = tuple(place for piece in pieces for place in piece.pieces)
        info = replace(infos[0], name=".".join(keys), shape=shape, nbytes=sum(n for _, n in places))
        self.records[begin:] = [_Record(info, places)]

    def _sizes(self, heads: list[tuple[str, int]]) -> tuple[int, ...]:
        shape = tuple(number for _, number in heads)
        fault = shape_fault(shape)
        if fault or any(kind != NUMBER for kind, _ in heads):
            raise UnsoundError(f"an array {fault or 'has a shape that is not of sizes'}")
        return shape


def _load(source: SourceFile, records: Mapping[str, _Record], name: str) -> AnyArray:
    record = records[name]
    info, dtype = record.info, numpy_dtype(record.info.dtype)
    with reading(f"Tensor {shown(name)} of {shown(source.path)}", source.path):
        arrays = []
        check_memory(info.nbytes * min(2, len(record.pieces)))
        for begin, nbytes in record.pieces:
            with source.open(begin, nbytes) as file:
                arrays.append(read_array(file, (nbytes // dtype.itemsize,), dtype))
        return shaped(arrays[0] if len(arrays) == 1 else np.concatenate(arrays), info.shape)


FLAX = Reader(kind="Flax msgpack", suffixes=(".msgpack",), recognises=recognises, open=open_flax)
