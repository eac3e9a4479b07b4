"""Lemma 3.2: the four remainders r₁ … r₄ of the Schur complement, computed as they are defined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.ensembles import sample_goe
from pastur.experiments.claims._statements.proposition_3_1 import signal_at
from pastur.experiments.claims._testing.claim import Claim, Draw, Finding, Judgement, Row, Setting
from pastur.experiments.claims._testing.rates import (
    at_most,
    fit_rate,
    has_slope,
    means,
    overstated,
    sizes,
    vanishes,
)
from pastur.figures import Panel, Series

_Z = 0.6 + 0.5j
_WRONG = 1.1
_ROUNDING = 1e-10


def _prepare(setting: Setting) -> FloatArray:
    return signal_at(setting["size"])


def _draw(signal: FloatArray, setting: Setting, rng: np.random.Generator) -> Draw:
    """One matrix, its row i = N/2 taken out; (3.5) to (3.12) as printed, but for the slips.

    (3.7) and (3.9) should leave out j = i, and (3.12) wants −Σ r_j.
    """
    n, i = signal.size, signal.size // 2
    r = np.sqrt(n) * sample_goe(n, rng=rng)
    w = r / np.sqrt(n) + np.diag(signal)
    keep = np.arange(n) != i
    minor = _resolvent(w[np.ix_(keep, keep)])
    whole = _resolvent(w)
    row, diagonal = r[i, keep], np.diag(minor)
    r1 = (row @ minor @ row - diagonal @ row**2) / n
    r2 = diagonal @ (row**2 - 1) / n
    wrong = diagonal @ (row**2 - _WRONG**2) / n
    trace = np.trace(minor) / n
    a = w[i, i] - _Z - row @ minor @ row / n
    rest = signal[i] - _Z - trace + r[i, i] / np.sqrt(n)
    return {
        "r1": abs(r1) ** 2,
        "r2": abs(r2) ** 2,
        "r2 wrong": abs(wrong) ** 2,
        "trace": [trace.real, trace.imag],
        "r4": _parts(np.trace(minor) - np.trace(whole)) / n,
        "identity": abs(a - rest + r1 + r2),
        "identity wrong": abs(a - rest - r1 - r2),
    }


def _resolvent(w: FloatArray) -> ComplexArray:
    return np.asarray(np.linalg.inv(w - _Z * np.eye(len(w))), dtype=np.complex128)


def _parts(z: complex) -> FloatArray:
    return np.array([z.real, z.imag])


def _remainders(rows: Sequence[Row], violated: bool) -> dict[str, tuple[FloatArray, FloatArray]]:
    """E|r₁|², E|r₂|², E|r₃|² and |r₄| at each size, each with its standard error."""
    third = np.array([float(row.variance["trace"].sum()) for row in rows])
    draws = np.array([row.draws for row in rows])
    fourth = np.array([float(np.hypot(*row.mean["r4"])) for row in rows])
    fourth_error = np.array([float(np.hypot(*row.error("r4"))) for row in rows])
    return {
        "E|r₁|²": means(rows, "r1"),
        "E|r₂|²": means(rows, "r2 wrong" if violated else "r2"),
        # Traces are nearly Gaussian, so that their variance has this error.
        "E|r₃|²": (third, third * np.sqrt(2 / (draws - 1))),
        "|r₄|": (fourth, fourth_error),
    }


def _judge(rows: Sequence[Row], violated: bool) -> Judgement:
    n, height = sizes(rows), _Z.imag
    # (3.20), (3.21) with E(R² − σ²)² = 2σ⁴, and (3.23); the lemma gives no constant for r₃.
    limits = {"E|r₁|²": 2 / height**2, "E|r₂|²": 2 / height**2, "|r₄|": 1 / height}
    found = _remainders(rows, violated)
    findings: list[Finding] = []
    series: list[Series] = []
    for name, (value, error) in found.items():
        rate = fit_rate(n, value, error)
        if name == "E|r₃|²":
            findings.append(vanishes(f"slope of {name}", rate, -1.0))
        else:
            findings.append(has_slope(f"slope of {name}", rate, -1.0, 0.05))
        if name in limits:
            worst = int(np.argmax(n * value))
            top = float((n * value)[worst]), float((n * error)[worst])
            findings.append(at_most(f"N · {name}, largest", *top, limits[name]))
        series += [Series(name, n, value, error), rate.line(n)]
    identity = means(rows, "identity wrong" if violated else "identity")[0].max()
    findings.append(at_most("(3.12) with −Σ rⱼ: largest gap", float(identity), 0.0, _ROUNDING))
    value, error = means(rows, "r2 wrong")
    series.append(Series(f"E|r₂|², {overstated(_WRONG)}", n, value, error, kind="contrast"))
    panel = Panel(f"remainders at z = {_Z.real:g} + {_Z.imag:g}i", "N", "size", series)
    return Judgement(tuple(findings), (panel,))


LEMMA_3_2 = Claim(
    name="lemma-3.2",
    source="Lemma 3.2, (3.8)–(3.12)",
    statement="E|r_j|² ≤ C/N for j = 1, 2, 3 and |r₄| ≤ C/N.",
    violation=f"{overstated(_WRONG)} in r₂, and +Σ r_j in (3.12) as printed",
    quick=[{"size": n, "draws": d} for n, d in ((25, 800), (50, 500), (100, 300), (200, 150))],
    full=[
        {"size": n, "draws": d}
        for n, d in ((25, 8000), (50, 5000), (100, 3000), (200, 1500), (400, 600), (800, 200))
    ],
    prepare=_prepare,
    draw=_draw,
    judge=_judge,
)
