"""(4.44): the density of the outliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_spiked_outliers
from pastur.experiments.claims._statements.shrinking import Labels, groups, shrinking
from pastur.experiments.claims._statements.signals import levels, rank_at
from pastur.experiments.claims._testing.claim import Claim, Draw, Judgement, Row, Setting
from pastur.figures import Panel, Series
from pastur.measures import ProbabilityMeasure, Semicircle, Uniform

_LAWS: dict[str, ProbabilityMeasure] = {
    "uniform": Uniform(1.3, 2.9),
    "semicircle": Semicircle(0.4, center=2.1),
}
_BINS = 12


class Shares(NamedTuple):
    """Ends of bins, and the share of the outliers in each: by (4.44), and without its ω′."""

    spikes: FloatArray
    ends: FloatArray
    right: FloatArray
    wrong: FloatArray


def omega(x: FloatArray) -> FloatArray:
    """Return ω(x) = (x + √(x² − 4))/2 right of the semicircle, σ = 1, written out."""
    return np.asarray((x + np.sqrt(x**2 - 4)) / 2)


def density(law: ProbabilityMeasure, x: FloatArray) -> FloatArray:
    """Return ρ_ν₁(ω(x)) ω′(x), written out."""
    return np.asarray(law.density(omega(x))) * (1 + x / np.sqrt(x**2 - 4)) / 2


def _ends(law: ProbabilityMeasure) -> FloatArray:
    low, high = (t + 1 / t for t in law.support[0])
    margin = 0.1 * (high - low)
    return np.linspace(max(low - margin, 2.0 + 1e-9), high + margin, _BINS + 1)


def _prepare(setting: Setting) -> Shares:
    law = _LAWS[setting["law"]]
    ends = _ends(law)
    spikes = np.asarray(law.quantile(levels(setting["rank"])))[::-1]
    # The midpoint rule, fine enough for kinks: 1e-6 of the whole.
    step = np.diff(ends)[:, None] / 4000
    x = ends[:-1, None] + step * (np.arange(4000) + 0.5)
    right = (density(law, x.ravel()).reshape(x.shape) * step).sum(axis=1)
    wrong = (np.asarray(law.density(omega(x.ravel()))).reshape(x.shape) * step).sum(axis=1)
    return Shares(spikes, ends, right, wrong)


def _draw(shares: Shares, setting: Setting, rng: np.random.Generator) -> Draw:
    sample = sample_spiked_outliers(setting["size"], shares.spikes, tolerance=1e-7, rng=rng)
    counts = np.histogram(sample.outliers, shares.ends)[0] / setting["rank"]
    return {
        "share": counts,
        "right": float(((counts - shares.right) ** 2).sum()),
        "wrong": float(((counts - shares.wrong) ** 2).sum()),
    }


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings, series = shrinking(
        rows,
        "law",
        judged=name,
        wrong="wrong",
        expected=lambda _: -0.5,
        labels=Labels("slope of the error of the shares, {}", "ω′ forgotten, {}"),
    )
    panels = [_picture(law, these[-1]) for law, these in groups(rows, "law").items()]
    panels.append(Panel("error of the shares, r = √N", "N", "root of summed squares", series))
    return Judgement(tuple(findings), tuple(panels))


def _picture(name: str, row: Row) -> Panel:
    law = _LAWS[name]
    ends = _ends(law)
    width = np.diff(ends)
    x = np.linspace(ends[0], ends[-1], 400)
    middle = (ends[1:] + ends[:-1]) / 2
    spread = np.sqrt(row.variance["share"]) / width
    series = [
        Series(f"N = {row.setting['size']}, ± sd", middle, row.mean["share"] / width, spread),
        Series("(4.44)", x, density(law, x), kind="curve"),
        Series("ω′ forgotten", x[::12], law.density(omega(x[::12])), kind="contrast"),
    ]
    return Panel(f"ν₁⁺ {name}", "outlier x", "density of μ₁", series, "linear", "linear")


def _settings(plan: dict[int, int]) -> list[Setting]:
    return [
        {"size": n, "rank": rank_at(n, 0.5), "law": law, "draws": d}
        for law in _LAWS
        for n, d in plan.items()
    ]


OUTLIER_DENSITY = Claim(
    name="outlier-density",
    source="(4.44)",
    statement="Off the bulk μ₁ has the density ρ_ν₁(ω(x)) ω′(x).",
    violation="ω′ forgotten",
    quick=_settings({100: 80, 900: 40, 6400: 10}),
    full=_settings({100: 400, 900: 200, 6400: 60, 25600: 20, 90000: 6}),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
