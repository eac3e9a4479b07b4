"""The same spectra by another version of the package and by this one, draw by draw.

    PYTHONPATH=SOURCE:benchmarks/estimation python benchmarks/estimation/since.py DRAWS SEED

prints what the fits of whichever package is on the path give, in JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import draws
import numpy as np
import spectra
from marks import mark, share
from methods import fit
from threadpoolctl import threadpool_limits

import pastur
from pastur._typing import FloatArray

HERE = Path(__file__).resolve().parent
HITS = {"isolated": "θ holds", "groups": "groups", "sigma": "σ", "signal_rank": "signal rank"}
ERRORS = {"sigma_error": "error of σ, %", "rank_error": "error of the count"}
UNITS = {"sigma_error": 100, "rank_error": 1}
# In standard errors of the mean difference of a draw: beyond it in one of 240 figures with
# probability 0.008, where they are equal and normal.
WORSE = 4.0

# What one draw gave: `one_draw`.
Row = Mapping[str, Any]


def one_draw(cell: draws.Cell, seed: int, draw: int) -> dict[str, Any]:
    """Return the errors of σ and of the number of spikes, and which intervals hold."""
    rng = cell.generator(seed, draw)
    theta = draws.spikes(cell, rng)
    found = fit(cell, draws.spectrum(cell, theta, rng))
    isolated, groups = spectra.held(cell, theta, found)
    return {
        "sigma_error": abs(found.sigma - 1),
        "rank_error": abs(found.rank - draws.detached(cell, theta)),
        "isolated": isolated,
        "groups": groups,
        "sigma": [spectra.within(found.sigma_interval, 1.0)],
        "signal_rank": [spectra.within(found.signal_rank_interval, theta.size)],
    }


def run(source: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the figures of every cell by the package in `source`, and by this one."""
    before = _figures(source, count, seed)
    now = _figures(str(Path(pastur.__file__).parents[1]), count, seed)
    return summary(before, now)


def _figures(source: str, count: int, seed: int) -> dict[str, list[Row]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source, str(HERE)])}
    command = [sys.executable, str(HERE / "since.py"), str(count), str(seed)]
    found = subprocess.run(command, env=environment, check=True, capture_output=True)
    result: dict[str, list[Row]] = json.loads(found.stdout)
    return result


def summary(
    before: Mapping[str, Sequence[Row]], now: Mapping[str, Sequence[Row]]
) -> list[dict[str, Any]]:
    """Return both means of every figure, and the difference of a draw in standard errors."""
    return [
        {"cell": name, "draws": len(rows), **_compared(rows, now[name])}
        for name, rows in before.items()
    ]


def _compared(before: Sequence[Row], now: Sequence[Row]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in ERRORS:
        pair = [np.array([float(row[name]) for row in rows]) for rows in (before, now)]
        result[name] = [*(round(float(x.mean()), 6) for x in pair), _worse(*pair)]
    for name in HITS:
        pair = [np.array([float(row[name].count(False)) for row in rows]) for rows in (before, now)]
        counts = [
            [sum(map(sum, found)), sum(map(len, found))] for found in _both(name, before, now)
        ]
        result[name] = [*counts, _worse(*pair)]
    return result


def _both(name: str, before: Sequence[Row], now: Sequence[Row]) -> list[list[list[bool]]]:
    return [[row[name] for row in rows] for rows in (before, now)]


def _worse(before: FloatArray, now: FloatArray) -> float:
    """Return by how many standard errors the mean is larger now, within ±99."""
    difference = now - before
    error = difference.std(ddof=1) / np.sqrt(difference.size)
    return round(float(np.clip(difference.mean() / max(error, 1e-12), -99, 99)), 2)


def met(cells: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no figure is worse than before beyond chance."""
    return all(cell[name][2] <= WORSE for cell in cells for name in (*ERRORS, *HITS))


def table(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return every figure in Markdown, once where it is the same."""
    names = {**ERRORS, **HITS}
    lines = [
        f"| shape, rank, strengths | draws | {' | '.join(names.values())} |",
        "|---|---|" + "---|" * len(names),
    ]
    for cell in cells:
        shown = [_error(name, *cell[name]) for name in ERRORS]
        shown += [_held(*cell[name]) for name in HITS]
        lines.append(f"| {cell['cell']} | {cell['draws']} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _error(name: str, before: float, now: float, worse: float) -> str:
    first, second = (f"{UNITS[name] * value:.2f}" for value in (before, now))
    return first if before == now else f"{first} → {second} {mark(worse <= WORSE)}"


def _held(before: Sequence[int], now: Sequence[int], worse: float) -> str:
    first, second = (share(*found) for found in (before, now))
    return first if before == now else f"{first} → {second} {mark(worse <= WORSE)}"


def main() -> None:
    count, seed = map(int, sys.argv[1:])
    with threadpool_limits(1):
        found = {
            cell.name: [one_draw(cell, seed, draw) for draw in range(count)]
            for cell in draws.cells()
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
