"""What an adapter's file holds, by the names of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pastur._foreign import shown, some_of
from pastur.weights._derived.adapters.contract import Layer, RefusedError
from pastur.weights._derived.adapters.names import (
    Factor,
    alpha_of,
    base_copy,
    factor,
    replaced,
    shared,
    within_another,
)
from pastur.weights._derived.adapters.settings import AllSettings
from pastur.weights.tensors import Weights


@dataclass(frozen=True)
class Held:
    """The tensors of an adapter, sorted by what they are.

    Attributes
    ----------
    layers : tuple of Layer
    saved : mapping of str to str
        Tensors of the base that are kept whole, by their names there.
    copies : mapping of str to str
        The base's own matrices that lie alongside their changes, by the layer.
    reasons : mapping of str to str
        Why a tensor of the file is not analysed by itself.
    """

    layers: tuple[Layer, ...]
    saved: Mapping[str, str]
    copies: Mapping[str, str]
    reasons: Mapping[str, str]


def held_by(weights: Weights, settings: AllSettings) -> Held:
    """Return the tensors of an adapter, sorted by what they are.

    Raises
    ------
    RefusedError
        When some are unknown, or are those of several adapters.
    """
    factors: dict[str, Factor] = {}
    copies: dict[str, str] = {}
    saved: dict[str, str] = {}
    common: dict[str, str] = {}
    alphas: dict[str, str] = {}
    unknown = []
    reasons: dict[str, str] = {}
    for entry in weights.entries:
        name = entry.name
        if found := factor(name):
            factors[name] = found
        elif (stem := alpha_of(name)) is not None:
            alphas[stem] = name
        elif role := shared(name):
            common[role] = name
        elif copied := base_copy(name):
            copies[copied] = name
            reasons[name] = "is the base's own, kept alongside its change"
        elif ".original_module." in name:
            reasons[name] = "is the base's own, kept alongside what replaces it"
        elif known := replaced(name):
            saved[known] = name
        else:
            unknown.append(name)
    layers = _layers(weights, factors, common, alphas, settings)
    unknown += [name for stem, name in alphas.items() if stem not in {one.name for one in layers}]
    if unknown:
        raise RefusedError(f"holds {some_of(unknown)}, which are not known in an adapter")
    if any(within_another(one.name) for one in layers):
        # PEFT 0.21 adds the change of the output twice, when it runs as when it merges.
        raise RefusedError("changes PyTorch's own attention, which PEFT merges in its own way")
    embeddings = {one.name for one in layers if "lora_embedding_A" in one.roles}
    if copies.keys() - embeddings:
        raise RefusedError("lies unmerged within a whole model")
    return Held(layers, saved, copies, reasons)


def _layers(
    weights: Weights,
    factors: Mapping[str, Factor],
    common: Mapping[str, str],
    alphas: Mapping[str, str],
    settings: AllSettings,
) -> tuple[Layer, ...]:
    names = {found.adapter for found in factors.values()} - {""}
    if len(names) > 1:
        raise RefusedError(f"is one of {len(names)} in the file: {some_of(sorted(names))}")
    shapes = {entry.name: entry.shape for entry in weights.entries}
    grouped: dict[tuple[str, int], dict[str, str]] = {}
    for name, found in factors.items():
        roles = grouped.setdefault((found.layer, found.depth), {})
        if found.role in roles:
            raise RefusedError(f"holds {found.role} of the layer {shown(found.layer)} twice")
        roles[found.role] = name
    layers = []
    for (stem, depth), roles in grouped.items():
        projected = any(role.startswith("vera_") for role in roles)
        held = roles | dict(common) if projected else roles
        alpha = _alpha(weights, alphas[stem]) if stem in alphas else None
        by_role = {role: shapes[name] for role, name in held.items()}
        layers.append(Layer(stem, held, by_role, settings.of(stem), alpha, depth))
    return tuple(layers)


def _alpha(weights: Weights, name: str) -> float:
    values = weights.read(name).reshape(-1)
    real = values.size == 1 and values.dtype.kind != "c"
    alpha = float(values[0]) if real else math.nan
    if not math.isfinite(alpha):
        raise RefusedError(f"has a scale {shown(name)} that is not one finite number")
    return alpha
