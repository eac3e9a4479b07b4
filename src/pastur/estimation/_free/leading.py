"""The leading directions of a matrix, each read against everything else in it."""

from statistics import NormalDist

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.free_reading import Readings

# Of so many of all values the largest are read at most; deeper there is nothing to stand out from.
_DEEPEST = 0.25
# Values closer to each other than this share push each other: they are read as one group.
_NEIGHBOURS = 0.02
# A direction stands out where every overlap is sure to exceed this.
_STANDS_OUT = 0.5


def read_leading(kind: Kind, values: FloatArray, alpha: float) -> AnyArray:
    """Return the leading directions of a spectrum by descending distance from 0.

    Each value is read against all others, its own term left out: in general position to the rest,
    whatever this is, its direction has the strength and the overlaps that follow from the transform
    of the rest at that value.

    Parameters
    ----------
    values : array, shape (size,)
        By descending distance from 0, in any unit.
    alpha : float
        One less the level of the intervals.
    """
    count = min(max(int(_DEEPEST * values.size), 1), values.size - 2)
    if count < 1 or values[0] == 0.0:
        return np.empty(0, dtype=kind.leading_fields)
    unit = abs(float(values[0]))
    readings = kind.read_free(values / unit, count)
    z = -NormalDist().inv_cdf(alpha / 2)
    table = _table(kind, readings, z, np.abs(values[:count]) / unit)
    for name in ("observed", "theta", "low", "high"):
        table[name] *= unit
    if not kind.squared:
        _with_signs(table, values[:count])
    return table


def _table(kind: Kind, found: Readings, z: float, sizes: FloatArray) -> AnyArray:
    table = np.zeros(sizes.size, dtype=kind.leading_fields)
    table["observed"] = sizes
    table["readable"] = found.readable
    table["group"] = groups(sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["theta"] = 1 / found.inverse
        table["low"] = 1 / (found.inverse + z * found.deviation)
        high = 1 / (found.inverse - z * found.deviation)
    table["high"] = np.where(found.inverse > z * found.deviation, high, np.inf)
    for name, overlap, deviation in zip(
        kind.overlap_names, found.overlaps, found.overlap_deviations, strict=True
    ):
        # Beyond that the interval is all of (0, 1] anyway.
        factor = np.exp(np.minimum(z * deviation, 500.0))
        table[name] = np.minimum(overlap, 1.0)
        table[f"{name}_low"] = np.minimum(overlap / factor, 1.0)
        table[f"{name}_high"] = np.minimum(overlap * factor, 1.0)
    for name in table.dtype.names or ():
        if name not in ("observed", "readable", "group"):
            table[name][~found.readable] = np.nan
    return table


def groups(sizes: FloatArray) -> AnyArray:
    """Return a number for each of descending sizes, equal for neighbours that push each other."""
    far = sizes[:-1] - sizes[1:] > _NEIGHBOURS * sizes[:-1]
    return np.concatenate([[0], np.cumsum(far)])


def _with_signs(table: AnyArray, values: FloatArray) -> None:
    """Turn the sizes of eigenvalues back into eigenvalues."""
    below = values < 0
    low, high = table["low"].copy(), table["high"].copy()
    for name in ("observed", "theta"):
        table[name][below] *= -1
    table["low"][below], table["high"][below] = -high[below], -low[below]


def standing_out(kind: Kind, leading: AnyArray) -> AnyArray:
    """Return which leading directions stand out from the rest: every overlap surely above ½."""
    sure = np.ones(len(leading), dtype=bool)
    for name in kind.overlap_names:
        sure &= leading[f"{name}_low"] > _STANDS_OUT
    return sure


def shrink_without_law(kind: Kind, values: FloatArray) -> FloatArray:
    """Return the values that come closest to the signal: θ times the root of the overlaps' product.

    Values that cannot be read, or lie deeper than those that are, become 0.
    """
    shrunk = np.zeros_like(values)
    order = np.argsort(-np.abs(values), kind="stable")
    leading = read_leading(kind, values[order], 0.5)
    names = kind.overlap_names
    product = np.prod([leading[name] for name in names], axis=0)
    kept = leading["theta"] * product ** (1 / len(names))
    shrunk[order[: len(leading)]] = np.nan_to_num(kept)
    return shrunk
