"""Beyond the paper: the rectangular twin of Theorems 2.1 and 2.2."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_gaussian
from pastur.experiments.claims._statements.shrinking import Labels, shrinking
from pastur.experiments.claims._statements.signals import levels, rank_at
from pastur.experiments.claims._statements.theorem_2_1 import Bump, expected_rate
from pastur.experiments.claims._statements.theorem_2_2 import expected_rate as rate_of_largest
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import means, overstated, root_mean_square
from pastur.figures import Panel
from pastur.measures import Atoms, Uniform
from pastur.models import InformationPlusNoise

_RATIO = 0.5
_LOW, _HIGH = 2.0, 6.0
_WRONG = 1.25
_EXPONENTS = (0.5, 0.7)


class Limits(NamedTuple):
    """Test functions, their integrals by μ₀, and what (n/r)∫f d(μ − μ₀) should tend to."""

    functions: list[Bump]
    centre: FloatArray
    right: FloatArray
    wrong: FloatArray


class Theory(NamedTuple):
    """Squared spikes, where their singular values go, and the limits."""

    squares: FloatArray
    right: FloatArray
    wrong: FloatArray
    limits: Limits


def low_rank_outlier(square: FloatArray, sigma: float) -> FloatArray:
    """Return √((θ² + σ²)(θ² + cσ²))/θ, the finite-rank formula written out."""
    noise = sigma**2
    return np.sqrt((square + noise) * (square + _RATIO * noise) / square)


@cache
def limits() -> Limits:
    """Return two functions off the bulk, three inside it, and their limits."""
    model = InformationPlusNoise(Atoms([0.0]), ratio=_RATIO)
    nu1 = Uniform(_LOW, _HIGH) - Atoms([0.0])
    mu1 = model.outlier_measure(nu1)
    (low, high), (first, last) = model.law.support[0], mu1.support[-1]
    room = first - high
    middle, half = (first + last) / 2, (last - first) / 2
    functions = [
        Bump(middle, half + 0.9 * room),
        Bump(middle + 0.4 * half, 0.6 * half + 0.8 * room),
        *(Bump(low + s * (high - low), 0.15 * (high - low)) for s in (0.2, 0.5, 0.8)),
    ]
    centre, right, unmoved = (
        np.array([m.integrate(f.at) for f in functions]) for m in (model.law, mu1, nu1)
    )
    # The violations: spikes that stay where they are, and a bulk that they leave as it was.
    wrong = np.where(np.arange(len(functions)) < 2, unmoved, 0.0)
    return Limits(functions, centre, right, wrong)


def _prepare(setting: Setting) -> Theory:
    squares = _LOW + (_HIGH - _LOW) * levels(setting["rank"])[::-1]
    right, wrong = (low_rank_outlier(squares, s) for s in (1.0, _WRONG))
    return Theory(squares, right, wrong, limits())


def _draw(theory: Theory, setting: Setting, rng: np.random.Generator) -> Draw:
    n, rank, expected = setting["size"], setting["rank"], theory.limits
    w = sample_gaussian((n, round(n / _RATIO)), rng=rng)
    w[np.arange(rank), np.arange(rank)] += np.sqrt(theory.squares)
    values = np.linalg.eigvalsh(w @ w.T)[::-1]
    outliers = np.sqrt(values[:rank])
    mean = np.array([f(values).mean() for f in expected.functions])
    measured = n / rank * (mean - expected.centre)
    found: dict[str, float] = {}
    for name, where, limit in (
        ("right", theory.right, expected.right),
        ("wrong", theory.wrong, expected.wrong),
    ):
        off = (measured - limit) ** 2
        found[f"{name} largest"] = float(np.abs(outliers - where).max())
        found[f"{name} outside"] = float(off[:2].mean())
        found[f"{name} inside"] = float(off[2:].mean())
    return found


_WORDS = {
    "largest": (overstated(_WRONG), "max |s_j(W) − √Φ(s_j(S)²)|"),
    "outside": ("spikes left at θ", "|(N/r)∫f d(μ − μ₀) − ∫f dμ₁|"),
    "inside": ("bulk left as it was", "|(N/r)∫f d(μ − μ₀) − ∫f dμ₁|"),
}


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    panels: list[Panel] = []
    for part, (words, label) in _WORDS.items():
        largest = part == "largest"
        found, series = shrinking(
            rows,
            "exponent",
            judged=f"{name} {part}",
            wrong=f"wrong {part}",
            expected=rate_of_largest if largest else partial(expected_rate, part),
            labels=Labels(f"slope, {part}, r = n^{{}}", words, "r = n^{}"),
            read=means if largest else root_mean_square,
        )
        findings += found
        title = "largest error" if largest else f"{part} the bulk"
        panels.append(Panel(f"n × 2n, {title}", "n", label, series))
    return Judgement(tuple(findings), tuple(panels))


def _settings(plan: dict[int, int]) -> list[Setting]:
    return [
        {"size": n, "rank": rank_at(n, a), "exponent": a, "draws": d}
        for a in _EXPONENTS
        for n, d in plan.items()
    ]


RECTANGULAR = Claim(
    name="rectangular",
    source="beyond Theorems 2.1 and 2.2",
    statement="For n × 2n matrices, in squared singular values, (n/r)(μ − μ₀) tends to μ₁ with "
    "g_μ₁ = g_ν₁(ω)ω′, and every outlier to Φ of its spike.",
    violation=f"{overstated(_WRONG)}; spikes left at θ; a bulk left as it was",
    quick=_settings({100: 60, 196: 40, 400: 30, 784: 12}),
    full=_settings({256: 200, 500: 120, 1000: 60, 2000: 24, 4000: 6}),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
