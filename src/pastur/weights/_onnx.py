"""ONNX models: initialisers and constants of every graph, in the file or beside it.

The file is parsed by the package `onnx`, and nothing more: no model is run, no shape inferred, no
data loaded but what is asked for here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pastur._checks import missing_extra
from pastur._errors import FileFormatError
from pastur._typing import AnyArray
from pastur.weights._bytes import read_array, reading, shape_fault
from pastur.weights._onnx_graph import Packing, Use, nodes_and_tensors, uses
from pastur.weights._reader import Reader
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import bytes_text, shown

# The first field of a model is the version of the format, a small number, by every writer in use.
_VERSION_FIELD = 0x08
_LARGEST = 2**31 - 1  # bytes; what protobuf can hold
# Fields of a tensor whose numbers are not packed in bytes.
_FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A tensor of the file; how the graph uses it."""

    info: TensorInfo
    proto: Any
    use: Use


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether `head` begins as a model does: its version, then a text or a graph."""
    return (
        len(head) > 4
        and head[0] == _VERSION_FIELD
        and head[1] < 0x40
        and head[2] in b"\x12\x3a\x42"
    )


def open_onnx(path: Path) -> Weights:
    """Return the tensors of an ONNX model; those kept in files beside it are read when asked for.

    Quantised weights whose scale the graph holds are read as the numbers they stand for.

    Raises
    ------
    MissingExtraError
        When the package onnx is not installed.
    FileFormatError
        When the file is damaged, or too large to be a model.
    """
    model = _parse(path)
    nodes, protos = nodes_and_tensors(model)
    by_value = {value: proto for value, _, proto in protos}
    found = uses(nodes, {value: tuple(proto.dims) for value, proto in by_value.items()})
    tensors: dict[str, _Tensor] = {}
    for value, label, proto in protos:
        name = label
        while name in tensors:
            name += "'"
        use = found.get(value, Use())
        info = _info(name, proto, use, by_value, path)
        tensors[name] = _Tensor(info, proto, use)
    entries = tuple(tensor.info for tensor in tensors.values())
    return Weights(str(path), entries, _metadata(model), partial(_load, path, tensors, by_value))


def _parse(path: Path) -> Any:
    try:
        import onnx
    except ModuleNotFoundError:
        raise missing_extra(f"Reading {shown(path)}", "the package onnx", "onnx") from None
    from google.protobuf.message import DecodeError

    size = path.stat().st_size
    if size > _LARGEST:
        raise FileFormatError(
            f"{shown(path)} has {bytes_text(size)}, and an ONNX model holds at most "
            f"{bytes_text(_LARGEST)}: larger ones keep their numbers in files beside them."
        )
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, ValueError, RecursionError):
        raise FileFormatError(
            f"{shown(path)} is not a sound ONNX model: it is damaged or was not copied whole."
        ) from None
    if not model.HasField("graph"):
        raise FileFormatError(f"{shown(path)} is not a sound ONNX model: it holds no graph.")
    return model


def _metadata(model: Any) -> dict[str, str]:
    return {str(entry.key): str(entry.value) for entry in model.metadata_props}


# --- headers ---


def _info(name: str, proto: Any, use: Use, by_value: Mapping[str, Any], path: Path) -> TensorInfo:
    """Return what is known of a tensor, checked against what the file holds."""
    shape = tuple(int(side) for side in proto.dims)
    dtype = _dtype(proto)
    if dtype is None:
        return TensorInfo(name, shape, _type_name(proto), 0, "is of a type that holds no numbers")
    count = math.prod(shape)
    reason = _fault(proto, dtype, path) or use.fault or _packing_fault(use, shape, by_value, path)
    quantised = dtype.name if use.packing is not None else ""
    nbytes = count * (4 if quantised else dtype.itemsize)
    kind = "float32" if quantised else dtype.name
    return TensorInfo(name, shape, kind, nbytes, reason, use.layout, quantised)


def _dtype(proto: Any) -> np.dtype[Any] | None:
    from onnx import TensorProto, helper

    if proto.data_type in (TensorProto.STRING, TensorProto.UNDEFINED):
        return None
    try:
        dtype: np.dtype[Any] = np.dtype(helper.tensor_dtype_to_np_dtype(proto.data_type))
    except (KeyError, ValueError, TypeError):
        return None
    return dtype


def _type_name(proto: Any) -> str:
    from onnx import TensorProto

    names = dict(map(reversed, TensorProto.DataType.items()))
    return str(names.get(proto.data_type, proto.data_type)).lower()


def _bits(dtype: np.dtype[Any]) -> int:
    digits = "".join(filter(str.isdigit, dtype.name[:6]))
    # Two or four numbers share a byte.
    return int(digits) if digits in ("2", "4") else 8 * dtype.itemsize


def _stored_bytes(count: int, dtype: np.dtype[Any]) -> int:
    return -(-max(count, 0) * _bits(dtype) // 8)


def _numbers(count: int, dtype: np.dtype[Any]) -> int:
    """Return how many items a field holds of `count` numbers: pairs of complex, packed of small."""
    if dtype.kind == "c":
        return 2 * count
    return -(-count * _bits(dtype) // 8) if _bits(dtype) < 8 else count


def _fault(proto: Any, dtype: np.dtype[Any], path: Path) -> str:
    """Return why the numbers of a tensor are not what its shape says; empty where they are."""
    shape = tuple(proto.dims)
    if fault := shape_fault(shape):
        return fault
    count = math.prod(shape)
    stored = _stored_bytes(count, dtype)
    if proto.data_location == 1:
        return _outside_fault(proto, stored, path)
    if proto.HasField("raw_data"):
        there = len(proto.raw_data)
        if there != stored:
            return f"takes {bytes_text(stored)}, and {bytes_text(there)} are there"
    elif sum(len(getattr(proto, field)) for field in _FIELDS) != _numbers(count, dtype):
        return "holds another count of numbers than its shape has"
    return ""


def _packing_fault(
    use: Use, shape: tuple[int, ...], by_value: Mapping[str, Any], path: Path
) -> str:
    """Return why a quantised tensor cannot be unpacked; empty where it can, or is plain."""
    packing = use.packing
    if packing is None:
        return ""
    along = shape[packing.axis] if -len(shape) <= packing.axis < len(shape) else 1
    in_blocks = packing.blocks
    for value in packing.values:
        if value not in by_value:
            return "is quantised, and its scale is computed while the model runs"
        proto = by_value[value]
        dtype = _dtype(proto)
        if dtype is None or dtype.kind == "c" or _fault(proto, dtype, path):
            return f"is quantised, and its scale {shown(value)} is damaged"
        in_blocks = in_blocks or math.prod(proto.dims) not in (1, along)
    return "is quantised by blocks, which pastur does not undo" if in_blocks else ""


# --- data beside the model ---


def _outside(proto: Any) -> tuple[str, int, int | None]:
    fields = {entry.key: entry.value for entry in proto.external_data}
    length = fields.get("length")
    return (
        fields.get("location", ""),
        int(fields.get("offset", "0") or 0),
        None if length is None else int(length),
    )


def _outside_fault(proto: Any, stored: int, path: Path) -> str:
    """Return why the numbers of a tensor cannot be had from beside the model."""
    try:
        location, offset, length = _outside(proto)
    except ValueError:
        return "says in no readable way where its numbers are"
    # The name is checked, not where it leads: downloaded models are often folders of links.
    parts = location.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(mark in location for mark in "\\:\0"):
        return f"lies in {shown(location)}, and may lie in the model's own folder only"
    file = path.parent / location
    if not file.is_file():
        return f"lies in {shown(location)}, which is not beside the model"
    if length is not None and length != stored:
        return f"takes {bytes_text(stored)}, and {length} bytes of {shown(location)} are named"
    if offset < 0 or offset + stored > file.stat().st_size:
        return f"reaches beyond {shown(location)}, of {bytes_text(file.stat().st_size)}"
    return ""


# --- numbers ---


def _load(
    path: Path, tensors: Mapping[str, _Tensor], by_value: Mapping[str, Any], name: str
) -> AnyArray:
    tensor = tensors[name]
    with reading(f"Tensor {shown(name)} of {shown(path)}", path):
        values = _numbers_of(tensor.proto, path)
        packing = tensor.use.packing
        return values if packing is None else _unpacked(values, packing, by_value, path)


def _numbers_of(proto: Any, path: Path) -> AnyArray:
    from onnx import numpy_helper

    if proto.data_location != 1:
        return np.asarray(numpy_helper.to_array(proto))
    import onnx

    dtype = _dtype(proto)
    assert dtype is not None
    count = math.prod(proto.dims)
    location, offset, _ = _outside(proto)
    with (path.parent / location).open("rb") as file:
        file.seek(offset)
        raw = read_array(file, (_stored_bytes(count, dtype),), np.dtype(np.uint8))
    # What unpacks numbers inside a model unpacks these too.
    inside = onnx.TensorProto(dims=proto.dims, data_type=proto.data_type, raw_data=raw.tobytes())
    return np.asarray(numpy_helper.to_array(inside))


def _unpacked(
    values: AnyArray, packing: Packing, by_value: Mapping[str, Any], path: Path
) -> AnyArray:
    """Return (values − zero point)·scale, each along one axis or for all."""

    def along(name: str) -> AnyArray:
        numbers = _numbers_of(by_value[name], path).astype(np.float32).ravel()
        shape = [1] * values.ndim
        if numbers.size > 1:
            shape[packing.axis] = numbers.size
        return numbers.reshape(shape)

    plain = values.astype(np.float32)
    if packing.zero_point:
        plain -= along(packing.zero_point)
    if packing.scale:
        plain *= along(packing.scale)
    return plain


ONNX = Reader(kind="ONNX", suffixes=(".onnx",), recognises=recognises, open=open_onnx)
