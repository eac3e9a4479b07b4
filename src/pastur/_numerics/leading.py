"""Leading singular directions of a matrix, and what is left without them."""

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


def leading_directions(matrix: AnyArray, count: int) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return the `count` leading left singular vectors, values and right vectors, or fewer.

    They come from the Gram matrix, in which values below the root of the rounding have no digits:
    of those there are none.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    lines = matrix if wide else matrix.T
    squares, short = np.linalg.eigh(lines @ lines.T)
    squares, short = squares[::-1][:count], short[:, ::-1][:, :count]
    kept = squares > 16 * np.finfo(matrix.dtype).eps * squares[0]
    values, short = np.sqrt(squares[kept]), short[:, kept]
    long = lines.T @ short / values
    return (short, values, long) if wide else (long, values, short)


def _basis(columns: AnyArray) -> AnyArray:
    return np.linalg.qr(columns)[0]
