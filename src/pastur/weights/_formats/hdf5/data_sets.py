"""One data set of HDF5: what its type is, why it is not read, its numbers; for `worker`."""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

# A packed data set may stand for so many times its bytes in the file; all that the data sets of a
# file claim beyond that must stay below the floor.
PACKED_RATIO, PACKED_FLOOR = 200, 64_000_000
# Chunks that were never written take no room, and time.
MOST_CHUNKS = 100_000
BLOCK = 16_000_000
# HDF5 takes 2 kB for each that a read touches.
CHUNKS_AT_ONCE = 2000


def number_type(kind: Any) -> tuple[str, Any] | str:
    """Return name and HDF5's type of the numbers that hold those of `kind`; or what it is."""
    from h5py import h5t

    group = kind.get_class()
    if group == h5t.INTEGER:
        bits = next((n for n in (8, 16, 32, 64) if kind.get_precision() <= n), 0)
        sign = "I" if kind.get_sign() == h5t.SGN_2 else "U"
        if not bits:
            return f"integers of {kind.get_precision()} bits"
        return ("u" * (sign == "U")) + f"int{bits}", getattr(h5t, f"STD_{sign}{bits}LE")
    if group == h5t.FLOAT:
        return float_type(kind)
    words = {
        h5t.TIME: "times",
        h5t.STRING: "text",
        h5t.BITFIELD: "bits without a number",
        h5t.OPAQUE: "bytes of an unknown kind",
        h5t.COMPOUND: "records",
        h5t.REFERENCE: "references to other objects",
        h5t.ENUM: "words of an enumeration",
        h5t.VLEN: "lists of different lengths",
        h5t.ARRAY: "arrays",
    }
    return words.get(group, "values of an unknown kind")


def float_type(kind: Any) -> tuple[str, Any] | str:
    """Return the smallest type that holds every number of a floating-point type."""
    import numpy as np
    from h5py import h5t

    _, _, exponent, _, mantissa = kind.get_fields()
    largest = 2**exponent - 2 - kind.get_ebias()
    least = 1 - kind.get_ebias() - mantissa
    mantissa += kind.get_norm() != h5t.NORM_IMPLIED
    long = np.finfo(np.longdouble)
    ends = {
        "float16": (10, 15, -24, h5t.IEEE_F16LE),
        "float32": (23, 127, -149, h5t.IEEE_F32LE),
        "float64": (52, 1023, -1074, h5t.IEEE_F64LE),
        np.dtype(np.longdouble).name: (
            long.nmant,
            long.maxexp - 1,
            long.minexp - long.nmant,
            h5t.NATIVE_LDOUBLE,
        ),
    }
    for name, (digits, top, bottom, there) in ends.items():
        if mantissa <= digits and largest <= top and least >= bottom:
            return name, there
    return f"floating-point numbers of {kind.get_precision()} bits"


def described(data: Any) -> dict[str, Any]:
    """Return shape and type of a data set, why it is not read, its bytes packed and unpacked."""
    from h5py import h5d, h5s

    space, kind, made = data.get_space(), data.get_type(), data.get_create_plist()
    about: dict[str, Any] = {
        "shape": [],
        "dtype": "unknown",
        "reason": "",
        "stored": 0,
        "nbytes": 0,
    }
    if space.get_simple_extent_type() == h5s.NULL:
        return about | {"reason": "is empty: it has no shape"}
    about["shape"] = shape = list(space.get_simple_extent_dims())
    known = other_numbers(kind) or number_type(kind)
    if isinstance(known, str):
        return about | {"dtype": known, "reason": f"holds {known}, not plain numbers"}
    about["dtype"] = known[0]
    if made.get_layout() == h5d.VIRTUAL:
        return about | {"reason": "is made of data sets elsewhere, which are not followed"}
    if made.get_external_count():
        return about | {"reason": "lies in another file, which is not followed"}
    about["nbytes"] = math.prod(shape) * kind_size(known[0])
    about["stored"] = data.get_storage_size()
    if made.get_layout() == h5d.CHUNKED:
        about["reason"] = chunk_fault(made, shape, kind.get_size(), about["stored"])
    if about["nbytes"] and not about["stored"]:
        about["reason"] = f"claims {about['nbytes']} bytes, and 0 are in the file"
    return about


def other_numbers(kind: Any) -> tuple[str, Any] | None:
    """Return the name of a type that h5py takes for complex numbers or booleans."""
    try:
        plain = kind.dtype
    except Exception:  # whatever h5py does not translate is known by its class
        return None
    return (plain.name, None) if plain.kind in "bc" else None


def kind_size(name: str) -> int:
    """Return the bytes of one number of a type."""
    import numpy as np

    return int(np.dtype(name).itemsize)


def chunk_fault(made: Any, shape: list[int], width: int, stored: int) -> str:
    """Return why a data set in chunks cannot be unpacked; or nothing."""
    from h5py import h5z

    for place in range(made.get_nfilters()):
        code, flags, _, name = made.get_filter(place)
        if not h5z.filter_avail(code) and not flags & h5z.FLAG_OPTIONAL:
            words = name.decode("utf-8", "replace")[:40] or "without a name"
            return f"is packed by the filter {code} ({words}), which HDF5 does not have here"
    sides = made.get_chunk()
    # One chunk is unpacked as a whole, however little of it belongs to the data set.
    if math.prod(sides) * width > max(PACKED_FLOOR, PACKED_RATIO * stored):
        return f"is packed in pieces of {math.prod(sides) * width} bytes, and {stored} are there"
    pieces = math.prod(-(-n // side) for n, side in zip(shape, sides, strict=True))
    if pieces > max(MOST_CHUNKS, stored):
        return f"is in {pieces} pieces, and {stored} bytes are in the file"
    return ""


def blocks(data: Any, about: dict[str, Any]) -> Iterator[bytes]:
    """Yield the numbers of a data set, a band of rows at a time."""
    import numpy as np
    from h5py import h5d, h5s, h5t

    shape, made = about["shape"], data.get_create_plist()
    known = number_type(data.get_type())
    name, there = (about["dtype"], None) if isinstance(known, str) else known
    dtype = np.dtype(name).newbyteorder("<")
    there = h5t.py_create(dtype) if there is None else there
    if not shape:
        number = np.empty((), dtype)
        data.read(h5s.ALL, h5s.ALL, number, there)
        yield number.tobytes()
        return
    chunk = made.get_chunk() if made.get_layout() == h5d.CHUNKED else (1, *shape[1:])
    rows = chunk[0] * max(1, BLOCK * shape[0] // about["nbytes"] // chunk[0])
    for start in range(0, shape[0], rows):
        band = np.empty((min(rows, shape[0] - start), *shape[1:]), dtype)
        for corner, sides in tiles(band.shape, chunk):
            space = data.get_space()
            space.select_hyperslab((start + corner[0], *corner[1:]), sides)
            part = np.empty(sides, dtype)
            data.read(h5s.create_simple(sides), space, part, there)
            band[tuple(slice(c, c + n) for c, n in zip(corner, sides, strict=True))] = part
        yield band.tobytes()


def tiles(
    shape: tuple[int, ...], chunk: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield corner and sides of parts that consist of so many chunks as HDF5 may open at once."""
    sides, left = list(chunk), CHUNKS_AT_ONCE
    for axis in reversed(range(len(shape))):
        taken = min(-(-shape[axis] // chunk[axis]), left)
        sides[axis] = taken * chunk[axis]
        left //= taken
    for corner in product(*(range(0, n, side) for n, side in zip(shape, sides, strict=True))):
        yield corner, tuple(map(min, sides, (n - c for n, c in zip(shape, corner, strict=True))))
