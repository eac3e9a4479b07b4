"""(1.8): where the largest eigenvalue goes when the rank stays finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pastur.ensembles import sample_spiked_outliers
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    fit_rate,
    means,
    root_mean_square,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series

_SPIKES = (0.3, 0.6, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0)


class Limits(NamedTuple):
    """The limit of λ₁ by (1.8), and Φ(θ) whatever the spike."""

    right: float
    wrong: float


def peche_limit(theta: float) -> float:
    """Return the right side of (1.8) for σ = 1, spelt out."""
    return 2.0 if theta < 1 else theta + 1 / theta


def _prepare(setting: Setting) -> Limits:
    theta = setting["theta"]
    return Limits(peche_limit(theta), theta + 1 / theta)


def _draw(limits: Limits, setting: Setting, rng: np.random.Generator) -> Draw:
    sample = sample_spiked_outliers(setting["size"], [setting["theta"]], rng=rng)
    largest = float(sample.outliers[0])
    return {
        "largest": largest,
        "right": (largest - limits.right) ** 2,
        "wrong": (largest - limits.wrong) ** 2,
    }


def _expected(theta: float) -> float:
    """Gaussian above criticality, the scale of an edge at and below it."""
    return -0.5 if theta > 1 else -2 / 3


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    series: list[Series] = []
    for theta in _SPIKES:
        chosen = [row for row in rows if row.setting["theta"] == theta]
        n = sizes(chosen)
        error, se = root_mean_square(chosen, name)
        rate = fit_rate(n, error, se)
        findings.append(
            vanishes(f"slope of the error of λ₁, θ = {theta:g}σ", rate, _expected(theta))
        )
        if theta in (0.6, 1.0, 1.1, 2.0):
            series += [Series(f"θ = {theta:g}", n, error, se), rate.line(n)]
    forgotten = [row for row in rows if row.setting["theta"] == 0.6]
    error, se = root_mean_square(forgotten, "wrong")
    series.append(Series("θ = 0.6, Φ(θ) predicted", sizes(forgotten), error, se, kind="contrast"))
    rate_panel = Panel("error of (1.8), root mean square", "N", "|λ₁ − limit|", series)
    return Judgement(tuple(findings), (_curve(rows), rate_panel))


def _curve(rows: Sequence[Row]) -> Panel:
    series = []
    theta = np.linspace(0.2, 3.1, 300)
    for size in sorted({row.setting["size"] for row in rows})[::2]:
        chosen = [row for row in rows if row.setting["size"] == size]
        largest, _ = means(chosen, "largest")
        spread = np.array([float(row.variance["largest"]) ** 0.5 for row in chosen])
        series.append(
            Series(f"N = {size:,}, ± sd", [row.setting["theta"] for row in chosen], largest, spread)
        )
    limit = [peche_limit(float(t)) for t in theta]
    series.append(Series("(1.8)", theta, limit, kind="curve"))
    return Panel("largest eigenvalue, σ = 1", "θ", "λ₁(W)", series, "linear", "linear")


def _settings(sizes_: Sequence[int], draws: int) -> list[Setting]:
    return [{"size": n, "theta": t, "draws": draws} for t in _SPIKES for n in sizes_]


FINITE_RANK = Claim(
    name="finite-rank",
    source="(1.8)",
    statement="With one spike θ₁, λ₁(W) tends to 2σ where θ₁ < σ and to Φ(θ₁) = θ₁ + σ²/θ₁ where "
    "θ₁ ≥ σ.",
    violation="Φ(θ₁) below the critical spike too",
    quick=_settings([100, 1_000, 10_000, 100_000], 100),
    full=_settings([100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000], 400),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
