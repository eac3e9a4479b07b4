"""The tensors that stand for a matrix in a file: their names, shapes, and the way back."""

from collections.abc import Callable, Collection, Iterator, Mapping
from math import prod

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.compression._matrix.blocks import held
from pastur.compression._matrix.codes import BITS, Codes, unpacked
from pastur.compression._matrix.lies import Orientation

# What follows the name of a tensor in the names of its parts.
LEFT, RIGHT = "_left", "_right"
CODES, STEPS, UNIT, LAYOUT = "_codes", "_steps", "_unit", "_layout"
_OF_CODES = (CODES, STEPS, UNIT, LAYOUT)
# Numbers of a layout: bits, group, twice the offset, whether turned, then the shape of the tensor,
# filled with zeros.
_FIRST, _AXES = 4, 8
_SIZES = {"uint8": 1, "float16": 2, "float32": 4, "int32": 4}

Shapes = dict[str, tuple[tuple[int, ...], str]]


def factor_parts(
    name: str, left: AnyArray, right: AnyArray, shape: tuple[int, ...], lies: Orientation
) -> dict[str, AnyArray]:
    """Return the factors as the tensor lies: their product is the tensor, its first axis left."""
    if lies == Orientation.TURNED:
        left, right = right.T, left.T
    return {
        f"{name}{LEFT}": np.ascontiguousarray(left),
        f"{name}{RIGHT}": np.ascontiguousarray(right).reshape(-1, *shape[1:]),
    }


def factor_shapes(name: str, shape: tuple[int, ...], rank: int, dtype: str) -> Shapes:
    """Return shapes and types of `factor_parts`."""
    return {
        f"{name}{LEFT}": ((shape[0], rank), dtype),
        f"{name}{RIGHT}": ((rank, *shape[1:]), dtype),
    }


def code_parts(
    name: str, codes: Codes, shape: tuple[int, ...], lies: Orientation
) -> dict[str, AnyArray]:
    """Return packed codes, steps, scale and layout."""
    layout = np.zeros(_FIRST + _AXES, dtype=np.int32)
    turned = lies == Orientation.TURNED
    layout[:_FIRST] = codes.bits, codes.group, round(2 * codes.offset), turned
    layout[_FIRST : _FIRST + len(shape)] = shape
    return {
        f"{name}{CODES}": codes.packed(),
        f"{name}{STEPS}": codes.steps,
        f"{name}{UNIT}": np.array([codes.scale], dtype=np.float32),
        f"{name}{LAYOUT}": layout,
    }


def code_shapes(name: str, shape: tuple[int, int], bits: int, group: int) -> Shapes:
    """Return shapes and types of `code_parts`, of a matrix of this shape."""
    n, m = shape
    return {
        f"{name}{CODES}": ((n, -(-m * bits // 8)), "uint8"),
        f"{name}{STEPS}": ((n, -(-m // group)), "float16"),
        f"{name}{UNIT}": ((1,), "float32"),
        f"{name}{LAYOUT}": ((_FIRST + _AXES,), "int32"),
    }


def code_bytes(shape: tuple[int, int], bits: int, group: int) -> int:
    """Return the bytes of all parts of codes."""
    parts = code_shapes("", shape, bits, group).values()
    return sum(prod(sides) * _SIZES[dtype] for sides, dtype in parts)


def wholes(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the tensors that are stored in parts, with the endings of their parts."""
    there = set(names)
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for first, all_of in ((LEFT, (LEFT, RIGHT)), (CODES, _OF_CODES)):
            stem = name.removesuffix(first)
            parts = {f"{stem}{one}" for one in all_of}
            if stem != name and parts <= there and stem not in there:
                found[stem] = (*found.get(stem, ()), *all_of)
    return found


def joined(name: str, endings: Collection[str], read: Callable[[str], AnyArray]) -> AnyArray:
    """Return a tensor from its parts: the product of its factors, and its codes, in float32.

    In float64 where the factors are.

    Raises
    ------
    FileFormatError
        Where the parts do not go together.
    """
    parts = {ending: np.asarray(read(f"{name}{ending}")) for ending in endings}
    found = list(_sums(name, parts))
    if len({one.shape for one in found}) > 1:
        raise _unsound(name)
    wide = parts.get(LEFT) is not None and parts[LEFT].dtype == np.float64
    return held(np.asarray(sum(found[1:], found[0])), np.float64 if wide else np.float32)


def _sums(name: str, parts: Mapping[str, AnyArray]) -> Iterator[AnyArray]:
    if LEFT in parts:
        left, right = (parts[one].astype(np.float64) for one in (LEFT, RIGHT))
        if left.ndim != 2 or right.ndim < 2 or left.shape[1] != right.shape[0]:
            raise _unsound(name)
        product = left @ right.reshape(right.shape[0], -1)
        yield product.reshape(left.shape[0], *right.shape[1:])
    if CODES in parts:
        yield _decoded(name, parts)


def _decoded(name: str, parts: Mapping[str, AnyArray]) -> AnyArray:
    packed, steps, scale, layout = (parts[one] for one in _OF_CODES)
    kinds = [part.dtype.name for part in (packed, steps, scale, layout)]
    sound = kinds == ["uint8", "float16", "float32", "int32"]
    if not sound or layout.shape != (_FIRST + _AXES,) or scale.shape != (1,):
        raise _unsound(name)
    bits, group, twice, turned = (int(one) for one in layout[:_FIRST])
    shape = tuple(int(side) for side in layout[_FIRST:] if side)
    if not shape or min(shape) < 1 or bits not in BITS or group < 1:
        raise _unsound(name)
    if (turned and len(shape) != 2) or not (np.isfinite(steps).all() and np.isfinite(scale[0])):
        raise _unsound(name)
    rows, columns = (shape[-1], shape[0]) if turned else (shape[0], prod(shape[1:]))
    expected = code_shapes("", (rows, columns), bits, group)
    if (packed.shape, steps.shape) != (expected[CODES][0], expected[STEPS][0]):
        raise _unsound(name)
    codes = unpacked(packed, columns, bits)
    matrix = Codes(codes, steps, float(scale[0]), bits, group, twice / 2).dense()
    return matrix.T if turned else matrix.reshape(shape)


def _unsound(name: str) -> FileFormatError:
    return FileFormatError(f"The parts of tensor {shown(name)} do not go together.")
