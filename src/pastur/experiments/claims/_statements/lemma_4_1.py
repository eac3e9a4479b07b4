"""Lemma 4.1: Φ(ω(z)) = z, for the functions that solve the equation and for those of a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pastur._typing import ComplexArray
from pastur.experiments.claims._statements.signals import levels, sampled_eigenvalues
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    at_most,
    fit_rate,
    overstated,
    root_mean_square,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series
from pastur.measures import Atoms, ProbabilityMeasure, Uniform
from pastur.models import DeformedWigner

_BULKS: dict[str, ProbabilityMeasure] = {
    "two points": Atoms([-1.5, 1.5]),
    "three points": Atoms([-2.0, 0.0, 0.5], weights=[0.2, 0.5, 0.3]),
    "uniform": Uniform(-2.0, 2.0),
}
_SAMPLED = "uniform"
_HEIGHTS = (1e-9, 1e-6, 1e-3, 1.0)
_POINTS = np.array([0.5 + 0.5j, 1.5 + 0.5j, 3.0 + 0.5j])
_WRONG = 1.05
_ROUNDING = 1e-10

Transform = Callable[[ComplexArray], ComplexArray]


class Case(NamedTuple):
    """g_ν₀ written out, and ω where the model says it is."""

    transform: Transform
    z: ComplexArray
    omega: ComplexArray


def _written_out(bulk: ProbabilityMeasure) -> Transform:
    """Return g_ν₀ by its definition (1.4), apart from the code that solves for ω."""
    if isinstance(bulk, Uniform):
        low, high = bulk.support[0]
        return lambda w: np.log((high - w) / (low - w)) / (high - low)
    points, weights = bulk.atoms.T
    return lambda w: (weights / (points - w[:, None])).sum(axis=1)


def _prepare(setting: Setting) -> Case:
    bulk = _BULKS[setting["bulk"]]
    if "size" in setting:
        return Case(_written_out(bulk), _POINTS, _POINTS)
    z = np.linspace(-4.5, 4.5, 401) + 1j * setting["height"]
    return Case(_written_out(bulk), z, DeformedWigner(bulk).omega(z))


def _draw(case: Case, setting: Setting, rng: np.random.Generator) -> Draw:
    if "size" not in setting:
        g = case.omega - case.z
        return {name: _gap(case, case.z + s**2 * g) for name, s in _SIGMAS}
    signal = np.asarray(_BULKS[setting["bulk"]].quantile(levels(setting["size"])))
    g = (1 / (sampled_eigenvalues(signal, rng)[:, None] - case.z)).mean(axis=0)
    return {name: _gap(case, case.z + s**2 * g) ** 2 for name, s in _SIGMAS}


_SIGMAS = (("right", 1.0), ("wrong", _WRONG))


def _gap(case: Case, w: ComplexArray) -> float:
    """Return max |Φ(ω(z)) − z|."""
    return float(np.abs(w - case.transform(w) - case.z).max())


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    exact = [row for row in rows if "size" not in row.setting]
    sampled = [row for row in rows if "size" in row.setting]
    findings: list[Finding] = []
    series: list[Series] = []
    for bulk in dict.fromkeys(row.setting["bulk"] for row in exact):
        chosen = [row for row in exact if row.setting["bulk"] == bulk]
        gaps = np.array([float(row.mean[name]) for row in chosen])
        findings.append(at_most(f"max |Φ(ω(z)) − z|, {bulk}", float(gaps.max()), 0.0, _ROUNDING))
        heights = [row.setting["height"] for row in chosen]
        # Rounding can leave nothing at all, which a logarithmic axis cannot show.
        series.append(Series(bulk, heights, np.maximum(gaps, 1e-17)))
    wrong = [float(row.mean["wrong"]) for row in chosen]
    series.append(Series(overstated(_WRONG), heights, wrong, kind="contrast"))
    n = sizes(sampled)
    gap, error = root_mean_square(sampled, name)
    rate = fit_rate(n, gap, error)
    findings.append(vanishes("slope of |Φ(ω_N(z)) − z|, ω_N of a sample", rate, -1.0))
    other, other_error = root_mean_square(sampled, "wrong")
    points = [
        Series(f"ν₀ {_SAMPLED}", n, gap, error),
        rate.line(n),
        Series(overstated(_WRONG), n, other, other_error, kind="contrast"),
    ]
    panels = (
        Panel("ω of the model", "Im z", "max |Φ(ω(z)) − z|", series),
        Panel("ω(z) = z + σ²g_μ(z) of a sample", "N", "|Φ(ω(z)) − z|", points),
    )
    return Judgement(tuple(findings), panels)


_EXACT: list[Setting] = [{"bulk": b, "height": h, "draws": 1} for b in _BULKS for h in _HEIGHTS]


def _settings(plan: dict[int, int]) -> list[Setting]:
    return [*_EXACT, *({"bulk": _SAMPLED, "size": n, "draws": d} for n, d in plan.items())]


LEMMA_4_1 = Claim(
    name="lemma-4.1",
    source="Lemma 4.1",
    statement="Φ(ω(z)) = z in the upper half-plane.",
    violation=f"{overstated(_WRONG)} in ω",
    quick=_settings({50: 100, 100: 60, 200: 40, 400: 20}),
    full=_settings({125: 400, 250: 200, 500: 100, 1000: 50, 2000: 20, 4000: 6}),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
