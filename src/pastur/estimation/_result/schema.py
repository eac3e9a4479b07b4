"""JSON Schema of a stored value, from the fields of its class."""

import types
from collections.abc import Container, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

_PLAIN = {bool: "boolean", int: "integer", float: "number"}


def stored(description: str, **limits: float) -> dict[str, Any]:
    """Return the description and limits of a field, for the schema."""
    return {"description": description, "limits": limits}


def object_schema(kind: Any, description: str, *, elsewhere: Container[str] = ()) -> dict[str, Any]:
    """Return the schema of a data class whose fields have each a `stored` description.

    Of the fields that are described `elsewhere` it has no more than that.
    """
    hints = get_type_hints(kind)
    properties = {
        one.name: {"description": one.metadata["description"]}
        if one.name in elsewhere
        else value_schema(hints[one.name], one.metadata)
        for one in fields(kind)
        if one.init
    }
    optional = {
        one.name
        for one in fields(kind)
        if one.default is not MISSING or one.default_factory is not MISSING
    }
    return with_properties(description, properties, optional)


def with_properties(
    description: str, properties: Mapping[str, Any], optional: set[str]
) -> dict[str, Any]:
    """Return the schema of an object."""
    return {
        "type": "object",
        "description": description,
        "required": [name for name in properties if name not in optional],
        "properties": dict(properties),
    }


def value_schema(hint: Any, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value with this type, description and limits."""
    found = _typed(hint, about["limits"])
    return {**found, "description": about["description"]}


def _typed(hint: Any, limits: Mapping[str, float]) -> dict[str, Any]:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (one,) = (one for one in inside if one not in (type(None), Any))
        found = _typed(one, limits)
        return {**found, "type": [found["type"], "null"]}
    if origin is np.ndarray:
        return {"type": "array", "items": {"type": "number"}}
    if origin is tuple:
        ends = {} if inside[-1] is ... else {"minItems": len(inside), "maxItems": len(inside)}
        return {"type": "array", "items": _typed(inside[0], limits), **ends}
    if is_dataclass(hint):
        return object_schema(hint, "")
    return {"type": _PLAIN.get(hint, "string"), **limits}
