"""Assumptions 1 to 3: sequences that meet them, and one for each that does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.experiments.claims._statements.signals import SIGNALS, rank_at
from pastur.experiments.claims._testing.assumption_checks import Trend, check_assumptions
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.figures import Panel, Series
from pastur.measures import Measure, ProbabilityMeasure

_SIZES = (102, 392, 1024, 2154, 3952, 8000)
_PARTS = ("distance", "rank", "rank_share", "distance_1", "second_moment")


class Candidate(NamedTuple):
    """A sequence of spectra, and what is given as its limits."""

    spectra: list[FloatArray]
    nu0: ProbabilityMeasure
    nu1: Measure


Plant = Callable[[Candidate, Setting], Candidate]


def _candidate(setting: Setting) -> Candidate:
    signal = SIGNALS[setting["shape"]]
    spectra = [signal.eigenvalues(n, rank_at(n, setting["exponent"])) for n in _SIZES]
    return Candidate(spectra, signal.bulk, signal.nu1)


def _wrong_bulk(candidate: Candidate, setting: Setting) -> Candidate:
    """ν₀ placed a tenth too far to the right."""
    return candidate._replace(nu0=candidate.nu0.shift(0.1))


def _wrong_growth(candidate: Candidate, setting: Setting) -> Candidate:
    """A tenth of all eigenvalues are spikes: r is not o(N)."""
    signal = SIGNALS[setting["shape"]]
    return candidate._replace(spectra=[signal.eigenvalues(n, 2 * (n // 20)) for n in _SIZES])


def _escaping(candidate: Candidate, setting: Setting) -> Candidate:
    """One eigenvalue that runs off like √r: too few to see in ν₁, but not in its second moment."""
    moved = [values.copy() for values in candidate.spectra]
    for values, n in zip(moved, _SIZES, strict=True):
        values[0] = 3 * np.sqrt(rank_at(n, setting["exponent"]))
    return candidate._replace(spectra=moved)


def _draw(plant: Plant, candidate: Candidate, setting: Setting, rng: np.random.Generator) -> Draw:
    found: dict[str, object] = {}
    for name, case in (("right", candidate), ("wrong", plant(candidate, setting))):
        report = check_assumptions(case.spectra, case.nu0, nu1=case.nu1)
        for part in _PARTS:
            trend: Trend = getattr(report, part)
            found[f"{name} {part}"] = trend.values
            rate = [trend.exponent, trend.error]
            found[f"{name} {part} rate"] = np.nan_to_num(rate, nan=0.0)
            found[f"{name} {part} vanishes"] = float(trend.vanishes)
            found[f"{name} {part} grows"] = float(trend.grows)
        found[f"{name} masses"] = [report.outside_mass, report.inside_mass]
    return found


class Question(NamedTuple):
    """A part of the report, how it should go, and the words for it."""

    part: str
    trend: str
    words: str


def _judge(questions: Sequence[Question], rows: Sequence[Row], violated: bool) -> Judgement:
    name = "wrong" if violated else "right"
    findings: list[Finding] = []
    panels: list[Panel] = []
    for part, trend, what in questions:
        series = []
        for row in rows:
            shape, exponent = row.setting["shape"], row.setting["exponent"]
            slope, error = row.mean[f"{name} {part} rate"]
            passed = bool(row.mean[f"{name} {part} {trend}"])
            label = f"{shape}, N^{exponent}"
            bound = "< 0 by 4 se, or 0" if trend == "vanishes" else "> 0 by 4 se"
            findings.append(Finding(f"slope of {what}, {label}", slope, error, bound, passed))
            values = row.mean[f"right {part}"]
            if shape != "two points" and (values > 0).all():
                series.append(Series(label, _SIZES, values))
        wrong = rows[-1].mean[f"wrong {part}"]
        series.append(Series("violation", _SIZES, wrong, kind="contrast"))
        panels.append(Panel(what, "N", what, series))
    return Judgement(tuple(findings), tuple(panels))


def _claim(
    number: int, statement: str, violation: str, *, plant: Plant, questions: Sequence[Question]
) -> Claim:
    pairs = [*((shape, 0.5) for shape in SIGNALS), ("uniform", 0.3), ("uniform", 0.7)]
    settings = [{"shape": shape, "exponent": a, "draws": 1} for shape, a in pairs]
    return Claim(
        name=f"assumption-{number}",
        source=f"Assumption {number}",
        statement=statement,
        violation=violation,
        quick=settings,
        full=settings,
        prepare=_candidate,
        draw=lambda candidate, setting, rng: _draw(plant, candidate, setting, rng),
        judge=lambda rows, violated: _judge(questions, rows, violated),
    )


ASSUMPTION_1 = _claim(
    1,
    "The spectral law ν of S tends to ν₀.",
    "ν₀ placed 0.1 too far right",
    plant=_wrong_bulk,
    questions=[Question("distance", "vanishes", "distance of ν from ν₀")],
)
ASSUMPTION_2 = _claim(
    2,
    "r(N) eigenvalues of S lie off supp ν₀, r → ∞ and r = o(N).",
    "a tenth of all are spikes",
    plant=_wrong_growth,
    questions=[
        Question("rank", "grows", "number r of spikes"),
        Question("rank_share", "vanishes", "r/N"),
    ],
)
ASSUMPTION_3 = _claim(
    3,
    "(N/r)(ν − ν₀) tends to the signed measure ν₁, and its second moment to that of ν₁.",
    "one eigenvalue runs off like 3√r",
    plant=_escaping,
    questions=[
        Question("distance_1", "vanishes", "distance of (N/r)(ν − ν₀) from ν₁"),
        Question("second_moment", "vanishes", "error of the second moment"),
    ],
)
