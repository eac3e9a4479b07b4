"""The leading directions of a matrix, each read against everything else in it."""

from collections.abc import Iterable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._free.rests import all_after, all_others, blocks, distance, put_back
from pastur.estimation._kinds.contract import Kind, span_name
from pastur.estimation._kinds.free_reading import Readings, Rest

# Of so many of all values the largest are read at most; deeper there is nothing to stand out from.
_DEEPEST = 0.25
# Values at a distance of so many of their standard deviations do not push each other.
_CLEAR = 6.0
# A direction stands out where every overlap is sure to exceed this.
_STANDS_OUT = 0.5


class _Read(NamedTuple):
    """Values as they are read: the table, how far each is from its rest, and by how much it moves.

    `slope` is that of `Readings`.
    """

    table: AnyArray
    clearance: FloatArray
    slope: FloatArray

    @property
    def clear(self) -> AnyArray:
        """Whether nothing of the rest is near enough to push or to be pushed."""
        return np.asarray(self.clearance >= _CLEAR)


def read_leading(
    kind: Kind,
    values: FloatArray,
    alpha: float,
    *,
    stretch: float = 1.0,
    most: int | None = None,
) -> AnyArray:
    """Return the leading directions of a spectrum by descending distance from 0.

    Each value is read against those that the rest had before its direction pushed them away
    (`rests.put_back`). Where others are near, its interval also holds that of the reading against
    the values as they are. The first values are `together` where they have a clear gap below them:
    those that are near one another are read as one group, against what lies below the gap. They
    have spans, shares in the span of the group's directions, and no overlaps of their own.

    Parameters
    ----------
    values : array, shape (size,)
        By descending distance from 0, in any unit.
    alpha : float
        One less the level of the intervals.
    stretch : float
        By how much the intervals are wider than those for values that are all known.
    most : int, optional
        How many are known one by one, and can be read. Default: all.
    """
    count = min(max(int(_DEEPEST * values.size), 1), values.size - 2)
    count = count if most is None else min(count, most)
    if count < 1 or values[0] == 0.0:
        return np.empty(0, dtype=kind.leading_fields)
    unit = abs(float(values[0]))
    values = values / unit
    z = -stretch * NormalDist().inv_cdf(alpha / 2)
    read = [_alone(kind, values, rows, z) for rows in blocks(np.arange(count), values.size)]
    table, clear, resolved = (np.concatenate(part) for part in zip(*read, strict=True))
    together = int(np.flatnonzero(resolved).max(initial=-1)) + 1
    near = np.flatnonzero(~clear[:together])
    _read_together(kind, values, table[:together], near, z)
    table["group"] = _groups(values[:count], clear, together)
    _name_spans(kind, table, near)
    for name in ("observed", "theta", "low", "high"):
        table[name] *= unit
    if not kind.squared:
        _with_signs(table, values[:count])
    return table


def _alone(
    kind: Kind, values: FloatArray, rows: AnyArray, z: float
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return the table of some values, which of them are clear, and after which a clear gap is.

    The gap must be one for a value of which the greater part is signal.
    """
    own = _read(kind, values, rows, all_others(values, rows), z)
    table = _read(kind, values, rows, put_back(values, rows, own.slope, own.clear), z).table
    near = np.flatnonzero(~own.clear)
    _widen(table, near, own.table[near])
    readable = own.table["readable"] & table["readable"]
    _forget(table, ~readable)
    rest = all_after(values, rows)
    after = kind.read_free(values[rows], rest)
    resolved = after.readable & (_clearance(values, rows, rest, after) >= _CLEAR)
    return table, own.clear & readable, resolved


def _read_together(
    kind: Kind, values: FloatArray, table: AnyArray, near: AnyArray, z: float
) -> None:
    """Read those of the first values that are `near` one another against what follows them all."""
    if near.size == 0:
        return
    rest = np.broadcast_to(values[len(table) :], (near.size, values.size - len(table)))
    found = _read(kind, values, near, Rest(rest, np.ones(rest.shape, dtype=bool)), z).table
    before = table[near]
    table[near] = found
    _widen(table, near, before, ("low", "high"))


def _read(kind: Kind, values: FloatArray, rows: AnyArray, rest: Rest, z: float) -> _Read:
    found = kind.read_free(values[rows], rest)
    clearance = _clearance(values, rows, rest, found)
    return _Read(_table(kind, found, z, np.abs(values[rows])), clearance, found.slope)


@np.errstate(all="ignore")
def _clearance(values: FloatArray, rows: AnyArray, rest: Rest, found: Readings) -> FloatArray:
    """Return how far each value is from its rest, over by how much it moves."""
    return np.asarray(distance(values, rows, rest) * found.slope / found.deviation)


def _table(kind: Kind, found: Readings, z: float, sizes: FloatArray) -> AnyArray:
    table = np.zeros(sizes.size, dtype=kind.leading_fields)
    table["observed"] = sizes
    table["readable"] = found.readable
    with np.errstate(all="ignore"):
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
    _forget(table, ~found.readable)
    return table


def _forget(table: AnyArray, rows: AnyArray) -> None:
    """Take the figures of some rows back, which are not readable."""
    table["readable"][rows] = False
    for name in table.dtype.names or ():
        if name not in ("observed", "readable", "group"):
            table[name][rows] = np.nan


def _widen(
    table: AnyArray, rows: AnyArray, other: AnyArray, names: Iterable[str] | None = None
) -> None:
    """Widen intervals of some rows until they hold those of another table as well."""
    for name in names or table.dtype.names or ():
        if name.endswith("low"):
            table[name][rows] = np.fmin(table[name][rows], other[name])
        elif name.endswith("high"):
            table[name][rows] = np.fmax(table[name][rows], other[name])


def _groups(values: FloatArray, clear: AnyArray, together: int) -> AnyArray:
    """Return a number for each value, equal for neighbours on one side of 0 that are not clear."""
    number = np.empty(values.size, dtype=np.int64)
    following = 0
    for side in (values >= 0, values < 0):
        rows = np.flatnonzero(side)
        apart = clear[rows[1:]] | clear[rows[:-1]]
        apart |= (rows[:-1] < together) & (rows[1:] >= together)
        number[rows] = following + np.append(0, np.cumsum(apart))[: rows.size]
        following = int(number[rows].max(initial=following - 1)) + 1
    return number


def _name_spans(kind: Kind, table: AnyArray, near: AnyArray) -> None:
    """Set the spans to what was read; in a group of several that does not count as overlap."""
    group = table["group"]
    mixed = near[np.bincount(group)[group[near]] > 1]
    for name in (name + end for name in kind.overlap_names for end in ("", "_low", "_high")):
        table[span_name(name)] = table[name]
        table[name][mixed] = np.nan


def _with_signs(table: AnyArray, values: FloatArray) -> None:
    """Turn the sizes of eigenvalues back into eigenvalues."""
    below = values < 0
    low, high = table["low"].copy(), table["high"].copy()
    for name in ("observed", "theta"):
        table[name][below] *= -1
    table["low"][below], table["high"][below] = -high[below], -low[below]


def standing_out(kind: Kind, leading: AnyArray) -> AnyArray:
    """Return which leading directions stand out from the rest: every span surely above ½."""
    sure = np.ones(len(leading), dtype=bool)
    for name in kind.overlap_names:
        sure &= leading[f"{span_name(name)}_low"] > _STANDS_OUT
    return sure
