"""One array in NumPy's own format: magic bytes, a header in Python's notation, the data."""

import ast
import math
import re
import warnings
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._formats.contract import Reader
from pastur.weights._hostile.array_bytes import MOST_AXES, read_array, reading
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights, distinct

MAGIC = b"\x93NUMPY"
_LARGEST_HEADER = 10_000  # bytes; NumPy's own limit for files that are not trusted
_LARGEST_SIZE = 2**63 - 1
_NUMBER = re.compile(r"[<>|=]?[biufc]\d{1,2}")

_KINDS = {
    "O": "holds Python objects, and reading those executes code stored in the file",
    "S": "holds text, not numbers",
    "U": "holds text, not numbers",
    "M": "holds dates, not numbers",
    "m": "holds durations, not numbers",
    # NumPy's format has no word for bfloat16 and its like and stores them so.
    "V": "holds raw bytes, and the file does not state what they mean",
}


class UnsoundArrayError(ValueError):
    """What is wrong with the bytes of an array, in words that follow its name."""


@dataclass(frozen=True)
class Header:
    """What stands before the data of an array; `dtype` is None where it is not of numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    descr: str
    fortran_order: bool
    length: int

    def info(self, name: str, size: int) -> TensorInfo:
        """Return the entry of an array that takes `size` bytes in all."""
        held = size - self.length
        if self.dtype is None:
            kind = self.descr.lstrip("<>|=")[:1]
            reason = _KINDS.get(kind, f"is of type {self.descr}, not of plain numbers")
            return TensorInfo(name, self.shape, self.descr, held, reason)
        nbytes = math.prod(self.shape) * self.dtype.itemsize
        reason = ""
        if nbytes > held:
            reason = (
                f"is damaged: its header claims {bytes_text(nbytes)} of data, and "
                f"{bytes_text(held)} are there"
            )
        elif nbytes < held:
            reason = f"is damaged: {bytes_text(held - nbytes)} follow its data"
        return TensorInfo(name, self.shape, self.dtype.name, nbytes, reason)


def read_header(stream: IO[bytes]) -> Header:
    """Return the header with which `stream` begins, and leave the stream at the data.

    Raises
    ------
    UnsoundArrayError
        When it is not the header of an array.
    """
    start = stream.read(8)
    if start[:6] != MAGIC or len(start) < 8 or start[6] not in (1, 2, 3):
        raise UnsoundArrayError("is not a NumPy array: it does not begin as one")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > _LARGEST_HEADER:
        raise UnsoundArrayError(f"is damaged: it claims a header of {bytes_text(length)}")
    text = stream.read(length)
    if len(text) < length:
        raise UnsoundArrayError("is damaged: it ends within its header")
    return _parse(text.decode("latin-1"), 8 + width + length)


def read_data(stream: IO[bytes], header: Header) -> AnyArray:
    """Return the array whose data are next in `stream`, in its own type and order."""
    assert header.dtype is not None
    return read_array(stream, header.shape, header.dtype, by_columns=header.fortran_order)


def _parse(text: str, length: int) -> Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's, about hostile headers
            fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise UnsoundArrayError("is damaged: its header is not one of a NumPy array")
    shape, order, descr = fields["shape"], fields["fortran_order"], fields["descr"]
    if not _is_shape(shape) or not isinstance(order, bool):
        raise UnsoundArrayError("is damaged: its header does not state a shape and an order")
    if not isinstance(descr, str):
        return Header(shape, None, "structured", order, length)
    if not re.fullmatch(r"[\w<>|=?\[\]]{1,32}", descr, re.ASCII):
        raise UnsoundArrayError("is damaged: its header does not state a type")
    return Header(shape, _number_dtype(descr), descr, order, length)


def _is_shape(value: Any) -> bool:
    # `type`, because True is an int to isinstance.
    return (
        isinstance(value, tuple)
        and len(value) <= MOST_AXES
        and all(type(size) is int and 0 <= size <= _LARGEST_SIZE for size in value)
    )


def _number_dtype(descr: str) -> np.dtype[Any] | None:
    if not _NUMBER.fullmatch(descr):
        return None
    try:
        return np.dtype(descr)
    except TypeError:
        return None


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` begins with NumPy's magic bytes."""
    return head.startswith(MAGIC)


def open_npy(path: Place) -> Weights:
    """Return the one array of a ``.npy`` file, named as the file without its suffix.

    Raises
    ------
    FileFormatError
        When the file is damaged, or the array is not of numbers.
    """
    with path.open("rb") as file:
        source = SourceFile.of(path, file)
        try:
            header = read_header(file)
        except UnsoundArrayError as error:
            raise FileFormatError(f"{shown(path)} {error}.") from None
    info = header.info(distinct([path.stem])[0], source.size)
    if info.unreadable:
        raise FileFormatError(f"{shown(path)} {info.unreadable}.")
    return Weights(str(path), (info,), {}, partial(_load, source, header))


def _load(source: SourceFile, header: Header, name: str) -> AnyArray:
    held = source.size - header.length
    with reading(shown(source.path), source.path), source.open(header.length, held) as file:
        return read_data(file, header)


NPY = Reader(kind="npy", suffixes=(".npy",), recognises=recognises, open=open_npy)
