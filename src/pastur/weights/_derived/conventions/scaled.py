"""Floats of 8 bits, or integers, with a scale: for the tensor, a channel, a block or a group.

Codes, scale and zero point lie next to each other, under names that say which is which:
``weight_scale_inv`` (DeepSeek, Qwen), ``weight_scale`` (vLLM, compressed-tensors, ModelOpt,
FBGEMM), ``scale_weight`` (ComfyUI), ``SCB`` (bitsandbytes' LLM.int8: codes·SCB/127), ``_data`` and
``_scale`` (quanto). All multiply the codes, but ``kernel_scale`` (Keras) divides them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import (
    Shape,
    block_of,
    float_widths,
    powers_of_two,
    stretched,
)
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused
from pastur.weights._derived.conventions.quantization_config import bits_of
from pastur.weights._hostile.array_bytes import numpy_dtype
from pastur.weights.tensors import TensorInfo

_SCALES = (
    "weight_scale_inv weight_scale scale_weight kernel_scale SCB scale_inv scale scales".split()
)
_ZEROS = "weight_zero_point zero_point zero_points weight_zp zp zeros zero".split()
_OTHERS = {
    "input_scale": "the scale of the inputs",
    "scale_input": "the scale of the inputs",
    "input_zero_point": "the zero point of the inputs",
    "input_scale_ub": "the bound of the inputs",
    "output_scale": "the scale of the outputs",
    "weight_format": "the order of the codes",
}
# No framework's name shows whether they multiply or divide.
_BARE = ("scale", "scales")
_SCALE_TYPES = ("float16", "bfloat16", "float32", "float64", "float8_e8m0fnu")
_INTEGERS = ("int8", "uint8", "int16")


def _find(stored: Stored) -> Iterator[Derived]:
    for name, entry in list(stored.entries.items()):
        if name in stored.entries and _may_be_codes(entry):
            found = _weight(stored, name, entry)
            if found is not None:
                yield found


def _may_be_codes(entry: TensorInfo) -> bool:
    floats = entry.dtype.startswith("float8") and entry.dtype != "float8_e8m0fnu"
    return len(entry.shape) > 1 and (floats or entry.dtype in _INTEGERS)


def _weight(stored: Stored, name: str, entry: TensorInfo) -> Derived | None:
    """Return the weight whose codes these are; None where nothing says that they are codes."""
    scales, zeros, others = (
        {n: word for word in words for n in companions(name, word) if n in stored.entries}
        for words in (_SCALES, _ZEROS, _OTHERS)
    )
    if not scales and not zeros and not others:
        return None
    parts = {name: "the codes", **dict.fromkeys(scales, "the scale")}
    parts |= dict.fromkeys(zeros, "the zero point")
    parts |= {n: _OTHERS[word] for n, word in others.items()}
    weight = name.removesuffix("._data")
    reason = _fault(stored, entry, scales, zeros, others)
    if reason:
        return refused(weight, entry, parts, reason)
    (scale,) = scales
    shape = stored.entries[scale].shape
    block = block_of(entry.shape, shape, _sides(stored.config.get("weight_block_size")))
    if block is None:
        what = f"shape {entry.shape} with scales of shape {shape}"
        return refused(
            weight, entry, parts, f"is codes of {what}, whose blocks pastur cannot determine"
        )
    make = partial(
        _made,
        codes=entry,
        scale=scale,
        zero=next(iter(zeros), ""),
        block=block,
    )
    return Derived(weight, entry.shape, parts, make, f"{entry.dtype} × scale", entry.layout)


def companions(name: str, word: str) -> set[str]:
    """Return how a companion of these codes may be called."""
    stem, dot, last = name.rpartition(".")
    if last == "_data":
        return {f"{stem}{dot}_{word}"}
    # `weight_scales` is EETQ's, whose codes are in another order.
    own = {f"{name}.{word}"} | ({f"{name}_{word}"} if word != "scales" else set())
    # A module that holds one weight need not say of which one its scale is.
    return own | {f"{stem}{dot}{word}"} if last in ("weight", "kernel") else own


def _sides(stated: Any) -> Shape | None:
    sound = isinstance(stated, list) and len(stated) == 2
    return (
        tuple(stated) if sound and all(type(n) is int and 0 < n < 2**31 for n in stated) else None
    )


def _fault(
    stored: Stored,
    entry: TensorInfo,
    scales: dict[str, str],
    zeros: dict[str, str],
    others: dict[str, str],
) -> str:
    """Return why the codes cannot be turned into numbers; empty where they can."""
    what = f"is codes of type {entry.dtype}"
    if len(scales) != 1 or len(zeros) > 1:
        count = "several scales or zero points" if scales else "no scale that pastur knows"
        return f"{what} with {count}"
    (scale,) = scales
    kind = stored.entries[scale].dtype
    floats = entry.dtype.startswith("float8")
    if kind not in _SCALE_TYPES and not (kind == "uint8" and floats):
        return f"{what} with a scale of type {kind}, which pastur does not unpack"
    if floats and zeros:
        return f"{what} with a zero point, which no known format has"
    bits = bits_of(stored.config)
    if not floats and bits not in (None, 8 * (1 + (entry.dtype == "int16"))):
        return f"{what}, and the configuration states {bits} bits: pastur does not unpack them"
    if entry.dtype == "uint8" and not zeros:
        return f"{what} with a scale and no zero point: they may be several to a byte"
    by_rows = entry.dtype == "int8" and stored.entries[scale].shape == entry.shape[:1]
    if scale.endswith("SCB") and not by_rows:
        return f"{what} with an SCB that is not one for each row"
    orders = [stored.small(n) for n, word in others.items() if word == "weight_format"]
    if any(order is None or order.any() for order in orders):
        return f"{what} in an order for one kind of GPU, which pastur does not undo"
    return ""


def _made(
    read: Callable[[str], AnyArray], *, codes: TensorInfo, scale: str, zero: str, block: Shape
) -> Codes:
    levels, factors = read(codes.name), _factors(read(scale), scale.rpartition(".")[2])
    offset: Any = 0.0
    if zero:
        zeros = read(zero)
        if levels.dtype == np.uint8 and not (zeros.astype(np.float32) > 15).any():
            raise ValueError("is codes of type uint8 that may be several to a byte")
        if zeros.size not in (1, factors.size):
            raise ValueError(f"has {factors.size} scales and {zeros.size} zero points")
        zeros = np.broadcast_to(zeros.ravel(), factors.size)
        offset = stretched(zeros.astype(np.float32), levels.shape, block)
    # A tensor of PyTorch in memory comes as float32: its steps are those of its own type.
    floats = codes.dtype.startswith("float8")
    steps = float_widths(levels.astype(numpy_dtype(codes.dtype), copy=False)) if floats else 1.0
    return Codes(levels, stretched(factors, levels.shape, block), offset, widths=steps)


def _factors(scale: AnyArray, name: str) -> AnyArray:
    """Return what the codes are multiplied by."""
    if scale.dtype == np.uint8:
        return powers_of_two(scale)
    factors = scale.astype(np.float32)
    if name == "SCB":
        return factors / 127
    if name == "kernel_scale":
        return 1 / factors
    if name in _BARE and np.median(np.abs(factors)) > 1:
        raise ValueError("is codes with scales above 1, and it is not stated that they multiply")
    return factors


SCALED = Convention("8 bits with a scale", _find)
