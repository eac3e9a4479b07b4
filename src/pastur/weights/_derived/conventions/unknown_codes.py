"""Codes in a convention that pastur does not know: left out, their scales with them."""

import re
from collections.abc import Iterator

from pastur.weights._derived.conventions.contract import Convention, Derived, Stored, refused
from pastur.weights.tensors import TensorInfo

_CODES = re.compile(r"u?int(4|8|16|32|64)|float[48]\w*|bool")
# Last words of names of codes, in conventions of all kinds.
_NAMED = re.compile(
    r"(.*[._])?(qweight|q_weight|W_q|qdata|weight_packed|packed_weight|Qidxs\w*|codes|blocks|_data"
    r"|_packed|indices|B|trellis|compressed|bitmask|weight_int\d+pack)"
)
_COMPANION = re.compile(
    r"scales?|scaling|zeros?|zp|absmax|codebooks?|centroids|quant|SCB|lut|bitmask|su|sv|s|invperm",
    re.IGNORECASE,
)
_MOST = 64  # neighbours of one tensor


def _find(stored: Stored) -> Iterator[Derived]:
    siblings = _siblings(stored)
    for name, entry in list(stored.entries.items()):
        if name not in stored.entries or not _CODES.fullmatch(entry.dtype):
            continue
        stem, _, last = name.rpartition(".")
        # Next to a weight of a module, under it, or with its name and a word after it.
        one_weight = bool(_NAMED.fullmatch(name)) or last in ("weight", "kernel")
        near = [
            other
            for folder in (stem, name)
            for other in siblings.get(folder, ())
            if other != name and other in stored.entries
            if folder == name or one_weight or other.startswith((f"{name}_", f"{name}."))
        ]
        reason = _reason(name, entry, bool(near))
        if reason:
            parts = {name: "the codes"} | dict.fromkeys(near[:_MOST], "a part")
            yield refused(name, entry, parts, reason)


def _siblings(stored: Stored) -> dict[str, list[str]]:
    """Return the tensors of each module, a few of them where there are many."""
    found: dict[str, list[str]] = {}
    for name in stored.entries:
        held = found.setdefault(name.rpartition(".")[0], [])
        if len(held) < _MOST and _is_companion(name):
            held.append(name)
    return found


def _is_companion(name: str) -> bool:
    words = re.split(r"[_.]", name.rpartition(".")[2])
    return any(_COMPANION.fullmatch(word) for word in words)


def _reason(name: str, entry: TensorInfo, companion: bool) -> str:
    """Return why a tensor is not a weight; empty where it may be one."""
    if len(entry.shape) < 2:
        return ""
    named = bool(_NAMED.fullmatch(name)) and not entry.dtype.startswith("float")
    if companion or named:
        return f"is codes of type {entry.dtype}, packed in a way that pastur does not undo"
    return ""


CODES = Convention("codes", _find)
