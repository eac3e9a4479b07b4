"""Lemma 4.2, (4.5) and (4.18): the transform of (N/r)(μ − μ₀), its limit and its variance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.experiments.claims._statements.shrinking import Labels, groups, shrinking
from pastur.experiments.claims._statements.signals import (
    SIGNALS,
    growing,
    rank_at,
    sampled_eigenvalues,
)
from pastur.experiments.claims._statements.theorem_2_1 import expected_rate
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import at_most
from pastur.figures import Panel, Series
from pastur.models import DeformedWigner

_POINTS = np.array([0.5 + 0.5j, 1.5 + 0.4j, 2.8 + 0.5j, -2.0 + 0.7j])
_HEIGHTS = np.array([0.1, 0.2, 0.5, 1.0])
_REAL_PARTS = np.array([0.0, 1.0, 2.0])


class Limits(NamedTuple):
    """Eigenvalues of S, g_μ₀ at the points, and what (4.5) says."""

    signal: FloatArray
    base: ComplexArray
    right: ComplexArray
    wrong: ComplexArray


def _prepare(setting: Setting) -> Limits:
    signal = SIGNALS[setting["shape"]]
    model = DeformedWigner(signal.bulk)
    w = np.asarray(model.omega(_POINTS))
    without = np.asarray(signal.nu1.stieltjes(w))
    slope = 1 - np.asarray(signal.bulk.stieltjes_derivative(w))
    values = signal.eigenvalues(setting["size"], setting["rank"])
    return Limits(values, np.asarray(model.law.stieltjes(_POINTS)), without / slope, without)


def _transform(values: FloatArray, z: ComplexArray) -> ComplexArray:
    return np.asarray((1 / (values[:, None] - z.ravel())).mean(axis=0)).reshape(z.shape)


def _draw(limits: Limits, setting: Setting, rng: np.random.Generator) -> Draw:
    g = _transform(sampled_eigenvalues(limits.signal, rng), _POINTS)
    measured = setting["size"] / setting["rank"] * (g - limits.base)
    return {
        name: float((np.abs(measured - limit) ** 2).mean())
        for name, limit in (("right", limits.right), ("wrong", limits.wrong))
    }


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    panels: list[Panel] = []
    for exponent, chosen in groups(rows, "exponent").items():
        found, series = shrinking(
            chosen,
            "shape",
            judged=name,
            wrong="wrong",
            expected=partial(expected_rate, "inside", exponent),
            labels=Labels(
                f"slope of the error of g_μ₁, r = N^{exponent}, {{}}", "ω′ forgotten, {}"
            ),
        )
        findings += found
        panels.append(Panel(f"r = N^{exponent}", "N", "|(N/r)(g_μ − g_μ₀) − g_μ₁|", series))
    return Judgement(tuple(findings), tuple(panels))


LEMMA_4_2 = Claim(
    name="lemma-4.2",
    source="Lemma 4.2, (4.5)",
    statement="The transform of (N/r)(μ − μ₀) tends to g_μ₁(z) = g_ν₁(ω(z))ω′(z) in all of the "
    "upper half-plane.",
    violation="ω′ forgotten",
    quick=growing("quick", draws=10, most=60),
    full=growing("full", draws=40, most=200),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)


# --- (4.18) ---


def _prepare_variance(setting: Setting) -> FloatArray:
    return SIGNALS[setting["shape"]].eigenvalues(setting["size"], setting["rank"])


def _draw_variance(signal: FloatArray, setting: Setting, rng: np.random.Generator) -> Draw:
    z = _REAL_PARTS[:, None] + 1j * _HEIGHTS
    g = setting["size"] / setting["rank"] * _transform(sampled_eigenvalues(signal, rng), z)
    return {"real": g.real, "imag": g.imag}


def _judge_variance(rows: Sequence[Row], violated: bool) -> Judgement:
    """The bound is 2σ²/(r²|Im z|⁴); the violation leaves the 1/N of the trace in it."""
    findings: list[Finding] = []
    series: list[Series] = []
    for row in rows:
        size, rank = row.setting["size"], row.setting["rank"]
        variance = (row.variance["real"] + row.variance["imag"]).max(axis=0)
        bound = 2 / (rank**2 * _HEIGHTS**4) / (size if violated else 1)
        ratio = variance / bound
        worst = int(np.argmax(ratio))
        # Traces are nearly Gaussian, so that their variance has this error.
        error = float(ratio[worst]) * np.sqrt(2 / (row.draws - 1))
        what = f"largest Var g_μ̃₁ over its bound, N = {size}, r = {rank}"
        findings.append(at_most(what, float(ratio[worst]), error, 1.0))
        error_bars = rank**2 * variance * np.sqrt(2 / (row.draws - 1))
        series.append(Series(f"N = {size}, r = {rank}", _HEIGHTS, rank**2 * variance, error_bars))
    series.append(Series("bound 2σ²/|Im z|⁴", _HEIGHTS, 2 / _HEIGHTS**4, kind="curve"))
    panel = Panel("variance, worst of three Re z", "Im z", "r² · Var g", series)
    return Judgement(tuple(findings), (panel,))


VARIANCE = Claim(
    name="variance-bound",
    source="(4.18)",
    statement="The variance of the transform of (N/r)(μ − μ₀) is at most 2σ²/(r²|Im z|⁴).",
    violation="a factor 1/N left in the bound",
    quick=[
        {"size": n, "rank": rank_at(n, 0.5), "shape": "uniform", "draws": d}
        for n, d in ((100, 200), (400, 80))
    ],
    full=[
        {"size": n, "rank": rank_at(n, 0.5), "shape": "uniform", "draws": d}
        for n, d in ((100, 2000), (400, 800), (1600, 100))
    ],
    prepare=_prepare_variance,
    draw=_draw_variance,
    judge=_judge_variance,
)
