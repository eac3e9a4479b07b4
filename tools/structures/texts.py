"""Trees as JSON, and as a literal of Python, which need not be valid."""

import json
from collections.abc import Iterator
from typing import Any

from structures.tree import Nest, Pairs, Raw, octets, whole


def json_bytes(value: Any) -> bytes:
    """Return a tree as JSON; keys may come twice, and be no text."""
    return "".join(_json(value)).encode("utf-8", "surrogatepass")


def _json(value: Any) -> Iterator[str]:
    if isinstance(value, Nest) and value:
        depth = whole(value[0], 0, 17)
        yield "[" * depth
        yield from _json(value[-1])
        yield "]" * depth
    elif isinstance(value, Pairs):
        yield "{"
        for place, pair in enumerate(value):
            key, *rest = pair if isinstance(pair, list) and pair else [pair]
            yield ", " * (place > 0) + (json.dumps(key) if isinstance(key, str) else _key(key))
            yield ": "
            yield from _json(rest[0] if rest else None)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for place, one in enumerate(value):
            yield ", " * (place > 0)
            yield from _json(one)
        yield "]"
    elif isinstance(value, dict):
        yield from _json(Pairs([[key, one] for key, one in value.items()]))
    elif isinstance(value, Raw):
        yield value.decode("latin-1")
    elif isinstance(value, (bytes, bytearray)):
        yield json.dumps(value.decode("latin-1"))
    else:
        yield json.dumps(value)


def _key(key: Any) -> str:
    return json.dumps("".join(_json(key))[:10_000])


def literal(value: Any) -> str:
    """Return a tree as NumPy writes the header of an array: lists are tuples."""
    if isinstance(value, Nest) and value:
        depth = whole(value[0], 0, 12)
        return "(" * depth + literal(value[-1]) + ",)" * depth
    if isinstance(value, Pairs):
        inside = (
            f"{literal(p[0])}: {literal(p[-1])}" if isinstance(p, list) and p else literal(p)
            for p in value
        )
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "(" + "".join(f"{literal(one)}, " for one in value) + ")"
    return octets(value).decode("latin-1") if isinstance(value, Raw) else repr(value)
