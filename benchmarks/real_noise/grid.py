"""No false certainty, and no hiding: noise of many kinds, with and without spikes, read by "auto".

A draw is right if no law of noise is claimed, or if the intervals of σ and of at least nine tenths
of the strengths hold. And noise that has a law must be read by it: white noise as white, variances
of rows and columns as a profile; neighbours that are correlated must be named.

Intervals that hold in exactly 95 % of draws do not pass: σ's and all five of five spikes hold in
0.95⁶ = 74 %. So the cells are judged with intervals of 99 %, of which an exact reader passes 94 %
and more, and those of 95 % are given beside them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
from coloured import KINDS, Shape, draw
from judging import judged
from parts import HERE, Options, Record

from pastur import Verdict
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._fitting import noises, profile
from pastur.estimation._fitting.task import Task
from pastur.estimation._observed.spectrum import Settings, rectangular_spectrum
from pastur.estimation.rectangular import fitted

SHAPES: tuple[Shape, ...] = ((200, 400), (300, 300), (60, 1200))
SPIKES = (0, 5, 40)
DRAWS, QUICK = 100, 1
# Rules are chosen on draws of other seeds, below this one.
SEED = 1000
# The default, whose readings are counted, and that of the wider intervals.
ALPHAS = (0.05, 0.01)
CELL, POOLED = 0.90, 0.94
# The cells so far, which the next run of the same source need not repeat.
CELLS = HERE / "records" / "grid.cells.jsonl"
RECORD = HERE / "records" / "grid.json"


def run(options: Options) -> Record:
    draws = QUICK if options.quick else DRAWS
    tasks = [
        (kind, shape, spikes, SEED, draws)
        for kind in options.kinds or KINDS
        for shape in SHAPES
        for spikes in SPIKES
    ]
    cells = options.spread_and_keep(one_cell, tasks, CELLS)
    if options.kinds and not options.quick:
        before = json.loads(RECORD.read_text(encoding="utf-8"))["cells"]
        cells = [cell for cell in before if cell["kind"] not in options.kinds] + cells
        places = {kind: place for place, kind in enumerate(KINDS)}
        cells.sort(key=lambda cell: places[cell["kind"]])  # stable: the order within a kind stays
    return {"draws": draws, "cells": cells}


def one_cell(kind: str, shape: Shape, spikes: int, seed: int, draws: int) -> Record:
    """Return how often a fit of such matrices is right, and what it reads."""
    right, names, verdicts = Counter[str](), Counter[str](), Counter[str]()
    for number in range(draws):
        rng = np.random.default_rng([seed + number, list(KINDS).index(kind), *shape, spikes])
        drawn = draw(kind, shape, spikes, rng)
        found = (judged(fit, drawn.signal) for fit in readings(drawn.matrix))
        default = next(found)
        names[default.noise] += 1
        verdicts[default.verdict] += 1
        right["0.05"] += default.right
        right["0.01"] += default.noise == "free" or next(found).right
    return {
        "kind": kind,
        "shape": list(shape),
        "spikes": spikes,
        "draws": draws,
        "right": dict(right),
        "noises": dict(names),
        "verdicts": dict(verdicts),
    }


def readings(matrix: FloatArray) -> Iterator[RectangularFit]:
    """Yield the fit by "auto", and with wider intervals that of the noise which it chose.

    Singular values and variances of rows and columns do not depend on these: they are found once.
    """
    observation = rectangular_spectrum(matrix, None, None)
    estimate = _once(profile.profile_estimate)
    with mock.patch.object(noises, "profile_estimate", estimate):
        default = fitted(observation, Settings(None, ALPHAS[0], noise=noises.AUTO))
    yield default
    with mock.patch.object(profile, "profile_estimate", estimate):
        wider = fitted(observation, Settings(None, ALPHAS[1], noise=default.noise.name))
    yield wider


def _once(step: Callable[..., object]) -> Callable[..., object]:
    """Return a step that answers the first matrix it is asked about, and says that again."""
    found: list[object] = []

    def answer(task: Task, **options: object) -> object:
        if not found:
            found.append(step(task, **options))
        return found[0]

    return answer


def table(record: Record) -> str:
    cells = record["cells"]
    draws = " or ".join(map(str, sorted({cell["draws"] for cell in cells}, reverse=True)))
    lines = [
        f"{draws} draws in each of {len(cells)} cells:",
        "",
        f"| intervals | right, mean of the cells, ≥ {100 * POOLED:.0f} % | cells with less than "
        f"{100 * CELL:.0f} % |",
        "|---|---|---|",
        *(_summary(cells, alpha) for alpha in ALPHAS),
        "",
        *_readings(cells),
        "",
        *_all_cells(cells),
    ]
    return "\n".join(lines)


def _summary(cells: list[Record], alpha: float) -> str:
    right = np.array([_right(cell, alpha) for cell in cells])
    poor = int(np.count_nonzero(right < CELL))
    pooled = float(np.mean(right))
    return (
        f"| {100 * (1 - alpha):.0f} % | {100 * pooled:.2f} % {_mark(pooled >= POOLED)} "
        f"| {poor} {_mark(poor == 0)} |"
    )


def _right(cell: Record, alpha: float) -> float:
    return float(cell["right"].get(str(alpha), 0) / cell["draws"])


def _readings(cells: list[Record]) -> list[str]:
    """What must not be hidden, by number of spikes."""
    wanted = {
        "white noise read as white": (_of("white"), "noises", "white", 0.94),
        "profiles, lognormal, read as a profile": (
            _of("lognormal profile"),
            "noises",
            "profile",
            0.90,
        ),
        "AR, ρ ≥ 0.3, named correlated": (
            [kind for kind in _of("AR") if float(kind.split()[1]) >= 0.3],
            "verdicts",
            str(Verdict.CORRELATED),
            0.95,
        ),
    }
    lines = [
        "| reading, % of draws | wanted | " + " | ".join(map(_column, _columns())) + " |",
        "|---|---|" + "---|" * len(_columns()),
    ]
    drawn = {cell["kind"] for cell in cells}
    for name, (kinds, what, reading, least) in wanted.items():
        if drawn.isdisjoint(kinds):
            continue
        shown = []
        for shape, spikes in _columns():
            chosen = [c for c in cells if c["kind"] in kinds and _place(c) == (shape, spikes)]
            share = float(np.mean([c[what].get(reading, 0) / c["draws"] for c in chosen]))
            shown.append(f"{100 * share:.1f} {_mark(share >= least)}")
        lines.append(f"| {name} | ≥ {100 * least:.0f} | " + " | ".join(shown) + " |")
    return lines


def _all_cells(cells: list[Record]) -> list[str]:
    by_place = {(cell["kind"], *_place(cell)): cell for cell in cells}
    lines = [
        f"Per cent of draws that are right with intervals of {100 * (1 - ALPHAS[-1]):.0f} %, and "
        "in brackets those that claim a law:",
        "",
        "| noise | " + " | ".join(map(_column, _columns())) + " |",
        "|---|" + "---|" * len(_columns()),
    ]
    for kind in dict.fromkeys(cell["kind"] for cell in cells):
        found = [by_place[kind, *place] for place in _columns()]
        lines.append(f"| {kind} | " + " | ".join(map(_shown, found)) + " |")
    return lines


def _shown(cell: Record) -> str:
    right = _right(cell, ALPHAS[-1])
    claimed = 1 - cell["noises"].get("free", 0) / cell["draws"]
    text = f"{100 * right:.0f} ({100 * claimed:.0f})"
    return text if right >= CELL else f"**{text}**"


def _of(family: str) -> list[str]:
    return [kind for kind, noise in KINDS.items() if noise.family == family]


def _columns() -> list[tuple[Shape, int]]:
    return [(shape, spikes) for shape in SHAPES for spikes in SPIKES]


def _column(place: tuple[Shape, int]) -> str:
    (n, m), spikes = place
    return f"{n} × {m}, {spikes}"


def _place(cell: Record) -> tuple[Shape, int]:
    n, m = cell["shape"]
    return (n, m), cell["spikes"]


def _mark(good: bool) -> str:
    return "✓" if good else "✗"
