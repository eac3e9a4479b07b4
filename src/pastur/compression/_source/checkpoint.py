"""A model with its files as they are stored."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pastur._errors import FileAccessError, InvalidInputError, PasturError
from pastur._foreign import shown
from pastur._vocabulary import Word
from pastur.weights import Matrix, TensorInfo, Weights, iter_matrices, open_weights
from pastur.weights._formats.folder import open_folder
from pastur.weights._formats.npz import NPZ
from pastur.weights._formats.readers import READERS, open_file
from pastur.weights._formats.safetensors import SAFETENSORS
from pastur.weights._formats.torch.archive import TORCH
from pastur.weights._places.remote_path import RemotePath, is_url

UNFOLDINGS = ("outputs", "inputs", "window")
# Types that can hold other numbers as well as those that they hold.
FLOATS = ("float64", "float32", "float16", "bfloat16")
_HEAD = 4096


class Kind(Word):
    """How a model is stored, as far as writing it is concerned."""

    SAFETENSORS = "safetensors"
    SEVERAL = "safetensors in several files"
    NPZ = "npz"
    TORCH = "PyTorch"
    OTHER = "another format"
    MEMORY = "in memory"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model.

    Attributes
    ----------
    source : str
    kind : Kind
    weights : Weights
        Its tensors as they are analysed.
    stored : Weights
        Its tensors as they are stored; the same where they are not written back in the format they
        came in.
    parts : tuple of Path
        The files of tensors, where they are written back.
    folder : Path or None
        The folder that was named.
    """

    source: str
    kind: Kind
    weights: Weights
    stored: Weights
    parts: tuple[Path, ...] = ()
    folder: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that belong to it."""
        return self.weights.files

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """Its tensors, each once: a second name of one in memory, which cannot be read, is none."""
        if self.kind not in (Kind.MEMORY, Kind.OTHER):
            return self.stored.entries
        return tuple(entry for entry in self.stored.entries if not entry.unreadable)


def open_checkpoint(source: Any) -> Checkpoint:
    """Open a model; only headers are read.

    Raises
    ------
    FileAccessError, FileFormatError, InvalidInputError, InvalidTypeError
        As `open_weights`.
    """
    check_here(source)
    weights = open_weights(source)
    if not isinstance(source, (str, os.PathLike)):
        return Checkpoint(weights.source, Kind.MEMORY, weights, weights)
    path = Path(os.fsdecode(source))
    stored = _stored(path)
    parts = stored.files or (Path(stored.source),)
    kind = _kind(parts)
    folder = path if path.is_dir() else None
    if kind == Kind.SEVERAL and folder is None:
        # An index leads to files in its own folder.
        folder = path.absolute().parent
    if kind == Kind.OTHER:
        return Checkpoint(weights.source, kind, weights, weights, folder=folder)
    return Checkpoint(weights.source, kind, weights, stored, parts, folder)


def check_here(source: Any) -> None:
    """Refuse a model elsewhere, before it is analysed.

    Raises
    ------
    InvalidInputError
        When `source` is a URL.
    """
    if is_url(source):
        raise InvalidInputError(
            f"{shown(RemotePath(source))} is not on this machine, and compressing works on files "
            "that are: copy the model here first."
        )


def _stored(path: Path) -> Weights:
    try:
        if path.is_dir():
            suffixes = [suffix for reader in READERS for suffix in reader.suffixes]
            return open_folder(path, open_file, suffixes)
        return open_file(path)
    except PasturError:
        raise
    except OSError as error:
        raise FileAccessError(f"{shown(path)} cannot be read: {error.strerror}.") from None


def _kind(parts: tuple[Path, ...]) -> Kind:
    kinds = {_kind_of_file(part) for part in parts}
    if kinds == {Kind.SAFETENSORS} and len(parts) > 1:
        return Kind.SEVERAL
    return kinds.pop() if len(kinds) == 1 and len(parts) == 1 else Kind.OTHER


def _kind_of_file(part: Path) -> Kind:
    with part.open("rb") as file:
        head = file.read(_HEAD)
    for reader in READERS:
        if reader.recognises(part, head):
            return _KINDS.get(reader.kind, Kind.OTHER)
    return Kind.OTHER


_KINDS = {
    SAFETENSORS.kind: Kind.SAFETENSORS,
    NPZ.kind: Kind.NPZ,
    TORCH.kind: Kind.TORCH,
}


def matrices_of(weights: Weights, unfold: str) -> dict[str, Matrix]:
    """Return the matrices of a model by name."""
    items = iter_matrices(weights, unfold=unfold)
    return {item.name: item for item in items if isinstance(item, Matrix)}
