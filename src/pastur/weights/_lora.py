"""Adapters of low rank: the change B·A of each layer, scaled, alone or on top of the base model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._config import config_beside
from pastur.weights._layout import UNKNOWN
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import shown

_CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."
# Stem, which of the two factors, and the name of the adapter that PEFT puts in between.
_FACTOR = re.compile(
    r"(?P<stem>.+)\.(?P<factor>lora_A|lora_B|lora_down|lora_up)(\.(?!weight$)[^.]+)?(\.weight)?"
)
_FIRST = ("lora_A", "lora_down")
_ALPHA = ".alpha"


@dataclass(frozen=True)
class _Pair:
    """The names of both factors, and what the change is multiplied by."""

    first: str
    second: str
    scale: float


def is_adapter(weights: Weights) -> bool:
    """Tell whether some tensor is a factor of an adapter."""
    return any(_FACTOR.fullmatch(entry.name) for entry in weights.entries)


def adapter(weights: Weights, base: Weights | None = None) -> Weights:
    """Return the changes that an adapter makes, or with `base` the changed matrices.

    The change of a layer is ``scale·B·A`` (Hu et al. 2021), ``scale = alpha/r``, or alpha/√r where
    the configuration beside the file asks for it; 1 where neither it nor an ``alpha`` is there. It
    is computed when it is read. The factors are listed with the name of their layer, and with
    `base` what the adapter does not touch is listed as such.
    """
    pairs = _pairs(weights, config_beside(Path(weights.source), _CONFIG))
    shapes = {entry.name: entry.shape for entry in weights.entries}
    beneath = {} if base is None else {entry.name: entry for entry in base.entries}
    entries = []
    for name, pair in pairs.items():
        shape, reason = _shape(shapes[pair.first], shapes[pair.second])
        layout = UNKNOWN
        if base is not None and not reason:
            under = beneath.get(name)
            if under is None:
                reason = "is not in the base"
            elif math.prod(under.shape) != math.prod(shape):
                reason = f"changes a matrix of shape {shape}, and the base's is {under.shape}"
            else:
                reason, shape, layout = under.unreadable, under.shape, under.layout
        # In float64, that what is of low rank is so to the last digit: rounding would be noise.
        nbytes = 8 * math.prod(shape)
        entries.append(TensorInfo(name, shape, "float64", nbytes, reason, layout))
    factors = {n: name for name, pair in pairs.items() for n in (pair.first, pair.second)}
    for entry in weights.entries:
        if entry.name in factors:
            what = f"is a factor of {shown(factors[entry.name])}"
        elif entry.name.endswith(_ALPHA):
            what = "is the scale of a change"
        else:
            what = "belongs to the adapter, and is no factor of a change"
        entries.append(replace(entry, unreadable=entry.unreadable or what))
    if base is not None:
        entries += [
            replace(entry, unreadable=entry.unreadable or "is not changed by the adapter")
            for entry in base.entries
            if entry.name not in pairs
        ]
    source = weights.source if base is None else f"{base.source} with {weights.source}"
    return Weights(source, tuple(entries), weights.metadata, partial(_read, weights, base, pairs))


def _pairs(weights: Weights, config: Mapping[str, Any]) -> dict[str, _Pair]:
    """Return the two factors of each change, by the name of the matrix that is changed."""
    readable = {entry.name: entry.shape for entry in weights.entries if not entry.unreadable}
    found: dict[str, dict[bool, str]] = {}
    for name, shape in readable.items():
        match = _FACTOR.fullmatch(name)
        if match and len(shape) >= 2 and 0 not in shape:
            found.setdefault(match["stem"], {})[match["factor"] in _FIRST] = name
    pairs = {}
    for stem, both in found.items():
        if len(both) == 2:
            rank = readable[both[True]][0]
            alpha = _alpha(config, stem)
            if math.prod(readable.get(f"{stem}{_ALPHA}", (0,))) == 1:
                alpha = float(weights.read(f"{stem}{_ALPHA}").reshape(()))
            known = isinstance(alpha, (int, float)) and math.isfinite(alpha)
            root = config.get("use_rslora") is True
            scale = float(alpha) / (rank**0.5 if root else rank) if known else 1.0
            changed = f"{stem.removeprefix(_PREFIX)}.weight"
            pairs[changed] = _Pair(both[True], both[False], scale)
    return pairs


def _alpha(config: Mapping[str, Any], stem: str) -> Any:
    """Return the configured alpha of a layer: by a name that its own ends with, or of all."""
    patterns = config.get("alpha_pattern")
    for name, value in patterns.items() if isinstance(patterns, dict) else ():
        if stem == name or stem.endswith(f".{name}"):
            return value
    return config.get("lora_alpha")


def _shape(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
    """Return the shape of a change, and why there is none."""
    inner = math.prod(second[1:])
    shape = (second[0], *first[1:])
    if inner != first[0]:
        return shape, f"has factors that do not fit, of shapes {second} and {first}"
    return shape, ""


def _read(
    weights: Weights, base: Weights | None, pairs: Mapping[str, _Pair], name: str
) -> AnyArray:
    pair = pairs[name]
    # Overflow and NaN are counted when the values are looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = (weights.read(n).astype(np.float64) for n in (pair.first, pair.second))
        change = pair.scale * (second.reshape(len(second), -1) @ first.reshape(len(first), -1))
        if base is None:
            return change.reshape(len(second), *first.shape[1:])
        under = base.read(name).astype(np.float64)
        return under + change.reshape(under.shape)
