"""A ``.npz`` file after another, array by array."""

import copy
import shutil
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.compression._writing.replaced_tensors import Replaced


def write_npz_after(
    source: Path, stream: BinaryIO, *, names: Collection[str], change: Callable[[str], Replaced]
) -> None:
    """Write an archive in which some arrays of `source` are replaced, packed as they were.

    Parameters
    ----------
    source : Path
    stream : binary stream
    names : collection of str
        The arrays to replace.
    change : callable
        ``change(name)`` returns those in the place of one.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(stream, "w") as new:
        for info in old.infolist():
            name = info.filename.removesuffix(".npy")
            if name not in names:
                with old.open(info) as read, new.open(_alike(info, info.filename), "w") as write:
                    shutil.copyfileobj(read, write)
                continue
            for part, array in change(name).tensors.items():
                ending = info.filename[len(name) :]
                large = array.nbytes >= zipfile.ZIP64_LIMIT
                if array.dtype.kind == "V":
                    raise FileFormatError(f"Tensor {shown(part)} is of a type that npz has not.")
                with new.open(_alike(info, part + ending), "w", force_zip64=large) as write:
                    np.lib.format.write_array(write, array, allow_pickle=False)


def _alike(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    """Return the header of a member that is packed as another one was."""
    made = zipfile.ZipInfo(name, info.date_time)
    made.compress_type, made.external_attr = info.compress_type, info.external_attr
    made.comment = copy.copy(info.comment)
    return made
