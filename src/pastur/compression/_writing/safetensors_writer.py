"""A safetensors file after another, tensor by tensor."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pastur._typing import AnyArray
from pastur.compression._matrix.parts import Shapes
from pastur.compression._writing.replaced_tensors import Replaced
from pastur.weights._formats.safetensors import DTYPES
from pastur.weights._hostile.array_bytes import numpy_dtype

_CODES = {name: code for code, name in DTYPES.items()}
_PART = 1 << 24

Change = Callable[[str], Replaced]


def write_after(
    source: Path,
    stream: BinaryIO,
    *,
    shapes: Mapping[str, Shapes],
    change: Change,
    metadata: Callable[[], dict[str, str]],
) -> None:
    """Write a file in which some tensors of `source` are replaced, and all others are the same.

    Parameters
    ----------
    source : Path
    stream : binary stream, that can be sought
    shapes : mapping of str to mapping
        For each tensor that is replaced, those in its place.
    change : callable
        ``change(name)`` returns them.
    metadata : callable
        Called before the header is written; what is added to the metadata of the file.
    """
    with source.open("rb") as file:
        text = file.read(int.from_bytes(file.read(8), "little"))
        start = 8 + len(text)
        header = json.loads(text)
        old = dict(header.pop("__metadata__", {}))
        spans = {name: one["data_offsets"] for name, one in header.items()}
        entries = _entries(header, shapes)
        if entries != header:
            added = metadata()
            text = _header_text(entries, old | added)
        stream.write(len(text).to_bytes(8, "little") + text)
        base = stream.tell()
        for name in sorted(spans, key=lambda name: spans[name]):
            if name not in shapes:
                stream.seek(base + entries[name]["data_offsets"][0])
                begin, end = spans[name]
                file.seek(start + begin)
                _copy(file, stream, end - begin)
                continue
            for part, array in change(name).tensors.items():
                stream.seek(base + entries[part]["data_offsets"][0])
                write_array(stream, array)
        stream.seek(0, 2)


def _entries(header: Mapping[str, Any], shapes: Mapping[str, Shapes]) -> dict[str, Any]:
    """Return the header of the new file; the old one where only numbers change."""
    if all(set(parts) == {name} for name, parts in shapes.items()):
        return dict(header)
    parts: dict[str, Any] = {}
    for name in sorted(header, key=lambda name: header[name]["data_offsets"]):
        if name not in shapes:
            parts[name] = (header[name]["shape"], header[name]["dtype"], _size(header[name]))
            continue
        for part, (shape, dtype) in shapes[name].items():
            parts[part] = (list(shape), _CODES[dtype], -1)
    return laid_out(parts)


def laid_out(parts: Mapping[str, tuple[list[int], str, int]]) -> dict[str, Any]:
    """Return header entries of tensors (shape, type, bytes), the widest numbers first.

    So that each begins at a multiple of the size of its numbers. Bytes below 0 are those that shape
    and type make.
    """
    entries: dict[str, Any] = {}
    place = 0
    for name, (shape, dtype, size) in sorted(parts.items(), key=lambda item: -_width(item[1][1])):
        size = _width(dtype) * int(np.prod(shape, dtype=np.int64)) if size < 0 else size
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    return entries


def header_bytes(entries: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return length and text of a header."""
    text = _header_text(entries, metadata)
    return len(text).to_bytes(8, "little") + text


def _header_text(entries: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    whole: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    text = json.dumps(whole | dict(entries), separators=(",", ":")).encode()
    # Spaces, so that the data begin at a multiple of eight.
    return text + b" " * (-len(text) % 8)


def _size(fields: Mapping[str, Any]) -> int:
    begin, end = fields["data_offsets"]
    return int(end - begin)


def _width(dtype: str) -> int:
    name = DTYPES.get(dtype)
    return 0 if name is None else int(numpy_dtype(name).itemsize)


def type_code(dtype: str) -> str:
    """Return the format's name of a type."""
    return _CODES[dtype]


def write_array(stream: BinaryIO, array: AnyArray) -> None:
    """Write the numbers of an array, little-endian."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.byteorder == ">":
        flat = flat.astype(flat.dtype.newbyteorder("<"))
    stream.write(flat.view(np.uint8).data)


def _copy(file: BinaryIO, stream: BinaryIO, size: int) -> None:
    while size > 0:
        part = file.read(min(size, _PART))
        if not part:
            raise OSError("the source became shorter while it was read")
        stream.write(part)
        size -= len(part)


def copy_file(source: Path, stream: BinaryIO) -> None:
    """Write a file as it is."""
    with source.open("rb") as file:
        shutil.copyfileobj(file, stream, _PART)
