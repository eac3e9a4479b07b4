"""
Components of a count matrix
============================

**Claim.** Counts vary as much as they are large, so that the strongest genes and cells look like
signal. Scaled to one variance, the noise follows its law, and the components that are left are as
many as there are types of cells.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur import fit_counts, fit_rectangular

CELLS, GENES, DRAWS = 300, 600, 8
types = np.array([1, 2, 3, 5, 8])
rng = np.random.default_rng(0)

# %%
# Simulated single-cell counts: a profile of rates for each type of cell, genes and cells of very
# different totals, and Poisson noise.


def draw(number: int) -> np.ndarray:
    profiles = rng.lognormal(0, 0.7, size=(number, GENES)) * rng.lognormal(-0.5, 1, size=GENES)
    depth = rng.lognormal(0, 0.5, size=CELLS)
    return rng.poisson(depth[:, None] * profiles[rng.integers(number, size=CELLS)])


found = np.empty((2, DRAWS, types.size))
dispersion = np.empty((DRAWS, types.size))
for j, number in enumerate(types):
    for k in range(DRAWS):
        counts = draw(int(number))
        fit = fit_counts(counts)
        found[:, k, j] = fit_rectangular(counts).rank, fit.rank
        dispersion[k, j] = fit.dispersion

# %%
# Points are means of the draws, bars two standard deviations of a draw.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for drawn, name, marker in zip(
    found, ("raw counts, fit_rectangular", "fit_counts"), "so", strict=True
):
    bars = 2 * drawn.std(axis=0, ddof=1)
    ax.errorbar(types, drawn.mean(axis=0), bars, fmt=f"{marker}-", capsize=3, label=name)
ax.plot(types, types, color="gray", linestyle=":", label="truth")
ax.set(yscale="log", xlabel="types of cells", ylabel="components found", xticks=types)
ax.legend()
plt.show()

# %%
# What would contradict the claim: another number than that of the types in a tenth of the draws, or
# a variance of the scaled counts that is not that of Poisson counts.

raw, scaled = found
assert (scaled != types).mean() < 0.1
assert abs(dispersion - 1).max() < 0.05
assert raw.mean() > 3 * types.mean()
