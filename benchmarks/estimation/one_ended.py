"""How often σ's interval has one end, and how often it holds, in noise with and without spikes.

Spikes are uniform on [1.5, 4] in units of the critical strength, or four of one strength near it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from draws import Shape, shape_name
from marks import mark, share
from scipy.stats import binom

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

# Shape, number of spikes, ends of their strengths in units of the critical one.
Setting = tuple[Shape, int, tuple[float, float]]

APART, NEAR = (1.5, 4.0), (1.0, 1.1, 1.2, 1.3)
SETTINGS: list[Setting] = [
    *((shape, count, APART) for shape in ((200, 400), 200) for count in (0, 40)),
    *((shape, 4, (one, one)) for shape in ((60, 120), (300, 600)) for one in NEAR),
]
CHUNKS = 4
# Intervals of 95 % may hold less often by chance.
LEAST, CHANCE = 0.95, 1e-3

Task = tuple[Setting, int, int, int]
# Whether the interval begins at 0, and whether it holds.
Row = tuple[bool, bool]


def tasks(draws: int, seed: int) -> list[Task]:
    """As many draws as of the other sections."""
    count = max(draws // CHUNKS, 1)
    return [(setting, seed, chunk, count) for setting in SETTINGS for chunk in range(CHUNKS)]


def one_task(setting: Setting, seed: int, chunk: int, count: int) -> list[Row]:
    """Return what σ's interval is in some draws."""
    shape, spikes, ends = setting
    sides = (shape, shape) if isinstance(shape, int) else shape
    key = [seed, chunk, *sides, int(isinstance(shape, int)), spikes, round(100 * ends[0])]
    rng, critical = np.random.default_rng(key), (sides[0] / sides[1]) ** 0.25
    rows = []
    for _ in range(count):
        low, high = _interval(shape, critical * rng.uniform(*ends, spikes), rng)
        rows.append((low == 0.0, low <= 1 <= high))
    return rows


def _interval(shape: Shape, theta: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Return σ's interval for the spectrum of noise, σ = 1, with these spikes."""
    n, m = (shape, shape) if isinstance(shape, int) else shape
    w, index = rng.normal(size=(n, m)) / m**0.5, np.arange(theta.size)
    if isinstance(shape, int):
        w = (w + w.T) / 2**0.5
        w[index, index] += theta
        return fit_symmetric(eigenvalues=np.linalg.eigvalsh(w)).sigma_interval
    w[index, index] += theta
    values = np.linalg.svd(w, compute_uv=False)
    return fit_rectangular(singular_values=values, shape=shape).sigma_interval


def summary(asked: Sequence[Task], results: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return the counts of every setting."""
    rows: dict[Setting, list[Row]] = {}
    for (setting, *_), found in zip(asked, results, strict=True):
        rows.setdefault(setting, []).extend(found)
    return [
        {
            "shape": shape_name(shape),
            "spikes": count,
            "strengths": list(ends),
            "draws": len(found),
            "one_end": sum(one for one, _ in found),
            "hold": sum(held for _, held in found),
        }
        for (shape, count, ends), found in rows.items()
    ]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether enough intervals hold everywhere, up to chance."""
    return all(map(_right, cells))


def _right(cell: dict[str, Any]) -> bool:
    return bool(cell["hold"] >= binom.ppf(CHANCE, cell["draws"], LEAST))


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the shares in Markdown."""
    lines = ["| shape | spikes | draws | one end | holds |", "|---|---|---|---|---|"]
    for cell in cells:
        shown = [_spikes(cell), str(cell["draws"]), share(cell["one_end"], cell["draws"])]
        held = f"{share(cell['hold'], cell['draws'])} {mark(_right(cell))}"
        lines.append(f"| {cell['shape']} | {' | '.join(shown)} | {held} |")
    return "\n".join(lines)


def _spikes(cell: dict[str, Any]) -> str:
    low, high = cell["strengths"]
    if not cell["spikes"]:
        return "0"
    strengths = f"of {low:g}" if low == high else f"on [{low:g}, {high:g}]"
    return f"{cell['spikes']} {strengths}"
