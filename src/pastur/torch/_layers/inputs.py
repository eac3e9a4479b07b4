"""What a layer multiplies its weight with."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pastur._typing import AnyArray
from pastur.compression import InputAxes


def input_axes(layer: Any, word: str) -> str:
    """Return which axes of a weight are inputs; empty where its inputs cannot be collected."""
    kind = type(layer)
    if word != "weight":
        return ""
    # A class of one's own may compute something else from the same weight.
    if isinstance(layer, nn.Linear) and kind.forward is nn.Linear.forward:
        return InputAxes.LINEAR
    if isinstance(layer, nn.Conv2d) and kind.forward is nn.Conv2d.forward and layer.groups == 1:
        return InputAxes.CONVOLUTION
    if (kind.__module__, kind.__name__) == ("transformers.pytorch_utils", "Conv1D"):
        return InputAxes.TURNED
    return ""


def input_rows(layer: Any, x: Any, mask: Any = None) -> AnyArray:
    """Return the inputs in x, one in each row, without those that a mask leaves out; read-only."""
    found = x.detach()
    if isinstance(layer, nn.Conv2d):
        rows = _unfolded(layer, found)
    elif mask is not None and found.shape[:-1] in (mask.shape, mask.flatten().shape):
        rows = found[mask.reshape(found.shape[:-1]).to(found.device)]
    else:
        rows = found.reshape(-1, found.shape[-1])
    array = np.asarray(rows.to(device="cpu", dtype=torch.float64))
    array.flags.writeable = False
    return array


def _unfolded(layer: Any, x: Any) -> Any:
    """Return the windows of a convolution, in the order of its weight."""
    x = x if x.ndim == 4 else x[None]
    # Of all paddings, "same" included, what is added on each side, the last axis first.
    sides = layer._reversed_padding_repeated_twice
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    padded = functional.pad(x, sides, mode=mode)
    windows = functional.unfold(
        padded, layer.kernel_size, dilation=layer.dilation, stride=layer.stride
    )
    return windows.transpose(1, 2).reshape(-1, windows.shape[1])
