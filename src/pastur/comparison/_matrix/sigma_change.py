"""How much the noise level of a matrix changed, as far as two intervals can say."""

import math
from dataclasses import dataclass
from typing import Any, Self

from pastur.estimation import RectangularFit


@dataclass(frozen=True)
class SigmaChange:
    """|σ_new/σ_old − 1|, and the least and the most that it can be within both intervals of σ.

    Two intervals of 95 % hold together in at least 90 %.

    Attributes
    ----------
    value, low, high : float
        `high` is inf where the interval of σ_old begins at 0.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> w = np.random.default_rng(0).normal(size=(60, 90))
    >>> change = pastur.compare({"w": w}, {"w": 1.5 * w}).matrices[0].sigma_change
    >>> round(change.value, 9), change.low < 0.5 < change.high
    (0.5, True)
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, old: RectangularFit, new: RectangularFit, *, unchanged: bool) -> Self | None:
        """Return the change; None where there is no σ, or two of different noises."""
        if old.noise.name != new.noise.name or not old.sigma or new.sigma is None:
            return None
        if unchanged:
            return cls(0.0, 0.0, 0.0)
        (old_low, old_high), (new_low, new_high) = old.sigma_interval, new.sigma_interval
        least = new_low / old_high
        most = new_high / old_low if old_low else math.inf
        inside = least <= 1 <= most
        ends = abs(least - 1), abs(most - 1)
        return cls(abs(new.sigma / old.sigma - 1), 0.0 if inside else min(ends), max(ends))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON: null for an end that is open."""
        return vars(self) | {"high": self.high if math.isfinite(self.high) else None}
