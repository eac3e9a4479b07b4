"""Files of Flax, value by value, in the encoding of msgpack."""

import struct
from collections.abc import Mapping
from pathlib import Path

from pastur._typing import AnyArray
from structures.arrays import normal
from structures.tree import Nest, Pairs, Raw, Tree, field, octets, pairs, whole

_MOST = 100_000
ARRAY = 1  # Flax' number of this extension
ODD = ["__msgpack_chunked_array__", "shape", "chunks", "kernel", "bias", "bfloat16", "int4"]


def array(values: AnyArray) -> Tree:
    """Return the tree of an array; its numbers and its lengths are None where they are true."""
    return {
        "extension": ARRAY,
        "length": None,
        "shape": list(values.shape),
        "type": values.dtype.name,
        "numbers": values.tobytes(),
    }


def arrays_tree(arrays: Mapping[str, AnyArray]) -> Tree:
    """Return the tree of a file with these arrays and nothing else."""
    return Pairs([name, array(values)] for name, values in arrays.items())


def flax() -> Tree:
    """Arrays of several types and shapes, one of them in pieces, and what is none."""
    halves = Pairs([["0", array(normal(6))], ["1", array(normal(4))]])
    chunked = Pairs([["__msgpack_chunked_array__", True]])
    chunked += [["shape", Pairs([["0", 5], ["1", 2]])], ["chunks", halves]]
    attention = [["query", Pairs([["kernel", array(normal(6, 2, 4))]])]]
    attention.append(["out", Pairs([["kernel", array(normal(2, 4, 6))]])])
    dense = Pairs([["kernel", array(normal(6, 5))], ["bias", array(normal(5))]])
    conv = Pairs([["kernel", array(normal(3, 3, 2, 4))]])
    layers = [["dense", dense], ["conv", conv], ["attention", Pairs(attention)]]
    layers += [["half", array(normal(4, 3, kind="f2"))], ["large", chunked]]
    rest = [["step", 3], ["rate", 0.5], ["none", None], ["list", [1, -1, "x", b"raw"]]]
    return Pairs([["params", Pairs(layers)], *rest])


def flax_file(tree: Tree, folder: Path) -> Path:
    """Write `flax`."""
    path = folder / "flax_model.msgpack"
    path.write_bytes(packed(tree))
    return path


def packed(tree: Tree) -> bytes:
    """Return a value in the encoding of msgpack."""
    if isinstance(tree, Raw):
        return bytes(tree)
    if isinstance(tree, Nest):
        depth = min(whole(tree[0] if tree else 1, 0, 31), _MOST)
        return b"\x91" * depth + packed(tree[1] if len(tree) > 1 else None)
    if isinstance(tree, dict):
        return _extension(tree)
    if isinstance(tree, Pairs):
        inner = b"".join(packed(key) + packed(value) for key, value in pairs(tree))
        return b"\xdf" + struct.pack(">I", len(pairs(tree))) + inner
    if isinstance(tree, list):
        return b"\xdd" + struct.pack(">I", len(tree)) + b"".join(map(packed, tree))
    return _plain(tree)


def _plain(value: Tree) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        if 0 <= value < 0x80:
            return bytes([value])
        return b"\xcf" + struct.pack(">Q", value % 2**64)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    mark = b"\xc6" if isinstance(value, bytes) else b"\xdb"
    return mark + struct.pack(">I", len(octets(value))) + octets(value)


def _extension(tree: Tree) -> bytes:
    shape, numbers = field(tree, "shape"), field(tree, "numbers")
    inner = b"".join(packed(one) for one in (shape, field(tree, "type"), numbers))
    inner = b"\x93" + inner
    length = whole(field(tree, "length"), len(inner), 32)
    kind = whole(field(tree, "extension"), ARRAY, 8)
    return b"\xc9" + struct.pack(">IB", length, kind) + inner
