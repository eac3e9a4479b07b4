"""compressed-tensors, ``pack-quantized``: integers of 1 to 8 bits in words of 32, with scales.

The codes are one stream of bits along the inputs, each raised by half its range; the zero points
one along the outputs; ``weight_shape`` is the shape of the weight, ``weight_g_idx`` the group of
each input where they are out of order.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import Shape, block_of, stretched, unpacked
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused
from pastur.weights._derived.conventions.quantization_config import bits_of

_PARTS = {
    "weight_packed": "the codes",
    "weight_scale": "the scales",
    "weight_shape": "the shape",
    "weight_zero_point": "the zero points",
    "weight_g_idx": "the groups",
    "input_scale": "the scale of the inputs",
    "input_zero_point": "the zero point of the inputs",
}


def _find(stored: Stored) -> Iterator[Derived]:
    for stem, _, codes in stored.ending(".weight_packed"):
        parts = {
            f"{stem}.{word}": what
            for word, what in _PARTS.items()
            if f"{stem}.{word}" in stored.entries
        }
        if codes.dtype != "int32" or f"{stem}.weight_scale" not in parts or len(codes.shape) < 2:
            continue
        weight = f"{stem}.weight"
        shape = _shape(stored.small(f"{stem}.weight_shape"), codes.shape)
        bits = bits_of(stored.config) or (_seen_bits(codes.shape, shape) if shape else 0)
        if shape is None or not 0 < bits <= 8 or codes.shape[-1] != -(-shape[-1] * bits // 32):
            reason = "is packed by compressed-tensors, and its codes do not fit its weight_shape"
            yield refused(weight, codes, parts, reason)
            continue
        scales = stored.entries[f"{stem}.weight_scale"].shape
        index = f"{stem}.weight_g_idx" if f"{stem}.weight_g_idx" in parts else ""
        block = block_of(shape, scales)
        zero = stored.entries.get(f"{stem}.weight_zero_point")
        packed_zeros = (-(-shape[-2] * bits // 32), scales[-1]) if scales else ()
        if (
            len(shape) > 2
            or len(scales) != 2
            or (block is None and not index)
            or (zero is not None and (zero.dtype != "int32" or zero.shape != packed_zeros))
        ):
            reason = (
                "is packed by compressed-tensors, with scales whose groups pastur cannot determine"
            )
            yield refused(weight, codes, parts, reason)
            continue
        make = partial(
            _made,
            stem=stem,
            shape=shape,
            bits=bits,
            block=block,
            zero=zero is not None,
            index=index,
        )
        yield Derived(weight, shape, parts, make, f"compressed-tensors int{bits}")


def _shape(stated: AnyArray | None, packed: Shape) -> Shape | None:
    """Return the shape of a weight, if it agrees with that of its codes but for the inputs."""
    if stated is None or stated.ndim != 1 or stated.dtype.kind not in "iu":
        return None
    shape = tuple(int(side) for side in stated)
    fits = len(shape) == len(packed) and shape[:-1] == packed[:-1]
    return shape if fits and 0 < shape[-1] <= 32 * packed[-1] else None


def _seen_bits(packed: Shape, shape: Shape) -> int:
    """Return the bits of a code by the count of words; 0 where several would do."""
    fitting = [b for b in range(1, 9) if -(-shape[-1] * b // 32) == packed[-1]]
    return fitting[0] if len(fitting) == 1 else 0


def _made(
    read: Callable[[str], AnyArray],
    *,
    stem: str,
    shape: Shape,
    bits: int,
    block: Shape | None,
    zero: bool,
    index: str,
) -> Codes:
    levels = unpacked(read(f"{stem}.weight_packed"), bits)[..., : shape[-1]]
    scales = read(f"{stem}.weight_scale").astype(np.float32)
    # Both are raised by half of the range.
    zeros = np.full(scales.shape, 2 ** (bits - 1), np.uint8)
    if zero:
        words = read(f"{stem}.weight_zero_point")
        zeros = unpacked(words.T, bits)[..., : shape[0]].T
    if index:
        places = read(index).ravel()
        if places.shape != shape[1:] or not ((places >= 0) & (places < scales.shape[1])).all():
            raise ValueError("has groups of inputs that are not there: its g_idx is damaged")
        return Codes(levels, scales[:, places], zeros[:, places])
    assert block is not None
    return Codes(levels, *(stretched(part, shape, block) for part in (scales, zeros)))


COMPRESSED_TENSORS = Convention("compressed-tensors", _find)
