"""The strongest direction of a table, with its neighbours."""

from typing import NamedTuple

import numpy as np

from pastur._format import interval, number
from pastur._typing import AnyArray


class Leading(NamedTuple):
    """The strongest θ of a matrix with its interval.

    It is one of `together` neighbours that push each other. Where a law of noise is claimed their
    root mean square stands for them, which alone has an interval then.
    """

    theta: float
    low: float
    high: float
    together: int

    def __str__(self) -> str:
        together = f" ×{self.together}" if self.together > 1 else ""
        return f"{number(self.theta)} {interval(self.low, self.high)}{together}"


def strongest_of(rows: AnyArray, *, group_interval: bool) -> Leading | None:
    """Return the strongest row; with `group_interval` neighbours have theirs in common."""
    if not len(rows):
        return None
    strongest = rows[int(np.argmax(rows["theta"]))]
    group = rows["theta"][rows["group"] == strongest["group"]]
    theta, low, high = (float(strongest[name]) for name in ("theta", "low", "high"))
    if group_interval and group.size > 1:
        theta = float(np.sqrt(np.mean(group**2)))
    return Leading(theta, low, high, int(group.size))
