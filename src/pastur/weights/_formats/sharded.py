"""A model in several files, with or without the index that says which holds what."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pastur._errors import FileAccessError, FileFormatError
from pastur._foreign import shown, some_of
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._formats.contract import Reader
from pastur.weights._formats.safetensors import open_safetensors
from pastur.weights._formats.torch.archive import open_torch
from pastur.weights._hostile.array_bytes import read_up_to
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.json_text import parse_json
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._places.place import Place, on_this_machine
from pastur.weights.tensors import Weights

INDEX_SUFFIXES = (".safetensors.index.json", ".bin.index.json")
FILE_SUFFIXES = (".safetensors", ".bin")
_LARGEST_INDEX = 100_000_000  # bytes, as for a header


def recognises(path: Place, head: bytes) -> bool:
    """Tell whether `head` begins a JSON object with a weight map."""
    # A safetensors file can begin with "{" too, by its length, which has zeros where text has none.
    return head.lstrip().startswith(b"{") and b'"weight_map"' in head and b"\0" not in head[:8]


def open_index(path: Place) -> Weights:
    """Return the tensors of all files that an index names, in the order of the files' names.

    Raises
    ------
    FileAccessError
        When a file that it names is not there.
    FileFormatError
        When the index is not sound, does not agree with the files, or names a file elsewhere.
    """
    index = _parse(path)
    weight_map = index["weight_map"]
    shards = sorted(set(weight_map.values()))
    files = [_shard_path(path, shard) for shard in shards]
    holders, metadata = _opened(path, files)
    for name, shard in weight_map.items():
        if name not in holders or holders[name].source != str(path.parent / shard):
            raise FileFormatError(
                f"{shown(path)} says that tensor {shown(name)} is in {shown(shard)}, "
                "and it is not. Index and files are of different versions: copy them again."
            )
    everything = _metadata(index.get("metadata")) | metadata
    return _merged(path, files, holders, everything)


def open_part(path: Place) -> Weights:
    """Return the tensors of one file of a model: torch's is a zip archive, the other is not."""
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    return open_torch(path) if packed or path.suffix == ".bin" else open_safetensors(path)


def open_parts(path: Place, files: Sequence[Place]) -> Weights:
    """Return the tensors of several files as one set. Two tensors of one name are refused.

    Parameters
    ----------
    path : Place
        What leads to the files.
    files : sequence of Place
    """
    return _merged(path, files, *_opened(path, files))


def _opened(path: Place, files: Sequence[Place]) -> tuple[dict[str, Weights], dict[str, str]]:
    """Return which file holds each tensor, and the metadata of the files."""
    budget = Budget(path, sum(SourceFile.at(file).size for file in files))
    holders: dict[str, Weights] = {}
    metadata: dict[str, str] = {}
    for file in files:
        part = open_part(file)
        metadata |= part.metadata
        for entry in part.entries:
            if entry.name in holders:
                raise FileFormatError(
                    f"Tensor {shown(entry.name)} is in {shown(holders[entry.name].source)} and in "
                    f"{shown(part.source)}. Name the one file to read."
                )
            # Each file has a budget of its own, and there may be many of them.
            budget.take_tensor(entry.name)
            holders[entry.name] = part
    return holders, metadata


def _merged(
    path: Place,
    files: Sequence[Place],
    holders: Mapping[str, Weights],
    metadata: Mapping[str, str],
) -> Weights:
    entries = (entry for part in dict.fromkeys(holders.values()) for entry in part.entries)
    fetch = partial(_fetch, holders)
    return Weights(str(path), tuple(entries), metadata, fetch, files=on_this_machine(files))


def _fetch(holders: Mapping[str, Weights], name: str) -> AnyArray:
    return holders[name].read(name)


def _parse(path: Place) -> dict[str, Any]:
    text = read_up_to(path, _LARGEST_INDEX)
    if text is None:
        raise _unsound(path, f"it exceeds {bytes_text(_LARGEST_INDEX)}")
    try:
        index = parse_json(text, Budget(path, len(text)))
    except FileFormatError:
        raise
    except (ValueError, RecursionError):
        raise _unsound(path, "it is not valid JSON") from None
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise _unsound(path, "it has no weight_map from tensors to files")
    if not all(isinstance(shard, str) for shard in weight_map.values()):
        raise _unsound(path, "its weight_map does not lead to names of files")
    assert isinstance(index, dict)
    return index


def _unsound(path: Place, what: str) -> FileFormatError:
    return FileFormatError(f"{shown(path)} is not a sound index of files of weights: {what}.")


def _shard_path(index: Place, shard: str) -> Place:
    # The name is checked, not where it leads: downloaded models are often folders of links.
    if shard in ("", ".", "..") or any(mark in shard for mark in "/\\:\0"):
        raise _unsound(
            index, f"it names the file {shown(shard)}, and may name files of its own folder only"
        )
    path = index.parent / shard
    if not path.is_file():
        raise FileAccessError(
            f"{shown(index)} names the file {shown(shard)}, which is not in its folder."
            f"{_found_in(index.parent)}"
        )
    return path


def _found_in(folder: Place) -> str:
    if not folder.is_dir():  # a web server lists nothing
        return ""
    names = sorted(item.name for item in folder.iterdir() if item.suffix in FILE_SUFFIXES)
    return f" Found there: {some_of(names) or 'no file of weights'}."


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    texts = {
        key: text if isinstance(text, str) else json.dumps(text) for key, text in value.items()
    }
    return {_encodable(key): _encodable(text) for key, text in texts.items()}


def _encodable(text: str) -> str:
    # JSON can spell halves of characters, which no file or terminal can take.
    return text.encode("utf-8", "replace").decode("utf-8")


INDEX = Reader(
    kind="index of a model in several files",
    suffixes=INDEX_SUFFIXES,
    recognises=recognises,
    open=open_index,
)
