"""A module of PyTorch in memory, by what it offers, so that torch is not imported."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.weights._axes.layout import UNKNOWN, Layout, convolution
from pastur.weights._formats.in_memory import entry_of, load_array, rounding
from pastur.weights.tensors import TensorInfo, Weights

_PACKED = "_packed_params._packed_params"


@dataclass(frozen=True)
class _Made:
    """A weight that a module computes from parts of its state, whenever it is read."""

    parts: tuple[str, ...]
    make: Callable[[], Any]


def is_module(source: Any) -> bool:
    """Tell whether `source` is a module: whether it has a state and parts with names."""
    offers = ("state_dict", "named_modules", "named_parameters")
    return all(callable(getattr(source, name, None)) for name in offers)


def open_module(module: Any) -> Weights:
    """Return the parameters and buffers of a module, with the groups of its convolutions.

    A tensor of several names is listed once, and by its other names with that as the reason. Where
    a weight is computed from parts (`torch.nn.utils.parametrize`) it is listed, computed as the
    module does outside training, and its parts with that as the reason; the module stays as it is.

    Raises
    ------
    InvalidInputError
        When it has neither parameters nor buffers.
    """
    state = {
        name: tensor
        for key, value in _state(module).items()
        for name, tensor in _tensors(str(key), value)
    }
    if not state:
        raise InvalidInputError(
            f"`source` is a {type(module).__name__} without parameters: there is nothing to read."
        )
    parts = list(module.named_modules())
    layouts = dict(filter(None, (_convolution(*pair) for pair in parts)))
    made = {key: one for name, part in parts for key, one in _computed(name, part, state)}
    owners = {part: name for name, one in made.items() for part in one.parts}
    seen: dict[Any, str] = {}
    entries: list[TensorInfo] = []
    values: dict[str, Any] = {}
    for name, tensor in state.items():
        owner = owners.get(name, "")
        if owner and owner not in values:
            entries.append(replace(_header(owner, made[owner]), layout=layouts.get(owner, UNKNOWN)))
            values[owner] = made[owner]
        info, value = _listed(name, tensor)
        reason = info.unreadable or _twin(name, value, seen)
        reason = f"is a part of {shown(owner)}" if owner else reason
        layout = layouts.get(_whole(name), UNKNOWN)
        entries.append(replace(info, unreadable=reason, layout=layout))
        values[name] = value
    return Weights(
        type(module).__name__,
        tuple(entries),
        {},
        partial(_load, values),
        partial(_steps, values),
    )


def _load(values: Mapping[str, Any], name: str) -> AnyArray:
    value = values[name]
    return load_array({name: value.make() if isinstance(value, _Made) else value}, name)


def _steps(values: Mapping[str, Any], name: str) -> AnyArray | None:
    return rounding(values[name])


@dataclass(frozen=True)
class _Failed:
    """What stands for the state of a part that does not give it."""

    reason: str


def _state(module: Any) -> dict[str, Any]:
    """Return the state of a module; where a part of it fails, that of the others."""
    try:
        return dict(module.state_dict())
    except Exception:
        # Whatever a layer of somebody else's runs into.
        return {key: value for pair in module.named_modules() for key, value in _own_state(*pair)}


def _own_state(name: str, part: Any) -> list[tuple[str, Any]]:
    found: dict[str, Any] = {}
    try:
        part._save_to_state_dict(found, f"{name}." if name else "", False)
    except Exception as error:
        reason = f"does not give its state ({type(error).__name__})"
        return [(name or type(part).__name__, _Failed(reason))]
    return list(found.items())


def _listed(name: str, value: Any) -> tuple[TensorInfo, Any]:
    if isinstance(value, _Failed):
        return TensorInfo(name, (), "unknown", 0, value.reason), None
    return entry_of(name, value)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of one item of a state: a quantised layer keeps two in a pair."""
    if isinstance(value, tuple) and name.endswith(_PACKED):
        stem = name.removesuffix(_PACKED)
        for word, tensor in zip(("weight", "bias"), value, strict=False):
            if tensor is not None:
                yield f"{stem}{word}", tensor
    else:
        yield name, value


def _computed(name: str, part: Any, state: Mapping[str, Any]) -> Iterator[tuple[str, _Made]]:
    """Yield the weights that a part of a module computes, by name."""
    prefix = f"{name}." if name else ""
    lists = part.__dict__.get("_modules", {}).get("parametrizations")
    for word, functions in getattr(lists, "items", dict)():
        inside = f"{prefix}parametrizations.{word}."
        parts = tuple(key for key in state if key.startswith(inside))
        if parts and f"{prefix}{word}" not in state:
            yield f"{prefix}{word}", _Made(parts, partial(_evaluated, functions))


def _evaluated(functions: Any) -> Any:
    # A copy: in training some of them change what they keep whenever they are called.
    return copy.deepcopy(functions).eval()()


def _header(name: str, made: _Made) -> TensorInfo:
    """Return the header of a computed weight; it is computed once to see its shape."""
    try:
        info, _ = entry_of(name, made.make())
    except Exception as error:
        # Whatever a module of somebody else's runs into.
        reason = f"cannot be computed from its parts ({type(error).__name__})"
        return TensorInfo(name, (), "unknown", 0, reason)
    return info


def _whole(name: str) -> str:
    """Return the weight of which this is the part that has its shape, in `prune` and its like."""
    return name.removesuffix("_orig").removesuffix("_v")


def _convolution(name: str, part: Any) -> tuple[str, Layout] | None:
    """Return name and layout of the kernel of a convolution; None for other parts."""
    classes = {kind.__name__ for kind in type(part).__mro__}
    window = getattr(part, "kernel_size", None)
    if "_ConvNd" not in classes or not isinstance(window, tuple):
        return None
    layout = convolution(
        len(window),
        groups=int(part.groups),
        transposed="_ConvTransposeNd" in classes,
    )
    return f"{name}.weight" if name else "weight", layout


def _twin(name: str, tensor: Any, seen: dict[Any, str]) -> str:
    """Return that a tensor was met before under another name; empty where it was not."""
    try:
        key = tensor.data_ptr(), tuple(tensor.shape), tensor.stride()
    except Exception:
        # Tensors of other classes have no numbers in one place.
        return ""
    if not key[0] or 0 in key[1]:
        return ""
    first = seen.setdefault(key, name)
    return "" if first == name else f"is the same tensor as {shown(first)}"
