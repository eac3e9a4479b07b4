"""What is left of a matrix without its leading singular directions, by a few thin products."""

from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray


class Rest(NamedTuple):
    """A matrix without its leading directions, and these, one column each."""

    matrix: AnyArray
    left: AnyArray
    right: AnyArray


def without_leading(matrix: AnyArray, count: int) -> Rest:
    """Return an n × m matrix without about its `count` leading directions, in its own precision.

    Subspace iteration from a fixed random start (Halko, Martinsson, Tropp 2011). Directions that
    stand out are found well, those within the bulk hardly: the rest is what the matrix is outside
    of the subspace found, whatever that is.
    """
    start = np.random.default_rng(0).standard_normal((matrix.shape[1], count))
    left = _basis(matrix @ start.astype(matrix.dtype))
    right = _basis(matrix.T @ left)
    left = _basis(matrix @ right)
    across = left.T @ matrix
    rest = left @ across
    np.subtract(matrix, rest, out=rest)
    return Rest(rest, left, _basis(across.T))


def _basis(columns: AnyArray) -> AnyArray:
    return np.linalg.qr(columns)[0]
