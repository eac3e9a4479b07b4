"""Proposition 3.1: Pastur's equation at size N holds up to O(1/N)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.ensembles import sample_goe
from pastur.experiments.claims._statements.signals import levels
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import SIGMAS, fit_rate, has_slope, overstated, sizes
from pastur.figures import Panel, Series

POINTS = np.array([0.3 + 0.8j, 1.2 + 0.6j, 2.4 + 0.4j, 3.2 + 0.25j])
_WRONG = 1.05
# What terms of order 1/N² may add to N·D at size N, as a multiple of 1/N.
_NEXT_ORDER = 10.0


def signal_at(size: int) -> FloatArray:
    """Return S with no symmetry: four fifths uniform on [−1, 1], one fifth at 2."""
    rest = size // 5
    return np.concatenate([np.full(rest, 2.0), 2 * levels(size - rest) - 1])


def transform(values: AnyArray, z: AnyArray, order: int = 1) -> ComplexArray:
    """Return mean (value − z)^−order, the sum spelt out."""
    return np.asarray(((values[:, None] - z) ** -order).mean(axis=0))


def _prepare(setting: Setting) -> FloatArray:
    return signal_at(setting["size"])


def _draw(signal: FloatArray, setting: Setting, rng: np.random.Generator) -> Draw:
    """The mean over R and −R, which have one law: what is odd in R cancels."""
    noise = sample_goe(signal.size, rng=rng)
    both = [np.linalg.eigvalsh(np.diag(signal) + sign * noise) for sign in (1, -1)]
    g = transform(np.concatenate(both), POINTS)
    return {"real": g.real, "imag": g.imag}


def defect(row: Row, sigma: float) -> tuple[ComplexArray, FloatArray, ComplexArray]:
    """Return E g_μ − g_ν(z + σ²E g_μ), its standard error, and the 1/N term times N.

    The term is ``σ²g_ν″/(2(1 − σ²g_ν′))`` at ω, for the GOE.
    """
    signal = signal_at(row.setting["size"])
    g = row.mean["real"] + 1j * row.mean["imag"]
    w = POINTS + sigma**2 * g
    slope = 1 - sigma**2 * transform(signal, w, 2)
    error = np.abs(slope) * np.hypot(row.error("real"), row.error("imag"))
    term = sigma**2 * transform(signal, w, 3) / slope
    return g - transform(signal, w), error, term


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    sigma = _WRONG if violated else 1.0
    n = sizes(rows)
    found = [defect(row, sigma) for row in rows]
    size = np.abs([d for d, _, _ in found])
    error = np.array([e for _, e, _ in found])
    wrong = np.abs([defect(row, _WRONG)[0] for row in rows])
    findings: list[Finding] = []
    series: list[Series] = []
    for k, z in enumerate(POINTS):
        rate = fit_rate(n, size[:, k], error[:, k])
        findings.append(has_slope(f"slope of |defect| at z = {_words(z)}", rate, -1.0))
        series += [Series(f"z = {_words(z)}", n, size[:, k], error[:, k]), rate.line(n)]
    findings.append(_next_order(rows[-1], *found[-1]))
    contrast = Series(overstated(_WRONG), n, wrong[:, 0], error[:, 0], kind="contrast")
    panel = Panel(
        "Pastur's equation at size N", "N", "|E g_μ − g_ν(z + σ²E g_μ)|", [*series, contrast]
    )
    return Judgement(tuple(findings), (panel,))


def _next_order(row: Row, found: ComplexArray, error: FloatArray, term: ComplexArray) -> Finding:
    size = row.setting["size"]
    off = np.abs(size * found - term)
    worst = int(np.argmax(off / (size * error)))
    limit = SIGMAS * size * float(error[worst]) + _NEXT_ORDER / size
    what = f"N · defect off σ²g_ν″/(2Φ′), N = {size}, worst z"
    bound = f"≤ {limit:.2g}, of {abs(term[worst]):.3g}"
    return Finding(
        what, float(off[worst]), size * float(error[worst]), bound, bool(off[worst] <= limit)
    )


def _words(z: complex) -> str:
    return f"{z.real:g} + {z.imag:g}i"


PROPOSITION_3_1 = Claim(
    name="proposition-3.1",
    source="Proposition 3.1, (3.1)",
    statement="E g_μ(z) − g_ν(z + σ²E g_μ(z)) = O(1/N).",
    violation=overstated(_WRONG),
    quick=[{"size": n, "draws": d} for n, d in ((50, 4000), (100, 2000), (200, 1000), (400, 300))],
    full=[
        {"size": n, "draws": d}
        for n, d in ((50, 30000), (100, 15000), (200, 8000), (400, 3000), (800, 800))
    ],
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
