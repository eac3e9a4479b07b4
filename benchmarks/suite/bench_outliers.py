"""One draw of all outliers of a large matrix, about √N of them; and of a largest eigenvalue."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh
from sides import Side, compare

from pastur import sample_goe, sample_spiked_outliers
from pastur._typing import FloatArray

TOLERANCE = 1e-6


def dense(size: int, spikes: FloatArray) -> FloatArray:
    matrix = sample_goe(size, rng=1)
    matrix[np.arange(spikes.size), np.arange(spikes.size)] += spikes
    return matrix


def spectrum(size: int, spikes: FloatArray) -> FloatArray:
    return np.linalg.eigvalsh(dense(size, spikes)).astype(np.float64)


def freealg_matrix(size: int, spikes: FloatArray) -> FloatArray:
    """Their matrix has atoms, not spikes: one atom for each spike, with the mass of one place."""
    places = np.append(spikes, 0.0)
    masses = np.append(np.full(spikes.size, 1 / size), 1 - spikes.size / size)
    law = import_module("freealg.distributions").DeformedWigner(places, masses, sigma=1.0)
    matrix: FloatArray = law.matrix(size, seed=1)
    return matrix


@pytest.mark.parametrize("size", [1000, 3000])
def bench_outliers(benchmark: Any, size: int) -> None:
    rank = int(np.ceil(np.sqrt(size)))
    spikes = np.sort(np.random.default_rng(0).uniform(1.5, 3.0, rank))[::-1].copy()

    def finding(values: FloatArray) -> str:
        return f"mean {np.mean(np.sort(values)[-rank:]):.3f}"

    def lanczos() -> FloatArray:
        found: FloatArray = eigsh(
            dense(size, spikes), k=rank, which="LA", tol=TOLERANCE, return_eigenvectors=False
        )
        return found

    def some() -> FloatArray:
        found: FloatArray = eigh(
            dense(size, spikes), eigvals_only=True, subset_by_index=(size - rank, size - 1)
        )
        return found

    peers: dict[str, Callable[[], FloatArray]] = {
        "dense, SciPy's `eigsh`": lanczos,
        "dense, SciPy's `eigh` for some": some,
        "dense, NumPy's `eigvalsh`": partial(spectrum, size, spikes),
    }
    sides = {name: Side(call, finding) for name, call in peers.items()}
    sides["freealg's matrix, `eigvalsh`"] = Side(
        lambda: np.linalg.eigvalsh(freealg_matrix(size, spikes)), finding, "freealg"
    )
    compare(
        benchmark,
        f"{rank} outliers of a {size} × {size} matrix, one draw",
        Side(
            lambda: sample_spiked_outliers(size, spikes, tolerance=TOLERANCE, rng=1).outliers,
            finding,
        ),
        sides,
    )
