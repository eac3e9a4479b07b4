"""Zip archives, as several formats use them, without trusting what they say."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pastur._errors import FileFormatError
from pastur.weights._words import shown

# What Python's unpacker raises on damaged archives, beside its own error.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive that begins where the file does.

    Of a file that is cut off behind an archive within it, Python's reader opens that inner one.
    """
    with zipfile.ZipFile(path) as archive:
        if min((item.header_offset for item in archive.infolist()), default=0):
            raise zipfile.BadZipFile("its members do not begin with the file")
        yield archive


@contextmanager
def sound_archive(path: Path, kind: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever damage shows is an error that names the file and its kind."""
    try:
        with open_archive(path) as archive:
            yield archive
    except FileFormatError:
        raise
    except DAMAGE:
        raise FileFormatError(
            f"{shown(path)} is not a sound {kind} file: its zip archive is damaged or was not "
            "copied whole."
        ) from None


def member_names(path: Path, head: bytes) -> list[str]:
    """Return the names in an archive that begins with `head`; none where it is no sound one."""
    if not head.startswith(b"PK"):
        return []
    try:
        with open_archive(path) as archive:
            return archive.namelist()
    except (*DAMAGE, OSError):
        return []


def stored_size(item: zipfile.ZipInfo) -> int:
    """Return the size of a member that lies in the file as it is; −1 if packed or encrypted."""
    plain = item.compress_type == zipfile.ZIP_STORED and not item.flag_bits & 1
    return item.file_size if plain and item.file_size == item.compress_size else -1


@contextmanager
def member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a member of an archive for reading."""
    with open_archive(path) as archive, archive.open(name) as stream:
        yield stream
