"""The readers in their order, and which of them a file is for."""

from dataclasses import replace

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.flax.reader import FLAX
from pastur.weights._formats.gguf import GGUF
from pastur.weights._formats.hdf5.reader import HDF5, KERAS
from pastur.weights._formats.npy import NPY
from pastur.weights._formats.npz import NPZ
from pastur.weights._formats.onnx.initialisers import ONNX
from pastur.weights._formats.safetensors import SAFETENSORS
from pastur.weights._formats.sharded import INDEX
from pastur.weights._formats.torch.archive import TORCH
from pastur.weights._formats.torch.export import TORCH_EXPORT
from pastur.weights._formats.unsupported import HEAD, check_file
from pastur.weights._places.place import Place
from pastur.weights.tensors import Weights

# A new kind of file is a new reader and a line here. The first that recognises the content opens.
READERS: tuple[Reader, ...] = (
    INDEX,
    SAFETENSORS,
    NPY,
    TORCH,
    TORCH_EXPORT,
    NPZ,
    GGUF,
    FLAX,
    HDF5,
    KERAS,
    ONNX,
)

_LFS_POINTER = b"version https://git-lfs"


def open_file(path: Place) -> Weights:
    """Open a file by the first reader that recognises its content.

    Raises
    ------
    FileFormatError
        When none does: with what the file is, as far as that is known.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    return replace(reader_of(path, head).open(path), place=path)


def reader_of(path: Place, head: bytes) -> Reader:
    """Return the reader for a file that begins with `head`, by its content and then by its name.

    Raises
    ------
    FileFormatError
        When there is none: with what the file is, as far as that is known.
    """
    if not head:
        raise FileFormatError(f"{shown(path)} is empty.")
    if head.startswith(_LFS_POINTER):
        raise FileFormatError(
            f"{shown(path)} is a Git LFS pointer, not the file that it stands for. "
            "Fetch that with `git lfs pull`."
        )
    known = next((reader for reader in READERS if reader.recognises(path, head)), None)
    # What ONNX begins with is that of other protocols too; the others' marks are their own.
    if known is None or known is ONNX:
        check_file(path, head)
    if known is not None:
        return known
    for reader in READERS:
        if path.name.endswith(reader.suffixes):
            return reader
    kinds = ", ".join(reader.kind for reader in READERS)
    advice = (
        "It is a zip archive: unpack it, and pass the file or the folder in it."
        if head.startswith(b"PK")
        else "In Python, pass its arrays: `pastur.analyze({name: array, ...})`."
    )
    raise FileFormatError(f"{shown(path)} is not of a kind that pastur reads ({kinds}). {advice}")
