"""GPTQ and AWQ: integers of 2 to 8 bits packed in words of 32, with a scale and a zero for each
group of inputs.

Layouts: AutoGPTQ and GPTQModel (``qweight`` packed along the inputs, ``qzeros`` less one in format
``gptq``, as they are in ``gptq_v2``), AutoAWQ's ``gemm`` (packed along the outputs, eight at a time
in the order 0 2 4 6 1 3 5 7).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import stretched, unpacked
from pastur.weights._derived.conventions.contract import Codes, Convention, Derived, Stored, refused

_BITS = (2, 3, 4, 8)
_AWQ_PLACES = np.array([0, 2, 4, 6, 1, 3, 5, 7])
_PARTS = {
    "qweight": "the codes",
    "qzeros": "the zero points",
    "scales": "the scales",
    "g_idx": "the groups",
}
_METHODS = {"gptq": "gptq", "awq": "awq", "autoawq": "awq"}
_UNCLEAR = "is packed by GPTQ, and whether its zero points are stored less one is not stated: that "
_UNCLEAR += "needs the config.json or quantize_config.json of the model next to it"


def _find(stored: Stored, method: str) -> Iterator[Derived]:
    for stem, _, codes in stored.ending(".qweight"):
        parts = {
            f"{stem}.{word}": what
            for word, what in _PARTS.items()
            if f"{stem}.{word}" in stored.entries
        }
        scales, zeros = (stored.entries.get(f"{stem}.{word}") for word in ("scales", "qzeros"))
        weight = f"{stem}.weight"
        if codes.dtype not in ("int32", "uint32") or scales is None or zeros is None:
            continue
        if len(codes.shape) != 2 or len(scales.shape) != 2 or len(zeros.shape) != 2:
            continue
        groups, outputs = scales.shape
        stated = _method(stored.config)
        by_outputs = codes.shape[1] != outputs
        if (method == "awq") != (stated == "awq" if stated else by_outputs):
            continue
        bits = _bits(stored.config, zeros.shape[1], outputs)
        inputs = codes.shape[0] if by_outputs else codes.shape[0] * 32 // max(bits, 1)
        sound = (
            bits in ((4,) if by_outputs else _BITS)
            and zeros.shape == (groups, outputs * bits // 32)
            and codes.shape[1] == (outputs * bits // 32 if by_outputs else outputs)
            and groups > 0
            and inputs * bits % 32 == 0
        )
        version = str(stored.config.get("version", "gemm")).lower()
        if not sound or stated == "" or (method == "awq" and (not by_outputs or version != "gemm")):
            reason = f"is packed by {method.upper()}, in a layout that pastur does not unpack"
            yield refused(weight, codes, parts, reason)
            continue
        label = f"{method.upper()} int{bits}"
        offset = _offset(stored.config) if method == "gptq" else 0
        group = _group(stored.config, inputs, groups)
        if group == 0 and f"{stem}.g_idx" not in stored.entries:
            reason = f"is packed by {method.upper()}, and its {inputs} inputs do not fall into "
            yield refused(weight, codes, parts, f"{reason}{groups} groups")
            continue
        make = partial(_made, stem=stem, bits=bits, group=group, offset=offset, awq=by_outputs)
        if f"{stem}.g_idx" in parts:
            make = partial(make, index=f"{stem}.g_idx")
        yield Derived(weight, (outputs, inputs), parts, make, label)


def _method(config: Mapping[str, object]) -> str | None:
    """Return the method that a configuration names, empty for a foreign one; None for none."""
    named = config.get("quant_method")
    if named is None:
        return None
    packing = str(config.get("packing_format", named)).lower().rpartition(":")[2]
    return _METHODS.get(packing, _METHODS.get(packing.removeprefix("auto_"), ""))


def _bits(config: Mapping[str, object], words: int, outputs: int) -> int:
    """Return the bits of a code: those of the configuration, which the shapes must confirm."""
    stated = config.get("bits", config.get("w_bit"))
    if type(stated) is int:
        return stated
    return words * 32 // outputs if outputs and words * 32 % outputs == 0 else 0


def _group(config: Mapping[str, object], inputs: int, groups: int) -> int:
    """Return how many inputs share a scale; 0 where that is not clear."""
    stated = config.get("group_size", config.get("q_group_size"))
    if type(stated) is int and stated > 0 and -(-inputs // stated) == groups:
        return stated
    return inputs // groups if inputs % groups == 0 and stated in (None, -1) else 0


def _offset(config: Mapping[str, object]) -> int | None:
    """Return what is added to a stored zero point; None where only the numbers show it."""
    if not config:
        return None
    return 0 if config.get("checkpoint_format") == "gptq_v2" else 1


def _made(
    read: Callable[[str], AnyArray],
    *,
    stem: str,
    bits: int,
    group: int,
    offset: int | None,
    awq: bool,
    index: str = "",
) -> Codes:
    words, scales = read(f"{stem}.qweight"), read(f"{stem}.scales").astype(np.float32)
    zeros = unpacked(read(f"{stem}.qzeros"), bits)
    if awq:
        levels, zeros = (_in_order(part) for part in (unpacked(words, bits), zeros))
        levels = levels.T
    else:
        levels = unpacked(words.T, bits)
        offset = _seen_offset(zeros, bits) if offset is None else offset
        zeros = (zeros + np.uint8(offset)) & np.uint8(2**bits - 1)
    outputs, inputs = levels.shape
    if index:
        places = read(index).ravel()
        if places.shape != (inputs,) or not ((places >= 0) & (places < len(scales))).all():
            raise ValueError("has groups of inputs that are not there: its g_idx is damaged")
        return Codes(levels, scales.T[:, places], zeros.T[:, places])
    spread = [stretched(part.T, (outputs, inputs), (1, group)) for part in (scales, zeros)]
    return Codes(levels, *spread)


def _in_order(codes: AnyArray) -> AnyArray:
    """Undo the order in which AWQ packs eight codes in a word."""
    ordered = np.empty_like(codes).reshape(*codes.shape[:-1], -1, 8)
    ordered[..., _AWQ_PLACES] = codes.reshape(ordered.shape)
    return ordered.reshape(codes.shape)


def _seen_offset(zeros: AnyArray, bits: int) -> int:
    """Return what is added to stored zero points that are all the middle of the codes."""
    middle = 2 ** (bits - 1)
    for offset in (0, 1):
        if (zeros == middle - offset).all():
            return offset
    raise ValueError(_UNCLEAR)


GPTQ = Convention("GPTQ", partial(_find, method="gptq"))
AWQ = Convention("AWQ", partial(_find, method="awq"))
