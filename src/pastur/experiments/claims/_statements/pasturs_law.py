"""(1.5) and (1.7): the spectral law tends to the solution of Pastur's equation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe, sample_wigner
from pastur.experiments.claims._statements.shrinking import Labels, shrinking
from pastur.experiments.claims._statements.signals import levels
from pastur.experiments.claims._testing.claim import Claim, Draw, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import means, overstated
from pastur.figures import Panel
from pastur.measures import Atoms, ProbabilityMeasure, Uniform
from pastur.models import DeformedWigner

_BULKS: dict[str, ProbabilityMeasure] = {
    "a point": Atoms([0.7]),
    "two points": Atoms([-1.5, 1.5]),
    "uniform": Uniform(-2.0, 2.0),
}
# The violations take a σ that is 5 % too large.
_WRONG = 1.05

Cdf = Callable[[FloatArray], FloatArray]


class Laws(NamedTuple):
    """Eigenvalues of S, the law's distribution function, and that of the violation."""

    signal: FloatArray
    right: Cdf
    wrong: Cdf


def kolmogorov_distance(values: FloatArray, cdf: Cdf) -> float:
    """Return sup |F_N − F|, F_N the distribution function of the values."""
    at = np.asarray(cdf(np.sort(values)))
    steps = np.arange(values.size + 1) / values.size
    return float(max((steps[1:] - at).max(), (at - steps[:-1]).max()))


def _prepare_bulk(setting: Setting) -> Laws:
    bulk = _BULKS[setting["bulk"]]
    signal = np.asarray(bulk.quantile(levels(setting["size"])))
    right, wrong = (DeformedWigner(bulk, sigma=s).law for s in (1.0, _WRONG))
    return Laws(signal, right.cdf, wrong.cdf)


def _draw_goe(laws: Laws, setting: Setting, rng: np.random.Generator) -> Draw:
    return _distances(laws, sample_goe(setting["size"], rng=rng))


def _distances(laws: Laws, noise: FloatArray) -> Draw:
    noise[np.diag_indices(len(noise))] += laws.signal
    values = np.asarray(np.linalg.eigvalsh(noise), dtype=np.float64)
    return {
        "right": kolmogorov_distance(values, laws.right),
        "wrong": kolmogorov_distance(values, laws.wrong),
    }


def semicircle_cdf(x: FloatArray, sigma: float) -> FloatArray:
    """Return the distribution function of the density (1.7)."""
    t = np.clip(x / (2 * sigma), -1, 1)
    return np.asarray(0.5 + (t * np.sqrt(1 - t**2) + np.arcsin(t)) / np.pi)


def _prepare_semicircle(setting: Setting) -> Laws:
    return Laws(
        np.zeros(setting["size"]),
        lambda x: semicircle_cdf(x, 1.0),
        lambda x: semicircle_cdf(x, _WRONG),
    )


def _draw_entries(laws: Laws, setting: Setting, rng: np.random.Generator) -> Draw:
    size, entries = setting["size"], setting["entries"]
    goe = entries == "GOE"
    noise = sample_goe(size, rng=rng) if goe else sample_wigner(size, entries, rng=rng)
    return _distances(laws, noise)


def _judge(rows: Sequence[Row], violated: bool, key: str, title: str) -> Judgement:
    """Distances fall like 1/N, the scale at which eigenvalues are rigid."""
    name = "wrong" if violated else "right"
    findings, series = shrinking(
        rows,
        key,
        judged=name,
        wrong="wrong",
        expected=lambda _: -0.85,
        labels=Labels("slope of the Kolmogorov distance, {}", f"{overstated(_WRONG)}, {{}}"),
        read=means,
    )
    panel = Panel(title, "N", "Kolmogorov distance", series)
    return Judgement(tuple(findings), (panel,))


def _settings(key: str, kinds: Sequence[Any], plan: dict[int, int]) -> list[Setting]:
    return [{"size": n, key: k, "draws": d} for k in kinds for n, d in plan.items()]


_QUICK = {100: 40, 200: 30, 400: 20, 800: 8}
_FULL = {125: 200, 250: 200, 500: 100, 1000: 50, 2000: 20, 4000: 6}
_ENTRIES = ("GOE", "rademacher", "student5")

PASTURS_LAW = Claim(
    name="pasturs-law",
    source="(1.5)",
    statement="The spectral law μ of W tends to the law μ₀ that solves Pastur's equation "
    "g_μ₀(z) = g_ν₀(z + σ²g_μ₀(z)).",
    violation=overstated(_WRONG),
    quick=_settings("bulk", tuple(_BULKS), _QUICK),
    full=_settings("bulk", tuple(_BULKS), _FULL),
    prepare=_prepare_bulk,
    draw=_draw_goe,
    judge=lambda rows, violated: _judge(rows, violated, "bulk", "W against μ₀"),
)

SEMICIRCLE = Claim(
    name="semicircle",
    source="(1.7)",
    statement="With no signal, μ₀ is the semicircle law of density √(4σ² − x²)/(2πσ²).",
    violation=overstated(_WRONG),
    quick=_settings("entries", _ENTRIES, _QUICK),
    full=_settings("entries", _ENTRIES, _FULL),
    prepare=_prepare_semicircle,
    draw=_draw_entries,
    judge=lambda rows, violated: _judge(rows, violated, "entries", "R/√N against (1.7)"),
)
