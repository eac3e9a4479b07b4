"""Theorem 2.1: (N/r)(μ − μ₀) tends to μ₁, outside the bulk and inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.ensembles import sample_spiked_outliers
from pastur.experiments.claims._statements.shrinking import Labels, groups, shrinking
from pastur.experiments.claims._statements.signals import (
    SIGNALS,
    GrowingSignal,
    crowd_rate,
    growing,
    rank_at,
    sampled_eigenvalues,
)
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.figures import Panel
from pastur.measures import Measure
from pastur.models import DeformedWigner

# Bumps through which a part of the bulk is measured, as shares of its width.
_PLACES = (0.2, 0.5, 0.8)
_RADIUS = 0.15
Rate = Callable[[str, float, Any], float]
# The image of a part of ν₁⁺ is seen by two bumps next to its middle, and counted by a plateau.
_BESIDE = 0.4


class Bump(NamedTuple):
    """The smooth function exp(1 − 1/(1 − t²)), t = (x − center)/radius, 0 where |t| ≥ 1."""

    center: float
    radius: float

    def __call__(self, x: Any) -> Any:
        """Return the value at x."""
        t = np.clip((np.asarray(x) - self.center) / self.radius, -1 + 1e-12, 1 - 1e-12)
        return np.exp(1 - 1 / (1 - t**2))

    def at(self, x: float) -> float:
        """Return the value at one number, as `Measure.integrate` asks for."""
        return float(self(x))


class Limits(NamedTuple):
    """Test functions, their integrals by μ₀, and what (N/r)∫f d(μ − μ₀) should tend to."""

    functions: list[Bump]
    inside: AnyArray
    centre: FloatArray
    right: FloatArray
    wrong: FloatArray


def outside_bumps(model: DeformedWigner, images: Sequence[tuple[float, float]]) -> list[Bump]:
    """Return two bumps for each part of ν₁⁺, about its image and clear of the bulk."""
    edges = model.law.support.ravel()
    found = []
    for low, high in images:
        room = float(np.abs(edges[:, None] - [low, high]).min())
        middle, half = (low + high) / 2, (high - low) / 2
        radius = half + 0.9 * room
        found += [Bump(middle, radius), Bump(middle + _BESIDE * half, 0.6 * half + 0.8 * room)]
    return found


def _images(model: DeformedWigner, signal: GrowingSignal) -> list[tuple[float, float]]:
    """Return where the outliers of each part of ν₁⁺ lie."""
    ends = [np.asarray(model.outlier(part.support[[0, -1], [0, 1]])) for _, part in signal.parts]
    return [(float(low), float(high)) for low, high in ends]


def inside_bumps(model: DeformedWigner) -> list[Bump]:
    """Return bumps inside each interval of the bulk."""
    return [
        Bump(low + place * (high - low), _RADIUS * (high - low))
        for low, high in model.law.support
        for place in _PLACES
    ]


@cache
def limits(shape: str) -> Limits:
    """Return the functions of a signal inside the bulk and off it, and their limits."""
    signal = SIGNALS[shape]
    model = DeformedWigner(signal.bulk)
    return limits_of(model, signal.nu1, _images(model, signal))


def limits_of(model: DeformedWigner, nu1: Measure, images: Sequence[tuple[float, float]]) -> Limits:
    """Return the functions for any ν₁, the outliers of whose parts lie on `images`."""
    outside, inside = outside_bumps(model, images), inside_bumps(model)
    functions = outside + inside
    centre = _integrals(model.law, functions)
    right = _integrals(model.outlier_measure(nu1), functions)
    # The violations: spikes that stay where they are, and a bulk that they leave as it was.
    wrong = np.concatenate([_integrals(nu1, outside), np.zeros(len(inside))])
    return Limits(functions, np.arange(len(functions)) >= len(outside), centre, right, wrong)


def _prepare(setting: Setting) -> tuple[FloatArray, Limits]:
    values = SIGNALS[setting["shape"]].eigenvalues(setting["size"], setting["rank"])
    return values, limits(setting["shape"])


def _integrals(measure: Measure, functions: Sequence[Bump]) -> FloatArray:
    return np.array([measure.integrate(f.at) for f in functions])


def _draw(theory: tuple[FloatArray, Limits], setting: Setting, rng: np.random.Generator) -> Draw:
    signal, expected = theory
    values = sampled_eigenvalues(signal, rng)
    return changes(expected, values, setting["size"] / setting["rank"])


def changes(expected: Limits, values: FloatArray, scale: float) -> Draw:
    """Return how far (N/r)∫f d(μ − μ₀) is from its limits for one sampled spectrum."""
    means = np.array([f(values).mean() for f in expected.functions])
    return _squares(expected, scale * (means - expected.centre))


def _squares(expected: Limits, measured: FloatArray) -> Draw:
    found = {}
    for place, chosen in (("outside", ~expected.inside), ("inside", expected.inside)):
        if chosen.any():
            for name, limit in (("right", expected.right), ("wrong", expected.wrong)):
                found[f"{place} {name}"] = float(((measured - limit)[chosen] ** 2).mean())
    return found


def expected_rate(place: str, exponent: float, shape: str = "uniform") -> float:
    """Return the exponent of N in the error: that of the next order, or of the fluctuations.

    Linear statistics fluctuate by O(1) inside the bulk, hence by 1/r after the scaling; r outliers
    by √(r/N) in sum, hence by (rN)^(−1/2). The next order is r/N; outside the bulk, it counts how
    far the crowd spreads as long as that is not small compared with the bumps.
    """
    if place == "inside":
        return max(exponent - 1, -exponent)
    return max(crowd_rate(shape, exponent), -(1 + exponent) / 2)


def judge_changes(
    rows: Sequence[Row], violated: bool, *, key: str, rate: Rate, label: str
) -> Judgement:
    """Judge the rates, exponent by exponent, and those inside the bulk apart from those off it.

    Parameters
    ----------
    rows, violated
        As for a claim's ``judge``.
    key : str
        The entry of the settings by which the rows of an exponent are grouped.
    rate : callable
        ``rate(place, exponent, group)``: the exponent of N to meet.
    label : str
        A group in words, at ``{}``; empty where there is one alone.
    """
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    panels: list[Panel] = []
    for place in ("outside", "inside"):
        if f"{place} {name}" not in rows[0].mean:
            continue
        for exponent, chosen in groups(rows, "exponent").items():
            found, series = shrinking(
                chosen,
                key,
                judged=f"{place} {name}",
                wrong=f"{place} wrong",
                expected=partial(rate, place, exponent),
                labels=Labels(
                    f"slope {place} the bulk, r = N^{exponent}{label}",
                    f"{_WORDS[place]}{label}",
                    label.removeprefix(", ") or "samples",
                ),
            )
            findings += found
            title = f"{place} the bulk, r = N^{exponent}"
            panels.append(Panel(title, "N", "|(N/r)∫f d(μ − μ₀) − ∫f dμ₁|", series))
    return Judgement(tuple(findings), tuple(panels))


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    return judge_changes(rows, violated, key="shape", rate=expected_rate, label=", {}")


_WORDS = {"outside": "spikes left at θ", "inside": "bulk left as it was"}


THEOREM_2_1 = Claim(
    name="theorem-2.1",
    source="Theorem 2.1, (2.1)",
    statement="(N/r)(μ − μ₀) tends to a non-random signed measure μ₁, and μ₁(Δ) = ν₁(ω(Δ)) off "
    "the bulk.",
    violation="off the bulk ω(x) = x, spikes left where they are; inside it no change at all",
    quick=growing("quick", draws=12, most=64),
    full=growing("full", draws=60, most=200),
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)


# --- far larger sizes, outside the bulk ---


def _prepare_outliers(setting: Setting) -> tuple[FloatArray, Limits]:
    """Off the bulk μ has the outliers alone, and μ₀ nothing."""
    expected = limits(setting["shape"])
    outside = ~expected.inside
    functions = [f for f, kept in zip(expected.functions, outside, strict=True) if kept]
    nothing = np.zeros(len(functions))
    kept = Limits(functions, nothing > 0, nothing, expected.right[outside], expected.wrong[outside])
    return SIGNALS[setting["shape"]].spikes(setting["rank"]), kept


def _draw_outliers(
    theory: tuple[FloatArray, Limits], setting: Setting, rng: np.random.Generator
) -> Draw:
    spikes, expected = theory
    sample = sample_spiked_outliers(setting["size"], spikes, tolerance=1e-7, rng=rng)
    return _squares(expected, np.array([f(sample.outliers).mean() for f in expected.functions]))


def _large(shapes: Sequence[str], plan: dict[float, list[tuple[int, int]]]) -> list[Setting]:
    return [
        {"size": n, "rank": rank_at(n, a), "exponent": a, "shape": shape, "draws": draws}
        for shape in shapes
        for a, pairs in plan.items()
        for n, draws in pairs
    ]


THEOREM_2_1_LARGE = Claim(
    name="theorem-2.1-large",
    source="Theorem 2.1, (2.1)",
    statement="The same off the bulk at sizes that no dense matrix reaches, by the block "
    "tridiagonal form of W.",
    violation="ω(x) = x: spikes left where they are",
    quick=_large(
        ["uniform"],
        {
            0.3: [(10_000, 40), (100_000, 20), (1_000_000, 10)],
            0.5: [(100, 60), (600, 40), (3_600, 20)],
            0.7: [(100, 60), (250, 40), (600, 30)],
        },
    ),
    full=_large(
        ["uniform", "two points", "both sides"],
        {
            0.3: [(10**4, 200), (10**5, 100), (10**6, 60), (10**7, 30), (10**8, 10)],
            0.5: [(100, 400), (600, 200), (3_600, 100), (18_000, 30), (90_000, 8)],
            0.7: [(100, 400), (250, 200), (600, 100), (1_300, 40), (3_000, 16)],
        },
    ),
    prepare=_prepare_outliers,
    draw=_draw_outliers,
    judge=_judge,
)
