"""What `torch.save` wrote before version 1.6: pickles one after the other, then the numbers.

Five pickles: a magic number, the version, the machine, the content, and the names of the storages;
then for each of these, in that order, a count of eight bytes and its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur.weights._formats.torch.pickled import LARGEST_PICKLE, read_pickles, unpickling
from pastur.weights._formats.torch.views import Store
from pastur.weights._hostile.array_bytes import numpy_dtype
from pastur.weights._hostile.bounded_stream import BoundedStream
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place

# The magic number as a pickle has it, after a head that depends on the protocol.
_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_HEAD = 32
_COUNT = 8


def is_old(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is of this format."""
    return head.startswith(b"\x80") and _MAGIC in head[:_HEAD]


def read_old(path: Place, budget: Budget) -> tuple[Any, Store]:
    """Return what the file holds, tensors as `StoredTensor`, and its numbers.

    Raises
    ------
    FileFormatError
        When it is damaged, or a pickle would run code.
    """
    with path.open("rb") as file:
        source = SourceFile.of(path, file)
        size = source.size
        with unpickling(path):
            stream = BoundedStream(file, min(size, LARGEST_PICKLE), budget)
            built, storages = read_pickles(stream, 5)
            content, keys = built[3:]
            if not isinstance(keys, list):
                raise TypeError("no list of names")
            widths = {key: _width(storages[key].dtype) for key in keys}
        places: dict[str, int] = {}
        sizes: dict[str, int] = {}
        at = file.tell()
        for key in keys:
            file.seek(at)
            nbytes = int.from_bytes(file.read(_COUNT), "little") * widths[key]
            at += _COUNT
            if nbytes > size - at:
                raise FileFormatError(
                    f"{shown(path)} is not a sound PyTorch file: its storage {shown(key)} should "
                    f"have {bytes_text(nbytes)}, and {bytes_text(max(size - at, 0))} are left. It "
                    "is damaged or was not copied whole."
                )
            places[key], sizes[key] = at, nbytes
            at += nbytes
    return content, Store(sizes, partial(_open, source, places))


def _width(dtype: str) -> int:
    return numpy_dtype(dtype or "uint8").itemsize


@contextmanager
def _open(
    source: SourceFile, places: dict[str, int], key: str, skip: int, count: int
) -> Iterator[IO[bytes]]:
    with source.open(places[key] + skip, count) as stream:
        yield stream
