"""Compares 3000 draws of the outlier sampler with 3000 dense matrices, N = 300.

    python benchmarks/spiked_law.py

Spikes 3, 2.2, 1.8, −2 on basis vectors, where an outlier's variance sees the diagonal most. For
each outlier the means, variances and correlations are compared, in standard errors of the
difference. A dense sibling whose diagonal has variance σ²/N for 2σ²/N is compared too: it must be
far off. The suite does the same at a smaller size.
"""

import numpy as np
from threadpoolctl import threadpool_limits

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe, sample_spiked_outliers

N, DRAWS = 300, 3000
SPIKES = np.array([3.0, 2.2, 1.8, -2.0])


def dense(diagonal: str, rng: np.random.Generator) -> FloatArray:
    matrix = sample_goe(N, diagonal=diagonal, rng=rng)
    matrix[np.arange(SPIKES.size), np.arange(SPIKES.size)] += SPIKES
    values = np.linalg.eigvalsh(matrix)[::-1]
    return values[[0, 1, 2, -1]].astype(np.float64)


def scores(a: FloatArray, b: FloatArray) -> dict[str, FloatArray]:
    """Differences of means, log variances and correlations over their standard errors."""
    means = (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / DRAWS)
    kurtosis = [((x - x.mean(0)) ** 4).mean(0) / x.var(0) ** 2 for x in (a, b)]
    variances = np.log(a.var(0) / b.var(0)) / np.sqrt((sum(kurtosis) - 2) / DRAWS)
    upper = np.triu_indices(SPIKES.size, 1)
    fisher = [np.arctanh(np.atleast_2d(np.corrcoef(x.T))[upper]) for x in (a, b)]
    return {
        "means": means,
        "variances": variances,
        "correlations": (fisher[0] - fisher[1]) / np.sqrt(2 / DRAWS),
    }


def main() -> None:
    rng = np.random.default_rng(0)
    sampler = np.array([sample_spiked_outliers(N, SPIKES, rng=rng).outliers for _ in range(DRAWS)])
    print(f"N = {N}, {DRAWS} draws each; differences in standard errors")
    for name, diagonal in (("dense, 2σ²", "goe"), ("dense, σ²", "wigner")):
        matrices = np.array([dense(diagonal, rng) for _ in range(DRAWS)])
        ratios = sampler.std(0) / matrices.std(0)
        print(f"{name}: ratios of standard deviations {np.round(ratios, 3)}")
        for what, values in scores(sampler, matrices).items():
            rms = np.sqrt((values**2).mean())
            print(f"  {what:12s} rms {rms:5.2f}   {np.round(values, 2)}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
