"""MLX: integers packed in words of 32 bits, with a scale and a bias for each group of inputs.

``mlx.core.quantize``: codes·scale + bias, the codes one stream of bits along the inputs. How many
bits each has is in ``config.json``; the shapes alone leave several answers.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import stretched, unpacked, words_each
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

_BITS = (2, 3, 4, 5, 6, 8)
_GROUPS = (32, 64, 128)
_LARGE = 1 << 22  # bytes of scales that are read where no configuration tells


def _find(stored: Stored) -> Iterator[Derived]:
    for stem, name, codes in stored.ending(".weight"):
        scales, biases = (f"{stem}.{word}" for word in ("scales", "biases"))
        if codes.dtype != "uint32" or scales not in stored.entries or len(codes.shape) < 2:
            continue
        parts = {name: "the codes", scales: "the scales"}
        if biases not in stored.entries:
            reason = "is packed by MLX without biases, in a mode that pastur does not unpack"
            yield refused(name, codes, parts, reason)
            continue
        parts[biases] = "the biases"
        shape = stored.entries[scales].shape
        stated = _stated(stored.config, stem) or _seen(stored, codes.shape[-1], scales, biases)
        bits, group = stated if stated else (0, 0)
        inputs = codes.shape[-1] * 32 // bits if bits else 0
        if not stated:
            reason = (
                "is packed by MLX, and its bits are stated only in the config.json of the model"
            )
            yield refused(name, codes, parts, reason)
        elif (
            shape != stored.entries[biases].shape
            or shape != (*codes.shape[:-1], inputs // group)
            or inputs % group
            or codes.shape[-1] % words_each(bits)
        ):
            reason = f"is packed by MLX, and {bits} bits in groups of {group} do not fit its shapes"
            yield refused(name, codes, parts, reason)
        else:
            make = partial(_made, name=name, scales=scales, biases=biases, bits=bits, group=group)
            yield Derived(name, (*codes.shape[:-1], inputs), parts, make, f"MLX int{bits}")


def _stated(config: Mapping[str, Any], stem: str) -> tuple[int, int] | None:
    """Return bits and size of the groups of a layer; None where nothing states them."""
    own = config.get(stem)
    found = {**config, **(own if isinstance(own, dict) else {})}
    bits, group = found.get("bits"), found.get("group_size")
    if found.get("mode", "affine") != "affine" or bits not in _BITS or type(bits) is not int:
        return None
    return (bits, group) if type(group) is int and 0 < group < 2**31 else None


def _seen(stored: Stored, words: int, scales: str, biases: str) -> tuple[int, int] | None:
    """Return bits and size of the groups of a weight without a configuration.

    The shapes leave several answers, such as 4 bits in groups of 128 and 8 in groups of 64. A bias
    is the end of its group's range, a whole number of steps: about half of all codes from zero.
    """
    shape = stored.entries[scales].shape
    if shape != stored.entries[biases].shape or 0 in shape[-1:] or not shape or words % shape[-1]:
        return None
    product = 32 * words // shape[-1]
    fitting = [b for b in _BITS if product % b == 0 and product // b in _GROUPS]
    if not fitting:
        return None
    steps, ends = (stored.small(name, _LARGE) for name in (scales, biases))
    if steps is None or ends is None:
        return None
    with np.errstate(all="ignore"):
        ratios = np.abs(ends.astype(np.float64) / steps.astype(np.float64))
    ratios = ratios[np.isfinite(ratios)]
    middle = float(np.median(ratios)) if ratios.size else 0.0
    bits = [b for b in fitting if 2 ** (b - 1) / 2 < middle < 2**b * 0.75]
    return (bits[0], product // bits[0]) if len(bits) == 1 else None


def _made(
    read: Callable[[str], AnyArray], *, name: str, scales: str, biases: str, bits: int, group: int
) -> Codes:
    levels = unpacked(read(name), bits)
    block = (*(1 for _ in levels.shape[:-1]), group)
    scale, bias = (
        stretched(read(part).astype(np.float32), levels.shape, block) for part in (scales, biases)
    )
    return Codes(levels, scale, bias=bias)


MLX = Convention("MLX", _find)
