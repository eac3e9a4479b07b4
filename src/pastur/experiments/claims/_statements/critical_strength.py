"""Beyond the paper: where equal singular values, a share α of all, leave the bulk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from pastur.ensembles import sample_spiked_singular_values
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    at_most,
    fit_rate,
    has_slope,
    root_mean_square,
    vanishes,
)
from pastur.figures import Panel, Series
from pastur.measures import Atoms
from pastur.models import InformationPlusNoise

_RATIOS = (1.0, 0.5, 0.1)
_SHARES = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
_EXPONENT, _WRONG = 1 / 3, 1 / 2
# Of the exponent, for the next term of the series, and of the constant at the least share.
_ALLOWANCE, _CLOSE = 0.005, 0.005
_STEPS = 20

# Samples: shares of one in a hundred, at twice the distance of the critical strength.
_RATIO, _SHARE, _DISTANCE = 0.5, 0.01, 2.0


def _window(ratio: float, share: float, exponent: float) -> float:
    """Return θ_c²/√c − 1 for small shares and σ = 1."""
    return float(1.5 * (1 + np.sqrt(ratio)) ** (2 / 3) * share**exponent)


def _model(ratio: float, share: float, excess: float) -> InformationPlusNoise:
    """Return the model of the squares √c(1 + excess), a share of all."""
    square = np.sqrt(ratio) * (1 + excess)
    return InformationPlusNoise(Atoms([0.0, square], [1 - share, share]), ratio=ratio)


@cache
def _critical(ratio: float, share: float) -> float:
    """Return θ_c²/√c − 1 of the model: where its law falls into two parts, by bisection."""
    leading = _window(ratio, share, _EXPONENT)
    low, high = 0.5 * leading, 2 * leading
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if len(_model(ratio, share, middle).law.support) > 1:
            high = middle
        else:
            low = middle
    return high


class Theory(NamedTuple):
    """The strength of a sample, the end of the gap above it, and where it were without others."""

    square: float
    right: float
    wrong: float
    unit: float


def _prepare(setting: Setting) -> Theory | None:
    if "rank" not in setting:
        return None
    excess = _DISTANCE * _critical(_RATIO, _SHARE)
    square = float(np.sqrt(_RATIO) * (1 + excess))
    end = float(_model(_RATIO, _SHARE, excess).law.support[1, 0])
    alone = (square + 1) * (square + _RATIO) / square
    return Theory(square, end, alone, alone - (1 + np.sqrt(_RATIO)) ** 2)


def _draw(theory: Theory | None, setting: Setting, rng: np.random.Generator) -> Draw:
    if theory is None:
        return {"excess": _critical(setting["ratio"], setting["share"])}
    rank = setting["rank"]
    rows = round(rank / _SHARE)
    sample = sample_spiked_singular_values(
        (rows, round(rows / _RATIO)), np.full(rank, np.sqrt(theory.square)), tolerance=1e-5, rng=rng
    )
    least = float(sample.outliers[-1] ** 2)
    return {
        "right": ((least - theory.right) / theory.unit) ** 2,
        "wrong": ((least - theory.wrong) / theory.unit) ** 2,
    }


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    exponent = _WRONG if violated else _EXPONENT
    exact = [row for row in rows if "rank" not in row.setting]
    sampled = [row for row in rows if "rank" in row.setting]
    findings: list[Finding] = []
    series: list[Series] = []
    for ratio in _RATIOS:
        chosen = [row for row in exact if row.setting["ratio"] == ratio]
        shares = np.array([row.setting["share"] for row in chosen])
        excess = np.array([float(row.mean["excess"]) for row in chosen])
        rate = fit_rate(shares, excess, np.zeros(shares.size))
        findings.append(has_slope(f"slope in α, c = {ratio:g}", rate, exponent, _ALLOWANCE))
        off = excess[0] / _window(ratio, shares[0], exponent) - 1
        what = f"distance from its leading term, α = {shares[0]:g}, c = {ratio:g}"
        findings.append(at_most(what, float(abs(off)), 0.0, _CLOSE))
        leading = np.array([_window(ratio, share, _EXPONENT) for share in shares])
        series += [
            Series(f"c = {ratio:g}", shares, excess),
            Series(f"3/2 (1 + √c)^(2/3) α^(1/3), c = {ratio:g}", shares, leading, kind="curve"),
        ]
    other = np.array([_window(ratio, share, _WRONG) for share in shares])
    series.append(Series(f"α^(1/2), c = {ratio:g}", shares, other, kind="contrast"))
    ranks = np.array([float(row.setting["rank"]) for row in sampled])
    error, se = root_mean_square(sampled, "wrong" if violated else "right")
    rate = fit_rate(ranks, error, se)
    findings.append(vanishes("slope of the error of the least outlier, in r", rate, -2 / 3))
    alone, alone_se = root_mean_square(sampled, "wrong")
    points = [
        Series("end of the model's gap", ranks, error, se),
        rate.line(ranks),
        Series("each spike on its own", ranks, alone, alone_se, kind="contrast"),
    ]
    panels = (
        Panel("critical strength of the model", "α", "θ_c²/(√c σ²) − 1", series),
        Panel(f"n × 2n, r = {_SHARE:g} n, twice as far", "r", "error of σ_r(W)²", points),
    )
    return Judgement(tuple(findings), panels)


_EXACT: list[Setting] = [{"ratio": c, "share": a, "draws": 1} for c in _RATIOS for a in _SHARES]


def _settings(plan: dict[int, int]) -> list[Setting]:
    return [*_EXACT, *({"rank": r, "draws": d} for r, d in plan.items())]


CRITICAL_STRENGTH = Claim(
    name="critical-strength",
    source="beyond (1.8)",
    statement="Equal singular values, a share α of all n of an n × m matrix, c = n/m ≤ 1, form a "
    "bulk of their own from θ_c² = √c σ²(1 + 3/2 (1 + √c)^(2/3) α^(1/3) + O(α^(2/3))) on, for "
    "n → ∞ first and then α → 0.",
    violation="exponent 1/2 for 1/3; outliers where each spike alone puts its own",
    quick=_settings({6: 60, 12: 40, 24: 20}),
    full=_settings({10: 200, 20: 100, 40: 50, 80: 20}),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
