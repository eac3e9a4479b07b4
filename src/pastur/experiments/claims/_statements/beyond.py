"""Beyond the paper: finite N, other entries, complex noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe, sample_gue, sample_spiked_outliers, sample_wigner
from pastur.experiments.claims._statements.signals import levels, rank_at, sampled_eigenvalues
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    agrees,
    at_most,
    fit_rate,
    means,
    overstated,
    root_mean_square,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series
from pastur.models import predict_eigenvalues

# --- the prediction at finite N ---

# What the error is at most, as a share of that of Theorem 2.2.
_SHARES = {10: 1.0, 31: 0.5, 100: 0.1, 200: 0.05}
_SIZE = 1000
_WRONG = 1.02


def _draw_finite(theory: None, setting: Setting, rng: np.random.Generator) -> Draw:
    """Spikes at random on [1.8, 3], as in no limit; root-mean-square errors over the outliers."""
    rank = setting["rank"]
    spikes = np.sort(rng.uniform(1.8, 3.0, rank))[::-1]
    signal = np.concatenate([spikes, np.zeros(setting["size"] - rank)])
    outliers = sampled_eigenvalues(signal, rng)[::-1][:rank]
    predicted = {
        "theorem": spikes + 1 / spikes,
        "right": predict_eigenvalues(signal)[:rank],
        "wrong": predict_eigenvalues(signal, sigma=_WRONG)[:rank],
    }
    return {name: float(((outliers - at) ** 2).mean()) for name, at in predicted.items()}


def _judge_finite(rows: Sequence[Row], violated: bool) -> Judgement:
    """The prediction beats Theorem 2.2 at every rank, and its error falls as the rank grows."""
    ranks = np.array([float(row.setting["rank"]) for row in rows])
    limit, limit_error = root_mean_square(rows, "theorem")
    ours, error = root_mean_square(rows, "wrong" if violated else "right")
    findings = []
    for k, rank in enumerate(ranks):
        ratio = ours[k] / limit[k]
        spread = ratio * np.hypot(error[k] / ours[k], limit_error[k] / limit[k])
        what = f"error over that of Theorem 2.2, r = {rank:.0f}"
        findings.append(at_most(what, float(ratio), float(spread), _SHARES[int(rank)]))
    rate = fit_rate(ranks, ours, error)
    findings.append(vanishes("slope of the error in r", rate, -0.3))
    wrong, wrong_error = root_mean_square(rows, "wrong")
    series = [
        Series("Φ of each spike alone (Theorem 2.2)", ranks, limit, limit_error),
        Series("quantile of ν_N ⊞ semicircle", ranks, ours, error),
        Series(f"the same, {overstated(_WRONG)}", ranks, wrong, wrong_error, kind="contrast"),
    ]
    panel = Panel(f"N = {_SIZE}, spikes uniform on [1.8, 3]", "rank r", "rms error", series)
    return Judgement(tuple(findings), (panel,))


FINITE_SIZE = Claim(
    name="finite-size",
    source="beyond Theorem 2.2",
    statement="At size N the eigenvalues lie at the quantiles of ν_N ⊞ semicircle(σ), ν_N the law "
    "of all eigenvalues of S: the more spikes, the closer, where Theorem 2.2 grows worse.",
    violation=overstated(_WRONG),
    quick=[{"size": _SIZE, "rank": r, "draws": 8} for r in _SHARES],
    full=[{"size": _SIZE, "rank": r, "draws": 100} for r in _SHARES],
    prepare=lambda setting: None,
    draw=_draw_finite,
    judge=_judge_finite,
)


# --- other entries ---

_ENTRIES = ("GOE", "GUE", "rademacher", "uniform", "student5")
_OVERSTATEMENT = 1.25


class Prediction(NamedTuple):
    """Spikes and where Φ puts them, with the right σ and with a wrong one."""

    spikes: FloatArray
    right: FloatArray
    wrong: FloatArray


def _prepare_entries(setting: Setting) -> Prediction:
    spikes = 1.8 + 1.2 * levels(setting["rank"])[::-1]
    return Prediction(spikes, spikes + 1 / spikes, spikes + _OVERSTATEMENT**2 / spikes)


def _noise(entries: str, size: int, rng: np.random.Generator) -> FloatArray:
    if entries == "GOE":
        return sample_goe(size, rng=rng)
    if entries == "GUE":
        return sample_gue(size, rng=rng)  # type: ignore[return-value]
    return sample_wigner(size, entries, rng=rng)


def _draw_entries(prediction: Prediction, setting: Setting, rng: np.random.Generator) -> Draw:
    """S diagonal, the eigenvectors of its spikes single coordinates: the hardest case."""
    size, rank = setting["size"], setting["rank"]
    w = _noise(setting["entries"], size, rng)
    w[np.arange(rank), np.arange(rank)] += prediction.spikes
    outliers = np.linalg.eigvalsh(w)[::-1][:rank]
    return {
        "right": float(np.abs(outliers - prediction.right).max()),
        "wrong": float(np.abs(outliers - prediction.wrong).max()),
    }


def _judge_entries(rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    series: list[Series] = []
    for entries in _ENTRIES:
        these = [row for row in rows if row.setting["entries"] == entries]
        n = sizes(these)
        error, se = means(these, name)
        rate = fit_rate(n, error, se)
        findings.append(vanishes(f"slope of the largest error, {entries}", rate, -0.5))
        series.append(Series(entries, n, error, se))
    series.append(rate.line(n))
    other, se = means(these, "wrong")
    series.append(Series(f"{overstated(_OVERSTATEMENT)}, {entries}", n, other, se, kind="contrast"))
    panel = Panel("r = √N, S diagonal", "N", "max |λⱼ(W) − Φ(λⱼ(S))|", series)
    return Judgement(tuple(findings), (panel,))


def _entry_settings(plan: dict[int, int]) -> list[Setting]:
    return [
        {"size": n, "rank": rank_at(n, 0.5), "entries": e, "draws": d}
        for e in _ENTRIES
        for n, d in plan.items()
    ]


UNIVERSALITY = Claim(
    name="universality",
    source="beyond Theorem 2.2",
    statement="Theorem 2.2 holds for complex Gaussian, ±1, uniform and Student t₅ entries alike.",
    violation=f"{overstated(_OVERSTATEMENT)} in Φ",
    quick=_entry_settings({100: 60, 196: 40, 400: 20, 784: 10}),
    full=_entry_settings({256: 200, 484: 100, 1024: 40, 2116: 16, 4096: 6}),
    prepare=_prepare_entries,
    draw=_draw_entries,
    judge=_judge_entries,
)


# --- fluctuations: GOE against GUE ---

_SPIKE_SETS = {"one": (2.0,), "three": (3.2, 2.4, 1.7)}


def _draw_fluctuation(theory: None, setting: Setting, rng: np.random.Generator) -> Draw:
    spikes = np.array(_SPIKE_SETS[setting["spikes"]])
    sample = sample_spiked_outliers(
        setting["size"], spikes, beta=setting["beta"], tolerance=1e-9, rng=rng
    )
    deviation = np.sqrt(setting["size"]) * (sample.outliers - spikes - 1 / spikes)
    return {"square": deviation**2}


def _judge_fluctuation(rows: Sequence[Row], violated: bool) -> Judgement:
    """Variance 2σ²Φ′(θ)/β; the violation takes β = 1 for both."""
    findings: list[Finding] = []
    series: list[Series] = []
    points: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    for row in rows:
        beta = row.setting["beta"]
        for theta, square, error in zip(
            _SPIKE_SETS[row.setting["spikes"]], row.mean["square"], row.error("square"), strict=True
        ):
            expected = 2 * (1 - theta**-2) / (1 if violated else beta)
            what = f"N Var λ, β = {beta}, θ = {theta:g} of {row.setting['spikes']}"
            findings.append(agrees(what, float(square), float(error), expected))
            points[beta].append((theta, float(square), float(error)))
    grid = np.linspace(1.02, 3.4, 200)
    for beta, name in ((1, "GOE"), (2, "GUE")):
        x, y, e = np.array(sorted(points[beta])).T
        series += [
            Series(name, x, y, e),
            Series(f"2σ²Φ′(θ)/{beta}", grid, 2 * (1 - grid**-2) / beta, kind="curve"),
        ]
    size = rows[0].setting["size"]
    panel = Panel(f"outliers at N = {size:,}", "θ", "N · variance", series, "linear", "linear")
    return Judgement(tuple(findings), (panel,))


def _fluctuation_settings(draws: int) -> list[Setting]:
    return [
        {"size": 1_000_000, "beta": beta, "spikes": name, "draws": draws}
        for beta in (1, 2)
        for name in _SPIKE_SETS
    ]


FLUCTUATION = Claim(
    name="fluctuations",
    source="beyond Theorem 2.2",
    statement="An isolated outlier is Gaussian about Φ(θ) with variance 2σ²Φ′(θ)/N for the GOE, "
    "half of it for the GUE.",
    violation="the variance of the GOE for both",
    quick=_fluctuation_settings(2000),
    full=_fluctuation_settings(40_000),
    prepare=lambda setting: None,
    draw=_draw_fluctuation,
    judge=_judge_fluctuation,
)
