"""A process that reads one HDF5 file for another: a crash of the C library ends this one only.

    python _hdf5_worker.py PATH BEGIN SIZE

The file is the SIZE bytes from BEGIN on of PATH, which may be the inside of an archive. Requests
are lines of JSON on the standard input, ``{"list": true}`` or ``{"read": NAME}``; the answer is a
line of JSON, and after the second kind the numbers, little-endian, row by row. Links are not
followed, no filter is loaded from outside, and the memory is limited where the system can. Run as a
script, so that it starts without the package.
"""

import io
import json
import os
import sys
from typing import IO, Any

MOST_OBJECTS = 1_000_000
DEEPEST = 50
# A packed data set may stand for so many times its bytes in the file, and anything below the floor.
PACKED_RATIO, PACKED_FLOOR = 200, 64_000_000
BLOCK = 16_000_000


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
        """Fill a buffer, as far as the part goes."""
        self.file.seek(self.begin + self.place)
        count = min(len(buffer), max(0, self.size - self.place))
        data = self.file.read(count)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)


def limit_memory(size: int) -> None:
    """Let the process have a few times the size of the file."""
    try:
        import resource
    except ImportError:  # Windows
        return
    room = 4_000_000_000 + 4 * size
    resource.setrlimit(resource.RLIMIT_AS, (room, room))


def described(data: Any) -> dict[str, Any]:
    """Return what is told of a data set: shape, type, reason."""
    kind = data.dtype
    shape, reason = list(data.shape or ()), ""
    if kind.kind not in "biufc":
        return {"shape": shape, "dtype": str(kind)[:40], "reason": "holds no plain numbers"}
    if data.is_virtual:
        reason = "is made of data sets elsewhere, which are not followed"
    elif data.external:
        reason = "lies in another file, which is not followed"
    elif data.nbytes > max(PACKED_FLOOR, PACKED_RATIO * data.id.get_storage_size()):
        reason = f"claims {data.nbytes} bytes, and {data.id.get_storage_size()} are in the file"
    return {"shape": shape, "dtype": kind.newbyteorder("<").name, "reason": reason}


def listed(file: Any) -> dict[str, Any]:
    """Return every data set and link, in the order of their paths."""
    import h5py

    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    groups: list[tuple[str, Any, str]] = [("", file, "")]
    while groups:
        path, group, label = groups.pop()
        deeper = []
        for name in group:
            if len(found) > MOST_OBJECTS:
                raise ValueError("too many objects")
            full = f"{path}{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                reason = "is a link, which is not followed"
                found.append({"name": full, "shape": [], "dtype": "link", "reason": reason})
                continue
            item = group[name]
            if isinstance(item, h5py.Dataset):
                found.append({"name": full, "label": label, **described(item)})
            elif isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address in seen or full.count("/") > DEEPEST:
                    continue
                seen.add(address)
                own = item.attrs.get("name", "")
                deeper.append((f"{full}/", item, own if isinstance(own, str) else ""))
        groups += reversed(deeper)
    config = file.attrs.get("model_config", "")
    text = config.decode("utf-8", "replace") if isinstance(config, bytes) else config
    return {"found": found, "config": text if isinstance(text, str) else ""}


def send(data: Any, out: IO[bytes]) -> None:
    """Write the numbers of a data set, a block of rows at a time."""
    import numpy as np

    kind = data.dtype.newbyteorder("<")
    if data.ndim == 0 or data.nbytes <= BLOCK:
        out.write(np.ascontiguousarray(data[()], dtype=kind).tobytes())
        return
    chunk = data.chunks[0] if data.chunks else 1
    rows = max(1, BLOCK // max(1, data.nbytes // data.shape[0]))
    rows = -(-rows // chunk) * chunk
    for start in range(0, data.shape[0], rows):
        out.write(np.ascontiguousarray(data[start : start + rows], dtype=kind).tobytes())


def main(path: str, begin: int, size: int) -> None:
    """Answer until the input ends."""
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    import h5py

    limit_memory(size)
    out = sys.stdout.buffer
    with open(path, "rb") as outer, h5py.File(Window(outer, begin, size), "r") as file:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                if "read" in request:
                    data = file[request["read"]]
                    nbytes = 0 if described(data)["reason"] else data.nbytes
                    out.write(json.dumps({"nbytes": nbytes}).encode() + b"\n")
                    if nbytes:
                        send(data, out)
                else:
                    out.write(json.dumps(listed(file)).encode() + b"\n")
            finally:
                out.flush()


if __name__ == "__main__":
    # What goes wrong ends the process; the other one says so.
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
