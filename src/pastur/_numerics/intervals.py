"""Closed intervals of the real line, as rows (low, high)."""

import numpy as np

from pastur._typing import FloatArray


def union(intervals: FloatArray) -> FloatArray:
    """Return ascending intervals, those that overlap or touch made one."""
    ordered = intervals[np.lexsort((intervals[:, 1], intervals[:, 0]))]
    reach = np.maximum.accumulate(ordered[:, 1])
    starts = np.concatenate([[True], ordered[1:, 0] > reach[:-1]])
    ends = np.concatenate([np.flatnonzero(starts)[1:] - 1, [len(ordered) - 1]])
    return np.column_stack([ordered[starts, 0], reach[ends]])
