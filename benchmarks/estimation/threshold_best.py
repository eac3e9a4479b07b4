"""The best upper ends of intervals near the threshold: σ known, from the exact law of the outlier.

The largest value of Gaussian noise and one spike is drawn for each of a grid of strengths, and kept
where it is beyond the edge at alpha = 0.05. An upper end for a value is the strength of which so
small a value, kept, has the chance 0.025 (the upper half of an interval of 95 %) or 0.05 (all of
it). Each cell has the median over the values kept: no interval that knows less, σ not even, and is
right given detection has a lower one at the same chance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from draws import Shape, shape_name
from scipy.linalg import eigvalsh_tridiagonal
from threshold import SHAPES

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import noise_edges

FACTORS = (1.0, 1.05, 1.1, 1.2)
GRID = np.arange(1.0, 3.0001, 0.05)
TAILS = (0.025, 0.05)

# Shape, strength in units of the critical one, part of the seed, draws.
Task = tuple[Shape, float, tuple[int, int], int]


def tasks(draws: int, seed: int) -> list[Task]:
    """Twenty times as many draws as of the other sections; those of the factors are new."""
    return [
        (shape, factor, (seed, new), 20 * draws)
        for shape in SHAPES
        for new, factors in enumerate((tuple(GRID.tolist()), FACTORS))
        for factor in factors
    ]


def one_task(shape: Shape, factor: float, seed: tuple[int, int], draws: int) -> FloatArray:
    """Return the values beyond the edge, ascending."""
    rng = np.random.default_rng([*seed, round(100 * factor)])
    if isinstance(shape, int):
        kind: Kind = SymmetricKind(shape)
        found = [_largest_eigenvalue(shape, factor, rng) for _ in range(draws)]
    else:
        kind, theta = RectangularKind(*shape), factor * (shape[0] / shape[1]) ** 0.25
        found = [_largest_singular_value(*shape, theta, rng) for _ in range(draws)]
    edge = noise_edges(kind.noise, 0.05).edge[0]
    return np.sort([value for value in found if value > edge])


def _largest_singular_value(n: int, m: int, theta: float, rng: np.random.Generator) -> float:
    """Of noise, its entries of variance 1/m, and a spike in the corner, made bidiagonal."""
    diagonal = np.sqrt(rng.chisquare(m - np.arange(n)))
    diagonal[0] = np.sqrt((theta * m**0.5 + rng.normal()) ** 2 + rng.chisquare(m - 1))
    below = np.sqrt(rng.chisquare(n - 1 - np.arange(n - 1)))
    squares = diagonal**2
    squares[1:] += below**2
    top = eigvalsh_tridiagonal(
        squares, diagonal[:-1] * below, select="i", select_range=(n - 1, n - 1)
    )
    return float(np.sqrt(top[0] / m))


def _largest_eigenvalue(size: int, theta: float, rng: np.random.Generator) -> float:
    """Of noise of the orthogonal ensemble and a spike in the corner, made tridiagonal."""
    diagonal = rng.normal(size=size) * (2 / size) ** 0.5
    diagonal[0] += theta
    beside = np.sqrt(rng.chisquare(size - 1 - np.arange(size - 1)) / size)
    top = eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(size - 1, size - 1))
    return float(top[0])


def summary(asked: Sequence[Task], results: Sequence[FloatArray]) -> list[dict[str, Any]]:
    """Return the median of the best upper ends at each shape and strength."""
    kept: dict[Shape, list[FloatArray]] = {}
    cells = []
    for (shape, factor, (_, new), draws), found in zip(asked, results, strict=True):
        if not new:
            kept.setdefault(shape, []).append(found)
            continue
        upper = [round(_median_upper_end(found, kept[shape], tail), 3) for tail in TAILS]
        name = shape_name(shape)
        cells.append({"shape": name, "strength": factor, "draws": draws, "upper": upper})
    return cells


def _median_upper_end(values: FloatArray, kept_of: Sequence[FloatArray], tail: float) -> float:
    """Return the median over the values of the strength that gives less with this chance."""
    median = float(np.median(values))
    # Along the strengths the chance falls; an upper end grows with the value.
    chances = np.array([np.searchsorted(one, median) / one.size for one in kept_of])
    return float(np.interp(-tail, -chances, GRID))


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether there are figures: nothing is asked of a law that is exact."""
    return bool(cells)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return both medians of every cell in Markdown."""
    factors = " | ".join(f"{factor} × critical" for factor in FACTORS)
    rows: dict[str, list[str]] = {}
    for cell in cells:
        shown = ", ".join(f"{end:.2f}" for end in cell["upper"])
        rows.setdefault(cell["shape"], []).append(shown)
    lines = [f"| {name} | {' | '.join(shown)} |" for name, shown in rows.items()]
    return "\n".join([f"| matrix | {factors} |", "|---" * (len(FACTORS) + 1) + "|", *lines])
