"""A fit as plain values for JSON, back, and their JSON Schema: all from the fields of its class."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._stored import built, check, each, made, taken
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.schema import object_schema, stored, value_schema, with_properties
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.measures import ProbabilityMeasure

# What is computed from the fields and stored with them: behind which of them, and what it is.
_DERIVED = {
    "sigma_interval": (
        "entry_sd",
        float,
        stored("Standard deviation of an entry of the noise.", minimum=0),
    ),
    "edge": ("rank", int, stored("Number of spikes: singular values beyond the edge.", minimum=0)),
}
_SPIKE = {
    "observed": stored("The singular value.", minimum=0),
    "theta": stored("Strength θ of the signal before the noise.", minimum=0),
    "low": stored(
        "Lower end of its interval; of a group, that of the group's root mean square.", minimum=0
    ),
    "high": stored("Upper end.", minimum=0),
    "overlap_left": stored(
        "Square of the cosine between the left singular vectors of W and of S.",
        minimum=0,
        maximum=1,
    ),
    "overlap_right": stored("The same on the right.", minimum=0, maximum=1),
    "p_value": stored("Chance that noise alone reaches so far.", minimum=0, maximum=1),
    "isolated": stored(
        "Whether neighbours and edge are far enough for interval and overlaps to be exact."
    ),
    "group": stored(
        "Equal numbers mark neighbours that push each other and have one interval together.",
        minimum=0,
    ),
}
# Objects and lists stand behind the plain values, and what only some fits have behind those.
_NESTED = ("spikes", "signal", "goodness", "status")


def encoded_fit(fit: Any) -> dict[str, Any]:
    """Return a fit as plain values, in the order in which they are stored."""
    return {name: _plain(getattr(fit, name)) for name in _names(type(fit))}


def decoded_fit(
    kind: Any,
    values: Any,
    spike_fields: np.dtype[np.void],
    bulk: ProbabilityMeasure | None,
) -> Any:
    """Return the fit of the class `kind` that was stored."""
    spikes = made(values, "spikes", partial(_spikes, spike_fields))
    signal = made(values, "signal", partial(_signal, bulk))
    return built(kind, values, spikes=spikes, signal=signal)


def fit_schemas(kind: Any, spike_fields: np.dtype[np.void]) -> dict[str, Any]:
    """Return the JSON Schemas of a class of fits and of its parts, by name."""
    found = object_schema(kind, "Noise and signal of a matrix W = R/√max(rows, columns) + S.")
    named = found["properties"]
    named |= {name: value_schema(hint, about) for name, hint, about in _DERIVED.values()}
    for name, inside in _objects().items():
        named[name] = {**inside, "description": named[name]["description"]}
    optional = set(named) - set(found["required"]) - {name for name, *_ in _DERIVED.values()}
    ordered = {name: named[name] for name in _names(kind)}
    types = {"b": bool, "i": int, "f": float}
    spike = {
        name: value_schema(types[spike_fields[name].kind], _SPIKE[name])
        for name in spike_fields.names or ()
    }
    return {
        "fit": with_properties(found["description"], ordered, optional),
        "spike": with_properties("One spike.", spike, set()),
        "goodness": _goodness(),
    }


def _objects() -> dict[str, Any]:
    """Return the schemas of what is nested in a fit, descriptions aside."""
    signal = object_schema(Signal, "")
    bulk = stored("Null, unless the fit was given the law of the signal's bulk.")
    parts = {key: value for key, value in signal["properties"].items() if key != "base"}
    parts["bulk"] = value_schema(str | None, bulk)
    return {
        "spikes": {"type": "array", "items": {"$ref": "#/$defs/spike"}},
        "signal": with_properties("", parts, set()),
        "goodness": {"$ref": "#/$defs/goodness"},
        "status": object_schema(Status, ""),
    }


def _goodness() -> dict[str, Any]:
    found = object_schema(Goodness, "Whether the bulk is noise at all.")
    # Always written, though it may be missing where it is read.
    return {**found, "required": list(found["properties"])}


def _names(kind: Any) -> list[str]:
    own = [one.name for one in fields(kind) if one.init]
    plain = [name for name in own[: own.index("zeros") + 1] if name not in _NESTED]
    names = []
    for name in plain:
        names += [name, _DERIVED[name][0]] if name in _DERIVED else [name]
    return [*names, *_NESTED, *own[own.index("zeros") + 1 :]]


def _plain(value: Any) -> Any:
    if isinstance(value, Signal):
        bulk = repr(value.base) if value.base is not None else None
        return {"points": value.points.tolist(), "weights": value.weights.tolist(), "bulk": bulk}
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, np.ndarray):
        names = value.dtype.names or ()
        return [dict(zip(names, row, strict=True)) for row in value.tolist()]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _signal(bulk: ProbabilityMeasure | None, values: Any) -> Signal:
    there = taken(values, "bulk", str | None)
    if (there is None) != (bulk is None):
        raise InvalidInputError(
            "A fit made with `bulk` is read with the same `bulk`, others without. "
            f"This one was made with {there and shown(there)}. Got {bulk!r}."
        )
    points, weights = (taken(values, key, FloatArray) for key in ("points", "weights"))
    check(points.size == weights.size, "weights", "must be as many as points")
    sound = bool((weights >= 0).all()) and weights.sum() <= 1 + 1e-9
    check(sound, "weights", "must be positive and add up to at most 1")
    return Signal(points, weights, bulk)


def _spikes(spike_fields: np.dtype[np.void], values: Any) -> AnyArray:
    kinds = {"b": bool, "i": int, "f": float}
    wanted = [(name, kinds[spike_fields[name].kind]) for name in spike_fields.names or ()]
    rows = each(lambda spike: tuple(taken(spike, name, kind) for name, kind in wanted), values)
    spikes = np.array(list(rows), dtype=spike_fields)
    groups = spikes["group"]
    check(bool(((groups >= 0) & (groups < len(rows))).all()), "group", "must count the groups")
    return spikes
