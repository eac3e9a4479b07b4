"""The findings on a matrix, as they look in every picture: a colour and a marker each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How a finding is drawn: never by its colour alone."""

    colour: str
    marker: str
    filled: bool


# The keys are the values of `MatrixAnalysis.kind`.
LOOKS: dict[str, Look] = {
    "signal": Look("#2456c5", "o", True),
    "noise only": Look("#5c6875", "o", False),
    "does not fit": Look("#b3400a", "^", True),
    "too small to tell": Look("#7b4aa8", "D", False),
}
