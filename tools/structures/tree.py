"""A file as a tree of plain values, and one change after another in it.

A tree is made of dictionaries with fixed fields, lists, `Pairs`, numbers, text, bytes and None. How
it becomes a file is each format's own affair, which must take whatever stands at any place.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, TypeAlias

NUMBERS = [0, 1, -1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 127, 128, 255, 256, 1000, 2**15, 2**16]
NUMBERS += [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
NUMBERS += [2**64, 2**80, 10**30, -2, -8, -(2**31), -(2**63), -(10**30)]
FLOATS = [math.nan, math.inf, -math.inf, -0.0, 0.5, 1e308, -1e308, 5e-324, 1e-30, 3.0]
TEXTS = ["", " ", ".", "..", "/", "a/b", "../secret.bin", "/etc/passwd", "\0", "a\0b", "\ud800"]
TEXTS += ["\x1b[2J", "\u202eabc", "a\nb", "é", "😀", "0", "1", "-1", "True", "null", "%s{}", "a.b"]
TEXTS += ["weight", "x" * 5000, "name", "shape", "float32", "int64", "bool", "object", "bfloat16"]
BYTES = [b"", b"\0", b"\xff" * 8, b"\0" * 64, b"PK\x03\x04", b"{}", b"\x80\x02N."]
DEPTHS = [5, 70, 300, 3000, 100_000]

# Whatever may stand at a place: after a change nothing more is known of it.
Tree: TypeAlias = Any


class Pairs(list[Any]):
    """An object of JSON, a dictionary of a pickle: pairs, so that a key may come twice."""


class Nest(list[Any]):
    """A depth and a value: that value within so many lists."""


class Raw(bytes):
    """Bytes that go into the file as they are, in whatever encoding stands around them."""


def mutate(tree: Tree, random: Random, odd: Sequence[str] = ()) -> Tree:
    """Return a copy of `tree` after one to four changes; `odd` are values that the format knows."""
    root = [copy.deepcopy(tree)]
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        places = list(_places(root)) or list(_places([copy.deepcopy(tree)]))
        container, key = random.choice(places)
        _change(container, key, places, random, odd)
    return root[0] if root else copy.deepcopy(tree)


def _places(root: Tree) -> Iterator[tuple[Any, int | str]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            yield node, key
            if isinstance(node[key], (dict, list)):
                waiting.append(node[key])


def _change(
    container: Tree,
    key: str | int,
    places: Tree,
    random: Random,
    odd: Sequence[str],
) -> None:
    value = container[key]
    kind = random.randrange(10)
    if kind < 5:
        container[key] = _another(value, places, random)
    elif kind == 5:
        container[key] = copy.deepcopy(random.choice([*odd, *_OTHER]))
    elif kind == 6:
        place, other = random.choice(places)
        container[key] = copy.deepcopy(place[other])
    elif kind == 7 and isinstance(container, list):
        _rearrange(container, key, random)
    elif kind == 8:
        alike = [p for p in places if type(p[0][p[1]]) is type(value)]
        place, other = random.choice(alike)
        container[key] = copy.deepcopy(place[other])
    else:
        container[key] = random.choice(([value], Nest([random.choice(DEPTHS), value]), None))


_OTHER: list[Tree] = [
    None,
    True,
    False,
    1.5,
    math.nan,
    "",
    "x",
    b"",
    [],
    Pairs(),
    [[]],
    [1, 2],
    -1,
    0,
    2**63,
]


def _another(
    value: Any,
    places: Tree,
    random: Random,
) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        near = [value + 1, value - 1, 2 * value, value // 2, -value]
        return random.choice((random.choice(NUMBERS), random.choice(near)))
    if isinstance(value, float):
        return random.choice([*FLOATS, -value, 2 * value])
    if isinstance(value, str):
        known = sorted({v for c, k in places if isinstance(v := c[k], str)})
        cut = random.randrange(len(value) + 1)
        edited = [value[:cut], value[cut:], value[:cut] + "x" + value[cut:], value * 2]
        pool = random.choice((TEXTS, known, edited))
        return random.choice(pool)
    if isinstance(value, (bytes, bytearray)):
        cut = random.randrange(len(value) + 1)
        longer = [value[:cut], value[cut:], value + bytes(7), value * 2, value * 100]
        return type(value)(random.choice((*BYTES, *longer)))
    if isinstance(value, list):
        changed = copy.copy(value)
        changed[:] = random.choice(
            (value[::-1], value[:1], value[1:], value + value, value * 50, ())
        )
        return changed
    if isinstance(value, dict):
        return dict(zip(value, random.sample(list(value.values()), len(value)), strict=True))
    return random.choice([*NUMBERS, *TEXTS])


def _rearrange(container: Any, key: Tree, random: Random) -> None:
    kind = random.randrange(4)
    if kind == 0:
        del container[key]
    elif kind == 1:
        container.insert(key, copy.deepcopy(container[key]))
    elif kind == 2:
        other = random.randrange(len(container))
        container[key], container[other] = container[other], container[key]
    else:
        container[key:key] = [copy.deepcopy(container[key])] * random.choice((2, 30, 300))


# --- what encoders make of a value that has the wrong kind ---


def whole(value: Tree, true: int, bits: int) -> int:
    """Return `value` as a number of so many bits; `true` in place of None."""
    value = true if value is None else value
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) else 0
    return int((value if isinstance(value, int) else len(str(value))) % 2**bits)


def octets(value: Tree) -> bytes:
    """Return `value` as bytes."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return (value if isinstance(value, str) else repr(value)[:10_000]).encode(
        "utf-8", "surrogatepass"
    )


def text(value: Tree) -> str:
    """Return `value` as text."""
    return value if isinstance(value, str) else octets(value).decode("utf-8", "replace")


def field(record: Tree, name: str) -> Any:
    """Return a field of what should be a dictionary; None where it is something else."""
    return record.get(name) if isinstance(record, dict) else None


def items(
    value: Tree,
) -> Tree:
    """Return the entries of what should be a list."""
    return value if isinstance(value, list) else []


def pairs(value: Tree) -> list[tuple[Tree, Tree]]:
    """Return the pairs of what should be `Pairs`."""
    return [(one[0], one[1]) for one in items(value) if isinstance(one, list) and len(one) > 1]


def chosen(table: Tree, value: Tree) -> Tree:
    """Return the entry of `table` of that name; any other value leads to one as well."""
    names = list(table)
    return table[value] if value in names else table[names[whole(value, 0, 31) % len(names)]]
