"""Layers whose weight is the product of two factors, which is never formed in the forward pass."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from pastur._errors import InvalidInputError


class FactoredLayer(nn.Module):
    """A layer with ``weight_left @ weight_right`` for its weight.

    Attributes
    ----------
    weight_left : Parameter, shape (outputs, rank)
    weight_right : Parameter, shape (rank, inputs, …)
    """

    def __init__(self, left: nn.Parameter, right: nn.Parameter) -> None:
        super().__init__()
        self.weight_left, self.weight_right = left, right

    @property
    def weight(self) -> torch.Tensor:
        """The product, for whatever asks a layer for its weight; formed at every call."""
        right = self.weight_right
        return (self.weight_left @ right.flatten(1)).view(-1, *right.shape[1:])

    def extra_repr(self) -> str:
        """Return the sizes."""
        sides = "×".join(map(str, (len(self.weight_left), *self.weight_right.shape[1:])))
        return f"{sides}, rank={self.weight_left.shape[1]}"

    def _load_from_state_dict(self, state: Any, prefix: str, *others: Any) -> None:
        """Refuse the weight of the dense layer, which would otherwise be passed over."""
        if f"{prefix}weight" in state and f"{prefix}weight_left" not in state:
            raise InvalidInputError(
                f"'{prefix}weight' is the weight of a dense layer, and this layer has factors. "
                "Nothing was loaded for it: load the dense model into a module that was not "
                "compressed."
            )
        super()._load_from_state_dict(state, prefix, *others)


class FactoredLinear(FactoredLayer):
    """`torch.nn.Linear` of low rank."""

    def __init__(self, layer: Any, left: nn.Parameter, right: nn.Parameter) -> None:
        super().__init__(left, right)
        self.bias = layer.bias
        self.in_features, self.out_features = layer.in_features, layer.out_features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x Rᵀ Lᵀ + b."""
        return functional.linear(
            functional.linear(x, self.weight_right), self.weight_left, self.bias
        )


class FactoredConv2d(FactoredLayer):
    """`torch.nn.Conv2d` of low rank: a convolution to `rank` channels, and one of 1 × 1."""

    def __init__(self, layer: Any, left: nn.Parameter, right: nn.Parameter) -> None:
        super().__init__(left, right)
        self.bias = layer.bias
        names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
        for name in (*names, "groups", "padding_mode", "_reversed_padding_repeated_twice"):
            setattr(self, name, getattr(layer, name))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the two convolutions one after the other."""
        padding = self.padding
        if self.padding_mode != "zeros":
            sides = self._reversed_padding_repeated_twice
            x, padding = functional.pad(x, sides, mode=self.padding_mode), 0
        x = functional.conv2d(x, self.weight_right, None, self.stride, padding, self.dilation)
        return functional.conv2d(x, self.weight_left[:, :, None, None], self.bias)


class FactoredEmbedding(FactoredLayer):
    """`torch.nn.Embedding` of low rank."""

    def __init__(self, layer: Any, left: nn.Parameter, right: nn.Parameter) -> None:
        super().__init__(left, right)
        self.num_embeddings, self.embedding_dim = layer.num_embeddings, layer.embedding_dim
        self.padding_idx = layer.padding_idx

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows of L, times R."""
        return functional.embedding(indices, self.weight_left, self.padding_idx) @ self.weight_right


_FACTORED = {
    nn.Linear: FactoredLinear,
    nn.Conv2d: FactoredConv2d,
    nn.Embedding: FactoredEmbedding,
}


def factored_class(layer: Any, word: str) -> Any:
    """Return the class that stands for a layer with factors for its weight; None for others."""
    if word != "weight" or getattr(layer, "max_norm", None) is not None:
        return None
    for kind, factored in _FACTORED.items():
        # A class of one's own may compute something else from the same weight.
        if isinstance(layer, kind) and type(layer).forward is kind.forward:
            return factored if getattr(layer, "groups", 1) == 1 else None
    return None
