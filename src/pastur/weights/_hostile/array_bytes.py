"""Bytes of a file into an array, without trusting the file about their number."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place

_BLOCK = 1 << 20
_LARGEST_SIDE = 2**62
MOST_AXES = 64  # of an array of NumPy


def check_memory(nbytes: int) -> None:
    """Raise if `nbytes` exceed the machine's memory, where the system says how much that is.

    Asking for them is not a test: many systems promise any amount, and end the process when the
    promise is called in.
    """
    try:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return
    if 0 < available < nbytes:
        raise InvalidInputError(too_large(nbytes))


def too_large(nbytes: int) -> str:
    """Return the reason for leaving out a tensor that does not fit into memory."""
    return f"needs {bytes_text(nbytes)} of memory, more than this machine has"


def read_up_to(path: Place, most: int) -> bytes | None:
    """Return what a file holds; None where that is more than `most` bytes."""
    with path.open("rb") as file:
        size = SourceFile.of(path, file).size
        return file.read(size) if size <= most else None


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the type of that name in NumPy or ml_dtypes, little-endian."""
    kind: Any = name
    if name == "bfloat16" or name.startswith("float8"):
        import ml_dtypes

        kind = getattr(ml_dtypes, name)
    dtype: np.dtype[Any] = np.dtype(kind).newbyteorder("<")
    return dtype


def shape_fault(shape: tuple[int, ...]) -> str:
    """Return why a file's word for a shape is none, in words that follow a name; or nothing."""
    if len(shape) > MOST_AXES:
        return f"has {len(shape)} axes, and an array has {MOST_AXES} at most"
    if all(type(side) is int and 0 <= side < _LARGEST_SIDE for side in shape):
        return ""
    return f"has the shape {shape}, which no tensor can have"


def read_array(
    stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], *, by_columns: bool = False
) -> AnyArray:
    """Return the array of this shape whose numbers are next in `stream`.

    They are read, not mapped: a file that is rewritten while it is mapped ends the process with a
    bus error, one that is read merely comes out short.

    Raises
    ------
    EOFError
        When the stream ends early.
    InvalidInputError
        When the array does not fit into memory, or NumPy has no arrays of its shape.
    """
    count = math.prod(shape)
    check_memory(count * dtype.itemsize)
    try:
        array: AnyArray = np.empty(count, dtype)
    except MemoryError:
        raise InvalidInputError(too_large(count * dtype.itemsize)) from None
    target = array.view(np.uint8).data
    done = 0
    # In blocks, because a packed stream builds each piece in memory before it hands it over.
    while done < len(target):
        got = stream.readinto(target[done : done + _BLOCK])  # type: ignore[attr-defined]
        if not got:
            raise EOFError(f"its data end after {done} of {len(target)} bytes")
        done += got
    return shaped(array, shape, by_columns=by_columns)


def shaped(array: AnyArray, shape: tuple[int, ...], *, by_columns: bool = False) -> AnyArray:
    """Return the numbers of `array` in this shape.

    Raises
    ------
    InvalidInputError
        When NumPy has no arrays of the shape.
    """
    try:
        return array.reshape(shape, order="F" if by_columns else "C")
    except ValueError:  # sizes beyond its integers next to a size of 0, or too many of them
        raise InvalidInputError(f"has the shape {shape}, which NumPy cannot hold") from None


@contextmanager
def reading(label: str, path: Place) -> Iterator[None]:
    """Turn what can go wrong while `label` is read from `path` into errors that name it."""
    try:
        yield
    except FileAccessError:
        raise
    except EOFError as error:
        raise FileFormatError(f"{label} is cut off: {error}.") from None
    except InvalidInputError as error:
        raise InvalidInputError(f"{label} {error}.") from None
    except OSError as error:
        raise FileAccessError(f"{shown(path)} cannot be read: {error.strerror}.") from None
