"""Zip archives, as several formats use them, without trusting what they say."""

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

from pastur._errors import FileAccessError, FileFormatError
from pastur._foreign import shown
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place
from pastur.weights._places.ranged_file import go_to

# What Python's unpacker raises on damaged archives, besides its own error.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
)
_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags
_MARK = b"PK\x03\x04"
_HEADER = 30  # bytes of a member's own header before its name
_USUAL_EXTRA = 64  # and after it


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive's directory.

    Attributes
    ----------
    name, raw_name : str
        As Python makes it, and as the archive has it.
    offset : int
        Place of its own header, in bytes.
    packed, size : int
        Bytes that it takes in the file, and once it is unpacked.
    method, flags, checksum : int
        As the directory states them.
    """

    name: str
    raw_name: str
    offset: int
    packed: int
    size: int
    method: int
    flags: int
    checksum: int

    @classmethod
    def of(cls, item: zipfile.ZipInfo) -> "Member":
        """Return an entry as Python's reader has it, in a seventh of the memory."""
        return cls(
            item.filename,
            item.orig_filename,
            item.header_offset,
            item.compress_size,
            item.file_size,
            item.compress_type,
            item.flag_bits,
            item.CRC,
        )

    @property
    def encrypted(self) -> bool:
        """Whether a password would be needed."""
        return bool(self.flags & _ENCRYPTED)

    @property
    def header_room(self) -> int:
        """About what its own header takes; what is not in the directory is mostly short."""
        return _HEADER + len(self.raw_name.encode("utf-8", "replace")) + _USUAL_EXTRA

    @property
    def stored_size(self) -> int:
        """Its size where it lies in the file as it is; −1 if packed or encrypted."""
        plain = self.method == zipfile.ZIP_STORED and not self.encrypted
        return self.size if plain and self.size == self.packed else -1


@dataclass(frozen=True)
class Archive:
    """An archive whose directory has been read, once.

    Attributes
    ----------
    file : SourceFile
    members : mapping of str to Member
        By their names, in the order of the directory.
    """

    file: SourceFile
    members: Mapping[str, Member]

    def stored_sizes(self) -> dict[str, int]:
        """Return the size of each member that lies in the file as it is; −1 of the others."""
        return {name: member.stored_size for name, member in self.members.items()}

    def begin(self, name: str) -> int:
        """Return where the bytes of a member begin in the file."""
        with self.file.open() as file:
            return _begin(file, self.members[name])

    def read(self, name: str) -> bytes:
        """Return all that a member holds; its size has been seen to."""
        with self.open(name, count=self.members[name].packed) as stream:
            return bytes(stream.read())

    @contextmanager
    def open(self, name: str, skip: int = 0, count: int | None = None) -> Iterator[Any]:
        """Open a member, `skip` bytes after its beginning where it is not packed.

        It is unpacked as far as it is read. At its end its checksum is compared, unless something
        of it was skipped.

        Parameters
        ----------
        name : str
        skip : int
        count : int, optional
            How many bytes of the file are going to be read, where that is known.

        Raises
        ------
        FileFormatError
            When the file has changed since its directory was read.
        One of DAMAGE
            When it is damaged.
        """
        member = self.members[name]
        # The member's own header is fetched with the data that follow it.
        both = None if count is None or skip else member.header_room + count
        with self.file.open(member.offset, both) as file:
            go_to(file, _begin(file, member) + skip, count)
            if skip:
                yield file
                return
            item = zipfile.ZipInfo(member.raw_name)
            item.compress_size, item.file_size = member.packed, member.size
            item.compress_type, item.flag_bits = member.method, member.flags
            item.CRC = member.checksum
            with zipfile.ZipExtFile(file, "r", item) as stream:
                yield stream


def read_archive(path: Place, kind: str) -> Archive:
    """Return an archive that begins where the file does.

    Raises
    ------
    FileFormatError
        When it is damaged, or two of its members have one name.
    """
    with sound_archive(path, kind):
        return _directory(SourceFile.at(path))


def member_names(path: Place, head: bytes) -> list[str]:
    """Return the names in an archive that begins with `head`; none where it is not a sound one."""
    if not head.startswith(b"PK"):
        return []
    try:
        return list(_directory(SourceFile.at(path)).members)
    except FileAccessError:
        raise
    except (*DAMAGE, OSError):
        return []


@contextmanager
def sound_archive(path: Place, kind: str) -> Iterator[None]:
    """Turn whatever damage shows into an error that names the file and its kind."""
    try:
        yield
    except FileFormatError:
        raise
    except DAMAGE:
        raise FileFormatError(
            f"{shown(path)} is not a sound {kind} file: its zip archive is damaged or was not "
            "copied whole."
        ) from None


# Whoever asks what kind of archive it is reads the same directory as who opens it then.
@lru_cache(maxsize=1)
def _directory(state: SourceFile) -> Archive:
    with state.open() as file, zipfile.ZipFile(file) as archive:
        items = archive.infolist()
    # Of a file that is cut off after an archive within it, Python's reader opens that inner one.
    if min((item.header_offset for item in items), default=0):
        raise zipfile.BadZipFile("its members do not begin with the file")
    # One that is damaged may claim more than there is.
    if sum(min(item.compress_size, state.size) for item in items) > 2 * state.size:
        raise zipfile.BadZipFile("its members overlap")
    members = {item.filename: Member.of(item) for item in items}
    if len(members) < len(items):
        twin = Counter(item.filename for item in items).most_common(1)[0][0]
        raise FileFormatError(
            f"{shown(state.path)} is a zip archive of two members named {shown(twin)}."
        )
    return Archive(state, members)


def _begin(file: IO[bytes], member: Member) -> int:
    """Return where the data of a member begin, after a header of its own, which must agree."""
    file.seek(member.offset)
    header = file.read(_HEADER)
    if not header.startswith(_MARK) or len(header) < _HEADER:
        raise zipfile.BadZipFile("a member does not begin where the directory says")
    flags, name_length, extra_length = struct.unpack("<6xH18xHH", header)
    name = file.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    if name != member.raw_name:
        raise zipfile.BadZipFile("a member has another name than in the directory")
    if member.encrypted:
        raise zipfile.BadZipFile("a member is encrypted")
    begin = member.offset + _HEADER + int(name_length) + int(extra_length)
    if begin + member.packed > file.seek(0, 2):
        raise zipfile.BadZipFile("a member reaches beyond the end")
    return begin
