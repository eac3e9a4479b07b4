"""A file whose header has been read, to be opened again for its numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._places.place import Place
from pastur.weights._places.ranged_file import RangedFile, go_to


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its header was read.

    Attributes
    ----------
    path : Place
    size : int
        In bytes.
    modified : int or str
        When it was last written, in nanoseconds, or what a server gives in its place.
    """

    path: Place
    size: int
    modified: int | str

    @classmethod
    def of(cls, path: Place, file: IO[bytes]) -> "SourceFile":
        """Return what is known of a file that is open."""
        if isinstance(file, RangedFile):
            return cls(path, file.size, file.mark)
        status = os.fstat(file.fileno())
        return cls(path, status.st_size, status.st_mtime_ns)

    @classmethod
    def at(cls, path: Place) -> "SourceFile":
        """Return what is known of the file at a place."""
        with path.open("rb") as file:
            return cls.of(path, file)

    @contextmanager
    def open(self, begin: int = 0, count: int | None = None) -> Iterator[IO[bytes]]:
        """Open the file once more, at the byte `begin`.

        Parameters
        ----------
        begin : int
        count : int, optional
            How many bytes from there on are going to be read, where that is known.

        Raises
        ------
        FileFormatError, FileAccessError
            When it has changed since: its header may hold no longer.
        """
        with self.path.open("rb") as file:
            if SourceFile.of(self.path, file) != self:
                raise FileFormatError(
                    f"{shown(self.path)} has changed since it was opened: read it again."
                )
            go_to(file, begin, count)
            yield file
            if isinstance(file, RangedFile):
                file.confirm()
