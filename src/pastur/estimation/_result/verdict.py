"""The verdicts on a bulk: the words, and the properties of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from pastur._vocabulary import Word, table


class Verdict(Word):
    """Whether the bulk of a spectrum is noise, or why not: ``fit.goodness.verdict``.

    Each is the string that is stored: ``Verdict.NOISE == "noise bulk"``.
    """

    NOISE = "noise bulk"
    NO_NOISE = "no noise"
    TOO_SMALL = "too small to tell"
    NOT_LAW = "not the law"
    HEAVY_TAIL = "heavy tail"
    OUTLIERS = "entries with outliers"
    UNEVEN = "row or column variances differ"

    @property
    def fits(self) -> bool:
        """Whether σ and the spikes can be relied on."""
        return VERDICTS[self].fits

    @property
    def meaning(self) -> str:
        """The verdict in a sentence."""
        return VERDICTS[self].meaning

    @property
    def contradiction(self) -> str:
        """What contradicts the noise law; empty where nothing does."""
        return VERDICTS[self].contradiction


@dataclass(frozen=True)
class VerdictEntry:
    """Properties of a verdict; see the properties of `Verdict`."""

    fits: bool
    meaning: str
    contradiction: str = ""


VERDICTS: Mapping[Word, VerdictEntry] = table(
    Verdict,
    {
        Verdict.NOISE: VerdictEntry(True, "The bulk follows the law of noise."),
        Verdict.NO_NOISE: VerdictEntry(True, "The matrix has low rank to rounding, and no noise."),
        Verdict.TOO_SMALL: VerdictEntry(False, "The bulk has too few values to test a law."),
        Verdict.NOT_LAW: VerdictEntry(
            False, "The bulk does not follow the law of noise.", "the shape of the bulk"
        ),
        Verdict.HEAVY_TAIL: VerdictEntry(
            False, "The entries have a heavy tail.", "entries of a heavy tail"
        ),
        Verdict.OUTLIERS: VerdictEntry(
            False, "Single entries are too large for noise.", "single large entries"
        ),
        Verdict.UNEVEN: VerdictEntry(
            False,
            "Rows or columns have different variances.",
            "different variances of rows or columns",
        ),
    },
)
