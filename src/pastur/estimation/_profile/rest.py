"""A scaled matrix without its spikes, whose entries are those of noise."""

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Factors, Kind
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._low_rank.split import split_spectrum

# Share of a direction's squares in one row times that in one column, from which on it is an entry.
_ONE_ENTRY = 0.25
# So little of a row's noise is left next to the signal that it is not enlarged further.
_LEAST_SEEN = 0.1


def rest_of(
    white: FloatArray, factors: Factors, kind: Kind, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Return the entries of a scaled matrix without its spikes, and its other values.

    Scaling enlarges a signal where the noise is small, so that its entries are not like those of
    one in no special direction. A spike that is mostly a single entry stays: it is an outlier.
    """
    order = np.argsort(-np.abs(factors.values), kind="stable")
    values, left, right = factors.values[order], factors.left[:, order], factors.right[order]
    edges = noise_edges(kind.noise, alpha)
    split, _ = split_spectrum(values, kind, kind.noise, edges, sigma=None)
    spread = np.max(left**2, axis=0) * np.max(right**2, axis=1) < _ONE_ENTRY
    taken = spread & (np.arange(values.size) < split.spikes.size)
    left, right = left[:, taken], right[taken]
    leverages = np.sum(left**2, axis=1), np.sum(right**2, axis=0)
    seen = np.multiply.outer(*(np.maximum(1 - h, _LEAST_SEEN) for h in leverages))
    rest = (white - (left * values[taken]) @ right) / np.sqrt(seen)
    # Not even rounding is left of rows and columns of zeros.
    rest[~white.any(axis=1)], rest[:, ~white.any(axis=0)] = 0.0, 0.0
    return np.asarray(rest), values[~taken]
