"""One door for every source of weights."""

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from pastur._errors import (
    FileAccessError,
    FileFormatError,
    InternalError,
    InvalidInputError,
    PasturError,
)
from pastur._files import same_file
from pastur._foreign import shown, suggestion
from pastur.weights._derived.adapters import adapter, is_adapter
from pastur.weights._derived.attention import with_heads
from pastur.weights._derived.conventions.derive import derived
from pastur.weights._derived.differences import difference
from pastur.weights._derived.not_weights import without_states
from pastur.weights._formats.folder import open_folder
from pastur.weights._formats.in_memory import open_arrays
from pastur.weights._formats.input_files import files_at
from pastur.weights._formats.readers import READERS, open_file
from pastur.weights._formats.torch.module import is_module, open_module
from pastur.weights._places.place import Place
from pastur.weights._places.remote_path import RemotePath, is_url, place_of
from pastur.weights.tensors import Weights


def open_weights(source: Any, *, base: Any = None) -> Weights:
    """Open a set of weights; only headers are read.

    Parameters
    ----------
    source : path, URL, module, array or dict of arrays
        A safetensors, PyTorch (also TorchScript and torch.export), ``.npy``, ``.npz`` or Flax
        (``.msgpack``) file, with the extras of these names an ONNX, GGUF or Keras (HDF5) file,
        recognised by its content; an index of several safetensors or PyTorch files; a folder with
        either of these; a module of PyTorch; one array or a dictionary of them, where an array is
        whatever `numpy.asarray` takes. Of what lies at a URL (``https://…``, ``s3://…``, with the
        extra ``remote``) no more is fetched than is asked for.
    base : path, URL, module, array or dict of arrays, optional
        Another model. The tensors are then the differences from those of the same names; of an
        adapter, the changed matrices of the base; some adapters can be computed with it only.

    Returns
    -------
    Weights
        Its tensors, each read when it is requested. For an adapter (LoRA and others) they are the
        changes that it makes, such as ``scale·B·A``.

    Raises
    ------
    FileAccessError
        When the path, or a file that an index names, is not there or cannot be read.
    FileFormatError
        When the content is damaged, hostile, or not of a kind that pastur reads.
    InvalidInputError, InvalidTypeError
        When `source` is neither a path nor arrays, or is its own base.

    Examples
    --------
    >>> import numpy as np
    >>> weights = open_weights({"fc.weight": np.eye(3, dtype=np.float32)})
    >>> weights.entries[0]
    TensorInfo(name='fc.weight', shape=(3, 3), dtype='float32', nbytes=36, unreadable='')
    >>> weights.read("fc.weight").dtype
    dtype('float32')
    """
    try:
        return _opened(source, base)
    except PasturError:
        raise
    except MemoryError:
        raise InvalidInputError("Listing the weights takes more memory than there is.") from None
    except Exception as error:
        raise InternalError.of(error) from error


def _opened(source: Any, base: Any) -> Weights:
    weights = found = _open(source)
    beneath = None if base is None else _open(base)
    if is_adapter(weights):
        found = replace(adapter(weights, beneath), changes=beneath is None)
    elif beneath is not None:
        _refuse_itself(weights, beneath)
        found = difference(weights, beneath)
    marks = [weights.content_mark, *([] if beneath is None else [beneath.content_mark])]
    return replace(
        found,
        files=(*weights.files, *(beneath.files if beneath else ())),
        content_mark=" ".join(marks) if all(marks) else "",
    )


def _refuse_itself(weights: Weights, base: Weights) -> None:
    pairs = zip(weights.files, base.files, strict=False)
    if weights.files and all(same_file(one, other) for one, other in pairs):
        raise InvalidInputError(
            f"The base is the model itself ({shown(base.source)}): their difference is zero. Name "
            "the model from which it was trained."
        )


def _open(source: Any) -> Weights:
    if is_module(source):
        return without_states(derived(open_module(source)))
    path = place_of(source)
    if path is None:
        return without_states(derived(open_arrays(source)))
    try:
        weights = _open_path(path)
    except PasturError:
        raise
    except OSError as error:
        raise FileAccessError(f"{shown(path)} cannot be read: {error.strerror}.") from None
    if not weights.entries:
        raise FileFormatError(f"{shown(path)} holds no tensor.")
    files = files_at(path, weights.files)
    found = without_states(with_heads(derived(weights, path), path))
    mark = path.content_mark if isinstance(path, RemotePath) else ""
    return replace(found, files=files, place=weights.place or path, content_mark=mark)


def _open_path(path: Place) -> Weights:
    suffixes = [suffix for reader in READERS for suffix in reader.suffixes]
    if not isinstance(path, Path):
        return open_folder(path, open_file, suffixes) if path.is_dir() else open_file(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise FileAccessError(f"No file or folder {shown(path)}.{_near(path)}") from None
    if stat.S_ISDIR(mode):
        return open_folder(path, open_file, suffixes)
    if not stat.S_ISREG(mode):
        # Reading a pipe or a device may never end.
        raise FileAccessError(f"{shown(path)} is neither a file nor a folder.")
    return open_file(path)


def _near(path: Path) -> str:
    if is_url(str(path).replace(":/", "://", 1)):
        return " A URL is given as text: a Path drops one of its slashes."
    try:
        return suggestion(path.name, os.listdir(path.parent))
    except (OSError, ValueError):
        return ""
