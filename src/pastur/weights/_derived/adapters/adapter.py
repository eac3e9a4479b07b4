"""An adapter as a set of weights: the changes that it makes, alone or on top of the base model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pastur._errors import FileFormatError, InvalidInputError
from pastur._foreign import shown, some_of
from pastur._typing import AnyArray
from pastur.weights._axes.layout import UNKNOWN, Layout
from pastur.weights._derived.adapters.contents import Held, held_by
from pastur.weights._derived.adapters.contract import (
    Change,
    NeedsBaseError,
    RefusedError,
    Shape,
    UnfitError,
)
from pastur.weights._derived.adapters.methods import WITHOUT_MATRICES, check_settings, method_of
from pastur.weights._derived.adapters.names import is_marked
from pastur.weights._derived.adapters.parameters import parameters_of
from pastur.weights._derived.adapters.settings import settings_of
from pastur.weights._derived.adapters.target import targets
from pastur.weights.tensors import TensorInfo, Weights

_FILE = "adapter_model"
_MERGE = "Merge it where it was made (PEFT: `merge_and_unload`) and analyse the merged model."


@dataclass(frozen=True)
class _Target:
    """A matrix that is changed.

    Attributes
    ----------
    change : Change
    parts : mapping of str to str
        The names of its tensors in the adapter, by what they are.
    inputs_first : bool
        Whether the configuration says that the base keeps inputs first (`fan_in_fan_out`).
    own_base : str
        The tensor of the adapter that stands for the base's, if there is one.
    turned : bool
        Whether the base does keep inputs first.
    """

    change: Change
    parts: Mapping[str, str]
    inputs_first: bool = False
    own_base: str = ""
    turned: bool = False


def is_adapter(weights: Weights) -> bool:
    """Tell whether a file is an adapter, by the names of its tensors or its own and its
    configuration.
    """
    if any(is_marked(entry.name) for entry in weights.entries):
        return True
    named = weights.place is not None and weights.place.name.startswith(_FILE)
    return named and any(one.peft_type for one in settings_of(weights))


def adapter(weights: Weights, base: Weights | None = None) -> Weights:
    """Return the changes that an adapter makes, or with `base` the changed matrices.

    Each is computed when it is read, in float64, as PEFT defines it. The adapter's own tensors are
    listed with what they are, and with `base` what the adapter does not touch is listed as such.

    Raises
    ------
    FileFormatError
        When the adapter is of a kind that is not computed.
    InvalidInputError
        When it cannot be computed without a base, or added to one.
    """
    settings = settings_of(weights)
    for one in settings:
        if one.peft_type in WITHOUT_MATRICES:
            raise FileFormatError(
                f"{shown(weights.source)} is an adapter of the type {one.peft_type}, which changes "
                "no matrix of its base: there is nothing to analyse in it."
            )
    try:
        for one in settings:
            check_settings(one)
        held = held_by(weights, settings)
        changes, faults, vectors = _changes(held, base)
        if base is None:
            _check_alone(changes)
    except NeedsBaseError as error:
        raise InvalidInputError(
            f"{shown(weights.source)} is an adapter that {error}: its change cannot be computed "
            "without the base. Give that too: `--base MODEL`, in Python `base=`."
        ) from None
    except RefusedError as error:
        raise FileFormatError(
            f"{shown(weights.source)} is not computed: it is an adapter which {error}. {_MERGE}"
        ) from None
    if base is None:
        return _alone(weights, held, changes, faults)
    _check_scales(weights, held)
    return _on_base(weights, base, held, changes, faults, vectors)


# --- what it changes ---


def _changes(
    held: Held, base: Weights | None
) -> tuple[dict[str, _Target], dict[str, str], set[str]]:
    """Return the changes by the names of the matrices, why there is none of some, and the vectors
    that are changed too.
    """
    changes: dict[str, _Target] = {}
    faults: dict[str, str] = {}
    vectors: set[str] = set()
    for layer in held.layers:
        method = method_of(layer)
        try:
            options = {
                _joined(layer.name, word or "weight"): method.change(replace(layer, parameter=word))
                for word in parameters_of(layer)
            }
            name, change = _chosen(options, base)
        except UnfitError as error:
            faults[_joined(layer.name, "weight")] = str(error)
            continue
        if name in changes:
            raise RefusedError(f"changes {shown(name)} twice")
        first = layer.settings.says("fan_in_fan_out")
        changes[name] = _Target(change, layer.roles, first, held.copies.get(layer.name, ""))
        vectors |= {_joined(layer.name, one) for one in change.vectors}
    return changes, faults, vectors


def _chosen(options: Mapping[str, Change], base: Weights | None) -> tuple[str, Change]:
    """Return the one parameter of several that a change can be that of."""
    if len(options) > 1:
        if base is None:
            raise NeedsBaseError("changes several parameters of one module")
        shapes = {entry.name: entry.shape for entry in base.entries}
        places = targets(options, shapes)
        fitting = {
            name: change
            for name, change in options.items()
            if name in places and any(_ways(change, shapes[places[name]]))
        }
        if len(fitting) != 1:
            raise UnfitError(f"is one of {some_of(options)}, and its shape does not show which")
        options = fitting
    ((name, change),) = options.items()
    return name, change


def _joined(layer: str, parameter: str) -> str:
    return f"{layer}.{parameter}" if layer else parameter


def _check_alone(changes: Mapping[str, _Target]) -> None:
    needs = {one.change.on_base for one in changes.values()} - {""}
    if needs:
        raise NeedsBaseError(min(needs))


def _check_scales(weights: Weights, held: Held) -> None:
    """Refuse to add what PEFT has scaled by a configuration that is not there."""
    for layer in held.layers:
        unscaled = not layer.settings and layer.alpha is None
        if unscaled and any(name.startswith("base_model.") for name in layer.roles.values()):
            raise InvalidInputError(
                f"{shown(weights.source)} is an adapter of PEFT without its adapter_config.json, "
                "which states how its changes are scaled. Keep both in one folder, and pass that."
            )


def _alone(
    weights: Weights, held: Held, changes: Mapping[str, _Target], faults: Mapping[str, str]
) -> Weights:
    entries = [
        _entry(name, one.change.shape, Layout("eoi") if one.change.stacked else UNKNOWN)
        for name, one in changes.items()
    ]
    entries += [_entry(name, (), reason=reason) for name, reason in faults.items()]
    reasons = {
        name: "stands for a tensor of the base as a whole: what it changes is not known without it"
        for name in held.saved.values()
    }
    entries += _own(weights, held, reasons)
    read = partial(_read, weights, None, changes, {})
    return Weights(weights.source, tuple(entries), weights.metadata, read)


def _entry(
    name: str, shape: Shape, layout: Layout = UNKNOWN, reason: str = "", quantised: str = ""
) -> TensorInfo:
    # In float64, that what is of low rank is so to the last digit: rounding would be noise.
    return TensorInfo(name, shape, "float64", 8 * math.prod(shape), reason, layout, quantised)


def _own(weights: Weights, held: Held, reasons: Mapping[str, str]) -> list[TensorInfo]:
    """Return the adapter's own tensors, each with what it is."""
    of_layers = {
        name: f"is a factor of {shown(_joined(layer.name, 'weight'))}"
        for layer in held.layers
        for name in layer.roles.values()
    }
    every = of_layers | dict(held.reasons) | dict(reasons)
    return [
        replace(
            entry,
            unreadable=entry.unreadable or every.get(entry.name, "is the scale of a change"),
        )
        for entry in weights.entries
    ]


# --- on its base ---


def _on_base(
    weights: Weights,
    base: Weights,
    held: Held,
    changes: Mapping[str, _Target],
    faults: Mapping[str, str],
    vectors: set[str],
) -> Weights:
    beneath = {entry.name: entry for entry in base.entries}
    places = targets([*changes, *faults, *held.saved], beneath)
    entries: list[TensorInfo] = []
    found: dict[str, _Target] = {}
    for name, one in changes.items():
        place = places.get(name, name)
        entry, turned = _placed(place, one, beneath.get(place))
        entries.append(entry)
        found[place] = replace(one, turned=turned)
    entries += [
        _entry(places.get(name, name), (), reason=reason) for name, reason in faults.items()
    ]
    own = {entry.name: entry for entry in weights.entries}
    whole = {places.get(name, name): stored for name, stored in held.saved.items()}
    for place, stored in whole.items():
        under = beneath.get(place)
        layout = under.layout if under is not None else UNKNOWN
        entries.append(replace(own[stored], name=place, layout=layout))
    reasons = {stored: f"is read as {shown(place)}" for place, stored in whole.items()}
    entries += _own(weights, held, reasons)
    missing = [name for name in (*changes, *faults) if places.get(name, name) not in beneath]
    untouched = (
        "has no change of its name, but the adapter changes what is not in the base"
        if missing
        else "is not changed by the adapter"
    )
    also = targets(vectors, beneath).values()
    taken = {entry.name for entry in entries}
    entries += [
        replace(
            entry,
            unreadable=entry.unreadable
            or ("is changed too, and is not a matrix" if entry.name in also else untouched),
        )
        for entry in base.entries
        if entry.name not in taken
    ]
    source = f"{base.source} with {weights.source}"
    read = partial(_read, weights, base, found, whole)
    steps = partial(_steps, base, found)
    return Weights(source, tuple(entries), weights.metadata, read, steps)


def _placed(name: str, one: _Target, under: TensorInfo | None) -> tuple[TensorInfo, bool]:
    """Return the header of a changed matrix of the base, and whether it keeps inputs first."""
    change = one.change
    if under is None:
        return _entry(name, change.shape, reason="is not in the base"), False
    reason, turned = under.unreadable, False
    if not reason and not under.dtype.startswith(("float", "bfloat")):
        reason = f"is of type {under.dtype} in the base, to which no change is added"
    if not reason:
        straight, turned = _ways(change, under.shape)
        if straight and turned and change.stacked:
            reason = "is a stack of square matrices, which may keep outputs or inputs first"
        elif straight and turned:
            turned = one.inputs_first
        elif not (straight or turned):
            what = f" of shape {change.shape}" if change.shape else ""
            reason = f"has the shape {under.shape} in the base, which the change{what} does not fit"
    packing = under.quantised if change.adds else ""
    return _entry(name, under.shape, under.layout, reason, packing), turned


def _ways(change: Change, shape: Shape) -> tuple[bool, bool]:
    """Tell whether a change fits a base of this shape as it is, and with inputs first."""
    turned = (*shape[:-2], *reversed(shape[-2:]))
    return change.fits(shape), change.turns and len(shape) > 1 and change.fits(turned)


# --- values ---


def _read(
    weights: Weights,
    base: Weights | None,
    changes: Mapping[str, _Target],
    saved: Mapping[str, str],
    name: str,
) -> AnyArray:
    if name in saved:
        return weights.read(saved[name])
    one = changes[name]
    # Overflow and NaN are counted when the values are checked.
    with np.errstate(over="ignore", invalid="ignore"):
        parts = {role: weights.read(own).astype(np.float64) for role, own in one.parts.items()}
        if base is None:
            return one.change.compute(parts, None)
        source, held = (weights, one.own_base) if one.own_base else (base, name)
        under = source.read(held).astype(np.float64)
        if not one.turned:
            return one.change.compute(parts, under)
        return np.swapaxes(one.change.compute(parts, np.swapaxes(under, -1, -2)), -1, -2)


def _steps(base: Weights, changes: Mapping[str, _Target], name: str) -> AnyArray | None:
    """Return the variance of rounding the entries of the base, where they are only added to."""
    one = changes.get(name)
    added_to = one is not None and one.change.adds and not one.own_base
    return base.steps(name) if added_to and base.steps is not None else None
