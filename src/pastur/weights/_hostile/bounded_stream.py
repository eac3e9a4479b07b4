"""A stream for readers that go by what a file says: no more than is there, within its budget."""

from typing import IO

from pastur.weights._hostile.budget import Budget

# Of a byte that is read, in a word of the widest letters; what is shorter than words is charged by
# whoever reads it.
_COST, _SHORT = 4, 8


class BoundedStream:
    """The next `room` bytes of a file, charged to the budget of the file.

    A length that a file claims is never passed on, as it would be allocated.
    """

    def __init__(self, file: IO[bytes], room: int, budget: Budget) -> None:
        self._file, self._room = file, room
        self.budget = budget

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes."""
        return self._taken(self._file.read(max(0, min(count, self._room))))

    def readline(self) -> bytes:
        """Return the rest of a line."""
        return self._taken(self._file.readline(max(0, self._room)))

    def _taken(self, data: bytes) -> bytes:
        self._room -= len(data)
        if len(data) > _SHORT:
            self.budget.take(_COST * len(data))
        return data
