"""Which noise a fit rests on: its name, why, and what it assumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pastur._vocabulary import Word, table
from pastur.estimation._result.schema import stored


class NoiseName(Word):
    """The noises that a fit can rest on: ``fit.noise.name``.

    Each is the string that is asked for and stored: ``NoiseName.FREE == "free"``.
    """

    WHITE = "white"
    PROFILE = "profile"
    FREE = "free"

    @property
    def label(self) -> str:
        """The noise as a heading."""
        return _LABELS[self]


_LABELS: Mapping[Word, str] = table(
    NoiseName,
    {
        NoiseName.WHITE: "White noise",
        NoiseName.PROFILE: "Noise with a variance for each row and column",
        NoiseName.FREE: "No law of noise",
    },
)
_NAMES = ", ".join(f"`{name}`" for name in NoiseName)


@dataclass(frozen=True, eq=False)
class NoiseUsed:
    """The noise that a fit rests on.

    It equals its name, ``fit.noise == "free"``, and as text it is one sentence.

    Attributes
    ----------
    name : NoiseName
        "white", independent entries of one variance; "profile", of variances that are a product of
        one for the row and one for the column; "free", no law at all.
    reason : str
        Why this one, in words that can follow a colon.
    assumption : str
        What the figures rest on, in words that can follow "assumes that".
    """

    name: NoiseName = field(metadata=stored(f"One of {_NAMES}."))
    reason: str = field(metadata=stored("Why this one."))
    assumption: str = field(metadata=stored("What the figures rest on."))

    def __str__(self) -> str:
        return f"{self.name.label}: {self.reason}; this assumes that {self.assumption}."

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NoiseUsed):
            return str(self) == str(other)
        return isinstance(other, str) and self.name == other

    def __hash__(self) -> int:
        return hash(self.name)
