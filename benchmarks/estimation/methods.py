"""Ours and the baselines on one spectrum: noise level and rank."""

import numpy as np

from pastur import fit_rectangular, fit_symmetric
from pastur.estimation import baselines

OURS = "pastur"


def fit(cell, values):
    if cell.symmetric:
        return fit_symmetric(eigenvalues=values)
    return fit_rectangular(singular_values=values, shape=cell.shape)


def published(cell, values):
    """All baselines but parallel analysis, by name."""
    if cell.symmetric:
        return {
            "median": baselines.symmetric_median_rule(values),
            "BEMA": baselines.symmetric_bema(values),
        }
    return {
        "median": baselines.median_rule(values, cell.shape),
        "MP-PCA": baselines.mp_pca(values, cell.shape),
        "BEMA": baselines.bema(values, cell.shape),
        "K–N": baselines.kritchman_nadler(values, cell.shape),
    }


def parallel_analysis(cell, values, rng):
    if cell.symmetric:
        return baselines.symmetric_parallel_analysis(values, rng=rng)
    return baselines.parallel_analysis(values, cell.shape, rng=rng)


def finite_rank_inversion(cell, observed, sigma):
    """θ from the map of low rank, the critical spike where there is no inverse."""
    if cell.symmetric:
        x = np.maximum(observed / sigma, 2.0)
        return sigma * (x + np.sqrt(x**2 - 4)) / 2
    c = cell.ratio
    middle = np.maximum((observed / sigma) ** 2 - 1 - c, 2 * np.sqrt(c))
    return sigma * np.sqrt((middle + np.sqrt(middle**2 - 4 * c)) / 2)
