"""What a direction is read against: the values of the matrix without it, which are not known.

The values at hand are those of the matrix *with* the direction, which pushed them away. Between any
two neighbours of them lies one value of the rest: of a matrix with one direction more, the values
interlace with those without it. Far from the value that is read the two are as good as equal. Near
it they are about half a spacing apart, so that what is read against the values at hand is too far
from the others, and its strength too large.
"""

from collections.abc import Iterator

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.free_reading import Rest

# The spacing below a value is the mean of so many.
_SPACINGS = 5
# So many entries are worked on at once.
_BLOCK = 2**18


def blocks(rows: AnyArray, size: int) -> Iterator[AnyArray]:
    """Yield parts of `rows`, few enough for arrays of so many rows and `size` columns."""
    step = max(_BLOCK // max(size, 1), 1)
    for start in range(0, rows.size, step):
        yield rows[start : start + step]


def all_others(values: FloatArray, rows: AnyArray) -> Rest:
    """Return all values but the one of each row."""
    present = np.ones((rows.size, values.size), dtype=bool)
    present[np.arange(rows.size), rows] = False
    return Rest(np.broadcast_to(values, present.shape), present)


def all_after(values: FloatArray, rows: AnyArray) -> Rest:
    """Return the values after the one of each row."""
    present = np.arange(values.size) > rows[:, None]
    return Rest(np.broadcast_to(values, present.shape), present)


def put_back(values: FloatArray, rows: AnyArray, slope: FloatArray, clear: AnyArray) -> Rest:
    """Return the values that the rest had before the direction of each row pushed them away.

    If values lay on a lattice near y with the spacing Δ, one of n poles of the transform each, then
    1/θ less the transform of the poles farther away is (π/(nΔ)) cot(πφ), φ the way from a value
    down to its pole in units of Δ. The left side is `slope` times the distance above y.

    Parameters
    ----------
    slope : array
        The rate at which 1/θ falls along the axis, for each row.
    clear : array of bool
        Whether nothing is near the value of a row. What lies next below it has then moved by little
        from its pole; otherwise the pole is taken halfway, at most a spacing away.
    """
    poles = np.empty((rows.size, values.size))
    for sign in (1.0, -1.0):
        chosen = np.flatnonzero(np.where(values[rows] < 0, -1.0, 1.0) == sign)
        if chosen.size:
            order = np.argsort(-sign * values, kind="stable")
            place = np.argsort(order, kind="stable")[rows[chosen]]
            poles[chosen] = sign * _below(sign * values[order], place, slope[chosen], clear[chosen])
    return Rest(poles, np.ones(poles.shape, dtype=bool))


@np.errstate(all="ignore")
def _below(values: FloatArray, places: AnyArray, slope: FloatArray, clear: AnyArray) -> FloatArray:
    """Return the pole below each of descending values; for the last one, itself."""
    gaps = values - np.append(values[1:], values[-1])
    scale = slope * values.size / np.pi
    height = values - values[places][:, None]
    poles = values - gaps * np.arctan2(1.0, scale[:, None] * height * gaps) / np.pi
    following = np.minimum(places + 1, values.size - 1)
    last = np.minimum(following + _SPACINGS, values.size - 1)
    spacing = (values[following] - values[last]) / np.maximum(last - following, 1)
    spacing = np.minimum(spacing, gaps[places])
    moved = spacing * np.arctan2(1.0, scale * gaps[places] * spacing) / np.pi
    halfway = np.minimum(spacing, gaps[places] / 2)
    poles[np.arange(places.size), places] = values[following] + np.where(clear, moved, halfway)
    return np.asarray(poles)


def distance(values: FloatArray, rows: AnyArray, rest: Rest) -> FloatArray:
    """Return how far the value of each row is from the nearest of its rest."""
    apart = np.abs(values[rows][:, None] - rest.values)
    return np.asarray(np.where(rest.present, apart, np.inf).min(axis=1))
