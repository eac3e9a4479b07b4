"""HQQ: integers of 1 to 8 bits packed in bytes (3 bits: in words), scale and zero in floats.

The weight, row by row, is a matrix of groups; its codes are packed along the first axis, the first
part of them in the highest bits. `HQQLinear.state_dict` keeps what describes them as tensors.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import Shape
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

# Bits of a code, and how many are in a byte or word.
_PACKED = {1: 8, 2: 4, 3: 10, 4: 2, 8: 1}
_WHAT = {"scale": "the scale", "zero": "the zero point"}


def _find(stored: Stored) -> Iterator[Derived]:
    for stem, name, codes in stored.ending(".W_q"):
        if codes.dtype not in ("uint8", "int32") or len(codes.shape) != 2:
            continue
        # A state keeps them next to the codes, a pickled one in a dictionary.
        places = [f"{stem}.{inner}" for inner in ("", "meta.")]
        base = next((p for p in places if f"{p}scale" in stored.entries), places[0])
        inside = [n for n in stored.under(base) if n != f"{stem}.bias"]
        parts = {name: "the codes"} | {
            n: _WHAT.get(n.removeprefix(base), "a part of the description") for n in inside
        }
        parts[name] = "the codes"
        shape = _sides(stored.small(f"{base}shape"))
        bits = _number(stored.small(f"{base}nbits"))
        axis = _number(stored.small(f"{base}axis"))
        scale, zero = (stored.entries.get(f"{base}{word}") for word in ("scale", "zero"))
        if scale is None or zero is None or shape is None or bits not in _PACKED:
            reason = "is packed by HQQ, and its shape, bits, scale or zero are not kept as tensors"
            yield refused(f"{stem}.weight", codes, parts, reason)
            continue
        rows = codes.shape[0] * _PACKED[bits]
        groups = prod(shape) // codes.shape[1] if codes.shape[1] else 0
        grid = (groups, codes.shape[1])
        flat = (1, grid[1]) if axis == 0 else (grid[0], 1)
        sound = (
            prod(grid) == prod(shape) > 0
            and (rows == groups or (bits == 3 and 0 <= rows - groups < 10))
            and scale.shape == flat
            and zero.shape in (flat, (1, 1), (1,), ())
            and axis in (0, 1)
        )
        if not sound:
            reason = "is packed by HQQ, and its codes, scale and zero do not fit each other"
            yield refused(f"{stem}.weight", codes, parts, reason)
            continue
        make = partial(_made, name=name, base=base, shape=shape, bits=bits, groups=groups)
        yield Derived(f"{stem}.weight", shape, parts, make, f"HQQ int{bits}")


def _number(value: AnyArray | None) -> int | None:
    return int(value.ravel()[0]) if value is not None and value.size == 1 else None


def _sides(value: AnyArray | None) -> Shape | None:
    if value is None or value.dtype.kind not in "iu" or value.ndim != 1:
        return None
    sides = tuple(int(side) for side in value)
    return sides if all(0 < side < 2**31 for side in sides) else None


def _made(
    read: Callable[[str], AnyArray], *, name: str, base: str, shape: Shape, bits: int, groups: int
) -> Codes:
    packed = read(name)
    packed = packed.view(np.uint32 if packed.dtype.itemsize == 4 else np.uint8)
    each = _PACKED[bits]
    levels = np.empty((each * len(packed), packed.shape[1]), np.uint8)
    for place in range(each):
        shift = packed.dtype.type(bits * (each - 1 - place))
        part = (packed >> shift) & packed.dtype.type(2**bits - 1)
        levels[place * len(packed) : (place + 1) * len(packed)] = part
    levels = levels[:groups]
    scale, zero = (
        np.broadcast_to(read(f"{base}{word}").astype(np.float32), levels.shape).reshape(shape)
        for word in ("scale", "zero")
    )
    return Codes(levels.reshape(shape), scale, zero)


HQQ = Convention("HQQ", _find)
