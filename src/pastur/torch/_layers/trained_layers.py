"""The linear layers and convolutions of a module in training, and their optimiser's parameters."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from pastur._foreign import shown, some_of
from pastur._typing import FloatArray
from pastur.compression._matrix.low_rank import Factors
from pastur.torch._layers.factored_layers import FactoredConv2d, FactoredLayer, FactoredLinear
from pastur.torch._layers.owners import Owners

_KINDS = (nn.Linear, nn.Conv2d, FactoredLinear, FactoredConv2d)
# Of a layer, what replacing it would lose.
_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class TrainedLayer:
    """A linear layer or convolution, dense or with factors.

    Parameters
    ----------
    name : str
    layer : torch.nn.Module
    module : torch.nn.Module
        The module that it belongs to.
    optimizer : torch.optim.Optimizer
        That trains it.
    """

    def __init__(self, name: str, layer: Any, module: Any, optimizer: Any) -> None:
        self.name, self.layer = name, layer
        self._module, self._optimizer = module, optimizer

    @property
    def parameters(self) -> list[Any]:
        """The parameters of its weight: one, or two factors."""
        if isinstance(self.layer, FactoredLayer):
            return [self.layer.weight_left, self.layer.weight_right]
        return [self.layer._parameters.get("weight")]

    @property
    def rank(self) -> int | None:
        """The rank of its factors; None where it is dense."""
        factored = isinstance(self.layer, FactoredLayer)
        return int(self.layer.weight_left.shape[1]) if factored else None

    @property
    def size(self) -> int:
        """Numbers of its weight."""
        return sum(one.numel() for one in self.parameters if _is_known(one))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its weight, one row for each output."""
        if isinstance(self.layer, (nn.Linear, FactoredLinear)):
            return self.layer.out_features, self.layer.in_features
        window = int(np.prod(self.layer.kernel_size))
        return self.layer.out_channels, self.layer.in_channels // self.layer.groups * window

    def matrix(self) -> FloatArray:
        """Return its weight in float64."""
        with torch.no_grad():
            parts = [one.detach().cpu().double().flatten(1).numpy() for one in self.parameters]
        return np.asarray(parts[0] @ parts[1] if len(parts) == 2 else parts[0])

    def why_left(self) -> str:
        """Return why its weight cannot be replaced; empty where it can."""
        for problem in (self._of_class, self._of_numbers, self._of_others, self._of_training):
            if reason := problem():
                return reason
        return ""

    def _of_class(self) -> str:
        if self.layer is self._module:
            kind = type(self.layer).__name__
            return f"the module itself is this {kind}: put it into a torch.nn.Sequential"
        if isinstance(self.layer, FactoredLayer):
            return ""
        if self.parameters[0] is None:
            return "its weight is not a parameter but computed from others"
        if getattr(self.layer, "groups", 1) != 1:
            return f"its weight is not one matrix: {self.layer.groups} groups of channels"
        reason = Owners(self._module).cannot_factor(f"{self.name}.weight")
        shared = len(self._users()) > 1
        return "" if shared else reason

    def _of_numbers(self) -> str:
        for one in self.parameters:
            if not _is_known(one):
                return "its weight has no numbers yet"
            if not one.is_floating_point():
                return f"its weight is of the type {str(one.dtype).removeprefix('torch.')}"
        return ""

    def _of_others(self) -> str:
        users = self._users()
        if len(users) > 1:
            return f"its weight is shared: by {some_of(users)}"
        hooked = any(getattr(self.layer, hooks, None) for hooks in _HOOKS)
        if hooked or any(_has_hooks(one) for one in self.parameters):
            return "it has hooks, which would be lost with it"
        return ""

    def _users(self) -> list[str]:
        """Return the names under which layers use its weight."""
        return [
            front
            for front, part in self._module.named_modules(remove_duplicate=False)
            for own in part._parameters.values()
            if any(own is one for one in self.parameters[:1])
        ]

    def _of_training(self) -> str:
        if not all(one.requires_grad for one in self.parameters):
            return "its weight is frozen"
        if not all(_group_of(one, self._optimizer) for one in self.parameters):
            return "the optimizer does not train its weight"
        return ""

    def put_dense(self, factors: Factors) -> None:
        """Give the dense weight the numbers of a product; the parameter stays the same."""
        (weight,) = self.parameters
        values = torch.from_numpy(factors.dense()).reshape(weight.shape)
        with torch.no_grad():
            weight.copy_(values)

    def put_factors(self, factors: Factors) -> None:
        """Replace the weight by two factors, here and in the optimizer, with their state gone."""
        old = self.parameters
        # In one order in memory whatever their origin: bits of a product depend on it.
        sides = (factors.left, factors.right)
        left, right = (torch.from_numpy(np.array(one, order="C")) for one in sides)
        right = right.reshape(-1, *old[-1].shape[1:])
        if isinstance(self.layer, FactoredLayer):
            for word, values in (("weight_left", left), ("weight_right", right)):
                one = getattr(self.layer, word)
                new = values.to(dtype=one.dtype, device=one.device)
                setattr(self.layer, word, nn.Parameter(new))
        else:
            Owners(self._module).put_factors(f"{self.name}.weight", left, right)
            self.layer = self._module.get_submodule(self.name)
        _swap(self._optimizer, old, self.parameters)

    def zero_below(self, threshold: float) -> None:
        """Make the entries of weight or factors below `threshold` in size zero."""
        with torch.no_grad():
            for one in self.parameters:
                one.masked_fill_(one.abs() < threshold, 0.0)

    def entries(self) -> int:
        """Return the number of entries of weight or factors that are not zero."""
        return sum(int(torch.count_nonzero(one)) for one in self.parameters)


def trained_layers(module: Any, optimizer: Any) -> Iterator[TrainedLayer]:
    """Yield the linear layers and convolutions of a module, in its order."""
    for name, part in list(module.named_modules()):
        if isinstance(part, _KINDS):
            yield TrainedLayer(name, part, module, optimizer)


def other_matrices(module: Any) -> dict[str, str]:
    """Return the parameters of two axes or more in other layers, with the class of these."""
    return {
        f"{name}.{word}" if name else word: type(part).__name__
        for name, part in module.named_modules()
        if not isinstance(part, _KINDS)
        for word, one in part._parameters.items()
        if _is_known(one) and one.ndim > 1
    }


def optimizer_fault(optimizer: Any) -> str:
    """Return why an optimizer's parameters cannot be replaced; empty where they can."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        return f"it must be a torch.optim.Optimizer. Got {shown(type(optimizer).__name__)}"
    if isinstance(optimizer, torch.optim.LBFGS):
        return "LBFGS has one memory for all parameters, which cannot lose some of them"
    if isinstance(optimizer, torch.optim.Adagrad):
        return "Adagrad has a memory only of the parameters that it was made with"
    return ""


def _is_known(parameter: Any) -> bool:
    """Whether a parameter has a shape and numbers."""
    lazy = torch.nn.parameter.is_lazy(parameter)
    return parameter is not None and not lazy and not parameter.is_meta


def _has_hooks(parameter: Any) -> bool:
    names = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(parameter, name, None) for name in names)


def _group_of(parameter: Any, optimizer: Any) -> Any:
    """Return the group of an optimizer that a parameter is in; None where it is in none."""
    for group in optimizer.param_groups:
        if any(one is parameter for one in group["params"]):
            return group
    return None


def _swap(optimizer: Any, old: Sequence[Any], new: Sequence[Any]) -> None:
    """Put parameters in the places of others: one for one, or two for one."""
    one_for_one = [[parameter] for parameter in new]
    places = [list(new)] if len(old) == 1 else one_for_one
    for gone, come in zip(old, places, strict=True):
        group = _group_of(gone, optimizer)
        place = next(i for i, one in enumerate(group["params"]) if one is gone)
        group["params"][place : place + 1] = come
        if "param_names" in group and len(come) == 2:
            name = group["param_names"][place]
            group["param_names"][place : place + 1] = [f"{name}_left", f"{name}_right"]
        state = optimizer.state.pop(gone, {})
        if list(state) == ["momentum_buffer"] and state["momentum_buffer"] is not None:
            # Fused descent takes a momentum of all parameters or of none; zero is as good as none.
            for one in come:
                optimizer.state[one]["momentum_buffer"] = torch.zeros_like(one)
