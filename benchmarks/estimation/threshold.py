"""Intervals of spikes that were detected near the threshold.

Spikes of one strength, only the spectrum given, σ unknown and known. Draws without a value beyond
the noise are not fitted: nothing is detected there. An interval of one spike or of a group should
hold in 0.93 of the cases at least, up to chance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from draws import Shape, shape_name
from marks import mark
from scipy.stats import binom

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

SHAPES: list[Shape] = [(60, 120), (300, 600), 200]
# In units of the critical strength.
FACTORS = (1.0, 1.05, 1.1, 1.2, 1.3)
COUNTS = (1, 4)
LEAST, CHANCE = 0.93, 1e-3

# Shape, number of spikes, strength, whether σ is known, seed, draws.
Task = tuple[Shape, int, float, bool, int, int]
# Whether an interval holds, and its upper end in units of the critical strength.
Interval = tuple[bool, float]


def tasks(draws: int, seed: int) -> list[Task]:
    """One for each cell."""
    return [
        (shape, count, factor, known, seed, draws)
        for known in (False, True)
        for shape in SHAPES
        for count in COUNTS
        for factor in FACTORS
    ]


def one_task(
    shape: Shape, count: int, factor: float, known: bool, seed: int, draws: int
) -> list[Interval]:
    """Return the intervals of all spikes and groups that were detected."""
    sides = (shape, shape) if isinstance(shape, int) else shape
    ratio, symmetric = sides[0] / sides[1], isinstance(shape, int)
    critical, edge = ratio**0.25, 2.0 if symmetric else 1 + ratio**0.5
    rng = np.random.default_rng([seed, *sides, int(symmetric), count, round(100 * factor)])
    theta, sigma = np.full(count, factor * critical), 1.0 if known else None
    found: list[Interval] = []
    for _ in range(draws):
        values = _eigenvalues(sides[0], theta, rng) if symmetric else _singular(sides, theta, rng)
        if values.max() < edge:
            continue
        if symmetric:
            spikes = fit_symmetric(eigenvalues=values, sigma=sigma).spikes
        else:
            spikes = fit_rectangular(singular_values=values, shape=sides, sigma=sigma).spikes
        spikes = spikes[spikes["observed"] > 0]
        for number in np.unique(spikes["group"]):
            low, high = (spikes[end][spikes["group"] == number][0] for end in ("low", "high"))
            found.append((bool(low <= theta[0] <= high), float(high / critical)))
    return found


def _singular(sides: tuple[int, int], theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Singular values; Gaussian noise lets the signal be diagonal."""
    w = rng.normal(size=sides) / np.sqrt(sides[1])
    w[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.sqrt(np.maximum(np.linalg.eigvalsh(w @ w.T), 0.0))


def _eigenvalues(size: int, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    w = rng.normal(size=(size, size))
    w = (w + w.T) / np.sqrt(2 * size)
    w[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.asarray(np.linalg.eigvalsh(w), dtype=np.float64)


def summary(asked: Sequence[Task], results: Sequence[Sequence[Interval]]) -> list[dict[str, Any]]:
    """Return the number of intervals of each cell, how many hold, and the median upper end."""
    return [
        {
            "shape": shape_name(shape),
            "spikes": count,
            "strength": factor,
            "known": known,
            "draws": draws,
            "intervals": len(found),
            "hold": sum(held for held, _ in found),
            "upper": round(float(np.median([high for _, high in found])), 3) if found else None,
        }
        for (shape, count, factor, known, _, draws), found in zip(asked, results, strict=True)
    ]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether enough intervals hold in every cell, up to chance."""
    return all(map(_right, cells))


def _right(cell: dict[str, Any]) -> bool:
    return bool(cell["hold"] >= binom.ppf(CHANCE, cell["intervals"], LEAST))


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return a table with σ unknown and one with σ known, in Markdown."""
    lines = [f"{cells[0]['draws']} draws in each cell.", ""]
    for known, title in ((False, "σ unknown:"), (True, "σ known:")):
        lines += [title, "", *_head()]
        lines += _rows([cell for cell in cells if cell["known"] == known])
        lines.append("")
    return "\n".join(lines[:-1])


def _head() -> list[str]:
    factors = " | ".join(f"{factor} × critical" for factor in FACTORS)
    return [f"| matrix, spikes | {factors} |", "|---" * (len(FACTORS) + 1) + "|"]


def _rows(cells: Sequence[dict[str, Any]]) -> list[str]:
    rows: dict[str, list[str]] = {}
    for cell in cells:
        rows.setdefault(f"{cell['shape']}, {cell['spikes']}", []).append(_shown(cell))
    return [f"| {name} | {' | '.join(shown)} |" for name, shown in rows.items()]


def _shown(cell: dict[str, Any]) -> str:
    count = cell["intervals"]
    if not count:
        return ""
    return f"{cell['hold'] / count:.3f} of {count} {mark(_right(cell))}, {cell['upper']:.2f}"
