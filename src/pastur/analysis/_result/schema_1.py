"""An analysis as 0.1.0 wrote it: documents of schema 1, with the white fit of every matrix."""

from dataclasses import replace
from typing import Any

from pastur.analysis._matrix.initial_values import InitialComparison
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.metrics import noise_reach
from pastur.estimation import RectangularFit, Verdict, fit_rectangular
from pastur.estimation._result.noise_used import NoiseName

# Keys of schema 2 alone.
_OF_FIT = ("noise", "leading", "sigma_bounds", "bulk_edge", "profile", "white")
_OF_SPIKE = ("span_left", "span_right")
_OF_MATRIX = ("tests",)
_OF_COMPARISON = ("coefficient_error", "update", "update_tests")
# Verdicts of schema 2 alone.
_LATER = (Verdict.CORRELATED, Verdict.BROAD, Verdict.NO_LAW)


def matrix_of_schema_1(matrix: MatrixAnalysis) -> dict[str, Any]:
    """Return a matrix as plain values, with the fit of white noise whatever was claimed."""
    fit, metrics = _white_fit(matrix), matrix.metrics
    if fit.edge != matrix.fit.edge:
        metrics = metrics.with_noise(noise_reach(fit, matrix.singular_values), fit.noise_norm)
    values = replace(matrix, fit=fit, metrics=metrics).to_dict()
    spikes = [_spike_of_schema_1(spike) for spike in values["fit"]["spikes"]]
    fit_values = _without(values["fit"], _OF_FIT) | {"spikes": spikes}
    return _without(values, _OF_MATRIX) | {"fit": fit_values}


def _spike_of_schema_1(spike: dict[str, Any]) -> dict[str, Any]:
    """Return a spike whose overlaps are shares in the span of its group."""
    shares = {f"overlap_{side}": spike[f"span_{side}"] for side in ("left", "right")}
    return _without(spike | shares, _OF_SPIKE)


def comparison_of_schema_1(comparison: InitialComparison, matrix: MatrixAnalysis) -> dict[str, Any]:
    """Return a comparison as plain values, with the noise of the white fit of its matrix."""
    fit = _white_fit(matrix)
    n, m = sorted(matrix.shape)
    critical = (n / m) ** 0.25 * fit.sigma
    known = replace(comparison, sigma=fit.sigma, critical=critical, edge=fit.edge)
    return _without(known.to_dict(), _OF_COMPARISON)


def _white_fit(matrix: MatrixAnalysis) -> RectangularFit:
    """Return the white fit; its edge is the end of the bulk, as it was in schema 1."""
    fit = matrix.fit
    white: Any = fit if fit.noise == NoiseName.WHITE else fit.white
    goodness = fit.goodness
    if white is None:
        white = fit_rectangular(
            singular_values=matrix.singular_values, shape=matrix.shape, alpha=fit.alpha
        )
        goodness = white.goodness
    if goodness.verdict in _LATER:
        goodness = replace(goodness, verdict=Verdict.NOT_LAW)
    edge = white.edge if white.bulk_edge is None else white.bulk_edge
    found: RectangularFit = replace(white, goodness=goodness, edge=edge, zero_sides=fit.zero_sides)
    return found


def _without(values: dict[str, Any], later: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in later}
