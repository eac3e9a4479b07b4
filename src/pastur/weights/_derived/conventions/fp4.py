"""Floats of 4 bits (E2M1), two to a byte, the lower half first, with a scale for 16 or 32 of them.

MXFP4: scales are powers of two, as bytes (OCP Microscaling Formats 1.0): gpt-oss' ``*_blocks`` and
``*_scales``, compressed-tensors' ``weight_packed``. NVFP4: scales are floats of 8 bits, and one for
the tensor, which multiplies in ModelOpt (``weight_scale_2``) and divides in compressed-tensors
(``weight_global_scale``).
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._axes.layout import Layout
from pastur.weights._derived.conventions.arithmetic import (
    E2M1,
    nibbles,
    powers_of_two,
    stretched,
    widths,
)
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

_SCALE_BYTES = ("uint8", "float8_e8m0fnu")


def _gpt_oss(stored: Stored) -> Iterator[Derived]:
    """Yield experts whose codes lie in blocks of 16 bytes, each with its scale."""
    for ending, mark in (("_blocks", "_scales"), (".blocks", ".scales")):
        for stem, name, codes in stored.ending(ending):
            scales = stored.entries.get(f"{stem}{mark}")
            if scales is None or codes.dtype != "uint8" or scales.dtype not in _SCALE_BYTES:
                continue
            parts = {name: "the codes", scales.name: "the scales"}
            if codes.shape != (*scales.shape, 16) or len(scales.shape) < 2:
                reason = "is packed as MXFP4, and its scales do not fit its blocks"
                yield refused(stem, codes, parts, reason)
                continue
            *rows, groups = scales.shape
            shape = (*rows, groups * 32)
            layout = Layout("e" * (len(rows) - 1) + "oi")
            make = partial(_made, codes=name, scales=scales.name, tensor="", divides=False)
            yield Derived(stem, shape, parts, make, "MXFP4", layout)


def _by_rows(stored: Stored) -> Iterator[Derived]:
    """Yield weights whose codes lie in rows of bytes."""
    for ending in (".weight_packed", ".weight"):
        for stem, name, codes in stored.ending(ending):
            scales = stored.entries.get(f"{stem}.weight_scale")
            if codes.dtype != "uint8" or scales is None or len(codes.shape) < 2:
                continue
            words = ("weight_global_scale", "weight_scale_2")
            tensor = [f"{stem}.{word}" for word in words if f"{stem}.{word}" in stored.entries]
            in_bytes = scales.dtype in _SCALE_BYTES
            if not in_bytes and scales.dtype != "float8_e4m3fn":
                continue
            if len(tensor) != (0 if in_bytes else 1):
                continue
            inputs = 2 * codes.shape[-1]
            group = 32 if in_bytes else 16
            parts = {name: "the codes", scales.name: "the scales"}
            parts |= dict.fromkeys(tensor, "the scale of the whole")
            for word in ("input_scale", "input_global_scale"):
                if f"{stem}.{word}" in stored.entries:
                    parts[f"{stem}.{word}"] = "the scale of the inputs"
            weight, packing = f"{stem}.weight", "MXFP4" if in_bytes else "NVFP4"
            if scales.shape != (*codes.shape[:-1], inputs // group) or inputs % group:
                reason = f"is packed as {packing}, and its scales do not fit its codes"
                yield refused(weight, codes, parts, reason)
                continue
            divides = tensor == [f"{stem}.weight_global_scale"]
            whole = tensor[0] if tensor else ""
            make = partial(_made, codes=name, scales=scales.name, tensor=whole, divides=divides)
            yield Derived(weight, (*codes.shape[:-1], inputs), parts, make, packing)


def _made(
    read: Callable[[str], AnyArray], *, codes: str, scales: str, tensor: str, divides: bool
) -> Codes:
    factors = read(scales)
    small = nibbles(read(codes))
    small = small.reshape(*factors.shape[:-1], -1)
    in_bytes = factors.dtype.itemsize == 1 and factors.dtype.name in _SCALE_BYTES
    factors = powers_of_two(factors) if in_bytes else factors.astype(np.float32)
    if tensor:
        whole = read(tensor).astype(np.float32)
        if whole.size != 1:
            raise ValueError(f"has {whole.size} scales of the whole")
        factors = factors / whole.ravel() if divides else factors * whole.ravel()
    block = (*(1 for _ in small.shape[:-1]), small.shape[-1] // factors.shape[-1])
    return Codes(E2M1[small], stretched(factors, small.shape, block), widths=widths(E2M1)[small])


MXFP4 = Convention("MXFP4", _gpt_oss)
FP4 = Convention("FP4 by rows", _by_rows)
