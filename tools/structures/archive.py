"""Zip archives whose every field can be wrong; None stands for what is true."""

import struct
import zlib
from collections.abc import Callable

from structures.tree import Tree, field, items, octets, whole


def member(name: str, data: Tree, method: int = 0) -> Tree:
    """Return the tree of a member."""
    record = dict.fromkeys(("flags", "crc", "packed", "size", "offset", "local_name", "extra"))
    return {"name": name, "method": method, "data": data, **record}


def archive_tree(members: Tree) -> Tree:
    """Return the tree of an archive."""
    end = dict.fromkeys(("before", "count", "directory", "directory_offset", "comment"))
    return {"members": members, **end}


def archive(
    tree: Tree,
    encode: Callable[[Tree], bytes] = octets,
) -> bytes:
    """Return the bytes of an archive; `encode` makes the bytes of a member of its data."""
    out = bytearray(octets(field(tree, "before") or b""))
    directory = bytearray()
    records = items(field(tree, "members"))
    for record in records:
        begin = len(out)
        plain = encode(field(record, "data"))
        method = whole(field(record, "method"), 0, 16)
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = packer.compress(plain) + packer.flush() if method == 8 else plain
        flags = whole(field(record, "flags"), 0x800, 16)
        crc = whole(field(record, "crc"), zlib.crc32(plain), 32)
        packed = whole(field(record, "packed"), len(data), 32)
        size = whole(field(record, "size"), len(plain), 32)
        name = octets(field(record, "name") or "")[:60_000]
        local = field(record, "local_name")
        local = name if local is None else octets(local)[:60_000]
        extra = octets(field(record, "extra") or b"")[:60_000]
        common = (flags, method, 0, 33, crc, packed, size)
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 20, *common, len(local), 0) + local + data
        offset = whole(field(record, "offset"), begin, 32)
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, 20, *common, len(name), len(extra), 0, 0, 0, 0, offset
        )
        directory += name + extra
    begin = len(out)
    count = whole(field(tree, "count"), len(records), 16)
    comment = octets(field(tree, "comment") or b"")[:60_000]
    out += directory
    out += struct.pack(
        "<4s4H2IH",
        b"PK\5\6",
        0,
        0,
        count,
        count,
        whole(field(tree, "directory"), len(directory), 32),
        whole(field(tree, "directory_offset"), begin, 32),
        len(comment),
    )
    return bytes(out + comment)
