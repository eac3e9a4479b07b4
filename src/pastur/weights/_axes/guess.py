"""The axes of a tensor, inferred from its name, its shape and its neighbours where no file
states them.

The names are those that PyTorch's layers and the models in use give. What is not certain is not
split: queries, keys and values that alternate head by head (``query_key_value``), or that differ in
number, stay one matrix.
"""

import re
from collections.abc import Mapping

from pastur.weights._axes.layout import QKV, Layout, convolution

_Shape = tuple[int, ...]

# The longest side of a window where nothing else marks a convolution: patches of an image are 14,
# 16 or 32 wide.
_LONGEST_SIDE = 32
_CONVOLUTION = re.compile(r"conv", re.IGNORECASE)
_RECURRENT = re.compile(r"(?P<stem>.*\b)weight_(?P<kind>ih|hh)(?P<layer>(_l\d+)?(_reverse)?)")
# Whole words only, or main_proj_weight were an attention's; and in_proj.weight is that of state
# spaces and gated convolutions, where the blocks are others.
_WORD = r"(.*[^a-zA-Z0-9])?"
_FUSED = re.compile(_WORD + r"(in_proj_weight|(qkv|qkv_proj|Wqkv|wqkv|to_qkv|c_attn)([._]weight)?)")
_GATE_UP = re.compile(_WORD + r"(gate_up_proj|w12)(\.weight)?")
# A number after the word is that of one expert, whose tensor is not a stack. GGUF writes exps.
_STACKED = re.compile(r"(?<![a-zA-Z0-9])(experts?|exps|moe)(?![a-zA-Z0-9])(?!\.\d)")
_LSTM, _GRU = ("i", "f", "g", "o"), ("r", "z", "n")


def guess(name: str, shape: _Shape, shapes: Mapping[str, _Shape]) -> Layout | str:
    """Return the layout of a tensor of at least two axes; or why it is not a matrix.

    Parameters
    ----------
    name : str
    shape : tuple of int
    shapes : mapping of str to tuple of int
        Shapes of all tensors of the model, by name.
    """
    # A value from before training is cut as the trained one is.
    name = name.removesuffix(".initial")
    if len(shape) == 2:
        return _of_matrix(name, shape, shapes)
    sides = shape[2:]
    if len(shape) == 3 and _is_stack(name, shape):
        return Layout("eoi")
    if len(shape) <= 5 and (max(sides) <= _LONGEST_SIDE or _is_kernel(name, shape, shapes)):
        return convolution(len(sides))
    if len(shape) == 3:
        return f"has the shape {shape}, neither a convolution's nor known as a stack of matrices"
    return f"not a matrix: its shape is {shape}"


def _is_stack(name: str, shape: _Shape) -> bool:
    # A table with an axis of one in front, such as the positions of a vision transformer.
    alone = shape[0] == 1 and shape[2] > _LONGEST_SIDE
    return alone or bool(_STACKED.search(name))


def _is_kernel(name: str, shape: _Shape, shapes: Mapping[str, _Shape]) -> bool:
    """Tell a kernel of any window, as for sound, by its name or by a bias for each output."""
    stem = name.removesuffix("weight")
    return bool(_CONVOLUTION.search(name)) or (
        stem != name and shapes.get(f"{stem}bias") == shape[:1]
    )


def _of_matrix(name: str, shape: _Shape, shapes: Mapping[str, _Shape]) -> Layout:
    rows, columns = shape
    if match := _RECURRENT.fullmatch(name):
        return Layout("oi", _gates(rows, match, shapes))
    if _FUSED.fullmatch(name):
        # GPT-2 keeps inputs × outputs.
        axes = "io" if columns == 3 * rows else "oi"
        return Layout(axes, QKV if max(shape) == 3 * min(shape) else ())
    if _GATE_UP.fullmatch(name) and rows % 2 == 0:
        return Layout("oi", ("gate", "up"))
    return Layout("oi")


def _gates(rows: int, match: re.Match[str], shapes: Mapping[str, _Shape]) -> tuple[str, ...]:
    """Return the gates whose weights are on top of each other, by rows over hidden units."""
    stem, layer = match["stem"], match["layer"]
    # With a projection the state is shorter than the number of hidden units.
    projection, state = (shapes.get(f"{stem}weight_{kind}{layer}") for kind in ("hr", "hh"))
    companion = projection or state
    if companion is None or len(companion) != 2 or not companion[1]:
        return ()
    return {4: _LSTM, 3: _GRU}.get(rows // companion[1] if rows % companion[1] == 0 else 0, ())
