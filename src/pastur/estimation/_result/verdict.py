"""The verdicts on a bulk: the words, and the properties of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from pastur._vocabulary import Word, table


class Verdict(Word):
    """Whether the bulk of a spectrum is noise, or why not: ``fit.goodness.verdict``.

    Each is the string that is stored: ``Verdict.NOISE == "noise bulk"``.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> fit = pastur.fit_rectangular(np.random.default_rng(0).normal(size=(100, 200)))
    >>> fit.goodness.verdict == "noise bulk", fit.goodness.verdict is pastur.Verdict.NOISE
    (True, True)
    """

    NOISE = "noise bulk"
    NO_NOISE = "no noise"
    TOO_SMALL = "too small to tell"
    NOT_LAW = "not the law"
    HEAVY_TAIL = "heavy tail"
    OUTLIERS = "entries with outliers"
    UNEVEN = "row or column variances differ"
    CORRELATED = "entries correlated"
    BROAD = "broad spectrum"
    NO_LAW = "no law"

    @property
    def fits(self) -> bool:
        """Whether σ and the spikes can be relied on."""
        return VERDICTS[self].fits

    @property
    def meaning(self) -> str:
        """The verdict in a sentence."""
        return VERDICTS[self].meaning

    @property
    def of_entries(self) -> bool:
        """Whether the entries contradict the law of noise, whatever the spectrum says."""
        return VERDICTS[self].of_entries

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
    of_entries: bool = False


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
            False,
            "The entries have a heavy tail.",
            "entries of a heavy tail",
            of_entries=True,
        ),
        Verdict.OUTLIERS: VerdictEntry(
            False,
            "Single entries are too large for noise.",
            "single large entries",
            of_entries=True,
        ),
        Verdict.UNEVEN: VerdictEntry(
            False,
            "Rows or columns have different variances.",
            "different variances of rows or columns",
            of_entries=True,
        ),
        Verdict.CORRELATED: VerdictEntry(
            False,
            "Neighbouring entries are correlated.",
            "correlated entries",
            of_entries=True,
        ),
        Verdict.BROAD: VerdictEntry(
            False,
            "Noise and signal cannot be told apart from this matrix alone.",
            "a broad spectrum",
        ),
        Verdict.NO_LAW: VerdictEntry(False, "No law of noise was tested."),
    },
)
