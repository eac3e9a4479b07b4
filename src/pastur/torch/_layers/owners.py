"""Which layers use a tensor, and factors in the place of it."""

from typing import Any

import torch
from torch import nn

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.torch._layers.factored_layers import factored_class


class Owners:
    """The layers of a module, by the tensors that they use.

    Parameters
    ----------
    module : torch.nn.Module
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self._parts = dict(module.named_modules(remove_duplicate=False))

    def parameter(self, name: str) -> Any:
        """Return the parameter or buffer of that name; None where there is none."""
        front, _, word = name.rpartition(".")
        part = self._parts.get(front)
        found = None if part is None else {**part._parameters, **part._buffers}.get(word)
        return found

    def users(self, name: str) -> list[tuple[str, Any, str]]:
        """Return name and layer of all that use the parameter `name`, and by which word."""
        tensor = self.parameter(name)
        return [
            (front, part, word)
            for front, part in self._parts.items()
            for word, one in part._parameters.items()
            if one is tensor
        ]

    def cannot_factor(self, name: str) -> str:
        """Return why a tensor cannot be replaced by factors; empty where it can."""
        for front, part, word in self.users(name):
            kind = type(part).__name__
            if factored_class(part, word) is None:
                return f"it is the {word} of {shown(front)}, of the class {kind}"
            if part is self.module:
                return f"the module itself is a {kind}: put it into a torch.nn.Sequential"
        return "" if self.users(name) else "no layer uses it"

    def put_factors(self, name: str, left: Any, right: Any) -> None:
        """Replace every layer that uses a tensor by one with these factors.

        Parameters
        ----------
        name : str
        left, right : tensor
        """
        old = self.parameter(name)
        factors = [
            nn.Parameter(
                one.to(dtype=old.dtype, device=old.device), requires_grad=old.requires_grad
            )
            for one in (left, right)
        ]
        made: dict[int, Any] = {}
        for front, part, word in self.users(name):
            if id(part) not in made:
                made[id(part)] = _in_place_of(part, factored_class(part, word), factors)
            outer, _, last = front.rpartition(".")
            setattr(self._parts[outer], last, made[id(part)])
            self._parts[front] = made[id(part)]

    def put_dense(self, name: str, values: Any) -> None:
        """Give a parameter or buffer these numbers, in its own type and place."""
        with torch.no_grad():
            self.parameter(name).copy_(values)


def _in_place_of(layer: Any, kind: Any, factors: list[Any]) -> Any:
    new = kind(layer, *factors)
    new.train(layer.training)
    for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks"):
        if getattr(layer, hooks, None):
            setattr(new, hooks, getattr(layer, hooks))
    return new


def check_module(module: Any) -> None:
    """Raise unless `module` is one of PyTorch's."""
    if not isinstance(module, nn.Module):
        raise InvalidInputError(f"`module` must be a torch.nn.Module. Got {type(module).__name__}.")
    if isinstance(module, torch.jit.ScriptModule):
        raise InvalidInputError(
            f"`module` is a {type(module).__name__}, whose layers torch.jit has compiled: pass the "
            "module that it was made from."
        )


def check_evaluating(module: Any, what: str) -> None:
    """Raise where a module is in training, in which what it is asked for changes by chance."""
    training = [name for name, part in module.named_modules() if part.training]
    if training:
        which = f"its part {shown(training[0])}" if training[0] else "it"
        raise InvalidInputError(
            f"`module` must be in evaluation mode, and {which} is in training mode, in which "
            f"dropout and the like change its {what}: call `module.eval()` before."
        )


def as_parameter(array: AnyArray) -> Any:
    """Return an array as a tensor that holds its own numbers."""
    from pastur.compression._writing.torch_writer import as_tensor

    return as_tensor(array)
