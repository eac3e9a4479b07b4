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
    low, high : float
        Interval of level 95 % for it; documents are the unit. It is wider the farther the plan is
        from the one that was measured.
    documents : int

    Examples
    --------
    >>> from pastur.compression import Prediction
    >>> print(Prediction(0.02, 0.015, 0.025, 30))
    0.02000 more (0.01500 to 0.02500)
    """

    loss: float
    low: float
    high: float
    documents: int

    def __post_init__(self) -> None:
        if not self.low <= self.loss <= self.high:
            raise InvalidInputError("`loss` must lie between `low` and `high`.")

    def __str__(self) -> str:
        return f"{number(self.loss)} more ({span(self.low, self.high)})"
