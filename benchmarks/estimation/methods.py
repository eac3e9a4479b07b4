"""Ours and the baselines on one spectrum: noise level and rank."""

import numpy as np
from draws import Cell

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, baselines
from pastur.estimation.baselines import Baseline

OURS = "pastur"


def fit(cell: Cell, values: FloatArray) -> RectangularFit | SymmetricFit:
    if cell.symmetric:
        return fit_symmetric(eigenvalues=values)
    return fit_rectangular(singular_values=values, shape=cell.sides)


def published(cell: Cell, values: FloatArray) -> dict[str, Baseline]:
    """All baselines but parallel analysis, by name."""
    if cell.symmetric:
        return {
            "median": baselines.symmetric_median_rule(values),
            "BEMA": baselines.symmetric_bema(values),
        }
    return {
        "median": baselines.median_rule(values, cell.sides),
        "MP-PCA": baselines.mp_pca(values, cell.sides),
        "BEMA": baselines.bema(values, cell.sides),
        "K–N": baselines.kritchman_nadler(values, cell.sides),
    }


def parallel_analysis(cell: Cell, values: FloatArray, rng: np.random.Generator) -> Baseline:
    if cell.symmetric:
        return baselines.symmetric_parallel_analysis(values, rng=rng)
    return baselines.parallel_analysis(values, cell.sides, rng=rng)


def finite_rank_inversion(cell: Cell, observed: FloatArray, sigma: float) -> FloatArray:
    """θ from the map of low rank, the critical spike where there is no inverse."""
    result: FloatArray
    if cell.symmetric:
        x = np.maximum(observed / sigma, 2.0)
        result = sigma * (x + np.sqrt(x**2 - 4)) / 2
        return result
    c = cell.ratio
    middle = np.maximum((observed / sigma) ** 2 - 1 - c, 2 * np.sqrt(c))
    result = sigma * np.sqrt((middle + np.sqrt(middle**2 - 4 * c)) / 2)
    return result
