"""P-values of the goodness of fit: uniform where the model is exact, small where it is not.

Exact: Gaussian noise with spikes. Not exact: rows whose variances are log-normal, and neighbouring
columns correlated.
"""

from collections.abc import Sequence
from typing import Any

import banded
import numpy as np
from marks import mark, share
from scipy.stats import binom, kstest

from pastur import fit_rectangular
from pastur._typing import FloatArray

Shape = tuple[int, int]
# Shape, rank, ends of the spikes in critical units, kind of noise, its strength.
Setting = tuple[Shape, int, tuple[float, float], str, float]

NEAR, FAR = (1.5, 4.0), (10.0, 50.0)
SHAPES = [(200, 200), (200, 400), (400, 800), (1000, 2000), (2000, 4000)]
EXACT: list[Setting] = [
    (shape, rank, ends, "white", 0.0)
    for shape in SHAPES
    for rank in (0, 5, 22, 100)
    for ends in (NEAR, FAR)
    if (rank or ends == NEAR) and 4 * rank <= shape[0]
]
WRONG: list[Setting] = [
    ((200, 400), rank, FAR, kind, strength)
    for rank in (0, 22)
    for kind, strength in (("rows", 0.1), ("rows", 0.2), ("neighbours", 0.2))
]
CHUNKS = 4
# Up to so many spikes a fit tests the bulk that they leave.
FEW = 5
# What chance may give with uniform p-values, for Kolmogorov's test and for the rate below 0.01.
CHANCE = 1e-3

Task = tuple[Setting, int, int, int]


def tasks(draws: int, seed: int) -> list[Task]:
    """Twice as many draws as of the other sections."""
    count = max(2 * draws // CHUNKS, 1)
    return [(setting, seed, chunk, count) for setting in EXACT + WRONG for chunk in range(CHUNKS)]


def one_task(setting: Setting, seed: int, chunk: int, count: int) -> list[float]:
    """Return the p-values of some draws."""
    shape, rank, ends, kind, strength = setting
    key = [seed, chunk, *shape, rank, round(ends[0]), len(kind), round(100 * strength)]
    rng = np.random.default_rng(key)
    critical, found = (shape[0] / shape[1]) ** 0.25, []
    for _ in range(count):
        theta = critical * np.sort(rng.uniform(*ends, rank))[::-1]
        if kind == "white":
            values = banded.singular_values(shape, theta, rng)
        else:
            values = _wrong(setting, theta, rng)
        p_value = fit_rectangular(singular_values=values, shape=shape).goodness.p_value
        assert p_value is not None
        found.append(p_value)
    return found


def _wrong(setting: Setting, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    (n, m), rank, _, kind, strength = setting
    w = rng.normal(size=(n, m)) / np.sqrt(m)
    if kind == "rows":
        w *= np.exp(strength * rng.normal(size=(n, 1)))
    else:
        for column in range(1, m):
            w[:, column] = strength * w[:, column - 1] + np.sqrt(1 - strength**2) * w[:, column]
    left, right = (np.linalg.qr(rng.normal(size=(k, rank)))[0] for k in (n, m))
    w += left * theta @ right.T
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(w @ w.T)[::-1], 0.0)))


def summary(asked: Sequence[Task], results: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return how the p-values of every setting are spread."""
    found: dict[Setting, list[float]] = {}
    for (setting, *_), p_values in zip(asked, results, strict=True):
        found.setdefault(setting, []).extend(p_values)
    return [_spread(setting, np.array(p_values)) for setting, p_values in found.items()]


def _spread(setting: Setting, p_values: FloatArray) -> dict[str, Any]:
    (n, m), rank, ends, kind, strength = setting
    return {
        "shape": f"{n} × {m}",
        "rank": rank,
        "spikes": list(ends),
        "noise": kind,
        "strength": strength,
        "draws": p_values.size,
        "kolmogorov": round(float(kstest(p_values, "uniform").pvalue), 4),
        "below": [int((p_values < level).sum()) for level in (0.05, 0.01)],
    }


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether the p-values of the exact model are uniform up to chance."""
    return all(_uniform(cell) for cell in cells if cell["noise"] == "white")


def _uniform(cell: dict[str, Any]) -> bool:
    most = binom.isf(CHANCE, cell["draws"], 0.01)
    return bool(cell["kolmogorov"] > CHANCE and cell["below"][1] <= most)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the table of the exact model, and of others if there are any, in Markdown."""
    exact = [cell for cell in cells if cell["noise"] == "white"]
    others = [cell for cell in cells if cell["noise"] != "white"]
    lines = ["Where the model is exact:", "", *_head("Kolmogorov's test")]
    for cell in exact:
        kolmogorov = f"{cell['kolmogorov']:.3f} {mark(_uniform(cell))}"
        lines.append(_line(cell, kolmogorov))
    lines += [_together(name, cells) for name, cells in _by_rank(exact).items()]
    if others:
        lines += ["", "Where it is not:", "", *_head("noise")]
        lines += [_line(cell, f"{cell['noise']}, {cell['strength']}") for cell in others]
    return "\n".join(lines)


def _head(middle: str) -> list[str]:
    return [
        f"| shape | rank, spikes | draws | {middle} | below 0.05 | below 0.01 |",
        "|---|---|---|---|---|---|",
    ]


def _spikes(cell: dict[str, Any]) -> str:
    low, high = cell["spikes"]
    return f"{cell['rank']} on [{low:g}, {high:g}]" if cell["rank"] else "0"


def _line(cell: dict[str, Any], middle: str) -> str:
    draws = cell["draws"]
    below = " | ".join(share(count, draws) for count in cell["below"])
    return f"| {cell['shape']} | {_spikes(cell)} | {draws} | {middle} | {below} |"


def _by_rank(cells: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the cells whose spikes a fit takes for few, and those with more."""
    few = [cell for cell in cells if cell["rank"] <= FEW]
    more = [cell for cell in cells if cell["rank"] > FEW]
    return {f"up to {FEW}": few, "more": more}


def _together(name: str, cells: Sequence[dict[str, Any]]) -> str:
    """Return the rates of all draws of some cells."""
    draws = sum(cell["draws"] for cell in cells)
    below = [share(sum(cell["below"][place] for cell in cells), draws, 4) for place in range(2)]
    return f"| all | {name} | {draws} | | {' | '.join(below)} |"
