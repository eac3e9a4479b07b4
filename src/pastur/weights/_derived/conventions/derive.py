"""The step from stored tensors to weights, between the readers and all that takes weights."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.weights._axes.layout import BIAS
from pastur.weights._derived.conventions.bitsandbytes import BITSANDBYTES
from pastur.weights._derived.conventions.compressed import COMPRESSED
from pastur.weights._derived.conventions.compressed_tensors import COMPRESSED_TENSORS
from pastur.weights._derived.conventions.contract import (
    Codes,
    Convention,
    Derived,
    Stored,
    companion,
)
from pastur.weights._derived.conventions.fp4 import FP4, MXFP4
from pastur.weights._derived.conventions.gptq import AWQ, GPTQ
from pastur.weights._derived.conventions.hqq import HQQ
from pastur.weights._derived.conventions.keras import KERAS_CODES
from pastur.weights._derived.conventions.mlx import MLX
from pastur.weights._derived.conventions.quantization_config import quantization_config
from pastur.weights._derived.conventions.reparametrised import NORMED, PARAMETRISED, PRUNED
from pastur.weights._derived.conventions.scaled import SCALED
from pastur.weights._derived.conventions.unknown_codes import CODES
from pastur.weights._hostile.array_bytes import check_memory, numpy_dtype
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

# The first that recognises a tensor takes it. A new convention is a new value and a line here.
CONVENTIONS: tuple[Convention, ...] = (
    PARAMETRISED,
    PRUNED,
    NORMED,
    GPTQ,
    AWQ,
    COMPRESSED,
    COMPRESSED_TENSORS,
    MLX,
    BITSANDBYTES,
    HQQ,
    MXFP4,
    FP4,
    KERAS_CODES,
    SCALED,
    CODES,
)


def derived(weights: Weights, path: Place | None = None) -> Weights:
    """Return the weights for which the stored tensors stand, and the others as they are.

    What makes a weight together is listed once, under the name of the weight, at the place of the
    first of its parts; the parts follow, with that as the reason for leaving them out.

    Parameters
    ----------
    weights : Weights
        As a reader returns them.
    path : Place, optional
        Their file or folder, next to which a configuration may say how they are packed.
    """
    held = {e.name: e for e in weights.entries if e.unreadable in ("", BIAS)}
    stored = Stored(held, quantization_config(path), weights.fetch)
    names = {entry.name for entry in weights.entries}
    found: dict[str, Derived] = {}
    for convention in CONVENTIONS:
        for one in convention.find(stored):
            one = _with_copy(one, stored)
            stored.take(one.parts)
            # A name that belongs to another tensor stays with it.
            free = one.name not in found and (one.name in one.parts or one.name not in names)
            found[one.name if free else next(iter(one.parts))] = one
    if not found:
        return weights
    entries = _entries(weights.entries, found)
    return replace(
        weights,
        entries=tuple(entries),
        fetch=partial(_fetch, weights, found),
        steps=partial(_steps, weights, found),
    )


def _with_copy(one: Derived, stored: Stored) -> Derived:
    """Return a weight in parts along with what it was when it was last computed.

    A module that was saved whole keeps both.
    """
    copy = stored.entries.get(one.name)
    if copy is None or one.packing or one.reason or copy.shape != one.shape:
        return one
    return replace(one, parts={**one.parts, one.name: "the value"})


def _entries(stored: tuple[TensorInfo, ...], found: Mapping[str, Derived]) -> list[TensorInfo]:
    """Return the headers, each weight before the first of its parts."""
    owners = {part: name for name, one in found.items() for part in one.parts}
    entries: list[TensorInfo] = []
    done: set[str] = set()
    for entry in stored:
        name = owners.get(entry.name)
        if name is None:
            entries.append(entry)
            continue
        one = found[name]
        if name not in done:
            done.add(name)
            entries.append(_info(name, one))
        if entry.name != name:
            what = companion(one.parts[entry.name], name)
            entries.append(replace(entry, unreadable="", aside=what))
    return entries


def _info(name: str, one: Derived) -> TensorInfo:
    nbytes = math.prod(one.shape) * numpy_dtype(one.dtype).itemsize
    return TensorInfo(name, one.shape, one.dtype, nbytes, one.reason, one.layout, one.packing)


def _fetch(weights: Weights, found: Mapping[str, Derived], name: str) -> AnyArray:
    one = found.get(name)
    if one is None:
        return weights.fetch(name)
    made = _made(weights, one, name)
    values = made.values if isinstance(made, Codes) else made
    with np.errstate(over="ignore", invalid="ignore"):  # seen where values are checked
        return values.astype(one.dtype, copy=False)


def _steps(weights: Weights, found: Mapping[str, Derived], name: str) -> AnyArray | None:
    one = found.get(name)
    if one is None:
        return None if weights.steps is None else weights.steps(name)
    if not one.packing or one.reason:
        return None
    made = _made(weights, one, name)
    return made.variances if isinstance(made, Codes) else None


def _made(weights: Weights, one: Derived, name: str) -> AnyArray | Codes:
    check_memory(4 * math.prod(one.shape))
    try:
        with np.errstate(all="ignore"):  # damaged scales may be anything; that is seen later
            made = one.make(weights.fetch)
    except (ValueError, IndexError) as error:
        if isinstance(error, FileFormatError):
            raise
        label = f"Tensor {shown(name)} of {weights.source}"
        raise FileFormatError(f"{label} {error}.") from None
    return made
