"""What a condition on an analysis may be about."""

import re
from collections.abc import Iterator, Sequence

from pastur._conditions import Figure, Flag, Judgement, Known, Range, judge, read_condition
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.analysis import Analysis
from pastur.estimation import Verdict
from pastur.weights import Skipped
from pastur.weights.matrices import NOT_FINITE, ZERO, unread


def judge_analysis(analysis: Analysis, conditions: Sequence[str]) -> list[Judgement]:
    """Return what becomes of each condition.

    Raises
    ------
    InvalidInputError
        When one is not known.
    """
    left = len(unread(analysis.skipped))
    return [
        judge(read_condition(text, CONDITIONS), analysis, analysis.matrices, left)
        for text in conditions
    ]


def skipped_because(
    reason: re.Pattern[str], tensors: Sequence[Skipped]
) -> Iterator[tuple[str, str]]:
    """Yield name and reason of the matrices that were skipped for such a reason."""
    for tensor in unread(tensors):
        if reason.search(tensor.reason):
            yield tensor.name, tensor.reason


def _correlated(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for matrix in analysis.matrices:
        if matrix.fit.goodness.verdict == Verdict.CORRELATED:
            yield matrix.name, str(Verdict.CORRELATED)


def _sigma(matrix: MatrixAnalysis) -> Range | None:
    fit = matrix.fit
    return None if fit.sigma is None else Range(fit.sigma, *fit.sigma_interval)


def _spikes(matrix: MatrixAnalysis) -> Range | None:
    return Range.exact(matrix.fit.rank) if matrix.counted else None


CONDITIONS: Known = {
    "non-finite": Flag(lambda analysis: skipped_because(NOT_FINITE, analysis.skipped)),
    "zero": Flag(lambda analysis: skipped_because(ZERO, analysis.skipped)),
    "correlated": Flag(_correlated),
    "sigma": Figure(_sigma),
    "spikes": Figure(_spikes),
    "standing-out": Figure(lambda matrix: Range.exact(len(matrix.fit.standing_out))),
    "zero-rows": Figure(lambda matrix: Range.exact(matrix.fit.zero_sides[0])),
    "zero-columns": Figure(lambda matrix: Range.exact(matrix.fit.zero_sides[1])),
}
