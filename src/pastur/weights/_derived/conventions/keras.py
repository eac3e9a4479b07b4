"""Keras' ``quantize("int8")`` and ``("int4")``: variables by number, the first of them the codes.

Of a layer's ``vars`` the first is the kernel, the second the bias where there is one, then come
scales and zero points (Keras 3, `variable_serialization_spec`). One scale for each output divides
the codes; scales for groups of inputs multiply them, less their zero points.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import nibbles, signed
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused
from pastur.weights.tensors import TensorInfo

_FIRST = re.compile(r"(?P<layer>(.*/)?vars/)0")
_MOST = 12  # variables of one layer


def _find(stored: Stored) -> Iterator[Derived]:
    for name, codes in list(stored.entries.items()):
        match = _FIRST.fullmatch(name)
        if match is None:
            continue
        layer = match["layer"]
        others = [stored.entries.get(f"{layer}{number}") for number in range(1, _MOST)]
        found = [entry for entry in others if entry is not None]
        packed = [entry for entry in found if entry.dtype in ("int8", "uint8")]
        if codes.dtype != "int8" and not any(len(entry.shape) > 1 for entry in packed):
            continue
        yield _weight(name, codes, found)


def _weight(name: str, codes: TensorInfo, others: list[TensorInfo]) -> Derived:
    parts = {name: "the codes"} | {entry.name: "a variable of the layer" for entry in others}
    unknown = "is packed by Keras, in a way that pastur does not undo"
    shape, axes = codes.shape, codes.layout.axes
    # What stands for an entry of the output, or of a table its row.
    axis = 0 if axes == "oi" else 1
    if codes.dtype != "int8" or len(shape) != 2 or axes not in ("io", "oi"):
        return refused(name, codes, parts, unknown)
    kinds = [entry.dtype for entry in others]
    if "int8" not in kinds and others and len(others) <= 2:
        scale = others[-1]
        by_four = axes == "io" or scale.shape == (shape[0],)
        if scale.shape == (shape[axis],):
            make = partial(_by_channel, codes=name, scale=scale.name, axis=axis, outputs=0)
            parts[scale.name] = "the scale"
            return Derived(name, shape, parts, make, "Keras int8", codes.layout)
        outputs = scale.shape[0] if len(scale.shape) == 1 else 0
        if by_four and axis == 1 and -(-outputs // 2) == shape[1]:
            make = partial(_by_channel, codes=name, scale=scale.name, axis=1, outputs=outputs)
            parts[scale.name] = "the scale"
            return Derived(name, (shape[0], outputs), parts, make, "Keras int4", codes.layout)
        return refused(name, codes, parts, unknown)
    if len(others) < 3 or kinds[-3:-1] != [kinds[-3], "int8"] or axis == 0:
        return refused(name, codes, parts, unknown)
    scale, zero, index = others[-3:]
    groups = scale.shape
    sound = (
        len(groups) == 2
        and zero.shape == groups
        and index.shape == (shape[0],)
        and -(-groups[1] // 2) == shape[1]
    )
    if not sound:
        return refused(name, codes, parts, unknown)
    parts |= {scale.name: "the scales", zero.name: "the zero points", index.name: "the groups"}
    make = partial(_by_group, codes=name, scale=scale.name, zero=zero.name, index=index.name)
    return Derived(name, (shape[0], groups[1]), parts, make, "Keras int4", codes.layout)


def _by_channel(
    read: Callable[[str], AnyArray], *, codes: str, scale: str, axis: int, outputs: int
) -> Codes:
    levels, factors = read(codes), read(scale).astype(np.float32)
    if outputs:
        levels = signed(nibbles(levels))[:, :outputs]
    factors = np.expand_dims(1 / factors, 1 - axis)
    return Codes(levels, np.broadcast_to(factors, levels.shape))


def _by_group(
    read: Callable[[str], AnyArray], *, codes: str, scale: str, zero: str, index: str
) -> Codes:
    factors, zeros = read(scale).astype(np.float32), read(zero)
    places = read(index).astype(np.float64)
    if not ((places >= 0) & (places < len(factors))).all():
        raise ValueError("has groups of inputs that are not there: its g_idx is damaged")
    rows = places.astype(np.intp)
    levels = signed(nibbles(read(codes)))[:, : factors.shape[1]]
    return Codes(levels, factors[rows], zeros[rows])


KERAS_CODES = Convention("Keras", _find)
