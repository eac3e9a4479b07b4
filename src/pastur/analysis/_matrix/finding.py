"""The finding on a matrix: the words, and how each is named, explained and drawn everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from pastur._vocabulary import Word, table
from pastur.estimation import Fit, Verdict
from pastur.estimation._result.noise_used import NoiseName


class Finding(Word):
    """What was found in a matrix, the noise of its fit and the count of spikes taken together.

    Each is the string that is stored: ``Finding.NOISE_ONLY == "noise only"``.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> matrix = pastur.analyze({"a": rng.normal(size=(60, 90))})["a"]
    >>> matrix.kind, matrix.kind is pastur.Finding.NOISE_ONLY
    ('noise only', True)
    """

    SIGNAL = "signal"
    NOISE_ONLY = "noise only"
    NO_LAW = "no law of noise"
    MISFIT = "does not fit"
    TOO_SMALL = "too small to tell"

    @classmethod
    def of(cls, fit: Fit) -> "Finding":
        """Return the finding on a matrix with this fit."""
        if fit.noise == NoiseName.FREE:
            return cls.NO_LAW
        if fit.goodness.verdict == Verdict.TOO_SMALL:
            return cls.TOO_SMALL
        if not fit.goodness.fits:
            return cls.MISFIT
        # Signal may be hidden in the noise to the last direction.
        return cls.SIGNAL if fit.rank or fit.signal_rank_interval[0] > 0 else cls.NOISE_ONLY

    @property
    def label(self) -> str:
        """The finding as a heading."""
        return self.value.capitalize()

    @property
    def meaning(self) -> str:
        """The finding in a sentence."""
        return FINDINGS[self].meaning

    @property
    def colour(self) -> str:
        """Colour in pictures, on white."""
        return FINDINGS[self].colour

    @property
    def marker(self) -> str:
        """Marker in pictures, as matplotlib names it: no finding is shown by its colour alone."""
        return FINDINGS[self].marker

    @property
    def filled(self) -> bool:
        """Whether the marker is filled."""
        return FINDINGS[self].filled


@dataclass(frozen=True)
class FindingEntry:
    """How a finding is named, explained and drawn.

    Attributes
    ----------
    meaning : str
        The finding in a sentence.
    one, several : str
        What one matrix does, and what several do.
    colour, marker, filled
        In pictures; see `Finding`.
    key : str
        Class in the style sheet of the report.
    light, dark : str
        Colours of the report, on light and on dark paper.
    icon : str
        Shape in the report, SVG in a box of 12 × 12.
    sign : str
        The marker as a character.
    neutral : str
        Colour in a notebook, to be read on white and on black.
    terminal : str
        Colour in a terminal; empty for that of the text.
    """

    meaning: str
    one: str
    several: str
    colour: str
    marker: str
    filled: bool
    key: str
    light: str
    dark: str
    icon: str
    sign: str
    neutral: str
    terminal: str


FINDINGS: Mapping[Word, FindingEntry] = table(
    Finding,
    {
        Finding.SIGNAL: FindingEntry(
            meaning="The matrix is noise of a known law and signal.",
            one="carries signal besides its noise",
            several="carry signal besides their noise",
            colour="#2456c5",
            marker="o",
            filled=True,
            key="signal",
            light="#2456c5",
            dark="#7fb0ff",
            icon='<circle cx="6" cy="6" r="4.6" fill="currentColor"/>',
            sign="●",
            neutral="#3f7fd9",
            terminal="green",
        ),
        Finding.NOISE_ONLY: FindingEntry(
            meaning="Nothing stands out from what pure noise of this size gives.",
            one="is noise only",
            several="are noise only",
            colour="#5c6875",
            marker="o",
            filled=False,
            key="noise",
            light="#5a6673",
            dark="#a7b3bf",
            icon='<circle cx="6" cy="6" r="3.9" fill="none" stroke="currentColor" '
            'stroke-width="1.6"/>',
            sign="○",
            neutral="#7d8894",
            terminal="cyan",
        ),
        Finding.NO_LAW: FindingEntry(
            meaning="No law of noise is claimed: only what stands out from the rest is read.",
            one="is read without a law of noise",
            several="are read without a law of noise",
            colour="#00796b",
            marker="s",
            filled=True,
            key="nolaw",
            light="#00695c",
            dark="#5cc9b9",
            icon='<rect x="1.8" y="1.8" width="8.4" height="8.4" fill="currentColor"/>',
            sign="■",
            neutral="#1f9485",
            terminal="yellow",
        ),
        Finding.MISFIT: FindingEntry(
            meaning="The bulk does not follow the law of noise: spikes are not counted.",
            one="does not follow the law of noise",
            several="do not follow the law of noise",
            colour="#b3400a",
            marker="^",
            filled=True,
            key="misfit",
            light="#ad3d08",
            dark="#ff9f5f",
            icon='<path d="M6 1.2 11.4 10.8H.6Z" fill="currentColor"/>',
            sign="▲",
            neutral="#cf6a1d",
            terminal="yellow",
        ),
        Finding.TOO_SMALL: FindingEntry(
            meaning="Too few singular values to judge whether the bulk is noise.",
            one="is too small to tell",
            several="are too small to tell",
            colour="#7b4aa8",
            marker="D",
            filled=False,
            key="small",
            light="#7444a3",
            dark="#caa6f3",
            icon='<path d="M6 1.4 10.6 6 6 10.6 1.4 6Z" fill="none" stroke="currentColor" '
            'stroke-width="1.6"/>',
            sign="◇",
            neutral="#9a6cc9",
            terminal="",
        ),
    },
)
