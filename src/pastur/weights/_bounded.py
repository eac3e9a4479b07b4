"""A stream for readers that go by what a file says: no more than is there, and no end of steps."""

from typing import IO

# A tensor of a state takes 60, one of a module that was saved whole 140; each may leave 90 bytes
# behind.
_MOST_READS = 10_000_000


class BoundedStream:
    """The next `room` bytes of a file, for a limited number of reads.

    A length that a file claims is not asked for, as it would be allocated; and a byte that stands
    for an object of a hundred cannot be repeated without end.
    """

    def __init__(self, file: IO[bytes], room: int) -> None:
        self._file, self._room, self._reads = file, room, 0

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes."""
        return self._taken(self._file.read(max(0, min(count, self._room))))

    def readline(self) -> bytes:
        """Return the rest of a line."""
        return self._taken(self._file.readline(max(0, self._room)))

    def _taken(self, data: bytes) -> bytes:
        self._room -= len(data)
        self._reads += 1
        if self._reads > _MOST_READS:
            raise OverflowError(f"more than {_MOST_READS} steps")
        return data
