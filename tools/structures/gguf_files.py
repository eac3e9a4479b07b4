"""GGUF, field by field."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path

from structures.arrays import normal
from structures.tree import Tree, field, items, octets, whole

_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 7: "B", 10: "Q", 11: "q"}
# Numbers in a block, and its bytes, by the type of the tensor.
_BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34), 12: (256, 144), 24: (1, 1), 28: (1, 8)}
_MOST = 100_000
_TEXT, _LIST, _FLOAT, _DOUBLE = 8, 9, 6, 12


def gguf() -> Tree:
    """A header with keys of every kind, and tensors plain and packed."""
    keys = [["general.architecture", 8, "llama"], ["general.alignment", 4, 32]]
    keys += [["llama.attention.head_count", 4, 2], ["llama.attention.head_count_kv", 4, 1]]
    keys += [["llama.embedding_length", 4, 8], ["x.float", 6, 0.5], ["x.double", 12, 0.5]]
    keys += [["x.flag", 7, 1], ["x.small", 1, -1], ["x.large", 10, 2**40]]
    keys += [["x.list", 9, [5, None, [1, 2, 3]]], ["x.texts", 9, [8, None, ["a", "b"]]]]
    keys += [["x.lists", 9, [9, None, [[4, None, [1, 2]]]]]]
    sizes = [("plain.weight", [32, 4], 0), ("packed.weight", [64, 4], 2)]
    sizes += [("half.weight", [8, 4], 1), ("blk.0.attn_qkv.weight", [8, 16], 0)]
    sizes += [("blk.0.ffn_up_exps.weight", [8, 4, 2], 0), ("k.weight", [256, 2], 12)]
    tensors = []
    for name, sides, kind in sizes:
        record = {"name": name, "count": None, "sides": sides, "type": kind, "offset": None}
        tensors.append(record)
    counts = {"tensors_count": None, "keys_count": None, "padding": None}
    return {
        "magic": b"GGUF",
        "version": 3,
        **counts,
        "keys": keys,
        "tensors": tensors,
        "data": None,
    }


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(octets(value))) + octets(value)


def _value(
    kind: int,
    value: Tree,
    depth: int = 0,
) -> bytes:
    if kind == _TEXT:
        return _text(value)
    if kind in (_FLOAT, _DOUBLE):
        number = value if isinstance(value, (int, float)) else 0
        form = "<f" if kind == _FLOAT else "<d"
        try:
            return struct.pack(form, number)
        except OverflowError:
            return struct.pack(form, float("inf"))
    if kind == _LIST:
        inner, count, values = (*items(value), None, None, None)[:3]
        inner, values = whole(inner, 0, 32), items(values)
        head = struct.pack("<IQ", inner, whole(count, len(values), 64))
        return head + b"".join(_value(inner, one, depth + 1) for one in values)
    bits = 8 * struct.calcsize(_FORMS.get(kind, "I"))
    return whole(value, 0, bits).to_bytes(bits // 8, "little")


def _size(sides: Sequence[int], kind: int) -> int:
    count = math.prod(one for one in sides if isinstance(one, int) and one > 0)
    block, width = _BLOCKS.get(whole(kind, 0, 32), (1, 4))
    return count // block * width


def gguf_file(tree: Tree, folder: Path) -> Path:
    """Write `gguf`."""
    keys = [one for one in items(field(tree, "keys")) if isinstance(one, list) and len(one) > 2]
    tensors = items(field(tree, "tensors"))
    out = bytearray(octets(field(tree, "magic")))
    out += struct.pack("<I", whole(field(tree, "version"), 3, 32))
    out += struct.pack("<Q", whole(field(tree, "tensors_count"), len(tensors), 64))
    out += struct.pack("<Q", whole(field(tree, "keys_count"), len(keys), 64))
    for name, kind, value in (one[:3] for one in keys):
        kind = whole(kind, 0, 32)
        out += _text(name) + struct.pack("<I", kind) + _value(kind, value)
    end = 0
    for one in tensors:
        sides = items(field(one, "sides"))
        out += _text(field(one, "name") or "")
        out += struct.pack("<I", whole(field(one, "count"), len(sides), 32))
        out += b"".join(struct.pack("<Q", whole(side, 0, 64)) for side in sides)
        out += struct.pack("<I", whole(field(one, "type"), 0, 32))
        out += struct.pack("<Q", whole(field(one, "offset"), end, 64))
        end += -(-_size(sides, field(one, "type")) // 32) * 32
    padding = whole(field(tree, "padding"), -len(out) % 32, 12)
    path = folder / "model.gguf"
    data = field(tree, "data")
    if data is None:
        data = normal(end // 2, kind="f2").tobytes() if end < _MOST else b""
    path.write_bytes(bytes(out) + bytes(padding) + octets(data))
    return path
