"""Denoising with σ unknown: squared error over that of the best values with the same vectors."""

from collections.abc import Sequence

import draws
import numpy as np
from draws import Cell

from pastur import fit_rectangular, fit_symmetric
from pastur.estimation import RectangularFit, SymmetricFit, baselines

SHAPES: list[tuple[int, int] | int] = [(500, 1000), 1000]
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


def report(asked: Sequence[tuple[Cell, int, int]], results: Sequence[list[float]]) -> bool:
    """Print the ratios and return whether ours are within the limit."""
    print("\nDenoising: squared error over the oracle's with the same vectors")
    good = []
    for cell in dict.fromkeys(task[0] for task in asked):
        ratios = np.mean([r for t, r in zip(asked, results, strict=True) if t[0] == cell], axis=0)
        good.append(ratios[0] <= LIMIT)
        shown = "  ".join(f"{n} {r:.4f}" for n, r in zip(METHODS, ratios, strict=True))
        print(f"  {cell.name:32s} {shown} {'✓' if good[-1] else '✗'}")
    return all(good)
