"""ONNX models: initialisers and constants of every graph, in the file or next to it.

The file is parsed by the package `onnx`, and nothing more: no model is run, no shape inferred, no
data loaded but what is requested here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pastur._checks import missing_extra
from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._derived.conventions.contract import Codes
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.onnx.cost import charge
from pastur.weights._formats.onnx.graph import Graphs, Stored, Use, text
from pastur.weights._formats.onnx.packing import COMPUTED, packed
from pastur.weights._hostile.array_bytes import MOST_AXES, read_array, reading, shape_fault, shaped
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place, on_this_machine
from pastur.weights.tensors import TensorInfo, Weights, distinct

# The first field of a model is the version of the format, a small number, by every writer in use.
_VERSION_FIELD = 0x08
_LARGEST = 2**31 - 1  # bytes; what protobuf can hold
_IS_OUTSIDE = 1  # of a tensor's data_location
# How often the numbers in a file next to the model may be claimed, all tensors together.
_MOST_SHARED = 4
# Fields of a tensor whose numbers are not packed in bytes.
_FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A tensor of the file; how the graph uses it."""

    info: TensorInfo
    proto: Any
    use: Use


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` begins as a model does: its version, then a text or a graph."""
    return (
        len(head) > 4
        and head[0] == _VERSION_FIELD
        and head[1] < 0x40
        and head[2] in b"\x12\x3a\x42"
    )


def open_onnx(path: Place) -> Weights:
    """Return the tensors of an ONNX model; those kept in files next to it are read when requested.

    Quantised weights whose scale the graph holds are read as the numbers they stand for.

    Raises
    ------
    MissingExtraError
        When the package onnx is not installed.
    FileFormatError
        When the file is damaged, or too large to be a model.
    """
    size = SourceFile.at(path).size
    budget = Budget(path, size)
    model = _parse(path, size, budget)
    graphs = Graphs(model, budget)
    uses = graphs.uses()
    protos = [stored.proto for stored in graphs.tensors]
    outside = _Outside(path.parent)
    tensors: dict[str, _Tensor] = {}
    names = distinct(stored.label for stored in graphs.tensors)
    for place, (name, stored) in enumerate(zip(names, graphs.tensors, strict=True)):
        use = uses.get(place, Use())
        info = _info(name, stored, use, protos, outside)
        tensors[name] = _Tensor(info, stored.proto, use)
    entries = tuple(tensor.info for tensor in tensors.values())
    fetch = partial(_load, path, outside.files, tensors, protos)
    steps = partial(_steps, path, outside.files, tensors, protos)
    files = on_this_machine(_files_beside(path, protos))
    return Weights(str(path), entries, _metadata(model), fetch, steps=steps, files=files)


def _parse(path: Place, size: int, budget: Budget) -> Any:
    try:
        import onnx
    except ModuleNotFoundError:
        raise missing_extra(f"Reading {shown(path)}", "the package onnx", "onnx") from None
    from google.protobuf.message import DecodeError

    if size > _LARGEST:
        raise FileFormatError(
            f"{shown(path)} has {bytes_text(size)}, and an ONNX model holds at most "
            f"{bytes_text(_LARGEST)}: larger ones keep their numbers in separate files."
        )
    model = onnx.ModelProto()
    with path.open("rb") as file:
        content = file.read(size)
    try:
        charge(content, budget)
        model.ParseFromString(content)
    except FileFormatError:
        raise
    except (DecodeError, ValueError, IndexError, RecursionError):
        raise FileFormatError(
            f"{shown(path)} is not a sound ONNX model: it is damaged or was not copied whole."
        ) from None
    if not model.HasField("graph"):
        raise FileFormatError(f"{shown(path)} is not a sound ONNX model: it holds no graph.")
    return model


def _metadata(model: Any) -> dict[str, str]:
    return {str(entry.key): str(entry.value) for entry in model.metadata_props}


# --- headers ---


def _info(
    name: str, stored: Stored, use: Use, protos: Sequence[Any], outside: _Outside
) -> TensorInfo:
    """Return what is known of a tensor, checked against what the file holds."""
    proto = stored.proto
    dtype = _dtype(proto)
    if len(proto.dims) > MOST_AXES:
        # No row of a report has room for them.
        return TensorInfo(name, (), _type_name(proto), 0, shape_fault(tuple(proto.dims)))
    shape = tuple(int(side) for side in proto.dims)
    if dtype is None:
        return TensorInfo(name, shape, _type_name(proto), 0, "is of a type that holds no numbers")
    if stored.sparse:
        return TensorInfo(name, shape, dtype.name, 0, "is stored sparsely")
    count = math.prod(shape)
    reason = _fault(proto, dtype) or outside.fault(proto, _stored_bytes(count, dtype))
    reason = reason or use.fault or _packing_fault(use, shape, dtype, protos)
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


def _fault(proto: Any, dtype: np.dtype[Any]) -> str:
    """Return why the numbers of a tensor are not what its shape says; empty where they are."""
    shape = tuple(proto.dims)
    if fault := shape_fault(shape):
        return fault
    if proto.HasField("segment"):
        return "is stored in segments, which pastur does not read"
    if proto.data_location == _IS_OUTSIDE:
        return ""
    count = math.prod(shape)
    if proto.HasField("raw_data"):
        stored, there = _stored_bytes(count, dtype), len(proto.raw_data)
        return "" if there == stored else f"takes {_both(stored, there)} are there"
    if any(len(getattr(proto, name)) for name in _FIELDS if name != _field(proto)):
        return "has its numbers in the field of another type"
    if len(getattr(proto, _field(proto))) != _numbers(count, dtype):
        return "holds another count of numbers than its shape has"
    return ""


def _both(stored: int, there: int) -> str:
    return f"{bytes_text(stored)}, and {bytes_text(there)}"


def _field(proto: Any) -> str:
    """Return the field in which the format keeps the numbers of a type."""
    from onnx import helper

    return str(helper.tensor_dtype_to_field(proto.data_type))


def _packing_fault(
    use: Use, shape: tuple[int, ...], dtype: np.dtype[Any], protos: Sequence[Any]
) -> str:
    """Return why a quantised tensor cannot be unpacked; empty where it can, or is plain."""
    packing = use.packing
    if packing is None:
        return ""
    if dtype.kind == "c":
        return "is quantised, and holds complex numbers"
    if packing.scale is None:
        return "is codes whose scale the graph does not show"
    along = shape[packing.axis] if packing.axis < len(shape) else 1
    in_blocks = False
    for place in packing.places:
        if place == COMPUTED:
            return "is quantised, and its scale is computed while the model runs"
        proto = protos[place]
        kind = _dtype(proto)
        if kind is None or kind.kind == "c" or _fault(proto, kind):
            return f"is quantised, and its scale {shown(proto.name)} is damaged"
        if packing.block:
            in_blocks = in_blocks or not packing.fits(tuple(proto.dims), shape)
        else:
            in_blocks = in_blocks or math.prod(proto.dims) not in (1, along)
    return "is quantised by blocks, which pastur does not undo" if in_blocks else ""


# --- data next to the model ---


def _place(proto: Any) -> tuple[str, int, int | None]:
    fields = {entry.key: entry.value for entry in proto.external_data}
    length = fields.get("length")
    return (
        text(fields.get("location", "")),
        int(fields.get("offset", "0") or 0),
        None if length is None else int(length),
    )


def _files_beside(path: Place, protos: Iterable[Any]) -> tuple[Place, ...]:
    """Return the files next to the model that its tensors name."""
    locations = {
        entry.value for proto in protos for entry in proto.external_data if entry.key == "location"
    }
    return tuple(path.parent / location for location in sorted(locations))


class _Outside:
    """The files in the folder of a model that its tensors lie in.

    Attributes
    ----------
    files : dict of str to SourceFile
        By their names.
    """

    def __init__(self, folder: Place) -> None:
        self.files: dict[str, SourceFile] = {}
        self._folder = folder
        self._claimed: Counter[str] = Counter()

    def fault(self, proto: Any, stored: int) -> str:
        """Return why the numbers of a tensor cannot be had from one of them; empty if they can."""
        if proto.data_location != _IS_OUTSIDE:
            return ""
        try:
            location, offset, length = _place(proto)
        except ValueError:
            return "does not state readably where its numbers are"
        # The name is checked, not where it leads: downloaded models are often folders of links.
        parts = location.split("/")
        if any(part in ("", ".", "..") for part in parts) or any(m in location for m in "\\:\0"):
            return f"lies in {shown(location)}, and may lie in the model's own folder only"
        file = self._file(location)
        if file is None:
            return f"lies in {shown(location)}, which is not in the folder of the model"
        if length is not None and length != stored:
            return f"takes {bytes_text(stored)}, and {length} bytes of {shown(location)} are named"
        if offset < 0 or offset + stored > file.size:
            return f"reaches beyond {shown(location)}, of {bytes_text(file.size)}"
        self._claimed[location] += stored
        if self._claimed[location] > _MOST_SHARED * file.size:
            return f"shares its numbers in {shown(location)} with many others"
        return ""

    def _file(self, location: str) -> SourceFile | None:
        if location not in self.files:
            path = self._folder / location
            try:
                if not path.is_file():
                    return None
                self.files[location] = SourceFile.at(path)
            except FileAccessError:
                raise
            except OSError:  # such as a name that is too long
                return None
        return self.files[location]


# --- numbers ---


def _load(
    path: Place,
    files: Mapping[str, SourceFile],
    tensors: Mapping[str, _Tensor],
    protos: Sequence[Any],
    name: str,
) -> AnyArray:
    found = _read(path, files, tensors, protos, name)
    return found.values if isinstance(found, Codes) else found


def _steps(
    path: Place,
    files: Mapping[str, SourceFile],
    tensors: Mapping[str, _Tensor],
    protos: Sequence[Any],
    name: str,
) -> AnyArray | None:
    if not tensors[name].info.quantised:
        return None
    found = _read(path, files, tensors, protos, name)
    return found.variances if isinstance(found, Codes) else None


def _read(
    path: Place,
    files: Mapping[str, SourceFile],
    tensors: Mapping[str, _Tensor],
    protos: Sequence[Any],
    name: str,
) -> AnyArray | Codes:
    tensor = tensors[name]
    with reading(f"Tensor {shown(name)} of {shown(path)}", path):
        values = _numbers_of(tensor.proto, files)
        packing = tensor.use.packing
        if packing is None:
            return values
        return packed(values, packing, lambda place: _numbers_of(protos[place], files))


def _numbers_of(proto: Any, files: Mapping[str, SourceFile]) -> AnyArray:
    import onnx
    from onnx import numpy_helper

    dtype, shape = _dtype(proto), tuple(proto.dims)
    assert dtype is not None
    if 0 in shape:
        return shaped(np.empty(0, dtype), shape)
    if proto.data_location == _IS_OUTSIDE:
        location, offset, _ = _place(proto)
        size = _stored_bytes(math.prod(shape), dtype)
        with files[location].open(offset, size) as file:
            raw = read_array(file, (size,), np.dtype(np.uint8)).tobytes()
        # What unpacks numbers inside a model unpacks these too.
        proto = onnx.TensorProto(dims=shape, data_type=proto.data_type, raw_data=raw)
    try:
        return np.asarray(numpy_helper.to_array(proto))
    except ValueError:  # more axes than this version of NumPy has
        raise InvalidInputError(f"has the shape {shape}, which NumPy cannot hold") from None


ONNX = Reader(kind="ONNX", suffixes=(".onnx",), recognises=recognises, open=open_onnx)
