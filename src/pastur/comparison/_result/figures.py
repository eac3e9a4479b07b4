"""The figures of a comparison as columns of text: the same in a terminal and in a notebook."""

from collections.abc import Callable, Iterator, Sequence

from pastur._format import NOTHING, fraction, number, percent, shape
from pastur.analysis import MatrixAnalysis
from pastur.analysis._result.figures import (
    Column,
    filled_columns,
    noise_text,
    sigma_text,
    spikes_text,
)
from pastur.comparison._matrix.matrix_comparison import MatrixComparison

UNCHANGED = "unchanged"


def comparison_columns(matrices: Sequence[MatrixComparison]) -> list[Column]:
    """Return the columns of figures; those in which no matrix has anything to say are left out."""
    return filled_columns(_columns(), matrices)


def _columns() -> Iterator[Column]:
    yield Column("shape", lambda matrix: shape(matrix.shape))
    yield Column("change", _change, "‖NEW − OLD‖ over ‖OLD‖.")
    yield Column("σ", before_and_after(_sigma), _SIGMA)
    yield Column("spikes", before_and_after(spikes_text), "singular values beyond the noise.")
    yield Column("stand out", _standing_out, _STANDING_OUT)
    yield Column("lost", lambda matrix: _counted(matrix.directions.lost, matrix), _LOST)
    yield Column("gained", lambda matrix: _counted(matrix.directions.gained, matrix), _GAINED)
    yield Column("overlap", _overlap, _OVERLAP)
    yield Column("random", _expected, "what spans in random directions have on average.")
    yield Column("U out", _change_out, "directions that stand out from the rest of the change.")
    yield Column("strongest θ of U", _strongest, _STRONGEST, word=True)


_SIGMA = (
    "the noise; (≤ x): it may be anything up to x; ≤ x alone: no law of noise is claimed, and "
    "white noise in it is at most that."
)
_STANDING_OUT = "directions that stand out from the rest, if they are in general position to it."
_LOST = "dimensions of what stands out in OLD that are not in what may stand out in NEW."
_GAINED = "the other way round."
_OVERLAP = (
    "of the spans of what stands out in both, on the left and on the right: 1 where the smaller "
    "one lies in the larger one."
)
_STRONGEST = "strength of the first direction of the change, against its rest, with its interval."

NOISES = Column(
    "noise",
    lambda matrix: before_and_after(noise_text)(matrix),
    "white, of one variance; profile, of one for each row and column; free, no law is claimed.",
    word=True,
)
FINDINGS_OF_BOTH = Column(
    "finding", lambda matrix: before_and_after(lambda one: str(one.kind))(matrix), word=True
)


def before_and_after(text: Callable[[MatrixAnalysis], str]) -> Callable[[MatrixComparison], str]:
    """Return what writes a figure of OLD and of NEW, once where they read the same."""

    def both(matrix: MatrixComparison) -> str:
        old, new = text(matrix.old), text(matrix.new)
        return old if old == new else f"{old} → {new}"

    return both


def _change(matrix: MatrixComparison) -> str:
    return UNCHANGED if matrix.unchanged else percent(matrix.relative_change)


def _sigma(analysis: MatrixAnalysis) -> str:
    fit = analysis.fit
    if fit.sigma is None and fit.sigma_bound is not None:
        return f"≤ {number(fit.sigma_bound)}"
    return sigma_text(analysis)


def _standing_out(matrix: MatrixComparison) -> str:
    found = matrix.directions
    return f"{found.old}" if found.old == found.new else f"{found.old} → {found.new}"


def _counted(number_of: int, matrix: MatrixComparison) -> str:
    return NOTHING if matrix.unchanged else f"{number_of}"


def _overlap(matrix: MatrixComparison) -> str:
    return _pair(matrix.directions.overlap_left, matrix.directions.overlap_right)


def _expected(matrix: MatrixComparison) -> str:
    return _pair(*(matrix.expected_overlaps or (None, None)))


def _pair(left: float | None, right: float | None) -> str:
    return NOTHING if left is None or right is None else f"{fraction(left)}, {fraction(right)}"


def _change_out(matrix: MatrixComparison) -> str:
    return NOTHING if matrix.change is None else f"{matrix.change_standing_out}"


def _strongest(matrix: MatrixComparison) -> str:
    change = matrix.change
    return NOTHING if change is None or change.leading is None else str(change.leading)
