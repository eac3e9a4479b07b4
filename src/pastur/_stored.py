"""Checks of stored data: JSON is read strictly, and values are checked against their types.

A stored file may be truncated, edited or hostile. The values returned here have the types that
their fields state, finite numbers, and integers of 64 bits.
"""

import contextlib
import json
import os
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from pastur._errors import (
    FileAccessError,
    FileFormatError,
    InvalidInputError,
    PasturError,
    PasturWarning,
)
from pastur._files import set_aside
from pastur._foreign import shown
from pastur._typing import FloatArray

_T = TypeVar("_T")
_LARGEST_INTEGER = 2**63 - 1
_LONGEST = 60
_MISSING = "is missing"


class Damaged(FileFormatError):
    """A stored value is invalid: where it is, and what is wrong."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"`{self.place}` {self.problem}" if self.place else self.problem


def read_object(path: str | os.PathLike[str], *, finite: bool = True) -> dict[str, Any]:
    """Return the object in a JSON file; duplicate keys, NaN and Infinity are refused.

    Without `finite`, NaN and Infinity pass, and `decoded` refuses them with their place.

    Raises
    ------
    FileAccessError
        If the file cannot be read.
    FileFormatError
        If it is not a JSON file with an object.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FileFormatError(f"'{path}' is not a JSON file: it is not text.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise FileAccessError(f"Cannot read '{path}': {why}.") from None
    try:
        values = parse(text, finite=finite)
    except Damaged as error:
        raise FileFormatError(f"'{path}' is not a JSON file: {error}.") from None
    if not isinstance(values, dict):
        raise FileFormatError(f"'{path}' contains a JSON {type(values).__name__}, not an object.")
    return values


def read_document(
    path: str | os.PathLike[str],
    make: Callable[[dict[str, Any]], _T],
    *,
    what: str,
    schemas: Sequence[int],
    unsound: str,
    again: str,
    keys: Sequence[str] = (),
    finite: bool = True,
) -> _T:
    """Return what `make` makes of a stored result.

    Parameters
    ----------
    path : path-like
    make : callable
        Of the object in the file; it may raise `Damaged` and `InvalidInputError`.
    what : str
        The kind of result.
    schemas : sequence of int
        Values of its key ``schema`` that are known.
    unsound, again : str
        What is said of a file that is damaged, and what to do then.
    keys : sequence of str
        Other keys that a file of this kind has.
    finite : bool
        See `read_object`.

    Raises
    ------
    FileAccessError
        If the file cannot be read.
    FileFormatError
        If it is not JSON, not of this kind, or damaged.
    """
    values = read_object(path, finite=finite)
    schema = values.get("schema")
    known = schema in schemas and not isinstance(schema, bool)
    missing = [key for key in keys if key not in values]
    if not known or missing:
        listed = " or ".join(map(str, schemas))
        problem = f"its `schema` should be {listed}. Got {got(schema)}"
        if known:
            problem = f"it lacks `{missing[0]}`"
        article = "an" if what[0] in "aeiou" else "a"
        raise FileFormatError(
            f"'{path}' is not {article} {what} that this version reads: {problem}. {again}"
        )
    try:
        return make(values)
    except (Damaged, InvalidInputError) as error:
        reason = str(error).rstrip(".")
        if isinstance(error, Damaged) and error.problem == _MISSING:
            # Most files that lack a key are sound, and were written before it was there.
            lacking = f"lacks `{error.place}`: another version of pastur wrote it, or it is damaged"
            raise FileFormatError(f"'{path}' {lacking}. {again}") from None
        raise FileFormatError(f"'{path}' {unsound}: {reason}. {again}") from None


def parse(text: str, *, finite: bool = True) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    Damaged
        If it is not JSON, is nested too deeply, has a duplicate key or, with `finite`, has NaN.
    """

    def constant(word: str) -> float:
        if finite:
            raise ValueError(f"it contains {word}, which is not valid JSON")
        return float(word)

    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=constant)
    except RecursionError:
        raise Damaged("", "it is nested too deeply") from None
    except ValueError as error:
        raise Damaged("", str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"it has the key {shown(key, _LONGEST)} twice")
            seen.add(key)
    return values


def check(sound: bool, place: str, problem: str) -> None:
    """Raise `Damaged` unless `sound`."""
    if not sound:
        raise Damaged(place, problem)


@contextlib.contextmanager
def within(place: str) -> Iterator[None]:
    """Prefix the place of an error raised inside with `place`."""
    try:
        yield
    except Damaged as error:
        raise Damaged(_joined(place, error.place), error.problem) from None


def taken(values: Any, key: str, kind: Any) -> Any:
    """Return one value of an object, checked against its type; see `decoded`."""
    return made(values, key, lambda value: decoded(kind, value))


def made(values: Any, key: str, make: Callable[[Any], _T]) -> _T:
    """Return ``make`` of one value of an object; an error names its key."""
    check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
    check(key in values, key, _MISSING)
    with within(key):
        return make(values[key])


def each(make: Callable[[Any], _T], values: Any) -> tuple[_T, ...]:
    """Return ``make`` of every item of a list; an error names the item's place."""
    check(isinstance(values, list), "", f"must be a list. Got {got(values)}")
    found = []
    for number, item in enumerate(values):
        with within(f"[{number}]"):
            found.append(make(item))
    return tuple(found)


def decoded(kind: Any, value: Any) -> Any:
    """Return a value read from JSON as the type `kind`, or refuse it.

    Types may be bool, int, float, str, enumerations of str, dictionaries and tuples of these,
    one-dimensional arrays of float64, data classes, and a union of one of them with None (or
    `MaybeNone`). Keys that
    a data class does not know are ignored, and keys with a default may be missing.

    Raises
    ------
    Damaged
        If the value is not of that type, not finite, or beyond 64 bits.
    """
    if get_origin(kind) in (Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (one for one in get_args(kind) if one not in (type(None), Any))
    if is_dataclass(kind):
        return built(kind, value)
    if kind is Any:
        return value
    if kind in _PLAIN:
        return _PLAIN[kind](value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _word(kind, value)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is np.ndarray:
        return vector(value)
    if origin is tuple and inside[-1] is ...:
        return each(lambda item: decoded(inside[0], item), value)
    if origin is tuple:
        check(isinstance(value, list), "", f"must be a list. Got {got(value)}")
        check(len(value) == len(inside), "", f"must have {len(inside)} items. Got {len(value)}")
        items = iter(inside)
        return each(lambda item: decoded(next(items), item), value)
    if origin in (dict, Mapping):
        check(isinstance(value, dict), "", f"must be an object. Got {got(value)}")
        return {key: taken(value, key, inside[1]) for key in value}
    raise TypeError(f"no stored value is of the type {kind}")


def vector(value: Any) -> FloatArray:
    """Return a list of finite numbers as an array."""
    check(isinstance(value, list), "", f"must be a list of numbers. Got {got(value)}")
    plain = all(type(one) in (int, float) for one in value)
    numbers = value if plain and _hold(value) else [_number(one) for one in value]
    return np.array(numbers, dtype=np.float64)


def array(value: Any) -> FloatArray:
    """Return nested lists of finite numbers, of equal lengths on each level, as an array."""
    if not isinstance(value, list):
        return np.asarray(_number(value))
    if not any(isinstance(one, list) for one in value):
        return vector(value)
    rows = each(array, value)
    check(len({row.shape for row in rows}) == 1, "", "has rows of unequal length")
    return np.stack(rows)


def _hold(numbers: list[float]) -> bool:
    try:
        return bool(np.isfinite(np.array(numbers, dtype=np.float64)).all())
    except OverflowError:
        return False


def made_good(path: Path, error: Exception, then: str) -> None:
    """Rename a damaged file, and warn about it."""
    try:
        place = set_aside(path)
    except FileAccessError:
        if not os.path.lexists(path):
            # Another run has renamed it already.
            return
        raise
    why = str(error).removeprefix(f"'{path}' is ").rstrip(".")
    warnings.warn(
        f"'{path}' is damaged ({why}): it was renamed to '{place.name}', and {then}.",
        PasturWarning,
        stacklevel=3,
    )


def built(kind: Any, values: Any, **others: Any) -> Any:
    """Return a data class from an object; `others` are fields that exist already."""
    check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
    hints = _hints(kind)
    optional = {
        field.name
        for field in fields(kind)
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    found = {
        name: taken(values, name, hint)
        for name, hint in hints.items()
        if name not in others and (name in values or name not in optional)
    }
    try:
        return kind(**found, **others)
    except PasturError as error:
        # A class that checks its own values.
        raise Damaged("", str(error).rstrip(".")) from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _number(value: Any) -> float:
    check(
        type(value) in (int, float) and _hold([value]),
        "",
        f"must be a finite number. Got {got(value)}",
    )
    return float(value)


def _integer(value: Any) -> int:
    fits = type(value) is int and abs(value) <= _LARGEST_INTEGER
    check(fits, "", f"must be an integer. Got {got(value)}")
    return int(value)


def _boolean(value: Any) -> bool:
    check(isinstance(value, bool), "", f"must be true or false. Got {got(value)}")
    return bool(value)


def _text(value: Any) -> str:
    check(isinstance(value, str), "", f"must be a string. Got {got(value)}")
    return str(value)


def _word(words: type[StrEnum], value: Any) -> StrEnum:
    known = isinstance(value, str) and value in list(words)
    check(known, "", f"must be one of {', '.join(map(repr, map(str, words)))}. Got {got(value)}")
    return words(value)


def _list(value: Any) -> list[Any]:
    check(isinstance(value, list), "", f"must be a list. Got {got(value)}")
    return list(value)


_PLAIN: Mapping[Any, Callable[[Any], Any]] = {
    bool: _boolean,
    int: _integer,
    float: _number,
    str: _text,
    list: _list,
}


def got(value: Any) -> str:
    """Describe a value read from JSON in a few words."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)} items"
    if type(value) is int and abs(value) > _LARGEST_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    return shown(value, _LONGEST) if isinstance(value, str) else json.dumps(value)


def _joined(place: str, inner: str) -> str:
    if not inner:
        return place
    return f"{place}{inner}" if inner.startswith("[") else f"{place}.{inner}"
