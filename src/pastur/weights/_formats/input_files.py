"""Which files a source is made of, so that no output overwrites one."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pastur.weights._places.place import Place

_CONFIGURATIONS = ("config.json", "adapter_config.json")


def files_at(path: Place, named: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files of a model at `path`, and those that it names.

    For a folder, these are all files in it, read or not; for a file, also the configurations next
    to it that state how it is to be read. What lies elsewhere has none here.
    """
    if not isinstance(path, Path):
        return ()
    if path.is_dir():
        found = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    else:
        found = [path, *(path.with_name(name) for name in _CONFIGURATIONS)]
    # Absolute: the current folder may be another one when an output is written.
    everything = (Path(os.path.abspath(file)) for file in (*found, *named))
    return tuple(file for file in dict.fromkeys(everything) if os.path.exists(file))


def files_behind(values: Iterable[Any]) -> tuple[Path, ...]:
    """Return the files that arrays in memory are mapped from, and that data sets of h5py lie in."""
    names = (name for value in values for name in _names(value))
    return tuple(dict.fromkeys(Path(os.path.abspath(os.fspath(name))) for name in names))


def _names(value: Any) -> Iterator[Any]:
    file = getattr(value, "file", None)
    while value is not None:
        if isinstance(value, np.memmap) and value.filename is not None:
            yield value.filename
        value = getattr(value, "base", None)
    if isinstance(name := getattr(file, "filename", None), (str, os.PathLike)):
        yield name
