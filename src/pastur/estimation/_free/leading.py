"""The leading directions of a matrix, each read against everything else in it."""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import Kind


def read_leading(kind: Kind, values: FloatArray, alpha: float) -> AnyArray:
    """Return the leading directions of a spectrum by descending distance from 0."""
    return np.empty(0, dtype=kind.leading_fields)


def standing_out(kind: Kind, leading: AnyArray) -> AnyArray:
    """Return which leading directions stand out from the rest."""
    least = np.ones(len(leading), dtype=bool)
    for name in kind.overlap_names:
        least &= leading[f"{name}_low"] > 0.5
    return least


def shrink_without_law(kind: Kind, values: FloatArray) -> FloatArray:
    """Return the values of the signal that come closest to it, 0 where nothing can be read."""
    return np.zeros_like(values)
