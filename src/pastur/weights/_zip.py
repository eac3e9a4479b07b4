"""Zip archives, as several formats use them, without trusting what they say."""

import struct
import zipfile
import zlib
from pathlib import Path

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


def member_names(path: Path, head: bytes) -> list[str]:
    """Return the names in an archive that begins with `head`; none where it is no sound one."""
    if not head.startswith(b"PK"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (*DAMAGE, OSError):
        return []


def stored_size(item: zipfile.ZipInfo) -> int:
    """Return the size of a member that lies in the file as it is; −1 if packed or encrypted."""
    plain = item.compress_type == zipfile.ZIP_STORED and not item.flag_bits & 1
    return item.file_size if plain and item.file_size == item.compress_size else -1
