"""A process that reads one HDF5 file for another: a crash of the C library ends this one only.

    python worker.py PATH BEGIN SIZE

The file is the SIZE bytes from BEGIN on of PATH, which may be the inside of an archive. Requests
are lines of JSON on the standard input, ``{"seconds": 60}`` for the list of what the file holds and
``{"seconds": 60, "read": NAME}`` for one data set; the answer is a line of JSON, and after the
second kind the numbers, little-endian, row by row, in pieces: ``{"piece": COUNT}``, then so many
bytes. Where PATH is empty the other process has the file: ``{"fetch": [BEGIN, COUNT]}`` asks it for
bytes, before or between pieces, and ``{"bytes": COUNT}`` with so many is its answer.

Links are not followed, no filter is loaded from outside, memory and time are limited where the
system can, and the end of the input ends the process at once. Run as a script, so that it starts
without the package.
"""

import io
import itertools
import json
import math
import os
import queue
import sys
import threading
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

MEMORY = 256_000_000
SECONDS = 60.0  # to open the file


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


class Elsewhere:
    """A file of which the other process sends what is asked for."""

    def __init__(self, out: IO[bytes], sent: queue.SimpleQueue[bytes]) -> None:
        self.out, self.sent, self.place = out, sent, 0

    def seek(self, place: int) -> None:
        """Go to a place of the file."""
        self.place = place

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        self.out.write(json.dumps({"fetch": [self.place, count]}).encode() + b"\n")
        self.out.flush()
        return self.sent.get()


# --- limits ---


@cache
def allowed(name: str) -> float:
    """Return a limit as it was set from outside."""
    import resource

    ends = resource.getrlimit(getattr(resource, name))
    return min(math.inf if end == resource.RLIM_INFINITY else end for end in ends)


def limit(name: str, wanted: int) -> None:
    """Limit the process to `wanted`, or to what is allowed from outside where that is less."""
    try:
        import resource

        soft = int(min(wanted, allowed(name)))
        kind = getattr(resource, name)
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))
    except (ImportError, AttributeError, ValueError, OSError):  # Windows; a system without it
        return


def limit_memory(more: int) -> None:
    """Let the process have `more` bytes beyond those that it has now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        now = 4_000_000_000
    limit("RLIMIT_AS", now + more)


def limit_time(seconds: float) -> None:
    """Let the process compute for so long from now on, whoever waits for it."""
    limit("RLIMIT_CPU", math.ceil(sum(os.times()[:2]) + seconds) + 1)


def answer(file: Any, size: int, request: dict[str, Any]) -> Iterator[bytes]:
    """Yield the answer to one request, piece by piece."""
    from h5py import h5d, h5o

    from pastur.weights._formats.hdf5.data_sets import blocks, described
    from pastur.weights._formats.hdf5.listing import Listing, configuration, octets

    limit_time(request["seconds"])
    limit_memory(MEMORY + 20 * size)
    if "read" not in request:
        listing = {"found": Listing(file.id, size).all(), "config": configuration(file)}
        yield json.dumps(listing).encode() + b"\n"
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
    for piece in itertools.chain([first] if first else [], found):
        yield json.dumps({"piece": len(piece)}).encode() + b"\n" + piece


def listening() -> tuple[queue.SimpleQueue[dict[str, Any]], queue.SimpleQueue[bytes]]:
    """Return where requests and bytes of the file arrive.

    Whoever sends them may end at any moment, and then this process does.
    """
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "bytes" in message:
                sent.put(sys.stdin.buffer.read(message["bytes"]))
            else:
                requests.put(message)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return requests, sent


def main(path: str, begin: int, size: int) -> None:
    """Answer until the input ends."""
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    import h5py

    from pastur.weights._formats.hdf5.listing import fault

    out = sys.stdout.buffer
    requests, sent = listening()
    limit_time(SECONDS)
    limit_memory(MEMORY + 20 * size)
    outer: Any = open(path, "rb") if path else Elsewhere(out, sent)
    with h5py.File(Window(outer, begin, size), "r") as file:
        while True:
            request, begun = requests.get(), False
            try:
                for piece in answer(file, size, request):
                    out.write(piece)
                    begun = True
            except Exception as error:
                if begun:
                    raise
                out.write(json.dumps({"failed": fault(error)}).encode() + b"\n")
            out.flush()


def without_the_rest() -> None:
    """Let modules of the package be imported without what the package itself would load."""
    folder, name = Path(__file__).absolute().parent, "pastur.weights._formats.hdf5"
    while name:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
        folder, name = folder.parent, name.rpartition(".")[0]


if __name__ == "__main__":
    without_the_rest()
    # What goes wrong ends the process; the other one says so. A thread still listens: no farewell.
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    finally:
        os._exit(1)
