"""PyTorch's own files: a zip archive of a pickle and of numbers.

Those of `torch.save`, and TorchScript programs, whose code is passed over. Read without torch, and
without running anything that the pickle asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown, visible
from pastur.weights._axes.layout import UNKNOWN, Layout, convolution
from pastur.weights._derived.not_weights import OPTIMISER
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.torch.distributed import check_whole
from pastur.weights._formats.torch.legacy import is_old, read_old
from pastur.weights._formats.torch.pickled import LARGEST_PICKLE, unpickled
from pastur.weights._formats.torch.stand_ins import SavedObject, StoredTensor
from pastur.weights._formats.torch.views import (
    QUANTISED,
    Quantiser,
    Store,
    View,
    byte_order,
    refused,
    view,
    weights_of,
)
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._hostile.zip_archive import Archive, member_names, read_archive, sound_archive
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

_PICKLE = "data.pkl"
_CONSTANTS = "constants.pkl"
# Where trainers keep the weights of the model among other things.
STATES = "state_dict model_state_dict model_state model module net params weights".split()
# What `Optimizer.state_dict` of PyTorch returns.
_OPTIMISER_KEYS = {"state", "param_groups"}
_DEEPEST = 60
# Where a module of PyTorch keeps what its state consists of.
_OF_MODULES = ("_parameters", "_buffers", "_modules")
WRAPPER = "module."
# A kernel, and the parts of one that have its shape.
_KERNELS = (("weight",), ("weight_orig",), ("weight_v",))
# Where a quantised layer keeps its weight and its bias, as a pair or alone.
_PACKED = re.compile(r"(.*\.|)_packed_params\._packed_(params\.(?P<place>[01])|weight)")


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether the file is a zip archive with a ``data.pkl``, or of the format before 1.6."""
    return is_old(head) or _pickle_name(member_names(path, head)) is not None


def open_torch(path: Place) -> Weights:
    """Return the tensors of a file that `torch.save` or `torch.jit.save` wrote.

    Names of nested dictionaries are joined by dots. Where the file holds more than the model's own
    state, such as the state of an optimiser, that is taken by its name, and the other tensors are
    listed with that as the reason. Of a program the tensors are named by the attributes that lead
    to them, and its constants ``constants.0``, ``constants.1``, ….

    Raises
    ------
    FileFormatError
        When the archive or the pickle is damaged, or the pickle would run code.
    """
    with path.open("rb") as file:
        head = file.read(64)
    budget = Budget(path, SourceFile.at(path).size)
    if is_old(head):
        content, store = read_old(path, budget)
        check_whole(path, content)
        return weights_of(path, _views(content, "", store, budget), store)
    if not head.startswith(b"PK"):
        raise FileFormatError(
            f"{shown(path)} is not a file of torch.save: it begins neither as a zip archive nor as "
            "PyTorch's files before version 1.6 did. Raw numbers go to pastur as an array of NumPy."
        )
    archive = read_archive(path, "PyTorch")
    name = _pickle_name(list(archive.members))
    if name is None:
        raise FileFormatError(
            f"{shown(path)} is not a file of torch.save: its archive holds no {_PICKLE}."
        )
    folder = name.removesuffix(_PICKLE)
    constants = f"{folder}{_CONSTANTS}"
    with sound_archive(path, "PyTorch"):
        content = unpickled(_pickle_bytes(archive, name), path, budget)
        script = constants in archive.members
        fixed = unpickled(_pickle_bytes(archive, constants), path, budget) if script else []
        order = byte_order(archive, folder)
    check_whole(path, content)
    store = Store(archive.stored_sizes(), archive.open, order)
    views = [
        *_views(content, f"{folder}data/", store, budget),
        *_views({"constants": fixed}, f"{folder}constants/", store, budget),
    ]
    return weights_of(path, views, store)


def _pickle_name(members: list[str]) -> str | None:
    names = [n for n in members if n == _PICKLE or n.endswith(f"/{_PICKLE}")]
    return min(names, key=len) if names else None


def _pickle_bytes(archive: Archive, name: str) -> bytes:
    if not 0 <= archive.members[name].stored_size <= LARGEST_PICKLE:
        raise FileFormatError(
            f"The pickle of {shown(archive.file.path)} is packed, or larger than {LARGEST_PICKLE} "
            "bytes, as torch.save does not leave it."
        )
    return archive.read(name)


# --- names ---


@dataclass(frozen=True)
class _Found:
    """A tensor, the keys that lead to it, the object that they pass last, if any, and whether they
    pass the state of an optimiser.
    """

    keys: tuple[str, ...]
    tensor: StoredTensor
    owner: SavedObject | None
    of_optimiser: bool = False


def _views(content: Any, folder: str, store: Store, budget: Budget) -> list[View]:
    """Return the tensors in what a pickle holds; `folder` stands before the names of storages."""
    found = []
    for one in _walk(content):
        budget.take_tensor(folder, *one.keys)
        found.append(one)
    state = _state_key(content)
    inside = [one.keys for one in found if one.keys[:1] == (state,) or state is None]
    strip = 0 if state is None else 1
    wrapped = bool(inside) and all(".".join(k[strip:]).startswith(WRAPPER) for k in inside)
    views: list[View] = []
    for one in found:
        own = state is None or one.keys[:1] == (state,)
        name = ".".join(one.keys[strip:] if own else one.keys)
        name = name.removeprefix(WRAPPER) if own and wrapped else name
        if match := _PACKED.fullmatch(name):
            name = f"{match[1]}{'bias' if match['place'] == '1' else 'weight'}"
        seen = _view(name or "tensor", one, folder, store)
        if not own:
            seen = refused(seen, f"belongs to {shown(one.keys[0])}, not to the model's weights")
        elif one.of_optimiser:
            seen = refused(seen, OPTIMISER)
        views.append(seen)
    return views


def _view(name: str, found: _Found, folder: str, store: Store) -> View:
    tensor = found.tensor
    if tensor.storage is None:
        reason = "has no sound description"
        if tensor.dtype:
            reason = f"is made by {visible(tensor.dtype)}, which pastur does not read"
        return View(TensorInfo(name, (), "unknown", 0, reason), "", 0, ())
    key = getattr(tensor.storage, "key", None)
    stored = None if key is None else f"{folder}{key}"
    shape, strides = tensor.shape, tensor.strides
    dtype = QUANTISED.get(tensor.dtype, tensor.dtype)
    seen = view(name, dtype, shape, strides, tensor.offset, stored, store)
    if dtype != tensor.dtype and not seen.info.unreadable:
        seen = _quantised(seen, tensor, folder, store)
    return replace(seen, info=replace(seen.info, layout=_layout(found, seen.info.shape)))


def _quantised(seen: View, tensor: StoredTensor, folder: str, store: Store) -> View:
    """Return the codes of a quantised tensor with their scale and zero point."""
    match tensor.quantizer:
        case (_, float() as scale, int() as zero):
            return replace(seen, quantiser=Quantiser(tensor.dtype, scale, zero))
        case (_, StoredTensor() as scales, StoredTensor() as zeros, int() as axis):
            inner = [_view("", _Found((), t, None), folder, store) for t in (scales, zeros)]
            count = seen.info.shape[axis] if 0 <= axis < len(seen.info.shape) else -1
            if all(one.info.shape == (count,) and not one.info.unreadable for one in inner):
                return replace(seen, quantiser=Quantiser(tensor.dtype, inner[0], inner[1], axis))
    return refused(seen, "is quantised, and its scale has no sound description")


def _layout(found: _Found, shape: tuple[int, ...]) -> Layout:
    """Return what a convolution that was saved whole says about its kernel."""
    owner = found.owner
    if owner is None or found.keys[-1:] not in _KERNELS:
        return UNKNOWN
    groups, window, transposed = (owner.get(k) for k in ("groups", "kernel_size", "transposed"))
    if not isinstance(groups, int) or not isinstance(window, tuple):
        return UNKNOWN
    if groups < 1 or len(window) != len(shape) - 2:
        return UNKNOWN
    return convolution(len(window), groups=groups, transposed=transposed is True)


def _state_key(content: Any) -> str | None:
    """The entry with the model's weights, where the file holds other things as well."""
    # An attribute of a saved object may have any name.
    plain = type(content) is dict
    if not plain or any(isinstance(value, StoredTensor) for value in content.values()):
        return None
    with_tensors = [k for k in STATES if k in content and any(True for _ in _walk(content[k]))]
    return with_tensors[0] if with_tensors else None


def _walk(content: Any) -> Iterator[_Found]:
    """Every tensor in nested dictionaries, lists and tuples, with the keys that lead to it.

    A container is entered once, however often it is referred to. Of a module of PyTorch the names
    are those of its state: the dictionaries of its parameters, buffers and parts are passed over.
    """
    entered: set[int] = set()

    def enter(
        item: Any, keys: tuple[str, ...], owner: SavedObject | None, depth: int, state: bool
    ) -> Iterator[_Found]:
        if isinstance(item, StoredTensor):
            yield _Found(keys, item, owner, state)
        elif isinstance(item, (dict, list, tuple)) and depth < _DEEPEST:
            if id(item) in entered:
                return
            entered.add(id(item))
            whole = item if isinstance(item, SavedObject) else None
            state = state or (type(item) is dict and item.keys() >= _OPTIMISER_KEYS)
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            for key, value in pairs:
                passed = whole is not None and key in _OF_MODULES
                further = keys if passed else (*keys, str(key))
                passing = owner if whole is None else whole
                yield from enter(value, further, passing, depth + 1, state)

    yield from enter(content, (), None, 0, False)


TORCH = Reader(
    kind="PyTorch", suffixes=(".pt", ".pth", ".bin"), recognises=recognises, open=open_torch
)
