"""Several arrays in a zip archive, as `numpy.savez` writes them."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pastur._errors import FileFormatError, InvalidInputError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.npy import Header, UnsoundArrayError, read_data, read_header
from pastur.weights._hostile.array_bytes import reading
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.zip_archive import DAMAGE, Archive, Member, member_names, read_archive
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights

# A zip bomb packs a thousand to one, weights of trained models hardly two to one. Below the size,
# all members together, nobody is harmed, so that small matrices of zeros keep their own reason.
_BOMB_RATIO, _CONVERTED_RATIO = 200, 20
_BOMB_SIZE = 64_000_000  # bytes


@dataclass(frozen=True, slots=True)
class _Array:
    info: TensorInfo
    member: str
    header: Header | None


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether the file is a zip archive with a NumPy array in it."""
    return any(name.endswith(".npy") for name in member_names(path, head))


def open_npz(path: Place) -> Weights:
    """Return the arrays of a ``.npz`` file, in the order of the archive.

    A member that is damaged, packed like a bomb or not an array of numbers is listed with its
    reason, and the others can be read.

    Raises
    ------
    FileFormatError
        When the archive itself is damaged, or two members have one name.
    """
    archive = read_archive(path, "npz")
    budget = Budget(path, archive.file.size)
    bombs = _Bombs()
    arrays = []
    for member in archive.members.values():
        if not member.name.endswith("/"):
            budget.take_tensor(member.name)
            arrays.append(_examine(archive, member, bombs))
    by_name = {array.info.name: array for array in arrays}
    entries = tuple(array.info for array in arrays)
    return Weights(str(path), entries, {}, partial(_load, archive, by_name))


def _examine(archive: Archive, member: Member, bombs: "_Bombs") -> _Array:
    """Return what the header of one member says, without unpacking its data."""
    name = member.name.removesuffix(".npy")
    reason = _packing_fault(member) or bombs.fault(member, _BOMB_RATIO)
    header = None
    if not reason:
        try:
            with archive.open(member.name) as stream:
                header = read_header(stream)
        except UnsoundArrayError as error:
            reason = str(error)
        except FileFormatError:
            raise
        except DAMAGE:
            reason = "is damaged: it cannot be unpacked"
    if header is not None and _is_converted(header):
        reason = bombs.fault(member, _CONVERTED_RATIO)
    if header is None or reason:
        info = TensorInfo(name, (), "unknown", member.size, reason)
    else:
        info = header.info(name, member.size)
    return _Array(info, member.name, header)


def _is_converted(header: Header) -> bool:
    """Tell whether an array of such numbers is in memory alongside a copy of them in float64."""
    dtype = header.dtype
    return dtype is not None and dtype.itemsize > 2 and dtype.name not in ("float32", "float64")


def _packing_fault(member: Member) -> str:
    if member.encrypted:
        return "is encrypted"
    if member.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by a method that NumPy does not write"
    return ""


class _Bombs:
    """The members of an archive that are packed like bombs, together."""

    def __init__(self) -> None:
        self._size = 0

    def fault(self, member: Member, ratio: int) -> str:
        """Return why a member is left out; empty where it is packed as matrices can be."""
        if member.size <= ratio * member.packed:
            return ""
        if self._size + member.size <= _BOMB_SIZE:
            self._size += member.size
            return ""
        return (
            f"is packed like a zip bomb, {bytes_text(member.size)} in "
            f"{bytes_text(member.packed)}: save it uncompressed if it is meant"
        )


def _load(archive: Archive, arrays: Mapping[str, _Array], name: str) -> AnyArray:
    array = arrays[name]
    path = archive.file.path
    label = f"Tensor {shown(name)} of {shown(path)}"
    with reading(label, path):
        try:
            packed = archive.members[array.member].packed
            with archive.open(array.member, count=packed) as stream:
                header = read_header(stream)
                if header != array.header:
                    raise UnsoundArrayError("its header is another one than before")
                return read_data(stream, header)
        except (InvalidInputError, FileFormatError):
            raise
        except DAMAGE as error:
            what = str(error) or "it cannot be unpacked"
            raise FileFormatError(f"{label} is damaged: {what}.") from None


NPZ = Reader(kind="npz", suffixes=(".npz",), recognises=recognises, open=open_npz)
