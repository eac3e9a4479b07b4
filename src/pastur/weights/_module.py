"""A module of PyTorch in memory, by what it offers, so that torch is not imported."""

from dataclasses import replace
from functools import partial
from typing import Any

from pastur._errors import InvalidInputError
from pastur.weights._arrays import entry_of, load_array
from pastur.weights._layout import UNKNOWN, Layout, convolution
from pastur.weights._weights import Weights
from pastur.weights._words import shown


def is_module(source: Any) -> bool:
    """Tell whether `source` is a module: whether it has a state and parts with names."""
    offers = ("state_dict", "named_modules", "named_parameters")
    return all(callable(getattr(source, name, None)) for name in offers)


def open_module(module: Any) -> Weights:
    """Return the parameters and buffers of a module, with the groups of its convolutions.

    A tensor of several names is listed once, and by its other names with that as the reason.

    Raises
    ------
    InvalidInputError
        When it has neither parameters nor buffers.
    """
    tensors = {str(name): value for name, value in module.state_dict().items()}
    if not tensors:
        raise InvalidInputError(
            f"`source` is a {type(module).__name__} without parameters: there is nothing to read."
        )
    layouts = dict(filter(None, (_convolution(*pair) for pair in module.named_modules())))
    seen: dict[Any, str] = {}
    entries, values = [], {}
    for name, tensor in tensors.items():
        info, value = entry_of(name, tensor)
        reason = info.unreadable or _twin(name, value, seen)
        layout = layouts.get(name, UNKNOWN)
        entries.append(replace(info, unreadable=reason, layout=layout))
        values[name] = value
    return Weights(type(module).__name__, tuple(entries), {}, partial(load_array, values))


def _convolution(name: str, part: Any) -> tuple[str, Layout] | None:
    """Return name and layout of the kernel of a convolution; None for other parts."""
    classes = {kind.__name__ for kind in type(part).__mro__}
    kernel = getattr(part, "weight", None)
    if "_ConvNd" not in classes or kernel is None:
        return None
    layout = convolution(
        len(kernel.shape) - 2,
        groups=int(part.groups),
        transposed="_ConvTransposeNd" in classes,
    )
    return f"{name}.weight" if name else "weight", layout


def _twin(name: str, tensor: Any, seen: dict[Any, str]) -> str:
    """Return that a tensor was met before under another name; empty where it was not."""
    try:
        key = tensor.data_ptr(), tuple(tensor.shape), tensor.stride()
    except (AttributeError, RuntimeError):
        return ""
    if not key[0] or 0 in key[1]:
        return ""
    first = seen.setdefault(key, name)
    return "" if first == name else f"is the same tensor as {shown(first)}"
