"""A folder of a downloaded model."""

from pathlib import Path

from pastur._errors import FileFormatError
from pastur.weights._sharded import FILE_SUFFIXES, INDEX_SUFFIXES, open_index, open_part, open_parts
from pastur.weights._weights import Weights
from pastur.weights._words import shown, some_of

# A trainer leaves other .bin files beside the model's.
_MODEL = "pytorch_model"


def open_folder(path: Path) -> Weights:
    """Return the tensors that the folder's index leads to, or else of all its files of weights.

    Safetensors files come before PyTorch's, which often hold the same once more.

    Raises
    ------
    FileAccessError, FileFormatError
        When there is nothing to read, or something of it is missing or not sound.
    """
    files = sorted(item for item in path.iterdir() if item.is_file())
    for index_suffix, suffix in zip(INDEX_SUFFIXES, FILE_SUFFIXES, strict=True):
        indexes = [file for file in files if file.name.endswith(index_suffix)]
        if len(indexes) > 1:
            raise FileFormatError(
                f"The folder {shown(path)} has several indexes: "
                f"{some_of(file.name for file in indexes)}. Name the one to read."
            )
        if indexes:
            return open_index(indexes[0])
        parts = [file for file in files if file.name.endswith(suffix)]
        parts = [file for file in parts if file.name.startswith(_MODEL)] or parts
        if len(parts) == 1:
            return open_part(parts[0])
        if parts:
            return open_parts(path, parts)
    looked = ", ".join(f"*{suffix}" for suffix in (*INDEX_SUFFIXES, *FILE_SUFFIXES))
    raise FileFormatError(
        f"No weights in the folder {shown(path)}: looked for {looked}, found {_contents(path)}."
    )


def _contents(path: Path) -> str:
    names = sorted(item.name + "/" * item.is_dir() for item in path.iterdir())
    return some_of(names) if names else "nothing: it is empty"
