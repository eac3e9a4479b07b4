"""How much more a model is predicted to lose."""

from dataclasses import dataclass

from pastur._errors import InvalidInputError
from pastur._format import number, span


@dataclass(frozen=True)
class Prediction:
    """How much more a model loses, predicted from another plan or along this one.

    Attributes
    ----------
    loss : float
        Mean over documents like those that were evaluated.
    low, high : float or None
        Interval of level 95 % for it; documents are the unit. It is wider the farther the plan is
        from the one that was measured; None for a plan that is so far from it, or of which so
        little is known, that none would hold.
    documents : int
    reason : str
        Why there is no interval.

    Examples
    --------
    >>> from pastur.compression import Prediction
    >>> print(Prediction(0.02, 0.015, 0.025, 30))
    0.02000 more (0.01500 to 0.02500)
    >>> print(Prediction(0.02, None, None, 30, "the plan that was measured loses 9 times as much"))
    0.02000 more (no interval: the plan that was measured loses 9 times as much)
    """

    loss: float
    low: float | None
    high: float | None
    documents: int
    reason: str = ""

    def __post_init__(self) -> None:
        if self.low is None or self.high is None:
            if self.low is not self.high or not self.reason:
                raise InvalidInputError("A prediction without an interval needs its `reason`.")
        elif not self.low <= self.loss <= self.high or self.reason:
            raise InvalidInputError("`loss` must lie between `low` and `high`.")

    @property
    def interval(self) -> str:
        """The interval in words, or why there is none."""
        if self.low is None or self.high is None:
            return f"no interval: {self.reason}"
        return span(self.low, self.high)

    def __str__(self) -> str:
        return f"{number(self.loss)} more ({self.interval})"
