"""What a condition on a comparison may be about."""

from collections.abc import Iterator, Sequence

from pastur._conditions import Figure, Flag, Judgement, Known, Range, judge, read_condition
from pastur.analysis._result.conditions import skipped_because
from pastur.comparison._matrix.matrix_comparison import MatrixComparison
from pastur.comparison._result.comparison import Comparison
from pastur.weights import Skipped
from pastur.weights.matrices import NOT_FINITE, unread


def judge_comparison(comparison: Comparison, conditions: Sequence[str]) -> list[Judgement]:
    """Return what becomes of each condition.

    Raises
    ------
    InvalidInputError
        When one is not known.
    """
    left = len(unread(comparison.skipped))
    return [
        judge(read_condition(text, CONDITIONS), comparison, comparison.matrices, left)
        for text in conditions
    ]


def _listed(tensors: Sequence[Skipped]) -> Iterator[tuple[str, str]]:
    for tensor in tensors:
        yield tensor.name, tensor.reason


def _unchanged(comparison: Comparison) -> Iterator[tuple[str, str]]:
    for matrix in comparison.matrices:
        if matrix.unchanged:
            yield matrix.name, "every entry is the same"


def _sigma_change(matrix: MatrixComparison) -> Range | None:
    change = matrix.sigma_change
    return None if change is None else Range(change.value, change.low, change.high)


def _overlap(matrix: MatrixComparison) -> Range | None:
    return None if matrix.overlap is None else Range.exact(matrix.overlap)


CONDITIONS: Known = {
    "missing": Flag(lambda comparison: _listed(comparison.only_old)),
    "added": Flag(lambda comparison: _listed(comparison.only_new)),
    "reshaped": Flag(lambda comparison: _listed(comparison.reshaped)),
    "non-finite": Flag(lambda comparison: skipped_because(NOT_FINITE, comparison.skipped)),
    "unchanged": Flag(_unchanged),
    "relative-change": Figure(lambda matrix: Range.exact(matrix.relative_change)),
    "sigma-change": Figure(_sigma_change),
    "standing-out-lost": Figure(lambda matrix: Range.exact(matrix.directions.lost)),
    "overlap": Figure(_overlap),
}
