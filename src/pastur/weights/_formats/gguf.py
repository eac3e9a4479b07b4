"""GGUF, the format of llama.cpp: a header of keys and tensors, then numbers, mostly quantised.

The header is read here, every count and offset against the true size of the file: the package's own
reader maps the file and believes them. Its tables of types and its unpacking are used.
"""

from __future__ import annotations

import importlib.util
import math
import re
import struct
from dataclasses import dataclass
from functools import cache, partial
from typing import IO, Any

import numpy as np

from pastur._checks import missing_extra
from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._axes.layout import UNKNOWN, Layout
from pastur.weights._formats.contract import Reader
from pastur.weights._hostile.array_bytes import (
    check_memory,
    numpy_dtype,
    read_array,
    reading,
    shaped,
)
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = "general.alignment"
_LONGEST_TEXT = 1000  # characters of metadata that are kept
_MOST_SIDES = 4  # of a tensor, by the format
_DEEPEST = 4  # arrays in arrays
_KEY = 400  # bytes that a key of the metadata takes in memory, besides its words
_NUMBERS_AT_ONCE = 2**20
_LETTERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _ARRAY = 8, 9
_PLAIN = {
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F64": "float64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
}
_EXPERTS = re.compile(r".*_exps(\.weight)?")


class _Unsound(ValueError):
    """What is wrong with a header; `open_gguf` adds the file's name."""


@dataclass(frozen=True, slots=True)
class _Record:
    info: TensorInfo
    kind: int
    begin: int
    stored: int


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` begins with the format's mark."""
    return head.startswith(_MAGIC)


def open_gguf(path: Place) -> Weights:
    """Return the tensors of a GGUF file; quantised ones are read as the numbers they stand for.

    Raises
    ------
    MissingExtraError
        When the package gguf is not installed.
    FileFormatError
        When the header is not sound, or does not agree with the size of the file.
    """
    if importlib.util.find_spec("gguf") is None:
        raise missing_extra(f"Reading {shown(path)}", "the package gguf", "gguf")
    with path.open("rb") as file:
        source = SourceFile.of(path, file)
        try:
            records, metadata = _header(_Header(file, source.size, Budget(path, source.size)))
        except _Unsound as error:
            raise FileFormatError(f"{shown(path)} is not a sound GGUF file: {error}.") from None
    entries = tuple(record.info for record in records.values())
    return Weights(str(path), entries, metadata, partial(_load, source, records))


class _Header:
    """The file, read forwards, never past its end."""

    def __init__(self, file: IO[bytes], size: int, budget: Budget) -> None:
        self.file, self.size, self.budget = file, size, budget

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return self.size - self.file.tell()

    def bytes(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > self.left:
            raise _Unsound("it ends inside its header: it is damaged or was not copied whole")
        return self.file.read(count)

    def number(self, letter: str) -> Any:
        """Return the next number, of the type that `struct` calls `letter`."""
        return struct.unpack(f"<{letter}", self.bytes(struct.calcsize(f"<{letter}")))[0]

    def text(self) -> str:
        """Return the next text; a byte that belongs to none is spelt out."""
        return self.bytes(self.number("Q")).decode("utf-8", "backslashreplace")

    def pass_over(self, count: int) -> None:
        """Leave out the next `count` bytes."""
        if count > self.left:
            raise _Unsound("it ends inside its header: it is damaged or was not copied whole")
        self.file.seek(count, 1)

    def value(self, kind: int, depth: int = 0) -> str | int | float | None:
        """Return the next value of metadata; None for an array, which is passed over."""
        if kind == _TEXT:
            return self.text()
        if kind in _LETTERS:
            return self.number(_LETTERS[kind])  # type: ignore[no-any-return]
        if kind != _ARRAY or depth == _DEEPEST:
            raise _Unsound(f"its metadata hold a value of the unknown type {kind}")
        inner, count = self.number("I"), self.number("Q")
        plain = inner in _LETTERS
        # A text, or an array in the array, takes at least its own length.
        size = struct.calcsize(f"<{_LETTERS[inner]}") if plain else 8
        if count * size > self.left:
            raise _Unsound(f"its metadata claim an array of {count} values")
        if plain:
            self.pass_over(count * size)
            return None
        for _ in range(count):
            if inner == _TEXT:
                self.pass_over(self.number("Q"))
            else:
                self.value(inner, depth + 1)
        return None


def _header(header: _Header) -> tuple[dict[str, _Record], dict[str, str]]:
    header.bytes(len(_MAGIC))
    version = header.number("I")
    if version not in _VERSIONS:
        raise _Unsound(f"it is of version {version}, and versions 2 and 3 are read")
    tensors, keys = header.number("Q"), header.number("Q")
    # No key or tensor takes fewer bytes than its numbers.
    if keys * 12 + tensors * 24 > header.left:
        raise _Unsound(f"it claims {tensors} tensors and {keys} keys in {bytes_text(header.size)}")
    metadata: dict[str, str] = {}
    alignment = 32
    for _ in range(keys):
        header.budget.take(_KEY)
        name = header.text()
        value = header.value(header.number("I"))
        if name == _ALIGNMENT:
            alignment = value if type(value) is int else 0
        if value is not None:
            metadata[name[:_LONGEST_TEXT]] = str(value)[:_LONGEST_TEXT]
    if not 0 < alignment <= 2**20:
        raise _Unsound(f"its {_ALIGNMENT} is {alignment}")
    claims = [_claim(header) for _ in range(tensors)]
    start = -(-header.file.tell() // alignment) * alignment
    records: dict[str, _Record] = {}
    end = start
    for name, shape, kind, offset in sorted(claims, key=lambda claim: claim[3]):
        if name in records:
            raise _Unsound(f"it holds two tensors named {shown(name)}")
        record = _record(name, shape, kind, start + offset)
        if record.begin + record.stored > header.size:
            raise _Unsound(
                f"the data of tensor {shown(name)} end at byte {record.begin + record.stored:,}, "
                f"and the file holds {header.size:,}. It is damaged or was not copied whole"
            )
        if record.begin < end:
            raise _Unsound(f"the data of tensor {shown(name)} overlap those of another")
        end = record.begin + record.stored
        records[name] = record
    return records, metadata


def _claim(header: _Header) -> tuple[str, tuple[int, ...], int, int]:
    name = header.text()
    header.budget.take_tensor(name)
    count = header.number("I")
    if count > _MOST_SIDES:
        raise _Unsound(f"tensor {shown(name)} has {count} sides, more than the format knows")
    sides = tuple(header.number("Q") for _ in range(count))
    # The fastest axis comes first in the file.
    return name, sides[::-1], header.number("I"), header.number("Q")


def _record(name: str, shape: tuple[int, ...], kind: int, begin: int) -> _Record:
    import gguf

    try:
        word = gguf.GGMLQuantizationType(kind).name
        block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)]
    except (ValueError, KeyError):
        reason = f"is of type {kind}, which the package gguf does not know"
        return _Record(TensorInfo(name, shape, f"type {kind}", 0, reason), kind, begin, 0)
    count = math.prod(shape)
    row = shape[-1] if shape else 1
    if row % block:
        raise _Unsound(f"tensor {shown(name)} of type {word} has rows of {row}, not whole blocks")
    stored = count // block * block_bytes
    layout = Layout("eoi") if len(shape) == 3 and _EXPERTS.fullmatch(name) else UNKNOWN
    if word in _PLAIN:
        info = TensorInfo(name, shape, _PLAIN[word], stored, layout=layout)
    else:
        reason = "" if _unpacks(kind) else f"is packed as {word}, which gguf does not unpack"
        info = TensorInfo(name, shape, "float32", 4 * count, reason, layout, word)
    return _Record(info, kind, begin, stored)


@cache
def _unpacks(kind: int) -> bool:
    """Tell whether the package unpacks a type, by one block of zeros."""
    import gguf

    block = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)][1]
    try:
        _unpacked(np.zeros((1, block), np.uint8), kind)
    except NotImplementedError:
        return False
    return True


def _unpacked(data: AnyArray, kind: int) -> AnyArray:
    import gguf

    with np.errstate(all="ignore"):  # damaged scales may be anything; that is seen afterwards
        return np.asarray(gguf.dequantize(data, gguf.GGMLQuantizationType(kind)))


def _load(source: SourceFile, records: dict[str, _Record], name: str) -> AnyArray:
    record, path = records[name], source.path
    info = record.info
    label = f"Tensor {shown(name)} of {shown(path)}"
    with reading(label, path), source.open(record.begin, record.stored) as file:
        if not info.quantised:
            return read_array(file, info.shape, numpy_dtype(info.dtype))
        check_memory(record.stored + info.nbytes)
        return shaped(_unpacked_blocks(file, record), info.shape)


def _unpacked_blocks(file: IO[bytes], record: _Record) -> AnyArray:
    """Return the numbers of a quantised tensor, some blocks at a time: unpacking takes its room."""
    import gguf

    block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(record.kind)]
    blocks, step = record.stored // block_bytes, _NUMBERS_AT_ONCE // block
    numbers = np.empty((blocks, block), np.float32)
    for start in range(0, blocks, step):
        stop = min(start + step, blocks)
        data = read_array(file, (stop - start, block_bytes), np.dtype(np.uint8))
        numbers[start:stop] = _unpacked(data, record.kind)
    return numbers


GGUF = Reader(kind="GGUF", suffixes=(".gguf",), recognises=recognises, open=open_gguf)
