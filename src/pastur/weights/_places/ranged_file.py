"""A file that is read by ranges: what is asked for is fetched, and little else."""

import io
from collections.abc import Callable
from typing import IO, Any

# Fetched at least, where nobody has said how much is going to be read; and at most, at once.
PAGE, BLOCK = 1 << 14, 1 << 24
_PAGES_KEPT = 64

Fetch = Callable[[int, int], bytes]


class RangedFile(io.BufferedReader):
    """A file of a known size whose bytes come from a function.

    Parameters
    ----------
    size : int
    mark : str
        What is another one once the file has changed.
    pages : dict of int to bytes
        What is known of it, in pieces of `PAGE` bytes by their number; more are added here.
    fetch : callable
        ``fetch(begin, end)``: exactly those bytes.
    confirm : callable
        Raises where the file has changed since it was opened.
    """

    def __init__(
        self,
        size: int,
        mark: str,
        pages: dict[int, bytes],
        fetch: Fetch,
        confirm: Callable[[], None],
    ) -> None:
        self._ranges = _Ranges(size, pages, fetch)
        super().__init__(self._ranges)
        self.size, self.mark, self.confirm = size, mark, confirm

    def expect(self, count: int) -> None:
        """Note that the next `count` bytes are going to be read, and fetch them in large pieces."""
        self._ranges.window = (self.tell(), self.tell() + count)


class _Ranges(io.RawIOBase):
    """The file without a buffer: small readings by pages, which are kept for a while."""

    def __init__(self, size: int, pages: dict[int, bytes], fetch: Fetch) -> None:
        self._size, self._pages, self._fetch, self._at = size, pages, fetch, 0
        self._block = (0, b"")
        self.window = (0, 0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "Invalid argument")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), self._size - self._at)
        if wanted <= 0:
            return 0
        found = self._some(self._at, wanted)
        target[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _some(self, at: int, wanted: int) -> memoryview:
        """Return up to `wanted` bytes from `at` on, at least one."""
        place, (low, high), (begin, block) = at // PAGE, self.window, self._block
        if place in self._pages:
            begin, block = place * PAGE, self._page(place)
        elif low <= at < high and not begin <= at < begin + len(block):
            self._block = begin, block = at, self._fetch(at, min(at + BLOCK, high, self._size))
        elif not begin <= at < begin + len(block):
            if wanted >= PAGE:
                return memoryview(self._fetch(at, at + min(wanted, BLOCK)))
            begin, block = place * PAGE, self._page(place)
        return memoryview(block)[at - begin :][:wanted]

    def _page(self, place: int) -> bytes:
        page = self._pages.get(place)
        if page is None:
            page = self._fetch(place * PAGE, min((place + 1) * PAGE, self._size))
            if len(self._pages) >= _PAGES_KEPT:
                self._pages.clear()
            self._pages[place] = page
        return page


def go_to(file: IO[bytes], begin: int, count: int | None = None) -> None:
    """Go to a byte of a file, and note how many from there on are going to be read, if known."""
    file.seek(begin)
    if count is not None and isinstance(file, RangedFile):
        file.expect(count)
