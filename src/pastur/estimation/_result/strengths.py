"""Two readings of the strength of a direction, which answer two questions."""

import numpy as np

from pastur._typing import AnyArray
from pastur.estimation._kinds.contract import Kind

READINGS = ("against_rest", "of_signal")
FIELDS = np.dtype(
    [
        ("observed", "f8"),
        *((name + end, "f8") for name in READINGS for end in ("", "_low", "_high")),
        ("agree", "?"),
        ("together", "i8"),
    ]
)


def two_readings(kind: Kind, leading: AnyArray, chosen: AnyArray, spikes: AnyArray) -> AnyArray:
    """Return both readings of the spikes and of the chosen rows of `leading`, by size.

    Parameters
    ----------
    leading, spikes : structured array
        The tables of a fit, of values of the same matrix.
    chosen : array of bool
        Rows of `leading` that are listed, spikes or not.
    """
    more = leading["observed"][chosen]
    known = _same(more, spikes["observed"]).any(axis=1)
    observed = np.concatenate([spikes["observed"], more[~known]])
    spikes = _with_means(kind, spikes)
    table = np.zeros(observed.size, dtype=FIELDS)
    for name in (name + end for name in READINGS for end in ("", "_low", "_high")):
        table[name] = np.nan
    table["observed"] = observed[np.argsort(-np.abs(observed), kind="stable")]
    table["together"], alone = 1, np.ones(table.size, dtype=bool)
    for name, read in zip(READINGS, (leading, spikes), strict=True):
        rows, places = np.nonzero(_same(table["observed"], read["observed"]))
        for end, of in (("", "theta"), ("_low", "low"), ("_high", "high")):
            table[name + end][rows] = read[of][places]
        # Members of a group share an interval, which is that of none of them.
        together = (read["group"][places, None] == read["group"]).sum(axis=1)
        alone[rows] &= together == 1
        if read is spikes:
            table["together"][rows] = together
    table["agree"] = alone & _within(table, *READINGS) & _within(table, *READINGS[::-1])
    return table


def _with_means(kind: Kind, spikes: AnyArray) -> AnyArray:
    """Return spikes with the mean of their group, which its interval is for, as strength."""
    found = spikes.copy()
    for number in np.flatnonzero(np.bincount(spikes["group"]) > 1):
        theta = spikes["theta"][spikes["group"] == number]
        # Relative to the largest, as squares may leave the doubles.
        unit = float(np.abs(theta).max())
        mean = kind.to_matrix(np.mean(kind.to_law(theta / unit)))
        found["theta"][spikes["group"] == number] = unit * mean
    return found


def _same(values: AnyArray, others: AnyArray) -> AnyArray:
    """Return which of some values of a matrix are which of others, to rounding."""
    return np.isclose(values[:, None], others, rtol=1e-12, atol=0.0)


def _within(table: AnyArray, one: str, other: str) -> AnyArray:
    """Return whether one reading lies in the interval of the other; not where either is NaN."""
    inside = (table[f"{other}_low"] <= table[one]) & (table[one] <= table[f"{other}_high"])
    return np.asarray(inside)
