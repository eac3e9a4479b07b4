"""Denoising with σ unknown: squared error over that of the best values with the same vectors."""

from collections.abc import Sequence
from typing import Any

import draws
import numpy as np
from draws import Cell, Shape
from marks import mark

from pastur import fit_rectangular, fit_symmetric
from pastur.estimation import RectangularFit, SymmetricFit, baselines

SHAPES: list[Shape] = [(500, 1000), 1000]
METHODS = ("pastur", "finite rank", "hard threshold")
LIMIT = 1.01


def tasks(count: int, seed: int) -> list[tuple[Cell, int, int]]:
    """A tenth of the draws of the other sections: each takes a full decomposition."""
    settings = [draws.Cell(shape, share, 1.5, 4.0) for shape in SHAPES for share in draws.SHARES]
    return [(cell, seed, draw) for cell in settings for draw in range(max(count // 10, 2))]


def one_task(cell: Cell, seed: int, draw: int) -> list[float]:
    """Return the error of each method over the oracle's."""
    rng = cell.generator(seed, draw)
    theta = draws.spikes(cell, rng)
    n, m = cell.sides
    left = np.linalg.qr(rng.normal(size=(n, cell.rank)))[0]
    right = left if cell.symmetric else np.linalg.qr(rng.normal(size=(m, cell.rank)))[0]
    signal = (left * theta) @ right.T
    w = signal + draws.noise(cell.sides, rng, symmetric=cell.symmetric)
    fit: RectangularFit | SymmetricFit
    if cell.symmetric:
        w = (w + w.T) / 2
        values, u = np.linalg.eigh(w)
        vt = u.T
        fit, plain = fit_symmetric(w), baselines.symmetric_median_rule(values)
        shrunk = baselines.shrunk_eigenvalues(values, sigma=plain.sigma)
    else:
        u, values, vt = np.linalg.svd(w, full_matrices=False)
        fit, plain = fit_rectangular(w), baselines.median_rule(values, cell.sides)
        shrunk = baselines.shrunk_singular_values(values, cell.sides, sigma=plain.sigma)
    best = np.einsum("ij,ij->j", u, signal @ vt.T)
    kept = np.where(np.abs(values) > plain.edge, values, 0.0)
    oracle = np.sum(((u * best) @ vt - signal) ** 2)
    return [
        float(np.sum((estimate - signal) ** 2) / oracle)
        for estimate in (fit.denoise(w), (u * shrunk) @ vt, (u * kept) @ vt)
    ]


def summary(
    asked: Sequence[tuple[Cell, int, int]], results: Sequence[list[float]]
) -> list[dict[str, Any]]:
    """Return the mean ratio of every method in every cell."""
    ratios: dict[Cell, list[list[float]]] = {}
    for (cell, *_), found in zip(asked, results, strict=True):
        ratios.setdefault(cell, []).append(found)
    return [
        {"cell": cell.name, "draws": len(found), "ratios": np.mean(found, axis=0).round(5).tolist()}
        for cell, found in ratios.items()
    ]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether ours are within the limit."""
    return all(cell["ratios"][0] <= LIMIT for cell in cells)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the ratios in Markdown."""
    lines = [
        f"| shape, rank, strengths | draws | {' | '.join(METHODS)} |",
        "|---|---|" + "---|" * len(METHODS),
    ]
    for cell in cells:
        ours, *others = [f"{ratio:.3f}" for ratio in cell["ratios"]]
        shown = [f"{ours} {mark(cell['ratios'][0] <= LIMIT)}", *others]
        lines.append(f"| {cell['cell']} | {cell['draws']} | {' | '.join(shown)} |")
    return "\n".join(lines)
