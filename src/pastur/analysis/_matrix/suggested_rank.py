"""How many leading directions of a matrix to keep, and what they keep of it."""

from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np

from pastur._format import NOTHING
from pastur._typing import FloatArray
from pastur.analysis._matrix.finding import Finding
from pastur.estimation import Fit

_AT_LEAST = (
    "no count: {}; at least the directions that stand out from the rest, if they are in general "
    "position to it"
)
_NONE = "no count: {}; and no direction stands out from the rest"


@dataclass(frozen=True)
class SuggestedRank:
    """How many leading directions of a matrix carry signal, and what these keep of it.

    It says how much can be distinguished from noise, not how much the model needs.

    Attributes
    ----------
    rank : int or None
        Where a law of noise holds, the estimated rank of the signal; else the number of directions
        that stand out from the rest, which is a lower bound, and None where none does.
    low : int
        Lower end of its interval.
    high : int or None
        Upper end; None where only a lower bound is known.
    energy, error : float or None
        ‖W_r‖²/‖W‖² and ‖W − W_r‖/‖W‖ in Frobenius norm, of the `rank` leading directions.
    reason : str
        What it rests on, or why there is no count.
    """

    rank: int | None
    low: int
    high: int | None
    energy: float | None
    error: float | None
    reason: str

    @classmethod
    def of(cls, fit: Fit, singular_values: FloatArray) -> "SuggestedRank":
        """Return the suggestion for a matrix with this fit and these singular values."""
        if Finding.of(fit) in (Finding.SIGNAL, Finding.NOISE_ONLY):
            low, high = fit.signal_rank_interval
            rank = max(round(fit.signal_rank), fit.rank)
            # A rank is an integer.
            ends = min(ceil(low), rank), max(floor(high), rank)
            assumption = fit.noise.assumption or "there is no noise"
            why = f"rank of the signal, if {assumption}"
            return cls(rank, *ends, *_kept(singular_values, rank), why)
        out = len(fit.standing_out)
        why = fit.goodness.verdict.meaning.rstrip(".")
        why = why[:1].lower() + why[1:]
        if not out:
            return cls(None, 0, None, None, None, _NONE.format(why))
        return cls(out, out, None, *_kept(singular_values, out), _AT_LEAST.format(why))

    @property
    def counted(self) -> bool:
        """Whether it is a count, with an interval, and not a lower bound or nothing."""
        return self.high is not None

    def __str__(self) -> str:
        if self.rank is None:
            return NOTHING
        if self.high is None:
            return f"≥ {self.rank}"
        return f"{self.rank} [{self.low}, {self.high}]" if self.low < self.high else f"{self.rank}"


def _kept(singular_values: FloatArray, rank: int) -> tuple[float, float]:
    """Return energy and error of the leading directions."""
    # Relative to the largest one: the squares of values near 1e300 do not fit a double.
    squares = (singular_values / singular_values[0]) ** 2
    left_out = float(np.sum(squares[rank:]) / np.sum(squares))
    return 1 - left_out, sqrt(left_out)
