"""What was changed between two models of the same tensors."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights.tensors import TensorInfo, Weights


def difference(weights: Weights, base: Weights) -> Weights:
    """Return the tensors of `weights` minus those of the same names in `base`.

    A tensor that is in one of the two only, or of two shapes, is listed with that as the reason.
    """
    beneath = {entry.name: entry for entry in base.entries}
    entries = [_entry(entry, beneath) for entry in weights.entries]
    names = {entry.name for entry in entries}
    entries += [
        replace(entry, unreadable=entry.unreadable or "is in the base only")
        for entry in base.entries
        if entry.name not in names
    ]
    source = f"{weights.source} minus {base.source}"
    fetch, steps = partial(_read, weights, base), partial(_steps, weights, base)
    return Weights(source, tuple(entries), weights.metadata, fetch, steps, difference=True)


def _entry(entry: TensorInfo, beneath: Mapping[str, TensorInfo]) -> TensorInfo:
    under = beneath.get(entry.name)
    if under is None:
        reason = "is not in the base"
    elif under.shape != entry.shape:
        reason = f"has the shape {entry.shape}, and {under.shape} in the base"
    else:
        reason = under.unreadable
    number = entry.dtype if entry.dtype == "float64" else "float32"
    plain = entry.dtype.startswith(("float", "bfloat"))
    return replace(
        entry,
        unreadable=entry.unreadable or reason,
        dtype=number if plain else entry.dtype,
        nbytes=math.prod(entry.shape) * (8 if number == "float64" else 4),
    )


def _read(weights: Weights, base: Weights, name: str) -> AnyArray:
    ours, theirs = weights.read(name), base.read(name)
    wide = np.float64 if "float64" in (ours.dtype.name, theirs.dtype.name) else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(ours.astype(wide) - theirs.astype(wide))


def _steps(weights: Weights, base: Weights, name: str) -> AnyArray | None:
    """Return the variance of rounding both; None where neither was rounded, or one is not known."""
    found = [None if one.steps is None else one.steps(name) for one in (weights, base)]
    known = [variances for variances in found if variances is not None]
    return np.asarray(sum(known)) if known else None
