"""A process that reads one HDF5 file for another: a crash of the C library ends this one only.

    python _hdf5_worker.py PATH BEGIN SIZE

The file is the SIZE bytes from BEGIN on of PATH, which may be the inside of an archive. Requests
are lines of JSON on the standard input, ``{"seconds": 60}`` for the list of what the file holds and
``{"seconds": 60, "read": NAME}`` for one data set; the answer is a line of JSON, and after the
second kind the numbers, little-endian, row by row. Links are not followed, no filter is loaded from
outside, memory and time are limited where the system can, and the end of the input ends the
process at once. Run as a script, so that it starts without the package.
"""

import io
import json
import math
import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

# A packed data set may stand for so many times its bytes in the file; all that the data sets of a
# file claim beyond that must stay below the floor.
PACKED_RATIO, PACKED_FLOOR = 200, 64_000_000
# Chunks that were never written take no room, and time.
MOST_CHUNKS = 100_000
BLOCK = 16_000_000
# Of names, and of objects: what is listed may take so much, and a multiple of the file.
NAMES, OBJECTS = 16_000_000, 100_000
LONGEST_LABEL = 1000
MEMORY = 256_000_000
SECONDS = 60.0  # to open the file
# The last name of a list that is not complete: no object can have one that ends like this.
REST = "…/"


class Window(io.RawIOBase):
    """Part of a file as a file, to be read only."""

    def __init__(self, file: IO[bytes], begin: int, size: int) -> None:
        self.file, self.begin, self.size, self.place = file, begin, size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place of the part."""
        base = {0: 0, 1: self.place, 2: self.size}[whence]
        self.place = max(0, base + offset)
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the part goes, and with zeros beyond."""
        self.file.seek(self.begin + self.place)
        count = min(len(buffer), max(0, self.size - self.place))
        data = self.file.read(count)
        buffer[: len(data)] = data
        # h5py takes the whole buffer for read, whatever was in it.
        buffer[len(data) :] = bytes(len(buffer) - len(data))
        self.place += len(data)
        return len(data)


# --- limits ---


def limit(name: str, wanted: int) -> None:
    """Lower a limit of the process to `wanted`, or to what is allowed; a limit is never raised."""
    try:
        import resource

        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (soft, hard))
    except (ImportError, AttributeError, ValueError, OSError):  # Windows; a system without it
        return


def limit_memory(more: int) -> None:
    """Let the process have `more` bytes beyond those that it has now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        now = 4_000_000_000
    limit("RLIMIT_AS", now + more)


def limit_time(seconds: float) -> None:
    """Let the process compute for so long from now on, whoever waits for it."""
    limit("RLIMIT_CPU", math.ceil(sum(os.times()[:2]) + seconds) + 1)


# --- data sets ---


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
    except Exception:  # whatever h5py does not translate is told by its class
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


# --- the list ---


class Listing:
    """Every object of a file, in the order of their paths; whatever is odd is a reason."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self.size = file, size
        self.found: list[dict[str, Any]] = []
        self.names: set[str] = set()
        self.seen: dict[int, Any] = {}
        self.letters = self.stored = self.beyond = 0

    def all(self) -> list[dict[str, Any]]:
        """Walk through the groups, without recursion: they may be nested without end."""
        from h5py import h5g, h5o

        root = h5g.open(self.file, b"/")
        self.seen[h5o.get_info(root).addr] = None
        waiting: list[tuple[Any, bytes, str, Any]] = [(root, b".", "", None)]
        while waiting:
            parent, name, label, node = waiting.pop()
            group = h5g.open(parent, name)
            deeper = []
            try:
                links = list(group)
            except Exception as error:
                self.add(path_of(node) + b"/", fault(error))
                continue
            for link in links:
                if self.full():
                    self.found.append(listed(REST, self.rest()))
                    return self.found
                below = self.entry(group, link, label, (node, link))
                deeper += [] if below is None else [(group, link, below, (node, link))]
            waiting += reversed(deeper)
        return self.found

    def full(self) -> bool:
        """Whether as much is listed as may be."""
        return self.letters > NAMES + 4 * self.size or len(self.found) > OBJECTS + self.size // 100

    def rest(self) -> str:
        """Return the reason that stands for all that is not listed."""
        what = f"{len(self.found)} objects with names of {self.letters} bytes"
        return f"stands for all that the file holds beyond {what}, which is not listed"

    def entry(self, group: Any, link: bytes, label: str, node: Any) -> str | None:
        """List what a link leads to; of a group, return the label of what is in it."""
        import h5py
        from h5py import h5l, h5o

        try:
            if group.links.get_info(link).type != h5l.TYPE_HARD:
                self.add(path_of(node), "is a link, which is not followed", "link")
                return None
            item = h5o.open(group, link)
            address = h5o.get_info(item).addr
            if address in self.seen:
                same = shown(text(path_of(self.seen[address])) or "/")
                self.add(path_of(node), f"is the same object as {same}")
            elif isinstance(item, h5py.h5g.GroupID):
                self.seen[address] = node
                return own_label(item)
            elif isinstance(item, h5py.h5d.DatasetID):
                self.seen[address] = node
                about = described(item)
                reason = about["reason"] or self.shared(about)
                self.add(path_of(node), reason, about["dtype"], about["shape"], label)
            else:
                self.add(path_of(node), "is a type, not a data set", "type")
        except Exception as error:  # one odd object is no reason to leave out the others
            self.add(path_of(node), fault(error))
        return None

    def shared(self, about: dict[str, Any]) -> str:
        """Return why what a data set claims, with those before it, is more than the file holds."""
        stored, nbytes = about["stored"], about["nbytes"]
        beyond = max(0, nbytes - PACKED_RATIO * stored)
        if self.beyond + beyond > PACKED_FLOOR:
            return f"claims {nbytes} bytes, and {stored} are in the file"
        if self.stored + stored > self.size:
            return f"shares its {stored} bytes with other data sets"
        self.beyond += beyond
        self.stored += stored
        return ""

    def add(
        self, path: bytes, reason: str, dtype: str = "unknown", shape: Any = (), label: str = ""
    ) -> None:
        """List one object; no two have one name."""
        name = text(path)
        if name in self.names:
            reason = reason or "has the name of another object"
        while name in self.names or not name:
            name += "/"
        self.names.add(name)
        self.letters += len(path)
        self.found.append(listed(name, reason, dtype, shape, label))


def listed(
    name: str, reason: str, dtype: str = "unknown", shape: Any = (), label: str = ""
) -> dict[str, Any]:
    """Return one entry of the list."""
    return {"name": name, "reason": reason, "dtype": dtype, "shape": list(shape), "label": label}


def path_of(node: Any) -> bytes:
    """Return the path of an object, which is known by its name and the group that it is in."""
    parts = []
    while node is not None:
        node, name = node
        parts.append(name)
    return b"/".join(reversed(parts))


def text(name: bytes) -> str:
    """Return a name of the file as text; `octets` undoes it."""
    return name.decode("utf-8", "surrogateescape")


def octets(name: str) -> bytes:
    """Return the bytes of a name."""
    return name.encode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """Return a name in quotes, not too long."""
    return repr(name if len(name) < 100 else f"{name[:60]}…{name[-30:]}")


def fault(error: Exception) -> str:
    """Return what an error says of an object."""
    if isinstance(error, MemoryError):
        return "needs more memory than it may take"
    words = " ".join(str(error).split())[:200]
    return (
        f"cannot be read by HDF5 ({words if words.isprintable() and words else 'no reason given'})"
    )


def own_label(group: Any) -> str:
    """Return the name that Keras gave to a layer, where a group has one."""
    import h5py

    try:
        value = h5py.Group(group).attrs.get("name", "")
    except Exception:  # an attribute of an odd type
        return ""
    return value[:LONGEST_LABEL] if isinstance(value, str) else ""


def configuration(file: Any) -> str:
    """Return the model's configuration in an attribute of the file, as older Keras left it."""
    try:
        config = file.attrs.get("model_config", "")
    except Exception:
        return ""
    words = config.decode("utf-8", "replace") if isinstance(config, bytes) else config
    return words if isinstance(words, str) else ""


# --- numbers ---


def blocks(data: Any, about: dict[str, Any]) -> Iterator[bytes]:
    """Yield the numbers of a data set, a block of rows at a time."""
    import numpy as np
    from h5py import h5d, h5s, h5t

    shape, made = about["shape"], data.get_create_plist()
    known = number_type(data.get_type())
    name, there = (about["dtype"], None) if isinstance(known, str) else known
    dtype = np.dtype(name).newbyteorder("<")
    there = h5t.py_create(dtype) if there is None else there
    chunk = made.get_chunk()[0] if made.get_layout() == h5d.CHUNKED else 1
    rows = max(1, BLOCK // max(1, about["nbytes"] // max(1, shape[0] if shape else 1)))
    rows = -(-rows // chunk) * chunk
    for start in range(0, shape[0] if shape else 1, rows):
        space = data.get_space()
        part = shape
        if shape:
            part = [min(rows, shape[0] - start), *shape[1:]]
            space.select_hyperslab((start, *([0] * (len(shape) - 1))), tuple(part))
        block = np.empty(part, dtype)
        memory = h5s.create_simple(tuple(part)) if part else h5s.create(h5s.SCALAR)
        data.read(memory, space, block, there)
        yield block.tobytes()


def answer(file: Any, size: int, request: dict[str, Any]) -> Iterator[bytes]:
    """Yield the answer to one request, piece by piece."""
    from h5py import h5d, h5o

    limit_time(request["seconds"])
    limit_memory(MEMORY + 20 * size)
    if "read" not in request:
        told = {"found": Listing(file.id, size).all(), "config": configuration(file)}
        yield json.dumps(told).encode() + b"\n"
        return
    data = h5o.open(file.id, octets(request["read"]))
    about = described(data)
    made = data.get_create_plist()
    chunk = math.prod(made.get_chunk()) if made.get_layout() == h5d.CHUNKED else 0
    limit_memory(MEMORY + 20 * size + 3 * (about["nbytes"] + chunk * data.get_type().get_size()))
    nbytes = 0 if about["reason"] else about["nbytes"]
    found = blocks(data, about) if nbytes else iter(())
    first = next(found, b"")
    yield json.dumps({"nbytes": nbytes}).encode() + b"\n"
    yield first
    yield from found


def requests() -> Iterator[dict[str, Any]]:
    """Yield what is asked; whoever asks may end at any moment, and then this process does."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            waiting.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(waiting.get())


def main(path: str, begin: int, size: int) -> None:
    """Answer until the input ends."""
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    import h5py

    out = sys.stdout.buffer
    asked = requests()
    limit_time(SECONDS)
    limit_memory(MEMORY + 20 * size)
    with open(path, "rb") as outer, h5py.File(Window(outer, begin, size), "r") as file:
        for request in asked:
            begun = False
            try:
                for piece in answer(file, size, request):
                    out.write(piece)
                    begun = True
            except Exception as error:
                if begun:
                    raise
                out.write(json.dumps({"failed": fault(error)}).encode() + b"\n")
            out.flush()


if __name__ == "__main__":
    # What goes wrong ends the process; the other one says so. A thread still listens: no farewell.
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    finally:
        os._exit(1)
