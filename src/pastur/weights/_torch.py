"""PyTorch's own files: a zip archive of a pickle and of numbers.

Those of `torch.save` since version 1.6, and TorchScript programs, whose code is passed over. Read
without torch, and without running anything that the pickle asks for.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pastur._errors import FileFormatError
from pastur._typing import AnyArray
from pastur.weights._bytes import check_memory, read_array, reading
from pastur.weights._reader import Reader
from pastur.weights._torch_pickle import ForbiddenNameError, StoredTensor, read_pickle
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import shown
from pastur.weights._zip import DAMAGE, member_names, stored_size

_PICKLE = "data.pkl"
_CONSTANTS = "constants.pkl"
# Where trainers keep the weights of the model among other things.
_STATES = ("state_dict", "model_state_dict", "model", "module", "net", "params", "weights")
_DEEPEST = 20
_WRAPPER = "module."
# A pickle of the number that marked such files.
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
# 100 bytes a tensor are usual: a million of them.
_LARGEST_PICKLE = 200_000_000


@dataclass(frozen=True)
class _Place:
    """Where the numbers of a tensor lie: the member, and the view of it."""

    info: TensorInfo
    member: str
    dtype: str
    offset: int
    strides: tuple[int, ...]


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a zip archive with a ``data.pkl`` in its folder."""
    return _pickle_name(member_names(path, head)) is not None


def open_torch(path: Path) -> Weights:
    """Return the tensors of a file that `torch.save` or `torch.jit.save` wrote.

    Names of nested dictionaries are joined by dots. Where the model's own state stands beside other
    things, such as the state of an optimiser, it is taken by its name, and the other tensors are
    listed with that as the reason. Of a program the tensors are named by the attributes that lead
    to them, and its constants ``constants.0``, ``constants.1``, ….

    Raises
    ------
    FileFormatError
        When the archive or the pickle is damaged, or the pickle would run code.
    """
    with path.open("rb") as file:
        if file.read(len(_OLD)) == _OLD:
            raise FileFormatError(
                f"{shown(path)} is of the format that torch.save wrote before version 1.6. Load it "
                "where you trust it, and save its state_dict() again."
            )
    try:
        with zipfile.ZipFile(path) as archive:
            name = _pickle_name(archive.namelist())
            if name is None:
                raise FileFormatError(
                    f"{shown(path)} is not a file of torch.save: its archive holds no {_PICKLE}."
                )
            folder = name.removesuffix(_PICKLE)
            script = f"{folder}{_CONSTANTS}" in archive.namelist()
            sizes = {item.filename: stored_size(item) for item in archive.infolist()}
            content = _read_pickle_bytes(archive, name, path)
            constants = (
                _read_pickle_bytes(archive, f"{folder}{_CONSTANTS}", path) if script else b""
            )
            order = _byte_order(archive, folder)
    except FileFormatError:
        raise
    except DAMAGE:
        raise FileFormatError(
            f"{shown(path)} is not a sound PyTorch file: its zip archive is damaged or was not "
            "copied whole."
        ) from None
    if script:
        program = _unpickle(content, path, script=True)
        fixed = {"constants": _unpickle(constants, path, script=True)}
        places = [
            *_places(program, f"{folder}data/", sizes, script=True),
            *_places(fixed, f"{folder}constants/", sizes, script=True),
        ]
    else:
        places = _places(_unpickle(content, path), f"{folder}data/", sizes)
    by_name = {place.info.name: place for place in places}
    entries = tuple(place.info for place in by_name.values())
    return Weights(str(path), entries, {}, partial(_load, path, by_name, order))


def _pickle_name(members: list[str]) -> str | None:
    names = [n for n in members if n == _PICKLE or n.endswith(f"/{_PICKLE}")]
    return min(names, key=len) if names else None


def _read_pickle_bytes(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    item = archive.getinfo(name)
    if not 0 <= stored_size(item) <= _LARGEST_PICKLE:
        raise FileFormatError(
            f"The pickle of {shown(path)} is packed, or larger than {_LARGEST_PICKLE} bytes, as "
            "torch.save does not leave it."
        )
    return archive.read(item)


def _byte_order(archive: zipfile.ZipFile, folder: str) -> str:
    name = f"{folder}byteorder"
    if name in archive.namelist() and 0 <= stored_size(archive.getinfo(name)) < 16:
        return ">" if archive.read(name) == b"big" else "<"
    return "<"


def _unpickle(content: bytes, path: Path, *, script: bool = False) -> Any:
    try:
        return read_pickle(content, script=script)
    except ForbiddenNameError as error:
        raise FileFormatError(
            f"Reading {shown(path)} would execute code stored in it ({shown(error)}). Nothing was "
            "run. Save the model's state_dict() alone, or convert it to safetensors where you "
            "trust it."
        ) from None
    except Exception as error:
        # Whatever a damaged program runs into; it has nothing to run that could do harm.
        raise FileFormatError(
            f"{shown(path)} is not a sound PyTorch file: its pickle is damaged "
            f"({type(error).__name__})."
        ) from None


# --- names ---


def _places(
    content: Any, folder: str, sizes: Mapping[str, int], *, script: bool = False
) -> list[_Place]:
    found = list(_walk(content))
    # A part of a program may have any name.
    state = None if script else _state_key(content)
    inside = [names for names, _ in found if names[:1] == (state,) or state is None]
    strip = 0 if state is None else 1
    wrapped = bool(inside) and all(".".join(n[strip:]).startswith(_WRAPPER) for n in inside)
    places: list[_Place] = []
    seen: dict[Any, str] = {}
    for names, tensor in found:
        own = state is None or names[:1] == (state,)
        name = ".".join(names[strip:] if own else names)
        name = name.removeprefix(_WRAPPER) if own and wrapped else name
        place = _examine(name or "tensor", tensor, folder, sizes)
        if not own:
            place = _refused(place, f"belongs to {shown(names[0])}, not to the model's weights")
        key = (place.member, place.offset, place.info.shape, place.strides)
        if place.info.unreadable == "" and 0 not in place.info.shape:
            if key in seen:
                place = _refused(place, f"is the same tensor as {shown(seen[key])}")
            seen.setdefault(key, place.info.name)
        places.append(place)
    return places


def _state_key(content: Any) -> str | None:
    """The entry with the model's weights, where the file holds other things beside it."""
    if not isinstance(content, dict) or any(isinstance(v, StoredTensor) for v in content.values()):
        return None
    with_tensors = [k for k in _STATES if k in content and any(True for _ in _walk(content[k]))]
    return with_tensors[0] if with_tensors else None


def _walk(content: Any) -> Iterator[tuple[tuple[str, ...], StoredTensor]]:
    """Every tensor in nested dictionaries, lists and tuples, with the keys that lead to it.

    A container is entered once, however often it is referred to.
    """
    entered: set[int] = set()

    def enter(item: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], StoredTensor]]:
        if isinstance(item, StoredTensor):
            yield names, item
        elif isinstance(item, (dict, list, tuple)) and len(names) < _DEEPEST:
            if id(item) in entered:
                return
            entered.add(id(item))
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            for key, value in pairs:
                yield from enter(value, (*names, str(key)))

    yield from enter(content, ())


# --- tensors ---


def _examine(name: str, tensor: StoredTensor, folder: str, sizes: Mapping[str, int]) -> _Place:
    """Check what the pickle says of a tensor against what the file holds."""
    shape, strides, offset = tensor.shape, tensor.strides, tensor.offset
    key = getattr(tensor.storage, "key", None)
    if not (_counts(shape) and _counts(strides) and _counts((offset,)) and key is not None):
        return _Place(TensorInfo(name, (), "unknown", 0, "has no sound description"), "", "", 0, ())
    member = f"{folder}{key}"
    dtype = _dtype(tensor.dtype)
    nbytes = math.prod(shape) * (dtype.itemsize if dtype is not None else 0)
    info = TensorInfo(name, tuple(shape), tensor.dtype or "unknown", nbytes)
    place = _Place(info, member, tensor.dtype, offset, tuple(strides))
    if dtype is None:
        return _refused(place, f"has the type {shown(tensor.dtype)}, which pastur does not know")
    if len(shape) != len(strides):
        return _refused(place, "has no sound description")
    size = sizes.get(member, -1)
    if size < 0:
        return _refused(place, f"lies in {shown(member)}, which the archive does not hold unpacked")
    count = int(math.prod(shape))
    if count and (offset + _span(shape, strides)) * dtype.itemsize > size:
        return _refused(place, f"reaches beyond {shown(member)}, of {size} bytes")
    if count and count > _span(shape, strides):
        return _refused(place, "is a view that repeats its numbers: save its contiguous()")
    return place


def _counts(values: Any) -> bool:
    whole = isinstance(values, tuple) and len(values) <= 64
    return whole and all(type(v) is int and 0 <= v < 2**62 for v in values)


def _span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Numbers from the first to the last, both included."""
    return 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))


def _dtype(name: str) -> np.dtype[Any] | None:
    import ml_dtypes

    try:
        return np.dtype(getattr(ml_dtypes, name, name) if name else "")
    except TypeError:
        return None


def _refused(place: _Place, reason: str) -> _Place:
    info = place.info
    unreadable = TensorInfo(info.name, info.shape, info.dtype, info.nbytes, reason)
    return _Place(unreadable, place.member, place.dtype, place.offset, place.strides)


def _load(path: Path, places: Mapping[str, _Place], order: str, name: str) -> AnyArray:
    place = places[name]
    label = f"Tensor {shown(name)} of {shown(path)}"
    shape, dtype = place.info.shape, _dtype(place.dtype)
    assert dtype is not None
    with reading(label, path):
        if not math.prod(shape):
            return np.empty(shape, dtype)
        span = _span(shape, place.strides)
        check_memory(place.info.nbytes)
        try:
            with zipfile.ZipFile(path) as archive, archive.open(place.member) as stream:
                stream.seek(place.offset * dtype.itemsize)
                flat = read_array(stream, (span,), dtype)
        except (*DAMAGE, KeyError) as error:
            # KeyError: another file has taken the place of the one that was opened.
            raise FileFormatError(f"{label} is damaged: {error}.") from None
        if order == ">" and dtype.itemsize > 1:
            flat = flat.byteswap()
        steps = tuple(step * dtype.itemsize for step in place.strides)
        # A copy, so that no more is kept than the tensor's own numbers.
        return np.ndarray(shape, dtype, flat, strides=steps).copy()


TORCH = Reader(
    kind="PyTorch", suffixes=(".pt", ".pth", ".bin"), recognises=recognises, open=open_torch
)
