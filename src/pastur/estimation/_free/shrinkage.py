"""Denoising without a law of noise, from the values alone.

Directions are kept down to the deepest value that is detached from those below it; they
are read against all the others and shrunk.
"""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._free.rests import all_after, blocks
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.free_reading import Readings, Rest

# At most half of the values are taken for signal. Where those are that are surely none: from here
# on, as shares of all values.
_DEEPEST = 0.5
_WITHIN = 0.25
# The odds of a detached value are so many times those that nine of ten values within the rest stay
# below; fewer are asked for below the first tenth of all values, where sparse values at the end of
# correlated noise no longer are. Chosen on simulated noise of many correlations.
_USUAL = 0.9
_DETACHED = 4.0
_END = 0.1
_DETACHED_DEEPER = 3.2


def shrink_without_law(kind: Kind, values: FloatArray) -> FloatArray:
    """Return the values that come closest to a signal in general position to the rest.

    Values detached from the rest become θ times the geometric mean of the overlaps, read against
    the rest; all others become 0. The ends of a spectrum with two signs are taken each by itself.
    """
    shrunk = np.zeros_like(values)
    unit = float(np.abs(values).max(initial=0.0))
    if unit == 0.0:
        return shrunk
    scaled, kept = values / unit, kept_without_law(kind, values)
    y, rest = scaled[kept], scaled[~kept]
    sizes = [np.empty(0)]
    for rows in blocks(np.arange(y.size), rest.size):
        against = np.broadcast_to(rest, (rows.size, rest.size))
        found = kind.read_free(y[rows], Rest(against, np.ones(against.shape, dtype=bool)))
        with np.errstate(all="ignore"):
            size = _mean_overlap(found) / found.inverse
        sizes.append(np.where(found.readable, size, 0.0))
    shrunk[kept] = unit * np.sign(y) * np.concatenate(sizes)
    return shrunk


def kept_without_law(kind: Kind, values: FloatArray) -> AnyArray:
    """Return which values are detached from the rest, or farther out than one that is."""
    kept = np.zeros(values.size, dtype=bool)
    unit = float(np.abs(values).max(initial=0.0))
    for sign in (1.0, -1.0) if unit > 0 else ():
        order = np.argsort(-sign * values, kind="stable")
        kept[order[: _detached(kind, sign * values[order] / unit)]] = True
    return kept


def _detached(kind: Kind, values: FloatArray) -> int:
    """Return how many of descending values there are down to the deepest detached one above 0.

    Each is read against those below it. Within the rest the overlap found is small and the same all
    over, since a value has others close to it; its usual size there is what others must exceed.
    """
    # As distances from the lowest one, so that all can be read alike.
    heights = values - min(values[-1], 0.0)
    rows = np.arange(int(_DEEPEST * values.size))
    overlaps = [np.empty(0)]
    for block in blocks(rows, values.size):
        found = kind.read_free(heights[block], all_after(heights, block))
        overlaps.append(np.where(found.readable, _mean_overlap(found), 0.0))
    overlap = np.minimum(np.concatenate(overlaps), 1.0)
    within = overlap[int(_WITHIN * values.size) :]
    if within.size == 0:
        return 0
    usual = float(np.quantile(within, _USUAL))
    needed = np.where(rows < _END * values.size, _DETACHED, _DETACHED_DEEPER)
    detached = overlap * (1 - usual) > needed * usual * (1 - overlap)
    return int(np.flatnonzero(detached & (values[: rows.size] > 0)).max(initial=-1)) + 1


@np.errstate(all="ignore")
def _mean_overlap(found: Readings) -> AnyArray:
    """Return the geometric mean of the overlaps."""
    return np.asarray(np.prod(found.overlaps, axis=0) ** (1 / len(found.overlaps)))
