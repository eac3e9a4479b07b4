"""Times the outlier sampler next to Lanczos iterations on a dense matrix, and against the size.

    python benchmarks/spiked_sampler.py

N = 10⁴, r = 100 spikes uniform on [1.5, 3], tolerance 1e-6, one BLAS thread. The dense matrix is
drawn by `sample_goe`, the spikes are put on its diagonal and SciPy's `eigsh` finds the r largest
eigenvalues to the same tolerance; drawing is part of its time. CPU seconds, since other work on the
machine does not change them; the sampler's are the median of nine draws, alternated between sizes.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe, sample_spiked_outliers

N, R, TOLERANCE, ROUNDS = 10_000, 100, 1e-6, 9
Result = TypeVar("Result")


def cpu_seconds(function: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def dense_lanczos(spikes: FloatArray) -> tuple[FloatArray, float]:
    matrix = sample_goe(N, rng=1)
    matrix[np.arange(R), np.arange(R)] += spikes
    drawn = time.process_time()
    outliers = eigsh(matrix, k=R, which="LA", tol=TOLERANCE, return_eigenvectors=False)
    return outliers, time.process_time() - drawn


def main() -> None:
    spikes = np.sort(np.random.default_rng(0).uniform(1.5, 3.0, R))[::-1]
    sizes = (N, 10**12)
    times: dict[int, list[float]] = {n: [] for n in sizes}
    for seed in range(ROUNDS + 1):
        for n in sizes:
            seconds, draw = cpu_seconds(
                partial(sample_spiked_outliers, n, spikes, tolerance=TOLERANCE, rng=seed)
            )
            times[n].append(seconds)
            if seed == 0:
                print(f"N = {n:.0e}: {draw.blocks} blocks, error ≤ {draw.truncation_error:.1e}")
    ours = {n: median(values[1:]) for n, values in times.items()}
    print(f"sampler: {ours[N]:.3f} s at N = 1e4, {ours[10**12]:.3f} s at N = 1e12")
    print(f"  N = 1e12 over N = 1e4: {ours[10**12] / ours[N]:.2f}")
    total, (_, lanczos) = cpu_seconds(lambda: dense_lanczos(spikes))
    print(f"dense matrix and Lanczos: {total:.1f} s, of which Lanczos {lanczos:.1f} s")
    print(f"  dense over sampler: {total / ours[N]:.0f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
