"""A folder of a downloaded model."""

from pathlib import Path

from pastur._errors import FileFormatError
from pastur.weights._safetensors import open_safetensors
from pastur.weights._sharded import INDEX_SUFFIX, merge, open_index
from pastur.weights._weights import Weights
from pastur.weights._words import shown, some_of


def open_folder(path: Path) -> Weights:
    """Return the tensors that the folder's index leads to, or else of all its safetensors files.

    Raises
    ------
    FileAccessError, FileFormatError
        When there is nothing to read, or something of it is missing or not sound.
    """
    files = sorted(item for item in path.iterdir() if item.is_file())
    indexes = [file for file in files if file.name.endswith(INDEX_SUFFIX)]
    shards = [file for file in files if file.name.endswith(".safetensors")]
    if len(indexes) > 1:
        raise FileFormatError(
            f"The folder {shown(path)} has several indexes: "
            f"{some_of(file.name for file in indexes)}. Name the one to read."
        )
    if indexes:
        return open_index(indexes[0])
    if len(shards) == 1:
        return open_safetensors(shards[0])
    if shards:
        return merge(str(path), map(open_safetensors, shards), metadata={})
    raise FileFormatError(
        f"No weights in the folder {shown(path)}: looked for *{INDEX_SUFFIX} and *.safetensors, "
        f"found {_contents(path)}."
    )


def _contents(path: Path) -> str:
    names = sorted(item.name + "/" * item.is_dir() for item in path.iterdir())
    return some_of(names) if names else "nothing: it is empty"
