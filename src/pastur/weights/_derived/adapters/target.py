"""Which tensor of a base an adapter's name stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

_DEEPEST = 3
# What kohya's scripts and LyCORIS put before a name whose dots they make underscores.
_FLAT = re.compile(r"(lora|lycoris)_(?P<part>unet|te[0-9]*|transformer|prior|controlnet)_")
_FLAT_ALONE = "lycoris_"


def targets(names: Iterable[str], base: Iterable[str]) -> dict[str, str]:
    """Return the tensors of the base that these names stand for; those that are in it.

    A base may have been saved without its outermost module, or within one more than the adapter
    knows: where not a single name is found as it stands, all may be so moved.
    """
    wanted, held = list(names), set(base)
    flat = _flattened(held)
    found = {name: name for name in wanted if name in held}
    found |= {name: flat[key] for name in wanted if (key := _flat_key(name)) in flat}
    if found:
        return found
    tried = [_moved(wanted, held, move) for move in _moves(wanted[:1], held)]
    most = max((len(one) for one in tried), default=0)
    best = [one for one in tried if len(one) == most]
    return best[0] if most and all(one == best[0] for one in best) else {}


def _moves(names: list[str], held: set[str]) -> list[Callable[[str], str]]:
    """Return the ways to take modules from the front of a name, or to put some there."""
    moves: list[Callable[[str], str]] = []
    for name in names:
        words = name.split(".")
        for count in range(1, min(_DEEPEST, len(words) - 1) + 1):
            moves.append(partial(_without, f"{'.'.join(words[:count])}."))
        fronts = {one.removesuffix(name) for one in held if one.endswith(f".{name}")}
        moves += [partial(_within, front) for front in sorted(fronts)]
    return moves


def _without(front: str, name: str) -> str:
    return name.removeprefix(front)


def _within(front: str, name: str) -> str:
    return front + name


def _moved(names: list[str], held: set[str], move: Callable[[str], str]) -> dict[str, str]:
    pairs = ((name, move(name)) for name in names)
    return {name: moved for name, moved in pairs if moved in held}


def _flattened(held: set[str]) -> dict[str, str]:
    """Return the tensors by their names with underscores, where these are unique."""
    found: dict[str, str] = {}
    twice = set()
    for name in held:
        stem = name.removesuffix(".weight")
        if stem != name:
            key = stem.replace(".", "_")
            twice |= {key} & found.keys()
            found[key] = name
    return {key: name for key, name in found.items() if key not in twice}


def _flat_key(name: str) -> str:
    stem = name.removesuffix(".weight")
    if "." in stem:
        return ""
    match = _FLAT.match(stem)
    return stem[match.end() :] if match else stem.removeprefix(_FLAT_ALONE)
