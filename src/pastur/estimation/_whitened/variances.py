"""Variances of rows and columns, and the scaling to one variance."""

from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray


class Variances(NamedTuple):
    """Variances of rows and columns, of mean 1 over those that are not zero."""

    rows: FloatArray
    columns: FloatArray

    def whitened(self, w: FloatArray) -> FloatArray:
        """Return ``D_r^(−1/2) w D_c^(−1/2)``; rows and columns of variance 0 are 0."""
        return scaled(w, *(_inverse_root(d) for d in self))

    def restored(self, w: FloatArray) -> FloatArray:
        """Return ``D_r^(1/2) w D_c^(1/2)``."""
        return scaled(w, *(np.sqrt(d) for d in self))


def scaled(w: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Return ``diag(rows) w diag(columns)``, with no product of two that leaves the doubles."""
    (rows, up), (columns, more) = np.frexp(rows), np.frexp(columns)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(rows[:, None] * w * columns, up[:, None] + more))


def _inverse_root(variances: FloatArray) -> FloatArray:
    root = np.sqrt(variances)
    return np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
