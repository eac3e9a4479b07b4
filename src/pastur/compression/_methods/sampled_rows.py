"""The error of a choice, measured on all rows of a matrix, or on enough of a large one."""

from dataclasses import dataclass

import numpy as np

from pastur._numerics.scaling import largest_magnitude
from pastur._typing import AnyArray
from pastur.compression._matrix.blocks import Rows, row_blocks, rows_of

# Entries, and rows, that are enough to measure an error to a per cent or so.
_ENTRIES, _ROWS = 1 << 20, 256
# Standard errors of a mean over sampled rows on either side of it.
_REACH = 5.0


@dataclass(frozen=True)
class Measured:
    """‖W − W′‖² and ‖W′‖² over ‖W‖².

    Attributes
    ----------
    loss, energy : float
    reach : float
        How far the loss of all rows may be from that of the sampled ones; 0 where these are all.
    """

    loss: float
    energy: float
    reach: float


def sampled(shape: tuple[int, int]) -> AnyArray | None:
    """Return rows of a large matrix, drawn with a fixed seed; None where all are few enough."""
    count = max(_ENTRIES // shape[1], _ROWS)
    if count >= shape[0]:
        return None
    return np.sort(np.random.default_rng(0).choice(shape[0], count, replace=False))


def measured(w: AnyArray, errors: Rows, of: int) -> Measured:
    """Return what is found on rows of W, and on those of W − W′.

    Parameters
    ----------
    w : array
        All rows, or the sampled ones.
    errors : callable
        The same rows of W − W′.
    of : int
        Rows of the whole matrix.
    """
    unit = largest_magnitude(w) or 1.0
    lost, energies, own = (np.empty(len(w)) for _ in range(3))
    for part in row_blocks(w.shape):
        old, error = rows_of(w)(part) / unit, errors(part) / unit
        for sums, numbers in ((lost, error), (energies, old - error), (own, old)):
            np.einsum("ij,ij->i", numbers, numbers, out=sums[part])
    total = float(own.sum()) or 1.0
    loss, count = float(lost.sum()) / total, len(w)
    # A ratio of means, of rows drawn without putting back.
    spread = float(np.linalg.norm(lost - loss * own)) * np.sqrt(count / max(count - 1, 1))
    reach = _REACH * spread / total * np.sqrt(1 - count / of)
    return Measured(loss, float(energies.sum()) / total, reach)
