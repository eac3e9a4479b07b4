"""A comparison as a table: one flat row for each matrix."""

import math
from typing import Any

from pastur.analysis import MatrixAnalysis
from pastur.comparison._matrix.matrix_comparison import MatrixComparison

_OF_EACH = ("sigma", "sigma_low", "sigma_high", "sigma_bound", "noise", "rank", "kind", "verdict")

COLUMNS = (
    "name",
    "rows",
    "columns",
    "unchanged",
    "relative_change",
    *(f"{state}_{name}" for state in ("old", "new") for name in _OF_EACH),
    *(f"sigma_change{end}" for end in ("", "_low", "_high")),
    "old_standing_out",
    "new_standing_out",
    "lost",
    "gained",
    "overlap_left",
    "overlap_right",
    "expected_left",
    "expected_right",
    "change_standing_out",
    "change_strongest_theta",
    "change_strongest_low",
    "change_strongest_high",
    "change_strongest_count",
    "seconds",
)


def row(matrix: MatrixComparison) -> dict[str, Any]:
    """Return the row of one matrix by the names of its columns; None for what there is not."""
    found, sigma = matrix.directions, matrix.sigma_change
    expected = matrix.expected_overlaps or (None, None)
    strongest = None if matrix.change is None else matrix.change.leading
    theta, low, high, together = strongest or (None,) * 4
    values = {
        "name": matrix.name,
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "unchanged": matrix.unchanged,
        "relative_change": matrix.relative_change,
        **_of_each("old", matrix.old),
        **_of_each("new", matrix.new),
        "sigma_change": None if sigma is None else sigma.value,
        "sigma_change_low": None if sigma is None else sigma.low,
        "sigma_change_high": None if sigma is None else sigma.high,
        "old_standing_out": found.old,
        "new_standing_out": found.new,
        "lost": found.lost,
        "gained": found.gained,
        "overlap_left": found.overlap_left,
        "overlap_right": found.overlap_right,
        "expected_left": expected[0],
        "expected_right": expected[1],
        "change_standing_out": matrix.change_standing_out,
        "change_strongest_theta": theta,
        "change_strongest_low": low,
        "change_strongest_high": high,
        "change_strongest_count": together,
        "seconds": matrix.seconds,
    }
    return {key: _closed(value) for key, value in values.items()}


def _of_each(state: str, analysis: MatrixAnalysis) -> dict[str, Any]:
    fit = analysis.fit
    low, high = fit.sigma_interval or (None, None)
    kind, verdict = str(analysis.kind), str(fit.goodness.verdict)
    figures = (fit.sigma, low, high, fit.sigma_bound, str(fit.noise.name), fit.rank, kind, verdict)
    return {f"{state}_{name}": one for name, one in zip(_OF_EACH, figures, strict=True)}


def _closed(value: Any) -> Any:
    """Return None for the end of an interval that is open."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
