"""Theorem 2.2: each outlier goes to Φ of its spike, and the spikes for which it does not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.experiments.claims._statements.shrinking import Labels, groups, shrinking
from pastur.experiments.claims._statements.signals import (
    SIGNALS,
    GrowingSignal,
    crowd_rate,
    growing,
    rank_at,
    sampled_eigenvalues,
)
from pastur.experiments.claims._testing.assumption_checks import check_assumptions
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    Rate,
    fit_rate,
    means,
    overstated,
    root_mean_square,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series
from pastur.measures import Atoms, Uniform
from pastur.models import DeformedWigner

_WRONG = 1.25


class Spikes(NamedTuple):
    """Eigenvalues of S, the spikes among them, and where Φ says that they go."""

    signal: FloatArray
    spikes: FloatArray
    right: FloatArray
    wrong: FloatArray


def places(signal: FloatArray, spikes: FloatArray) -> AnyArray:
    """Return where the spikes, descending, stand among all eigenvalues of S, equal ones in turn."""
    before = np.arange(spikes.size) - np.searchsorted(-spikes, -spikes, side="left")
    return np.asarray(np.searchsorted(np.sort(-signal), -spikes, side="left") + before)


def _prepare(setting: Setting) -> Spikes:
    signal = SIGNALS[setting["shape"]]
    spikes = signal.spikes(setting["rank"])
    right, wrong = (
        spikes - s**2 * np.asarray(signal.bulk.stieltjes(spikes)) for s in (1.0, _WRONG)
    )
    return Spikes(signal.eigenvalues(setting["size"], setting["rank"]), spikes, right, wrong)


def _draw(theory: Spikes, setting: Setting, rng: np.random.Generator) -> Draw:
    values = _eigenvalues(theory.signal, rng)[places(theory.signal, theory.spikes)]
    return {
        "right": float(np.abs(values - theory.right).max()),
        "wrong": float(np.abs(values - theory.wrong).max()),
    }


def _eigenvalues(signal: FloatArray, rng: np.random.Generator) -> FloatArray:
    return sampled_eigenvalues(signal, rng)[::-1]


def expected_rate(exponent: float, shape: str = "uniform") -> float:
    """Return the exponent of the error: that of the crowd, or N^(−1/2) of a single outlier."""
    return max(crowd_rate(shape, exponent), -0.5)


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
            expected=partial(expected_rate, exponent),
            labels=Labels(
                f"slope of the largest error, r = N^{exponent}, {{}}", f"{overstated(_WRONG)}, {{}}"
            ),
            read=means,
        )
        findings += found
        panels.append(Panel(f"r = N^{exponent}", "N", "max |λⱼ(W) − Φ(λⱼ(S))|", series))
    return Judgement(tuple(findings), tuple(panels))


THEOREM_2_2 = Claim(
    name="theorem-2.2",
    source="Theorem 2.2, (2.5)",
    statement="λ_j(W) − Φ(λ_j(S)) tends to 0 for all j ≤ r(N) at once, spikes in a gap of ν₀ "
    "included.",
    violation=f"{overstated(_WRONG)} in Φ",
    quick=growing("quick", draws=12, most=60),
    full=growing("full", draws=40, most=200),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)


# --- the counter-example ---

_POINT = Atoms([0.0])
_SUBCRITICAL = GrowingSignal(_POINT, ((1.0, Uniform(0.4, 0.6)),))
_SUPERCRITICAL = GrowingSignal(_POINT, ((1.0, Uniform(1.4, 1.6)),))
# λ₁ goes to the edge 2, the theorem would have it at Φ(0.6) = 0.6 + 1/0.6. Their distance, 0.267,
# is the limit, from below: what is required is three quarters of it.
_SHORTFALL = 0.75 * (0.6 + 1 / 0.6 - 2)


def _prepare_counter(setting: Setting) -> tuple[Spikes, Spikes]:
    found = []
    for signal in (_SUBCRITICAL, _SUPERCRITICAL):
        spikes = signal.spikes(setting["rank"])
        values = signal.eigenvalues(setting["size"], setting["rank"])
        mended = np.asarray(DeformedWigner(_POINT).outlier(spikes))
        found.append(Spikes(values, spikes, spikes + 1 / spikes, mended))
    return found[0], found[1]


def _draw_counter(
    theory: tuple[Spikes, Spikes], setting: Setting, rng: np.random.Generator
) -> Draw:
    """The violation is not a counterexample: supercritical spikes, which obey the theorem."""
    found = {}
    for name, case in zip(("right", "wrong"), theory, strict=True):
        values = _eigenvalues(case.signal, rng)
        found[f"{name} first"] = float(abs(values[0] - case.right[0]))
        found[f"{name} mended"] = float((values[0] - case.wrong[0]) ** 2)
        found[f"{name} subcritical"] = float((case.spikes <= 1).all())
    return found


def _judge_counter(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    n = sizes(rows)
    error, se = means(rows, f"{name} first")
    stays = fit_rate(n, error, se)
    mended, mended_se = root_mean_square(rows, f"{name} mended")
    falls = fit_rate(n, mended, mended_se)
    other, other_se = means(rows, "wrong first")
    findings = (
        _hypotheses(_SUPERCRITICAL if violated else _SUBCRITICAL, rows),
        _at_least("λ₁'s distance from Φ(λ₁(S)), largest N", float(error[-1]), float(se[-1])),
        _level("its slope", stays),
        vanishes("slope of λ₁'s distance from the edge, where Φ′ ≤ 0", falls, -0.5),
    )
    series = [
        Series("spikes on [0.4, 0.6], Φ predicted", n, error, se),
        Series("the same, the edge predicted", n, mended, mended_se),
        falls.line(n),
        Series("spikes on [1.4, 1.6], Φ predicted", n, other, other_se, kind="contrast"),
    ]
    panel = Panel("subcritical spikes, r = √N", "N", "|λ₁(W) − predicted|", series)
    return Judgement(findings, (panel,))


def _hypotheses(signal: GrowingSignal, rows: Sequence[Row]) -> Finding:
    """The assumptions hold; (2.3) and (2.4) do by construction, all spikes lying in [a, b]."""
    spectra = [signal.eigenvalues(row.setting["size"], row.setting["rank"]) for row in rows]
    report = check_assumptions(spectra, signal.bulk, nu1=signal.nu1)
    trend = report.distance_1
    passed = report.assumption_1 and report.assumption_2 and report.assumption_3
    what = "slope of the distance of (N/r)(ν − ν₀) from ν₁"
    return Finding(what, trend.exponent, trend.error, "< 0: Assumptions 1–3 hold", passed)


def _at_least(what: str, value: float, error: float) -> Finding:
    passed = value - 4 * error >= _SHORTFALL
    return Finding(what, value, error, f"≥ {_SHORTFALL:.4g}", passed)


def _level(what: str, rate: Rate) -> Finding:
    passed = rate.slope > -0.1
    return Finding(what, rate.slope, rate.error, "> −0.1: it does not tend to 0", passed)


def _counter_settings(plan: dict[int, int]) -> list[Setting]:
    return [{"size": n, "rank": rank_at(n, 0.5), "draws": d} for n, d in plan.items()]


COUNTER_EXAMPLE = Claim(
    name="theorem-2.2-counter-example",
    source="Theorem 2.2, as printed",
    statement="Spikes on [0.4, 0.6] with σ = 1 meet every printed hypothesis, and λ₁(W) goes to "
    "the edge 2, not to Φ(λ₁(S)). The hypothesis Φ′ > 0 on [a, b] is needed.",
    violation="spikes on [1.4, 1.6], which obey the theorem",
    quick=_counter_settings({100: 40, 200: 30, 400: 20, 800: 12}),
    full=_counter_settings({250: 200, 500: 100, 1000: 60, 2000: 30, 4000: 8}),
    prepare=_prepare_counter,
    draw=_draw_counter,
    judge=_judge_counter,
)
