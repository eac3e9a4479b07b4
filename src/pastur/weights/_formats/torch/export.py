"""Programs of `torch.export`: a zip archive of raw numbers, and of JSON that describes them.

The program itself is passed over; the constants that its code holds are listed after the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.torch.views import (
    Store,
    View,
    byte_order,
    refused,
    view,
    weights_of,
)
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.json_text import parse_json
from pastur.weights._hostile.zip_archive import Archive, member_names, read_archive, sound_archive
from pastur.weights._places.place import Place
from pastur.weights.tensors import Weights

_FORMAT = "archive_format"
_CONFIGS = (
    ("data/weights/", "_weights_config.json"),
    ("data/constants/", "_constants_config.json"),
)
# What torch before 2.8 wrote instead.
_OLDER = "serialized_exported_program.json"
# 500 bytes a tensor are usual: two hundred thousand of them.
_LARGEST_CONFIG = 100_000_000

# The numbers that stand for types in such files, in the names of NumPy and ml_dtypes.
_DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
    28: "uint16",
    29: "float8_e4m3fn",
    30: "float8_e5m2",
    31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz",
    33: "float8_e8m0fnu",
    34: "uint32",
    35: "uint64",
}
_STRIDED = 7


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether the file is a zip archive with the marks of an exported program."""
    names = {name.rpartition("/")[2] for name in member_names(path, head)}
    return _OLDER in names or (_FORMAT in names and "archive_version" in names)


def open_exported(path: Place) -> Weights:
    """Return the weights, buffers and constants of a program that `torch.export.save` wrote.

    Raises
    ------
    FileFormatError
        When the archive or its description is damaged, or torch before 2.8 wrote it.
    """
    archive = read_archive(path, "PyTorch")
    budget = Budget(path, archive.file.size)
    with sound_archive(path, "PyTorch"):
        configs = [
            (name.rpartition("/")[0], _config(archive, name, budget))
            for folder, ending in _CONFIGS
            for name in archive.members
            if f"/{folder}" in f"/{name}" and name.endswith(ending)
        ]
        marks = (name for name in archive.members if name.rpartition("/")[2] == _FORMAT)
        order = byte_order(archive, next(marks, "").removesuffix(_FORMAT))
    if any(name.endswith(_OLDER) for name in archive.members):
        raise FileFormatError(
            f"{shown(path)} was written by torch.export before torch 2.8. Load it where you trust "
            "it, and save its state_dict."
        )
    store = Store(archive.stored_sizes(), archive.open, order)
    views = (one for folder, config in configs for one in _views(folder, config, store, budget))
    return weights_of(path, views, store)


def _config(archive: Archive, name: str, budget: Budget) -> dict[str, Any]:
    """Return the descriptions in one of the files, by the names of the tensors."""
    label, path = shown(name), archive.file.path
    if not 0 <= archive.members[name].stored_size <= _LARGEST_CONFIG:
        raise FileFormatError(
            f"{label} of {shown(path)} is packed, or larger than {_LARGEST_CONFIG} bytes, as torch "
            "does not leave it."
        )
    try:
        config = parse_json(archive.read(name), budget)["config"]
    except FileFormatError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise FileFormatError(
            f"{shown(path)} is not a sound PyTorch file: {label} does not describe tensors."
        )
    return config


def _views(folder: str, config: dict[str, Any], store: Store, budget: Budget) -> Iterator[View]:
    for name, record in config.items():
        fields = record if isinstance(record, dict) else {}
        meta = fields.get("tensor_meta")
        meta = meta if isinstance(meta, dict) else {}
        file = fields.get("path_name")
        words = (folder, name, file) if isinstance(file, str) else (folder, name)
        budget.take_tensor(*words)
        stored = f"{folder}/{file}" if isinstance(file, str) else None
        dtype = meta.get("dtype")
        known = _DTYPES.get(dtype, f"type {dtype!r}") if type(dtype) is int else ""
        offset = _whole(meta.get("storage_offset"))
        shape, strides = (_all_whole(meta.get(key)) for key in ("sizes", "strides"))
        one = view(name, known, shape, strides, offset, stored, store)
        if fields.get("use_pickle"):
            one = refused(one, "is stored as a pickle: export it as a plain tensor")
        elif one.info.unreadable == "" and meta.get("layout") != _STRIDED:
            one = refused(one, "is not stored densely")
        yield one


def _whole(value: Any) -> Any:
    return value.get("as_int") if isinstance(value, dict) else None


def _all_whole(values: Any) -> Any:
    return tuple(_whole(value) for value in values) if isinstance(values, list) else None


TORCH_EXPORT = Reader(
    kind="torch.export", suffixes=(".pt2",), recognises=recognises, open=open_exported
)
