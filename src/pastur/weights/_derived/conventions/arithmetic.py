"""Codes out of packed words, scales stretched over blocks, levels of small floats."""

from math import gcd, prod
from typing import Any

import numpy as np

from pastur._typing import AnyArray

Shape = tuple[int, ...]

# E2M1: a sign, two bits of exponent, one of mantissa.
_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
E2M1 = np.concatenate([_E2M1, -_E2M1])


def words_each(bits: int) -> int:
    """Return after how many words of 32 bits a code of so many bits ends with the word."""
    return bits // gcd(bits, 32)


def unpacked(words: AnyArray, bits: int) -> AnyArray:
    """Return the codes in words of 32 bits, along the last axis, the lowest bits first.

    The words are one stream of bits: a code may begin in one and end in the next.
    """
    words = np.ascontiguousarray(words).view(np.uint32)
    each = words_each(bits)
    codes_each = each * 32 // bits
    # What is missing of the last words of a stream is filled with codes that are never used.
    missing = -words.shape[-1] % each
    words = np.pad(words, [(0, 0)] * (words.ndim - 1) + [(0, missing)]) if missing else words
    groups = words.reshape(*words.shape[:-1], words.shape[-1] // each, each)
    codes = np.empty((*groups.shape[:-1], codes_each), np.uint8)
    for place in range(codes_each):
        word, shift = divmod(place * bits, 32)
        code = groups[..., word] >> np.uint32(shift)
        if shift + bits > 32:
            code = code | (groups[..., word + 1] << np.uint32(32 - shift))
        codes[..., place] = code & np.uint32(2**bits - 1)
    return codes.reshape(*words.shape[:-1], -1)


def signed(codes: AnyArray) -> AnyArray:
    """Return codes of 4 bits as numbers from -8 to 7."""
    return (codes.view(np.int8) ^ np.int8(8)) - np.int8(8)


def nibbles(packed: AnyArray, *, high_first: bool = False) -> AnyArray:
    """Return the two codes of 4 bits in each byte, along the last axis."""
    packed = packed.view(np.uint8)
    pair = [packed & 15, packed >> 4]
    return np.stack(pair[::-1] if high_first else pair, axis=-1).reshape(*packed.shape[:-1], -1)


def block_of(shape: Shape, scales: Shape, stated: Shape | None = None) -> Shape | None:
    """Return the block of entries that shares a scale, a side for each axis; None if unclear.

    Parameters
    ----------
    shape, scales : tuple of int
        Shapes of the codes and of their scales.
    stated : tuple of int, optional
        The block of the last axes, where a configuration states it.
    """
    if 0 in shape or 0 in scales:
        return None
    if prod(scales) == 1:
        return shape
    if len(scales) == 1 and len(shape) > 1 and scales[0] == shape[0]:
        return (1, *shape[1:])
    if len(scales) == len(shape) - 1 and scales == shape[:-1]:
        return (*(1 for _ in scales), shape[-1])
    if len(scales) != len(shape):
        return None
    known = stated or ()
    sides = (*(None for _ in shape[len(known) :]), *known)
    block = list(map(_side, shape, scales, sides))
    return None if None in block else tuple(side or 1 for side in block)


def _side(size: int, count: int, stated: int | None) -> int | None:
    """Return how many of `size` entries share one of `count` scales."""
    if count in (1, size):
        return size // count
    # Blocks of 128 are usual, the last one cut off.
    for side in (stated, 128):
        if side and -(-size // side) == count:
            return side
    side = size // count
    exact = side * count == size and side & (side - 1) == 0
    return side if exact and stated is None else None


def stretched(scales: AnyArray, shape: Shape, block: Shape) -> AnyArray:
    """Return the scale of every entry, a view where one scale serves an axis alone."""
    scales = scales.reshape([-(-n // side) for n, side in zip(shape, block, strict=True)])
    for axis, (n, side) in enumerate(zip(shape, block, strict=True)):
        if 1 < side < n:
            scales = np.repeat(scales, side, axis=axis)
            scales = scales[(slice(None),) * axis + (slice(n),)]
    return np.broadcast_to(scales, shape)


def widths(levels: AnyArray) -> AnyArray:
    """Return how wide an interval is rounded to each level of a table."""
    distinct, places = np.unique(levels.astype(np.float32), return_inverse=True)
    return np.gradient(distinct)[places] if len(distinct) > 1 else np.zeros(len(levels))


def float_widths(values: AnyArray) -> AnyArray:
    """Return how far each number of a short floating-point type is from the next larger one."""
    import ml_dtypes

    info: Any = ml_dtypes.finfo(values.dtype)  # type: ignore[no-untyped-call]
    plain = np.abs(values.astype(np.float32))
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(plain, float(info.smallest_normal))))
        return np.asarray(np.exp2(exponent - info.nmant), np.float32)


def as_float32(values: Any) -> AnyArray:
    """Return numbers in float32, what is beyond it as infinite."""
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(np.float32)


def powers_of_two(codes: AnyArray) -> AnyArray:
    """Return what bytes of the type E8M0 stand for: 2 to the power of the byte less 127."""
    with np.errstate(all="ignore"):
        return np.exp2(codes.view(np.uint8).astype(np.float32) - 127)
