"""Where the entries of a matrix are in its tensor."""

import numpy as np

from pastur._typing import AnyArray
from pastur.compression._matrix.blocks import Rows, held, row_blocks
from pastur.compression._matrix.lies import Orientation
from pastur.weights import Matrix


def orientation(matrix: Matrix, shape: tuple[int, ...]) -> Orientation | None:
    """Return how the matrix lies in its tensor, of which it is all; None where it is not.

    Straight where the tensor, with all but its first axis in one, is the matrix; turned where it is
    its transpose.
    """
    if matrix.part or np.prod(shape) != np.prod(matrix.shape):
        return None
    n, m = matrix.shape
    # Never written to, so that it takes hardly any memory.
    probe = np.empty(shape, dtype=np.int8)
    seen = matrix.cut(probe)
    if seen.__array_interface__["data"][0] != probe.__array_interface__["data"][0]:
        return None
    if seen.flags.c_contiguous and shape[0] == n:
        return Orientation.STRAIGHT
    return Orientation.TURNED if seen.T.flags.c_contiguous and shape == (m, n) else None


def put_back(matrix: Matrix, tensor: AnyArray, rows: Rows) -> None:
    """Put the rows of a matrix in their place in a tensor, in its type and no larger than that."""
    view = matrix.cut(tensor)
    shared = np.may_share_memory(view, tensor)
    places = view if shared else matrix.cut(np.arange(tensor.size).reshape(tensor.shape))
    flat = tensor.reshape(-1)
    for part in row_blocks(matrix.shape):
        if shared:
            view[part] = held(rows(part), tensor.dtype)
        else:
            flat[places[part]] = held(rows(part), tensor.dtype)
