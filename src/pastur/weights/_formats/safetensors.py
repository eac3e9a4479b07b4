"""The safetensors format: an 8-byte length, a JSON header of that length, the data.

The header is parsed here, with the checks of the reference library and three reasons for doing so:
that library refuses a whole file for one tensor of a type it does not know, where such a tensor
is to be listed with its reason; its errors name neither file nor tensor; and it maps the file, so
that a checkpoint rewritten meanwhile ends the process. The tests hold that what it refuses, this
reader refuses.
"""

import math
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._formats.contract import Reader
from pastur.weights._hostile.array_bytes import MOST_AXES, numpy_dtype, read_array, reading
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.json_text import parse_json
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

_LARGEST_HEADER = 100_000_000  # bytes; the reference library's limit
_LARGEST_SIZE = 2**63 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can spell it, no terminal or file can take it

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}


class _Unsound(ValueError):
    """What is wrong with a header; `open_safetensors` adds the file's name."""


@dataclass(frozen=True, slots=True)
class _Record:
    info: TensorInfo
    begin: int
    end: int


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` is a header length followed by a JSON object."""
    return head[8:9] == b"{"


def open_safetensors(path: Place) -> Weights:
    """Return the tensors of one safetensors file, in the order of their data.

    Raises
    ------
    FileFormatError
        When the header is not sound, or does not agree with the size of the file.
    """
    source, text = _read_header(path)
    start = 8 + len(text)
    budget = Budget(path, source.size)
    try:
        header = _parse(text, budget)
        metadata = _metadata(header.pop("__metadata__", {}))
        records = []
        for name, fields in header.items():
            budget.take_tensor()
            records.append(_record(name, fields))
        records.sort(key=lambda record: (record.begin, record.end))
        _check_spans(records, source.size - start)
    except _Unsound as error:
        raise _unsound(path, str(error)) from None
    return Weights(
        source=str(path),
        entries=tuple(record.info for record in records),
        metadata=metadata,
        fetch=partial(_load, source, start, {record.info.name: record for record in records}),
    )


def _read_header(path: Place) -> tuple[SourceFile, bytes]:
    """Return the file as it is, and its header."""
    with path.open("rb") as file:
        source = SourceFile.of(path, file)
        size = source.size
        length = int.from_bytes(file.read(8), "little")
        if size < 8:
            raise _unsound(path, f"it has {size} bytes, and a header alone takes more")
        if length > size - 8:
            raise _unsound(
                path,
                f"it claims a header of {bytes_text(length)}, and the file has {bytes_text(size)}. "
                "It is damaged or was not copied whole",
            )
        if length > _LARGEST_HEADER:
            raise _unsound(
                path,
                f"its header of {bytes_text(length)} exceeds the format's limit of "
                f"{bytes_text(_LARGEST_HEADER)}",
            )
        return source, file.read(length)


def _unsound(path: Place, what: str) -> FileFormatError:
    return FileFormatError(f"{shown(path)} is not a sound safetensors file: {what}.")


def _parse(text: bytes, budget: Budget) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise _Unsound("its header is not a JSON object")
    try:
        header = parse_json(text, budget, pairs=_without_twins)
    except RecursionError:
        raise _Unsound("its header is nested too deeply") from None
    except (_Unsound, FileFormatError):
        raise
    except ValueError:
        raise _Unsound("its header is not valid JSON") from None
    if not isinstance(header, dict):
        raise _Unsound("its header is not a JSON object")
    return header


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise _Unsound(f"its header holds the key {shown(name)} twice")
        if _SURROGATE.search(name):
            raise _Unsound(f"its header holds the key {shown(name)}, which is not valid text")
        fields[name] = value
    return fields


def _metadata(value: Any) -> dict[str, str]:
    texts = value.values() if isinstance(value, dict) else [None]
    if not all(isinstance(text, str) and not _SURROGATE.search(text) for text in texts):
        raise _Unsound("its metadata are not a dictionary of texts")
    return dict(value)


def _record(name: str, fields: Any) -> _Record:
    label = f"tensor {shown(name)}"
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise _Unsound(f"{label} has not exactly the fields dtype, shape and data_offsets")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or not re.fullmatch(r"\w{1,32}", dtype, re.ASCII):
        raise _Unsound(f"the dtype of {label} is not a word")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise _Unsound(f"the shape of {label} is not a list of sizes")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _Unsound(f"the data_offsets of {label} are not a begin and an end")
    begin, end = offsets
    known = DTYPES.get(dtype)
    if known is not None:
        expected = math.prod(shape) * numpy_dtype(known).itemsize
        if expected != end - begin:
            raise _Unsound(
                f"{label} of shape {tuple(shape)} and type {dtype} takes {bytes_text(expected)}, "
                f"and its data_offsets span {bytes_text(end - begin)}"
            )
    unreadable = "" if known else f"is of type {dtype}, which pastur does not read"
    info = TensorInfo(name, tuple(shape), known or dtype, end - begin, unreadable)
    return _Record(info, begin, end)


def _are_sizes(value: Any) -> bool:
    # `type`, because JSON's true is an int to isinstance.
    return isinstance(value, list) and all(
        type(item) is int and 0 <= item <= _LARGEST_SIZE for item in value
    )


def _check_spans(records: list[_Record], size: int) -> None:
    """Raise unless the tensors, ascending, cover the `size` bytes of data once and wholly."""
    end = 0
    for record in records:
        label = f"tensor {shown(record.info.name)}"
        if record.end > size:
            raise _Unsound(
                f"the data of {label} end at byte {record.end:,}, and the file holds {size:,}. "
                "It is damaged or was not copied whole"
            )
        if record.begin != end:
            how = "overlap those of another" if record.begin < end else "leave a hole before them"
            raise _Unsound(f"the data of {label} {how}")
        end = record.end
    if end != size:
        raise _Unsound(f"{bytes_text(size - end)} at its end belong to no tensor")


def _load(source: SourceFile, start: int, records: dict[str, _Record], name: str) -> AnyArray:
    record, path = records[name], source.path
    dtype, size = numpy_dtype(record.info.dtype), record.end - record.begin
    label = f"Tensor {shown(name)} of {shown(path)}"
    with reading(label, path), source.open(start + record.begin, size) as file:
        return read_array(file, record.info.shape, dtype)


SAFETENSORS = Reader(
    kind="safetensors",
    suffixes=(".safetensors",),
    recognises=recognises,
    open=open_safetensors,
)
