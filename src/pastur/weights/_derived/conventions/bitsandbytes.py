"""bitsandbytes in 4 bits: places in a table of 16 numbers, two to a byte, the upper half first.

Each block of the weight, row by row, has its largest magnitude in ``absmax``, which may itself be
packed: places in ``nested_quant_map`` times ``nested_absmax``, plus an offset. ``quant_state`` is a
JSON object in the bytes of a tensor, with the shape.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import Shape, nibbles, widths
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

_STATES = tuple(f"quant_state.bitsandbytes__{kind}" for kind in ("nf4", "fp4"))
_PARTS = {
    "absmax": "the magnitudes of the blocks",
    "quant_map": "the table",
    "nested_absmax": "the magnitudes of the magnitudes",
    "nested_quant_map": "the table of the magnitudes",
    **dict.fromkeys(_STATES, "the description"),
}


def _find(stored: Stored) -> Iterator[Derived]:
    for name, marker, _ in stored.ending(".absmax"):
        codes = stored.entries.get(name)
        if codes is None or codes.dtype not in ("uint8", "int8", "float32", "bfloat16", "float16"):
            continue
        parts = {name: "the codes"} | {
            f"{name}.{word}": what
            for word, what in _PARTS.items()
            if f"{name}.{word}" in stored.entries
        }
        states = [f"{name}.{word}" for word in _STATES if f"{name}.{word}" in parts]
        nested = [f"{name}.{word}" for word in ("nested_absmax", "nested_quant_map")]
        state = _state(stored.small(states[0])) if len(states) == 1 else None
        shape = _shape(state)
        sound = (
            state is not None
            and codes.dtype == "uint8"
            and f"{name}.quant_map" in parts
            and 2 * prod(codes.shape) == prod(shape) > 0
            and type(state.get("blocksize")) is int
            and 0 < state["blocksize"] < 2**31
            and all((stored.entries[marker].dtype == "uint8") == (n in parts) for n in nested)
        )
        if not sound or state is None:
            reason = "is packed by bitsandbytes, without the quant_state that gives its shape"
            yield refused(name, codes, parts, reason)
            continue
        make = partial(_made, name=name, shape=shape, state=state)
        kind = states[0].rpartition("__")[2]
        yield Derived(name, shape, parts, make, f"bitsandbytes {kind}")


def _state(content: AnyArray | None) -> dict[str, Any] | None:
    if content is None or content.dtype != np.uint8:
        return None
    try:
        found = json.loads(content.tobytes())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _shape(state: dict[str, Any] | None) -> Shape:
    sides = state.get("shape") if state else None
    sound = isinstance(sides, list) and all(type(n) is int and 0 < n < 2**31 for n in sides)
    return tuple(sides) if sound and sides else ()


def _made(
    read: Callable[[str], AnyArray], *, name: str, shape: Shape, state: dict[str, Any]
) -> Codes:
    table = read(f"{name}.quant_map").astype(np.float32).ravel()
    if table.size != 16:
        raise ValueError(f"has a table of {table.size} numbers, where 16 are needed")
    small = nibbles(read(name).ravel(), high_first=True)
    magnitudes = read(f"{name}.absmax").ravel()
    if magnitudes.dtype == np.uint8:
        magnitudes = _nested(read, name, magnitudes, state)
    size = state["blocksize"]
    if magnitudes.size != -(-small.size // size):
        raise ValueError(f"has {magnitudes.size} magnitudes for blocks of {size}")
    scale = np.repeat(magnitudes.astype(np.float32), size)[: small.size].reshape(shape)
    small = small.reshape(shape)
    return Codes(table[small], scale, widths=widths(table)[small])


def _nested(
    read: Callable[[str], AnyArray], name: str, places: AnyArray, state: dict[str, Any]
) -> AnyArray:
    """Return magnitudes that are packed themselves."""
    table = read(f"{name}.nested_quant_map").astype(np.float32).ravel()
    outer = read(f"{name}.nested_absmax").astype(np.float32).ravel()
    size, offset = state.get("nested_blocksize"), state.get("nested_offset", 0.0)
    if not isinstance(size, int) or not 0 < size < 2**31 or not isinstance(offset, (int, float)):
        raise ValueError("has magnitudes whose packing is not stated")
    if table.size != 256 or outer.size != -(-places.size // size):
        raise ValueError("has magnitudes whose packing is not sound")
    magnitudes: AnyArray = table[places] * np.repeat(outer, size)[: places.size]
    return magnitudes + np.float32(offset)


BITSANDBYTES = Convention("bitsandbytes", _find)
