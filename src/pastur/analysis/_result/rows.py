"""An analysis as a table: one flat row for each matrix."""

from collections.abc import Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

import numpy as np

from pastur._typing import AnyArray
from pastur.analysis._matrix.leading import Leading
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.metrics import Metrics
from pastur.analysis._matrix.shuffled import Randomized
from pastur.estimation._law_free_tests.result import LawFreeTests
from pastur.estimation.baselines import Baseline

# In a group, what stands for overlaps.
_SPANS = ("span_left", "span_right")
# Of the first direction that stands out from the rest, read without a law of noise.
_LEADING_FIELDS = ("observed", "theta", "low", "high", "overlap_left", "overlap_right")

# Of the suggested rank.
_SUGGESTED = ("rank", "low", "high", "energy", "error")

_COLUMNS = (
    "name",
    "rows",
    "columns",
    "dtype",
    "step_variance",
    "tensor",
    "part",
    "sigma",
    "sigma_low",
    "sigma_high",
    "entry_sd",
    "edge",
    "rank",
    "signal_rank",
    "signal_energy",
    "strongest_observed",
    "strongest_theta",
    "strongest_low",
    "strongest_high",
    "strongest_count",
    "strongest_overlap_left",
    "strongest_overlap_right",
    "strongest_p_value",
    "goodness_statistic",
    "goodness_p_value",
    "verdict",
    "kind",
    "converged",
    *(field.name for field in fields(Metrics)),
    "seconds",
)

# They came later, and stand behind the others.
_LATER = (
    "noise",
    "bulk_edge",
    "sigma_bound",
    "white_share",
    "standing_out",
    *(f"standing_{name}" for name in (*_LEADING_FIELDS, "count")),
    *(f"{one}_{name}" for one in ("strongest", "standing") for name in _SPANS),
    *(f"suggested_{name}" for name in _SUGGESTED),
)

# Of the tests without a law, where they were requested.
_TESTED = (
    "flips_p_value",
    "rows_correlation",
    "columns_correlation",
    "predictable_share",
    "predictable_rank",
    "set_aside",
)

# Of spectra that are known in part.
_IN_PART = ("values", "error", "vectors")

_SPIKE_FIELDS = (*_LEADING_FIELDS, "p_value")


def columns(matrices: Sequence[MatrixAnalysis]) -> tuple[str, ...]:
    """Return the names of the columns; those that were not requested are left out."""
    methods = dict.fromkeys(method for matrix in matrices for method in matrix.baselines)
    tested = any(matrix.tests is not None for matrix in matrices)
    in_part = any(matrix.fit.partial is not None for matrix in matrices)
    shuffled = any(matrix.randomized is not None for matrix in matrices)
    return (
        *_COLUMNS,
        *(f"{method}_{field.name}" for method in methods for field in fields(Baseline)),
        *(f"randomized_{field.name}" for field in fields(Randomized) if shuffled),
        *_LATER,
        *(f"tests_{name}" for name in _TESTED if tested),
        *(f"known_{name}" for name in _IN_PART if in_part),
    )


def row(matrix: MatrixAnalysis) -> dict[str, Any]:
    """Return the row of one matrix by the names of its columns.

    What rests on a law of noise is None where none is claimed; the figures of the strongest spike
    are None without spikes, those that begin with ``standing_`` where nothing stands out.

    Where it has neighbours too close to separate, ``strongest_count`` in all, θ and interval
    are those of their root mean square, and its overlaps are None.
    """
    fit, suggested = matrix.fit, matrix.suggested_rank
    low, high = fit.sigma_interval or (None, None)
    values: dict[str, Any] = {
        "name": matrix.name,
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "dtype": matrix.dtype,
        "step_variance": matrix.step_variance,
        "tensor": matrix.tensor,
        "part": matrix.part,
        "sigma": fit.sigma,
        "sigma_low": low,
        "sigma_high": high,
        "entry_sd": fit.entry_sd,
        "edge": fit.edge,
        "rank": fit.rank,
        "signal_rank": fit.signal_rank,
        "signal_energy": matrix.signal_energy,
        "goodness_statistic": fit.goodness.statistic,
        "goodness_p_value": fit.goodness.p_value,
        "verdict": str(fit.goodness.verdict),
        "kind": str(matrix.kind),
        "converged": fit.status.converged,
        **matrix.metrics.to_dict(),
        "seconds": matrix.seconds,
        "noise": str(fit.noise.name),
        "bulk_edge": fit.bulk_edge,
        "sigma_bound": fit.sigma_bound,
        "white_share": fit.white_share,
        "standing_out": len(fit.standing_out),
        **_named("strongest", (*_SPIKE_FIELDS, *_SPANS), matrix.strongest, matrix.strongest_spikes),
        **_named(
            "standing",
            (*_LEADING_FIELDS, *_SPANS),
            _largest(fit.standing_out),
            matrix.first_standing,
        ),
        **{f"suggested_{name}": getattr(suggested, name) for name in _SUGGESTED},
    }
    for method, found in matrix.baselines.items():
        values |= {f"{method}_{key}": v for key, v in vars(found).items()}
    if matrix.randomized is not None:
        values |= {f"randomized_{key}": v for key, v in matrix.randomized.to_dict().items()}
    if matrix.tests is not None:
        values |= {f"tests_{name}": value for name, value in _tested(matrix.tests).items()}
    if fit.partial is not None:
        known = (fit.partial.known, fit.partial.error, fit.partial.vectors)
        values |= {f"known_{name}": one for name, one in zip(_IN_PART, known, strict=True)}
    return values


def _tested(tests: LawFreeTests) -> dict[str, Any]:
    figures = (
        tests.sign_flips[0].p_value,
        tests.rows.correlation,
        tests.columns.correlation,
        tests.predictable_share,
        tests.predictable_rank,
        tests.set_aside_count,
    )
    return dict(zip(_TESTED, figures, strict=True))


def _largest(rows: AnyArray) -> np.void | None:
    return rows[int(np.argmax(rows["theta"]))] if len(rows) else None


def _named(
    prefix: str, names: Sequence[str], one: np.void | None, together: Leading | None
) -> dict[str, Any]:
    """Return the cells of a direction, its strength and their number those of its group."""
    if one is None or together is None:
        return dict.fromkeys(f"{prefix}_{name}" for name in (*names, "count"))
    cells = {f"{prefix}_{name}": _finite(float(one[name])) for name in names}
    return cells | {f"{prefix}_theta": together.theta, f"{prefix}_count": together.together}


def _finite(value: float) -> float | None:
    """Return None for the end of an interval that is open."""
    return value if isfinite(value) else None
