"""Which tensors the caller asked for."""

import itertools
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, some_of, suggestion

# A suggestion is at most so many times as long as what was typed.
_TIMES = 3

Patterns = Sequence[str] | str | None


def left_out(
    tensors: Mapping[str, Sequence[str]], include: Patterns, exclude: Patterns
) -> dict[str, str]:
    """Return the tensors, and the parts of tensors, that the patterns leave out, and the reasons.

    Parameters
    ----------
    tensors : mapping of str to sequence of str
        The names of the matrices in each tensor.
    include, exclude : sequence of str, optional

    Raises
    ------
    InvalidInputError
        When a pattern matches no name.
    """
    whole = list(tensors)
    names = list(dict.fromkeys([*whole, *(name for parts in tensors.values() for name in parts)]))
    reasons: dict[str, str] = {}
    if include is not None:
        wanted = set().union(*(_matches(pattern, names) for pattern in _listed(include, "include")))
        for tensor, parts in tensors.items():
            inside = {name for name in parts if name in wanted}
            if tensor in wanted:
                continue
            left = parts if inside else [tensor]
            reasons |= {n: "not among those included" for n in left if n not in inside}
    for pattern in _listed(exclude, "exclude"):
        reasons |= {name: f"excluded by {shown(pattern)}" for name in _matches(pattern, names)}
    return reasons


def _listed(patterns: Patterns, argument: str) -> list[str]:
    if patterns is None:
        return []
    # One pattern is a sequence of letters too, and nobody means that.
    listed = [patterns] if isinstance(patterns, str) else list(patterns)
    for pattern in listed:
        if not isinstance(pattern, str):
            raise InvalidTypeError(
                f"`{argument}` must be a sequence of names or patterns. Got {pattern!r} in it."
            )
    return listed


def _matches(pattern: str, names: list[str]) -> set[str]:
    matched = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
    if not matched:
        raise InvalidInputError(_no_match(pattern, names))
    return matched


def _no_match(pattern: str, names: list[str]) -> str:
    # Modules only where they are about as long as the pattern: a name may be nothing but dots.
    parts = (
        f"{name[:end]}.*"
        for name in names
        for end, mark in enumerate(name[: _TIMES * len(pattern)])
        if mark == "."
    )
    hint = suggestion(pattern, itertools.chain(names, parts))
    return f"No layer named {shown(pattern)}.{hint or f' There are {some_of(names)}.'}"
