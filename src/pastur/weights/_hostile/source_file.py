"""A file whose header has been read, to be opened again for its numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pastur._errors import FileFormatError
from pastur._foreign import shown


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its header was read.

    Attributes
    ----------
    path : Path
    size : int
        In bytes.
    modified : int
        When it was last written, in nanoseconds.
    """

    path: Path
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path, file: IO[bytes]) -> "SourceFile":
        """Return what is known of a file that is open."""
        status = os.fstat(file.fileno())
        return cls(path, status.st_size, status.st_mtime_ns)

    @classmethod
    def at(cls, path: Path) -> "SourceFile":
        """Return what is known of the file at a path."""
        with path.open("rb") as file:
            return cls.of(path, file)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file once more.

        Raises
        ------
        FileFormatError
            When it has changed since: its header may hold no longer.
        """
        with self.path.open("rb") as file:
            if SourceFile.of(self.path, file) != self:
                raise FileFormatError(
                    f"{shown(self.path)} has changed since it was opened: read it again."
                )
            yield file
