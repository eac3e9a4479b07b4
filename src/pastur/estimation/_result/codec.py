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
from pastur.estimation._result.signal import Signal
from pastur.measures import ProbabilityMeasure

# What is computed from the fields and stored with them, behind which of them.
_DERIVED = {"sigma_interval": "entry_sd", "edge": "rank"}
# Objects and lists stand behind the plain values, and what only some fits have behind those.
_NESTED = ("spikes", "signal", "goodness", "status")


def stored(description: str, **limits: float) -> dict[str, Any]:
    """Return what a field says of itself in the JSON Schema: a description and limits."""
    return {"description": description, "limits": limits}


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


def _names(kind: Any) -> list[str]:
    own = [one.name for one in fields(kind) if one.init]
    plain = [name for name in own[: own.index("zeros") + 1] if name not in _NESTED]
    names = []
    for name in plain:
        names += [name, _DERIVED[name]] if name in _DERIVED else [name]
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
    spikes.flags.writeable = False
    return spikes
