"""What was written in parts, whole again."""

from typing import Any

from pastur._typing import AnyArray
from pastur.compression._matrix.parts import joined, wholes
from pastur.compression._source.checkpoint import open_checkpoint


def read_compressed(source: Any) -> dict[str, AnyArray]:
    """Return all tensors of a model, those that are stored as factors or codes made whole.

    Parameters
    ----------
    source : path, module, array or dict of arrays
        What `apply_compression` wrote, or any other model.

    Returns
    -------
    dict of str to array
        Those made whole in float32, or in float64 where their factors are.

    Raises
    ------
    FileAccessError, FileFormatError
        When it cannot be read, or parts do not go together.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.compression import read_compressed
    >>> read_compressed({"a": np.eye(2)})
    {'a': array([[1., 0.],
           [0., 1.]])}
    """
    weights = open_checkpoint(source).stored
    readable = [entry.name for entry in weights.entries if not entry.unreadable]
    found = wholes(readable)
    parts = {f"{name}{ending}" for name, endings in found.items() for ending in endings}
    tensors = {name: weights.read(name) for name in readable if name not in parts}
    return tensors | {name: joined(name, ends, weights.read) for name, ends in found.items()}
