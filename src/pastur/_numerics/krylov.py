"""The largest singular value of a matrix, from a few products with blocks of vectors."""

from functools import lru_cache
from typing import Any

import numpy as np

from pastur._typing import AnyArray

# Vectors in a block, and blocks: what stands out by a tenth is found to a thousandth.
_BLOCK, _STEPS = 4, 4


def largest_singular_value(matrix: AnyArray) -> float:
    """Return the largest singular value of an n × m matrix, or a little less.

    Block Lanczos from a fixed random start (Golub, Van Loan 2013, section 10.3): the largest of the
    matrix on the subspace found. It is exact where the shorter side has at most 16.
    """
    turned = matrix.T if matrix.shape[0] < matrix.shape[1] else matrix
    width = turned.shape[1]
    if width <= _BLOCK * _STEPS:
        return float(np.linalg.norm(turned, 2))
    subspace = _start(width, matrix.dtype)
    images = turned @ subspace
    for _ in range(_STEPS - 1):
        back = turned.T @ images[:, -_BLOCK:]
        for _ in range(2):
            back -= subspace @ (subspace.T @ back)
        block = np.linalg.qr(back)[0]
        subspace = np.concatenate([subspace, block], axis=1)
        images = np.concatenate([images, turned @ block], axis=1)
    gram = images.T.astype(np.float64) @ images
    return float(np.sqrt(np.linalg.eigvalsh(gram)[-1]))


# The same matrix with other signs, or another of its shape, follows.
@lru_cache(maxsize=4)
def _start(width: int, dtype: np.dtype[Any]) -> AnyArray:
    """Return a random block of orthonormal vectors."""
    start = np.random.default_rng(0).standard_normal((width, _BLOCK)).astype(dtype)
    return np.linalg.qr(start)[0]
