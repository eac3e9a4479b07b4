"""How often correlations of neighbours are named, by their size: a detection curve.

Autoregressive noise, ρ^k between rows (columns) k apart, with spikes in any direction. ρ = 0 is the
false alarm, with more draws.
"""

from typing import cast

import numpy as np
from coloured import haar
from parts import Options, Record
from scipy.signal import lfilter

from pastur._typing import FloatArray
from pastur.estimation._observed.entries import diagnose_entries
from pastur.estimation._result.verdict import Verdict

SEED = 20261130
SHAPES = ((200, 400), (300, 300), (60, 1200))
SPIKES = (0, 5, 40)
CORRELATIONS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.6)
# Which axis the correlation runs along: from row to row, from column to column, or both.
ALONG = {"rows": (0,), "columns": (1,), "both": (0, 1)}
DRAWS, FALSE_ALARM_DRAWS = 20, 1000


def run(options: Options) -> Record:
    tasks = []
    for shape in SHAPES:
        for spikes in SPIKES:
            for name in ALONG:
                for correlation in CORRELATIONS:
                    if correlation:
                        draws = 2 if options.quick else DRAWS
                    elif name == "rows":
                        draws = 5 if options.quick else FALSE_ALARM_DRAWS
                    else:
                        continue
                    tasks.append((shape, spikes, name, correlation, draws))
    named = options.spread(_named, tasks)
    return {
        "cells": [
            {
                "shape": list(shape),
                "spikes": spikes,
                "along": name,
                "correlation": correlation,
                "draws": draws,
                "named": count,
            }
            for (shape, spikes, name, correlation, draws), count in zip(tasks, named, strict=True)
        ]
    }


def _named(shape: tuple[int, int], spikes: int, along: str, correlation: float, draws: int) -> int:
    place = [SHAPES.index(shape), spikes, list(ALONG).index(along), round(1000 * correlation)]
    return sum(
        _drawn_and_named(shape, spikes, ALONG[along], correlation, [SEED, *place, number])
        for number in range(draws)
    )


def _drawn_and_named(
    shape: tuple[int, int], spikes: int, axes: tuple[int, ...], rho: float, seed: list[int]
) -> bool:
    rng, (n, m) = np.random.default_rng(seed), shape
    x = rng.normal(size=shape)
    for axis in axes:
        x = np.moveaxis(x, axis, 0)
        x[1:] *= np.sqrt(1 - rho**2)
        x = np.moveaxis(cast(FloatArray, lfilter([1.0], [1.0, -rho], x, axis=0)), 0, axis)
    if spikes:
        theta = (n * m) ** 0.25 * rng.uniform(1.5, 4, spikes)
        x = x + (haar(rng, n, spikes) * theta) @ haar(rng, m, spikes).T
    values = np.sqrt(np.linalg.eigvalsh(x @ x.T)[::-1])
    return diagnose_entries(x, np.asarray(values)).verdict is Verdict.CORRELATED


def table(record: Record) -> str:
    found = {
        (tuple(cell["shape"]), cell["spikes"], cell["along"], cell["correlation"]): cell
        for cell in record["cells"]
    }
    rising = [rho for rho in CORRELATIONS if rho]
    lines = [
        f"| shape | spikes | between | false alarms | {' | '.join(f'ρ = {r}' for r in rising)} |",
        f"|---|---|---|---|{'---|' * len(rising)}",
    ]
    for shape in SHAPES:
        for spikes in SPIKES:
            alarm = found[shape, spikes, "rows", 0.0]
            for name in ALONG:
                cells = [found[shape, spikes, name, rho] for rho in rising]
                shares = " | ".join(f"{100 * one['named'] / one['draws']:.0f} %" for one in cells)
                alarms = f"{alarm['named']} of {alarm['draws']}" if name == "rows" else ""
                lines.append(
                    f"| {shape[0]} × {shape[1]} | {spikes} | {name} | {alarms} | {shares} |"
                )
    return "\n".join(lines)
