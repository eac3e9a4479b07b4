"""An analysis as a table: one flat row for each matrix."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.metrics import Metrics
from pastur.analysis._matrix.shuffled import Randomized
from pastur.estimation.baselines import Baseline

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

_SPIKE_FIELDS = ("observed", "theta", "low", "high", "overlap_left", "overlap_right", "p_value")


def columns(matrices: Sequence[MatrixAnalysis]) -> tuple[str, ...]:
    """Return the names of the columns; those that were not requested are left out."""
    methods = dict.fromkeys(method for matrix in matrices for method in matrix.baselines)
    shuffled = any(matrix.randomized is not None for matrix in matrices)
    return (
        *_COLUMNS,
        *(f"{method}_{field.name}" for method in methods for field in fields(Baseline)),
        *(f"randomized_{field.name}" for field in fields(Randomized) if shuffled),
    )


def row(matrix: MatrixAnalysis) -> dict[str, Any]:
    """Return the row of one matrix by the names of its columns.

    Those of the strongest spike are None without spikes.

    Where it has neighbours too close to separate, ``strongest_count`` in all, θ and interval
    are those of their root mean square.
    """
    fit, strongest, leading = matrix.fit, matrix.strongest, matrix.leading
    values: dict[str, Any] = {
        "name": matrix.name,
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "dtype": matrix.dtype,
        "step_variance": matrix.step_variance,
        "tensor": matrix.tensor,
        "part": matrix.part,
        "sigma": fit.sigma,
        "sigma_low": fit.sigma_interval[0],
        "sigma_high": fit.sigma_interval[1],
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
    }
    for field in _SPIKE_FIELDS:
        values[f"strongest_{field}"] = None if strongest is None else float(strongest[field])
    values["strongest_count"] = None if leading is None else leading.together
    if leading is not None:
        values["strongest_theta"] = leading.theta
    for method, found in matrix.baselines.items():
        values |= {f"{method}_{key}": v for key, v in vars(found).items()}
    if matrix.randomized is not None:
        values |= {f"randomized_{key}": v for key, v in matrix.randomized.to_dict().items()}
    return values
