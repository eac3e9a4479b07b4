"""(4.20) to (4.22): the second moment of μ₀, and that of (N/r)(μ − μ₀)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe
from pastur.experiments.claims._statements.signals import EXPONENTS, SIGNALS, growing
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    agrees,
    at_most,
    fit_rate,
    means,
    root_mean_square,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series
from pastur.models import DeformedWigner

_ROUNDING = 1e-10


class Moments(NamedTuple):
    """Eigenvalues of S; ∫t² by μ₀, ν₀ and ν₁."""

    signal: FloatArray
    mu0: float
    nu0: float
    nu1: float


def _prepare(setting: Setting) -> Moments:
    signal = SIGNALS[setting["shape"]]
    law = DeformedWigner(signal.bulk).law
    values = signal.eigenvalues(setting["size"], setting["rank"])
    return Moments(values, law.moment(2), signal.bulk.moment(2), signal.nu1.moment(2))


def _draw(moments: Moments, setting: Setting, rng: np.random.Generator) -> Draw:
    """Tr W²/N needs no eigenvalue; it is compared with what GOE noise gives at this N."""
    n, rank = setting["size"], setting["rank"]
    w = sample_goe(n, rng=rng)
    w[np.diag_indices(n)] += moments.signal
    second = float((w * w).sum()) / n
    own = float((moments.signal**2).mean())
    return {
        "excess": second - own - (1 + 1 / n),
        "excess wrong": second - own,
        "gap": abs(moments.mu0 - 1 - moments.nu0),
        "gap wrong": abs(moments.mu0 - moments.nu0),
        "v2": (n / rank * (second - moments.mu0) - moments.nu1) ** 2,
        "v2 wrong": (n / rank * (second - moments.nu0) - moments.nu1) ** 2,
    }


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    tail = " wrong" if violated else ""
    gap = max(float(row.mean[f"gap{tail}"]) for row in rows)
    findings: list[Finding] = [at_most("|∫t²dμ₀ − σ² − ∫t²dν₀|", gap, 0.0, _ROUNDING)]
    panels: list[Panel] = []
    for shape in dict.fromkeys(row.setting["shape"] for row in rows):
        series = []
        for exponent in EXPONENTS:
            these = [
                row
                for row in rows
                if (row.setting["shape"], row.setting["exponent"]) == (shape, exponent)
            ]
            n = sizes(these)
            mean, error = means(these, f"excess{tail}")
            total = float((mean / error**2).sum() / (1 / error**2).sum())
            pooled = float((1 / error**2).sum() ** -0.5)
            words = f"r = N^{exponent}, {shape}"
            findings.append(
                agrees(f"E Tr W²/N − Tr S²/N − σ²(1 + 1/N), {words}", total, pooled, 0.0)
            )
            error_, se = root_mean_square(these, f"v2{tail}")
            rate = fit_rate(n, error_, se)
            findings.append(vanishes(f"slope of |v₂ − ∫t²dν₁|, {words}", rate, -exponent))
            series += [Series(f"r = N^{exponent}", n, error_, se), rate.line(n)]
        other, se = root_mean_square(these, "v2 wrong")
        series.append(Series("σ² forgotten", n, other, se, kind="contrast"))
        panels.append(Panel(f"second moment, {shape}", "N", "|v₂ − ∫t²dν₁|", series))
    return Judgement(tuple(findings), tuple(panels))


SECOND_MOMENT = Claim(
    name="second-moment",
    source="(4.20), (4.22)",
    statement="∫t²dμ₀ = σ² + ∫t²dν₀, and v₂ = (N/r)(∫t²dμ − ∫t²dμ₀) tends to ∫t²dν₁.",
    violation="σ² forgotten",
    quick=growing("quick", draws=120, most=600),
    full=growing("full", draws=200, most=1000),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
