"""The strongest direction of a table, with its neighbours."""

from typing import NamedTuple

import numpy as np

from pastur._format import interval, number
from pastur._typing import AnyArray


class Leading(NamedTuple):
    """The strongest θ of a matrix with its interval; of `together` neighbours that push each other,
    their root mean square.
    """

    theta: float
    low: float
    high: float
    together: int

    def __str__(self) -> str:
        together = f" ×{self.together}" if self.together > 1 else ""
        return f"{number(self.theta)} {interval(self.low, self.high)}{together}"


def strongest_of(rows: AnyArray, *, symmetric: bool) -> Leading | None:
    """Return the strongest row with its group; `symmetric`: its interval is, about the estimate."""
    if not len(rows):
        return None
    strongest = rows[int(np.argmax(rows["theta"]))]
    together = rows[rows["group"] == strongest["group"]]
    low, high = float(strongest["low"]), float(strongest["high"])
    theta = float(strongest["theta"])
    if len(together) > 1:
        middle = np.sqrt(np.mean(together["theta"] ** 2))
        theta = (low + high) / 2 if symmetric else float(middle)
    return Leading(theta, low, high, len(together))
