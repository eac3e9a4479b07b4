"""A folder of a downloaded model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from pastur._errors import FileFormatError
from pastur._foreign import shown, some_of
from pastur.weights._formats.sharded import FILE_SUFFIXES, INDEX_SUFFIXES, open_index, open_parts
from pastur.weights._formats.unsupported import check_files, check_folder
from pastur.weights._places.place import Place
from pastur.weights.tensors import Weights

_SHARD = re.compile(r"-\d+-of-(?P<count>\d+)$")
_ADAPTER, _ADAPTER_CONFIG = "adapter_model", "adapter_config.json"
_PIPELINE = "model_index.json"
# A trainer, or a converter, leaves other files next to the model's, which has one of these names.
_MODELS = ("model", "pytorch_model", "diffusion_pytorch_model")
_DEEPEST = 3
_MOST = 2000


def open_folder(
    path: Place, open_file: Callable[[Place], Weights], suffixes: Sequence[str]
) -> Weights:
    """Return the tensors that the folder's index leads to, or else of its one model.

    Safetensors files come before PyTorch's, which often hold the same once more, and both before
    all others.

    Parameters
    ----------
    path : Place
    open_file : callable
        Opens a file by its content.
    suffixes : sequence of str
        Suffixes of all files that are read.

    Raises
    ------
    FileAccessError, FileFormatError
        When there is nothing to read, or several models, or something of one is missing or not
        sound.
    """
    files = sorted(item for item in path.iterdir() if item.is_file())
    names = {file.name for file in files}
    if _PIPELINE in names:
        raise _several(path, [*_weights_in(files, suffixes), *_below(path, suffixes)])
    for index_suffix, suffix in zip(INDEX_SUFFIXES, FILE_SUFFIXES, strict=True):
        indexes = [file for file in files if file.name.endswith(index_suffix)]
        if len(indexes) > 1:
            raise FileFormatError(
                f"The folder {shown(path)} has several indexes: "
                f"{some_of(file.name for file in indexes)}. Name the one to read."
            )
        if indexes:
            return open_index(indexes[0])
        models = _models([file for file in files if file.name.endswith(suffix)], suffix)
        first = (_ADAPTER,) if _ADAPTER_CONFIG in names else ()
        chosen = next((one for one in (*first, *_MODELS) if one in models), None)
        if chosen is None and len(models) > 1:
            raise _several(path, [name for one in models.values() for name in one[:1]])
        parts = models.get(chosen, []) if chosen else next(iter(models.values()), [])
        _check_count(path, parts, suffix)
        if parts:
            return open_file(parts[0]) if len(parts) == 1 else open_parts(path, parts)
    check_folder(path, _names(path))
    others = _weights_in(files, suffixes)
    if len(others) == 1:
        return open_file(others[0])
    others += [] if others else _below(path, suffixes)
    if others:
        raise _several(path, others)
    check_files(files[:_MOST])
    looked = ", ".join(f"*{suffix}" for suffix in (*INDEX_SUFFIXES, *FILE_SUFFIXES))
    raise FileFormatError(
        f"No weights in the folder {shown(path)}: looked for {looked}, found {_contents(path)}."
    )


def _models(files: Sequence[Place], suffix: str) -> dict[str, list[Place]]:
    """Return the files of each model, by its name: those in several parts have numbers."""
    found: dict[str, list[Place]] = {}
    for file in files:
        found.setdefault(_SHARD.sub("", file.name.removesuffix(suffix)), []).append(file)
    return found


def _check_count(path: Place, parts: Sequence[Place], suffix: str) -> None:
    """Refuse a model of which a part is missing, by the numbers in the names of its files."""
    found = (_SHARD.search(part.name.removesuffix(suffix)) for part in parts)
    counts = {match["count"].lstrip("0") for match in found if match}
    if counts - {str(len(parts))}:
        raise FileFormatError(
            f"The folder {shown(path)} has {len(parts)} of {min(counts)} parts of a model: "
            f"{some_of(part.name for part in parts)}. Copy all of them, or name the one to read."
        )


def _weights_in(files: Sequence[Place], suffixes: Sequence[str]) -> list[Place]:
    return [file for file in files if file.name.endswith(tuple(suffixes))]


def _below(path: Place, suffixes: Sequence[str]) -> list[Place]:
    """Return the folders below that hold files of weights."""
    return list(dict.fromkeys(file.parent for file in _walk(path, suffixes)))


def _walk(path: Place, suffixes: Sequence[str]) -> Iterator[Place]:
    waiting = [(path, 0)]
    for _ in range(_MOST):
        if not waiting:
            return
        here, depth = waiting.pop()
        try:
            items = sorted(here.iterdir())
        except OSError:  # not ours to read, and so not to be chosen
            continue
        folders = [item for item in items if item.is_dir()]
        if depth:
            yield from (i for i in _weights_in(items, suffixes) if not i.is_dir())
        if depth < _DEEPEST:
            waiting += [(one, depth + 1) for one in reversed(folders) if not one.is_symlink()]


def _several(path: Place, models: Sequence[Place]) -> FileFormatError:
    names = [f"{one.relative_to(path)}{'/' * one.is_dir()}" for one in models]
    if not names:
        return FileFormatError(
            f"The folder {shown(path)} is a pipeline of diffusers whose models are not in it: "
            f"found {_contents(path)}."
        )
    what = "holds several models" if len(names) > 1 else "has its model further down"
    return FileFormatError(
        f"The folder {shown(path)} {what}: {some_of(names, 12)}. Choose by path: "
        f"`pastur analyze {shown(models[0])}`."
    )


def _names(path: Place) -> list[str]:
    return sorted(item.name + "/" * item.is_dir() for item in path.iterdir())


def _contents(path: Place) -> str:
    names = _names(path)
    return some_of(names) if names else "nothing: it is empty"
