"""The figures of a matrix as columns of text: the same in a terminal and in a notebook."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pastur._format import NOTHING, fraction, level, number, p_value, percent, shape
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis


@dataclass(frozen=True)
class Column:
    """A heading, what stands below it, and what it means.

    Attributes
    ----------
    heading : str
    text : callable
        Returns the cell of a matrix, or of a pair; a dash where there is nothing to say.
    note : str
        The meaning in a sentence that can follow the heading and a colon; may be empty.
    word : bool
        Whether the cells are words, which are aligned left.
    """

    heading: str
    text: Callable[[Any], str]
    note: str = ""
    word: bool = False


def figure_columns(matrices: Sequence[MatrixAnalysis]) -> list[Column]:
    """Return the columns of figures; those in which no matrix has anything to say are left out.

    What stands out from the rest, and how much is white at most, is shown where spikes of some
    matrix do not count.
    """
    return filled_columns(_columns(matrices), matrices)


def filled_columns(columns: Iterable[Column], items: Sequence[Any]) -> list[Column]:
    """Return the columns in which any of the items has something to say."""
    return [column for column in columns if any(column.text(item) != NOTHING for item in items)]


def legend(columns: Sequence[Column], alpha: float) -> str:
    """Return what the columns mean, in sentences."""
    notes = (f"{column.heading}: {column.note}" for column in columns if column.note)
    return " ".join(notes).format(level=level(alpha))


def _columns(matrices: Sequence[MatrixAnalysis]) -> Iterator[Column]:
    yield Column("shape", lambda matrix: shape(matrix.shape))
    yield Column("known", _known, _KNOWN)
    yield Column("σ", sigma_text, _SIGMA + _AT_MOST * any(map(_open_below, matrices)))
    yield Column("edge", lambda matrix: number(matrix.fit.edge), "noise alone stays below it.")
    yield Column("spikes", spikes_text, "singular values beyond the noise.")
    for name in dict.fromkeys(name for matrix in matrices for name in matrix.other_counts):
        yield Column(name, partial(_count, name))
    if not all(matrix.counted for matrix in matrices):
        yield Column("stand out", _standing_out, _STANDING_OUT)
        yield Column("white ≤", _white_share, "the most of the energy that is white noise.")
    if any(matrix.tests is not None for matrix in matrices):
        yield Column("flips p", _flips, _FLIPS)
        yield Column("neighbours", _neighbours, _NEIGHBOURS)
        yield Column("predicted", _predicted, _PREDICTED)
    yield Column("rank", lambda matrix: str(matrix.suggested_rank), _RANK)
    yield Column("keeps", _keeps, _KEEPS)
    yield Column("strongest θ", _strongest, _STRONGEST, word=True)
    yield Column(
        "D",
        lambda matrix: fraction(matrix.fit.goodness.statistic),
        "distance of the bulk from the law of noise; without one, from that of white noise.",
    )
    yield Column(
        "p",
        lambda matrix: p_value(matrix.fit.goodness.p_value),
        "chance that noise deviates as much.",
    )


_KNOWN = "singular values known one by one; of the others the distribution, from a sample."
_SIGMA = "the noise; an entry's standard deviation is σ/√max(rows, columns)."
_AT_MOST = " (≤ x): it may be anything up to x, as weak signal may be part of it."
_STANDING_OUT = "directions that stand out from the rest, if they are in general position to it."
_RANK = (
    "directions with signal, with their {level} interval; where no law holds there is no count, "
    "and at least those that stand out."
)
_KEEPS = "the share of the energy that so many leading directions keep."
_FLIPS = "chance that random signs of the entries give as much in one direction."
_NEIGHBOURS = "correlation of neighbouring rows or columns, the larger of the two."
_PREDICTED = "share of a held-out block that the rest predicts, with the rank of the prediction."
_STRONGEST = (
    "the strongest spike before the noise, with its {level} interval; where none is counted, the "
    "first direction that stands out, against the rest."
)


def noise_text(matrix: MatrixAnalysis) -> str:
    """Return the noise of the fit; a dash where there is none."""
    fit = matrix.fit
    return NOTHING if fit.sigma == 0.0 else str(fit.noise.name)


def sigma_text(matrix: MatrixAnalysis) -> str:
    """Return σ, with its upper end where it is known from above alone; a dash without a law."""
    fit = matrix.fit
    most = f" (≤ {number(fit.sigma_interval[1])})" if _open_below(matrix) else ""
    return f"{number(fit.sigma)}{most}"


def _known(matrix: MatrixAnalysis) -> str:
    """Return how many singular values are known; a dash where all are."""
    partial = matrix.fit.partial
    return NOTHING if partial is None else str(partial.known)


def _open_below(matrix: MatrixAnalysis) -> bool:
    """Return whether the interval of σ has no lower end."""
    fit = matrix.fit
    return bool(fit.sigma) and fit.sigma_interval[0] == 0.0


def spikes_text(matrix: MatrixAnalysis) -> str:
    """Return the number of spikes; a dash where they do not count."""
    return matrix.spikes_text if matrix.counted else NOTHING


def _count(name: str, matrix: MatrixAnalysis) -> str:
    return str(matrix.other_counts.get(name, NOTHING))


def _standing_out(matrix: MatrixAnalysis) -> str:
    return str(len(matrix.fit.standing_out))


def _white_share(matrix: MatrixAnalysis) -> str:
    fit = matrix.fit
    return NOTHING if fit.sigma == 0.0 else percent(fit.white_share)


def _keeps(matrix: MatrixAnalysis) -> str:
    suggested = matrix.suggested_rank
    return percent(suggested.energy) if suggested.rank else NOTHING


def _flips(matrix: MatrixAnalysis) -> str:
    return NOTHING if matrix.tests is None else p_value(matrix.tests.sign_flips[0].p_value)


def _neighbours(matrix: MatrixAnalysis) -> str:
    if matrix.tests is None:
        return NOTHING
    sides = (matrix.tests.rows, matrix.tests.columns)
    return fraction(max((side.correlation for side in sides), key=abs))


def _predicted(matrix: MatrixAnalysis) -> str:
    tests = matrix.tests
    if tests is None:
        return NOTHING
    return f"{percent(tests.predictable_share)} ({tests.predictable_rank})"


def _strongest(matrix: MatrixAnalysis) -> str:
    return NOTHING if matrix.leading is None else str(matrix.leading)


NOISE = Column(
    "noise",
    noise_text,
    "white, of one variance; profile, of one for each row and column; free, no law is claimed.",
    word=True,
)
