"""A fit as plain values for JSON, back, and their JSON Schema: all from the fields of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from types import GenericAlias
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._stored import built, check, each, made, taken, within
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import span_name
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.noise_used import NoiseUsed
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._result.profile import Profile
from pastur.estimation._result.schema import object_schema, stored, value_schema, with_properties
from pastur.estimation._result.sigma_bounds import SigmaBounds
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.measures import ProbabilityMeasure

# What is computed from the fields and stored with them: behind which of them, and what it is.
_DERIVED = {
    "sigma_interval": (
        "entry_sd",
        float | None,
        stored("Standard deviation of an entry of the noise.", minimum=0),
    ),
    "edge": (
        "rank",
        int | None,
        stored("Number of spikes: singular values beyond the edge.", minimum=0),
    ),
}
_SPIKE = {
    "observed": stored("The singular value.", minimum=0),
    "theta": stored("Strength θ of the signal before the noise.", minimum=0),
    "low": stored(
        "Lower end of its interval; of a group, that of the group's root mean square.", minimum=0
    ),
    "high": stored("Upper end.", minimum=0),
    "overlap_left": stored(
        "Square of the cosine between the left singular vectors of W and of S; null unless "
        "isolated.",
        minimum=0,
        maximum=1,
    ),
    "overlap_right": stored("The same on the right.", minimum=0, maximum=1),
    "p_value": stored("Chance that noise alone reaches so far.", minimum=0, maximum=1),
    "isolated": stored(
        "Whether neighbours and edge are far enough for an interval and overlaps of its own."
    ),
    "group": stored(
        "Equal numbers mark neighbours that push each other and have one interval together.",
        minimum=0,
    ),
    "span_left": stored(
        "Share of the left singular vector of W in the span of the signal's vectors of its group; "
        "`overlap_left` where isolated.",
        minimum=0,
        maximum=1,
    ),
    "span_right": stored("The same on the right.", minimum=0, maximum=1),
}


def _shares(name: str, text: str) -> dict[str, Any]:
    """Return the descriptions of a share on either side and of its interval."""
    ends = {"": text, "_low": "Lower end of its interval.", "_high": "Upper end."}
    return {
        f"{name}_{side}{end}": stored(about.format(side), minimum=0, maximum=1)
        for side in ("left", "right")
        for end, about in ends.items()
    }


_LEADING = {
    "observed": stored("The singular value.", minimum=0),
    "theta": stored("Strength θ against everything else in the matrix.", minimum=0),
    "low": stored("Lower end of its interval.", minimum=0),
    "high": stored("Upper end; null where the interval is open.", minimum=0),
    **_shares(
        "overlap",
        "Square of the cosine between the {} singular vectors of W and of S; null where several "
        "are read together.",
    ),
    "readable": stored("Whether the spectrum gives a reading; if not, the figures are null."),
    "group": stored(
        "Equal numbers mark neighbours: above a clear gap they are read together.", minimum=0
    ),
    **_shares(
        "span",
        "Share of the {0} singular vector of W in the span of the directions that it is read "
        "together with; `overlap_{0}` where it is read alone.",
    ),
}
_ABOUT_LEADING = (
    "The leading directions: a list for each figure, all of one length, by descending distance of "
    "the singular value from 0."
)
# Objects and lists stand behind the plain values, and what only some fits have behind those.
_NESTED = ("spikes", "signal", "goodness", "status")


def encoded_fit(fit: Any) -> dict[str, Any]:
    """Return a fit as plain values, in the order in which they are stored."""
    kind: Any = type(fit)
    return _encoded(fit, _names(kind))


def _encoded(fit: Any, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(fit, name) for name in names}
    if "leading" in values:
        values["leading"] = _columns(fit.leading)
    if fit.white is not None:
        # Its leading directions are those of the fit, read from the same spectrum.
        values["white"] = _encoded(fit.white, [name for name in names if name != "leading"])
    if fit.partial is None:
        values.pop("partial", None)
    return {name: _plain(value) for name, value in values.items()}


def decoded_fit(
    kind: Any,
    values: Any,
    matrix_kind: Any,
    bulk: ProbabilityMeasure | None,
) -> Any:
    """Return the fit of the class `kind` that was stored; `matrix_kind` is its `Kind`'s class.

    Fits of 0.1.0 end with the values that were left out: what stands behind those is missing.
    """
    spikes = made(values, "spikes", partial(_spikes, matrix_kind.fields))
    signal = made(values, "signal", partial(_signal, bulk))
    others: dict[str, Any] = {"leading": np.empty(0, dtype=matrix_kind.leading_fields)}
    if "leading" in values:
        others["leading"] = made(values, "leading", partial(_leading, matrix_kind.leading_fields))
    white = values.get("white")
    if white is not None:
        with within("white"):
            found = decoded_fit(kind, white, matrix_kind, bulk)
            others["white"] = replace(found, leading=others["leading"])
            check(others["white"].noise == "white", "noise", "must be white")
            check(others["white"].white is None, "white", "must be null")
    profile = values.get("profile")
    if profile is not None:
        with within("profile"):
            inside = made(profile, "spikes", partial(_spikes, matrix_kind.fields))
            others["profile"] = built(Profile, profile, spikes=inside)
    return built(kind, values, spikes=spikes, signal=signal, **others)


def fit_schemas(kind: Any, matrix_kind: Any) -> dict[str, Any]:
    """Return the JSON Schemas of a class of fits and of its parts, by name."""
    about = "Noise and signal of a matrix W = R/√max(rows, columns) + S."
    found = object_schema(kind, about, elsewhere=_objects())
    named = found["properties"]
    named |= {name: value_schema(hint, about) for name, hint, about in _DERIVED.values()}
    for name, inside in _objects().items():
        named[name] = {**inside, "description": named[name]["description"]}
    optional = set(named) - set(found["required"]) - {name for name, *_ in _DERIVED.values()}
    ordered = {name: named[name] for name in _names(kind)}
    spike = {
        name: value_schema(hint, _SPIKE[name])
        for name, hint in _hints(matrix_kind.fields, _overlaps(matrix_kind.fields)).items()
    }
    numbers = [name for name, one in _LEADING.items() if name != "observed"]
    columns = {
        name: value_schema(_listed(hint), _LEADING[name])
        for name, hint in _hints(matrix_kind.leading_fields, numbers).items()
    }
    return {
        "fit": with_properties(found["description"], ordered, optional),
        "spike": with_properties("One spike.", spike, set()),
        "leading": with_properties(_ABOUT_LEADING, columns, set()),
        "goodness": _goodness(),
    }


def _hints(row: np.dtype[np.void], nullable: Sequence[str]) -> dict[str, Any]:
    """Return the types of the fields of a row, of which some numbers may be null."""
    types: dict[str, Any] = {"b": bool, "i": int, "f": float}
    found = {name: types[row[name].kind] for name in row.names or ()}
    numbers = [name for name in nullable if found[name] is float]
    return found | dict.fromkeys(numbers, float | None)


def _listed(hint: Any) -> Any:
    """Return the type of a list of such values."""
    return GenericAlias(tuple, (hint, ...))


def _overlaps(row: np.dtype[np.void]) -> list[str]:
    return [name for name in row.names or () if name.startswith("overlap")]


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
        "noise": object_schema(NoiseUsed, ""),
        "leading": {"$ref": "#/$defs/leading"},
        "sigma_bounds": _or_null(object_schema(SigmaBounds, "")),
        "profile": _or_null(_profile()),
        "white": _or_null({"$ref": "#/$defs/fit"}),
        "partial": _or_null(object_schema(PartialSpectrum, "")),
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _profile() -> dict[str, Any]:
    found = object_schema(Profile, "")
    spikes = {"type": "array", "items": {"$ref": "#/$defs/spike"}}
    about = found["properties"]["spikes"]["description"]
    found["properties"]["spikes"] = {**spikes, "description": about}
    return found


def _goodness() -> dict[str, Any]:
    found = object_schema(Goodness, "Whether the bulk is noise at all.")
    # Always written, though it may be missing where it is read.
    return {**found, "required": list(found["properties"])}


@cache
def _names(kind: Any) -> list[str]:
    own = [one.name for one in fields(kind) if one.init]
    plain = [name for name in own[: own.index("zeros") + 1] if name not in _NESTED]
    names = []
    for name in plain:
        names += [name, _DERIVED[name][0]] if name in _DERIVED else [name]
    return [*names, *_NESTED, *own[own.index("zeros") + 1 :]]


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Signal):
        bulk = repr(value.base) if value.base is not None else None
        return {"points": value.points.tolist(), "weights": value.weights.tolist(), "bulk": bulk}
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, np.ndarray):
        names = value.dtype.names or ()
        if not names:
            return value.tolist()
        rows = zip(*_columns(value).values(), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _columns(table: AnyArray) -> dict[str, list[Any]]:
    return {name: _finite(table[name]) for name in table.dtype.names or ()}


def _finite(column: AnyArray) -> list[Any]:
    """Return the items, with None for what JSON has no number for."""
    items: list[Any] = column.tolist()
    if column.dtype.kind == "f" and not (finite := np.isfinite(column)).all():
        for place in np.flatnonzero(~finite):
            items[place] = None
    return items


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


def _leading(row: np.dtype[np.void], values: Any) -> AnyArray:
    hints = _hints(row, row.names or ())
    columns = {name: taken(values, name, _listed(hint)) for name, hint in hints.items()}
    leading = np.zeros(len(columns["observed"]), dtype=row)
    for name, column in columns.items():
        check(len(column) == len(leading), name, "must be as many as observed")
        leading[name] = [np.nan if item is None else item for item in column]
    _check_groups(leading)
    leading["high"][leading["readable"] & np.isnan(leading["high"])] = np.inf
    return leading


def _spikes(row: np.dtype[np.void], values: Any) -> AnyArray:
    overlaps = _overlaps(row)
    spikes = _table(row, _hints(row, overlaps), values)
    for name in overlaps:
        spikes[name][~spikes["isolated"]] = np.nan
        known = np.isfinite(spikes[name]) == spikes["isolated"]
        check(bool(known.all()), name, "must be a number where the spike is isolated")
    return spikes


def _table(row: np.dtype[np.void], hints: dict[str, Any], values: Any) -> AnyArray:
    """Return rows of a table; 0.1.0 wrote shares in the span of a group as overlaps."""
    later = {span_name(name): name for name in _overlaps(row)}

    def read(one: Any) -> tuple[Any, ...]:
        old = isinstance(one, dict) and not later.keys() & one.keys()
        names = later if old else {}
        items = (taken(one, names.get(name, name), hint) for name, hint in hints.items())
        return tuple(np.nan if item is None else item for item in items)

    table = np.array(list(each(read, values)), dtype=row)
    _check_groups(table)
    return table


def _check_groups(rows: AnyArray) -> None:
    groups = rows["group"]
    check(bool(((groups >= 0) & (groups < len(rows))).all()), "group", "must count the groups")
