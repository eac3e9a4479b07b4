"""White noise is read as well as it was: the same spectra, before and after; false alarms."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from before import COMMIT, source_before
from coloured import Shape, gaussian
from parts import Options, Record

import pastur
from pastur import fit_rectangular
from pastur._typing import FloatArray

DRAWS, QUICK = 10, 1
SHAPES: tuple[Shape, ...] = ((200, 400), (300, 300), (60, 1200))
NULLS, QUICK_NULLS, CHUNKS = 400, 8, 4
ALPHA = 0.05
HERE = Path(__file__).resolve().parent


def run(options: Options) -> Record:
    count = QUICK if options.quick else DRAWS
    with tempfile.TemporaryDirectory() as folder:
        before = _figures(source_before(Path(folder)), count)
    after = _figures(Path(pastur.__file__).parents[1], count)
    changes = {cell: _changes(before[cell], after[cell]) for cell in before}
    nulls = (QUICK_NULLS if options.quick else NULLS) // CHUNKS
    tasks = [(shape, chunk, nulls) for shape in SHAPES for chunk in range(CHUNKS)]
    alarms = options.spread(false_alarms, tasks)
    rates = {
        f"{shape[0]} × {shape[1]}": [
            int(sum(n for t, n in zip(tasks, alarms, strict=True) if t[0] == shape)),
            CHUNKS * nulls,
        ]
        for shape in SHAPES
    }
    return {"draws": count, "changes": changes, "false_alarms": rates}


def _figures(source: Path, count: int) -> Record:
    path = os.pathsep.join([str(source), str(HERE.parent / "estimation")])
    command = [sys.executable, str(HERE / "white_figures.py"), str(count)]
    environment = os.environ | {"PYTHONPATH": path}
    found = subprocess.run(command, env=environment, check=True, capture_output=True)
    result: Record = json.loads(found.stdout)
    return result


def _changes(before: list[Record], after: list[Record]) -> Record:
    """Return, for each figure, in how many draws it changed and by how much of itself at most."""
    result: Record = {}
    for name in before[0]:
        pairs = [(np.array(b[name]), np.array(a[name])) for b, a in zip(before, after, strict=True)]
        moved = [(b, a) for b, a in pairs if b.shape != a.shape or (b != a).any()]
        largest = max((_largest(b, a) for b, a in moved), default=0.0)
        result[name] = [len(moved), largest]
    return result


def _largest(before: FloatArray, after: FloatArray) -> float:
    if before.shape != after.shape:
        return 1.0
    return float(np.max(np.abs(after - before) / np.maximum(np.abs(before), 1e-12)))


def false_alarms(shape: Shape, chunk: int, count: int) -> int:
    """Return how many matrices of pure noise are given a spike."""
    found = 0
    for draw in range(count):
        rng = np.random.default_rng([*shape, chunk, draw])
        found += fit_rectangular(gaussian(rng, shape), alpha=ALPHA).rank > 0
    return found


def table(record: Record) -> str:
    names = list(next(iter(record["changes"].values())))
    lines = [
        f"Of {record['draws']} draws in each cell, those in which a figure is not bit for bit that "
        f"of commit {COMMIT}, and its largest relative change:",
        "",
        "| shape, rank, strengths | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for cell, changes in record["changes"].items():
        shown = [f"{n} ({size:.2g})" if n else "0" for n, size in changes.values()]
        lines.append(f"| {cell} | " + " | ".join(shown) + " |")
    alarms = ", ".join(
        f"{100 * n / total:.1f} % of {total} at {shape}"
        for shape, (n, total) in record["false_alarms"].items()
    )
    return "\n".join([*lines, "", f"Pure noise is given a spike, at α = {ALPHA}: {alarms}."])
