"""Several arrays in a zip archive, as `numpy.savez` writes them."""

import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pastur._errors import FileFormatError, InvalidInputError
from pastur._typing import AnyArray
from pastur.weights._bytes import reading
from pastur.weights._npy import Header, UnsoundArrayError, read_data, read_header
from pastur.weights._reader import Reader
from pastur.weights._weights import TensorInfo, Weights
from pastur.weights._words import bytes_text, shown
from pastur.weights._zip import DAMAGE, member_names, open_archive, sound_archive

_ENCRYPTED = 0x1
# A zip bomb packs a thousand to one, weights of trained models hardly two to one. Below the size
# nobody is harmed, so that small matrices of zeros keep their own reason.
_BOMB_RATIO = 200
_BOMB_SIZE = 64_000_000  # bytes


@dataclass(frozen=True)
class _Member:
    info: TensorInfo
    packed: zipfile.ZipInfo
    header: Header | None


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a zip archive with a NumPy array in it."""
    return any(name.endswith(".npy") for name in member_names(path, head))


def open_npz(path: Path) -> Weights:
    """Return the arrays of a ``.npz`` file, in the order of the archive.

    A member that is damaged, packed like a bomb or not an array of numbers is listed with its
    reason, and the others can be read.

    Raises
    ------
    FileFormatError
        When the archive itself is damaged, or two members have one name.
    """
    with sound_archive(path, "npz") as archive:
        # Not `is_dir`, which fails on an empty name.
        packed = [item for item in archive.infolist() if not item.filename.endswith("/")]
        members = [_examine(archive, item) for item in packed]
    by_name = {member.info.name: member for member in members}
    if len(by_name) < len(members):
        counts = Counter(member.info.name for member in members)
        twin = counts.most_common(1)[0][0]
        raise FileFormatError(f"{shown(path)} holds two arrays named {shown(twin)}.")
    entries = tuple(member.info for member in members)
    return Weights(str(path), entries, {}, partial(_load, path, by_name))


def _examine(archive: zipfile.ZipFile, packed: zipfile.ZipInfo) -> _Member:
    """Return what the header of one member says, without unpacking its data."""
    name = packed.filename.removesuffix(".npy")
    reason = _packing_fault(packed)
    header = None
    if not reason:
        try:
            with archive.open(packed) as stream:
                header = read_header(stream)
        except UnsoundArrayError as error:
            reason = str(error)
        except DAMAGE:
            reason = "is damaged: it cannot be unpacked"
    if header is None:
        info = TensorInfo(name, (), "unknown", packed.file_size, reason)
    else:
        info = header.info(name, packed.file_size)
    return _Member(info, packed, header)


def _packing_fault(packed: zipfile.ZipInfo) -> str:
    if packed.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if packed.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by a method that NumPy does not write"
    if packed.file_size > max(_BOMB_SIZE, _BOMB_RATIO * packed.compress_size):
        return (
            f"is packed like a zip bomb, {bytes_text(packed.file_size)} in "
            f"{bytes_text(packed.compress_size)}: save it uncompressed if it is meant"
        )
    return ""


def _load(path: Path, members: Mapping[str, _Member], name: str) -> AnyArray:
    member = members[name]
    label = f"Tensor {shown(name)} of {shown(path)}"
    with reading(label, path):
        try:
            with open_archive(path) as archive, archive.open(member.packed) as stream:
                header = read_header(stream)
                if header != member.header:
                    raise UnsoundArrayError("the file has changed since it was opened")
                return read_data(stream, header)
        except InvalidInputError:
            raise
        except DAMAGE as error:
            what = str(error) or "it cannot be unpacked"
            raise FileFormatError(f"{label} is damaged: {what}.") from None


NPZ = Reader(kind="npz", suffixes=(".npz",), recognises=recognises, open=open_npz)
