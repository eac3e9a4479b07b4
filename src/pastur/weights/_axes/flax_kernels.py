"""The axes of Flax' parameters, by their names and by those of their layers.

A kernel has its inputs before its outputs, whatever the layer. Three axes may be those of a window,
of the heads of an attention, or of stacked layers, and only names distinguish them.
"""

import re
from collections.abc import Mapping

from pastur.weights._axes.layout import BIAS, UNKNOWN, Layout

_Shape = tuple[int, ...]
_LONGEST_SIDE = 32  # of a window, as for kernels of PyTorch
_CONVOLUTION = re.compile(r"conv", re.IGNORECASE)
_HEADS = {"query": "ioo", "key": "ioo", "value": "ioo", "out": "iio"}


def flax_layout(name: str, shapes: Mapping[str, _Shape]) -> Layout | str:
    """Return the layout of an array; or why it is not read as a matrix.

    Parameters
    ----------
    name : str
    shapes : mapping of str to tuple of int
        Shapes of all arrays of the model, by name.
    """
    layer, _, parameter = name.rpartition(".")
    shape = shapes[name]
    if parameter == "bias" and len(shape) > 1:
        return BIAS
    if parameter != "kernel" or len(shape) < 2:
        return UNKNOWN
    if len(shape) == 2:
        # GPT-2 in transformers has its outputs first, which the bias shows.
        return Layout("oi" if shapes.get(f"{layer}.bias") == shape[:1] != shape[1:] else "io")
    word = layer.rpartition(".")[2]
    if len(shape) == 3 and word in _HEADS:
        return Layout(_HEADS[word])
    window = shape[:-2]
    if _CONVOLUTION.search(word) or (len(shape) > 3 and max(window) <= _LONGEST_SIDE):
        return Layout("s" * len(window) + "io")
    return f"is a kernel of shape {shape}: neither its name nor the file states its axes"
