"""
Outliers at N = 10⁹
===================

**Claim.** An outlier scatters about Φ(θ) with the standard deviation √(2σ²(1 − σ²/θ²)/N), from
N = 10³ to N = 10⁹. Such a matrix would fill eight exabytes; its outliers take a millisecond.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import chi2

from pastur import Atoms, DeformedWigner
from pastur.ensembles import sample_spiked_outliers

DRAWS = 300
rng = np.random.default_rng(0)
sizes = 10 ** np.arange(3, 10)
spikes = np.array([3.0, 1.5])
model = DeformedWigner(Atoms([0.0]), sigma=1.0)

# %%
# The outliers have the law of those of the whole matrix: Gaussian noise looks the same in every
# basis, and what is not near the spikes is a tridiagonal matrix that ends early.

drawn = np.array(
    [[sample_spiked_outliers(n, spikes, rng=rng).outliers for _ in range(DRAWS)] for n in sizes]
)

# %%
# Standard deviations with intervals of 95 %, which follow from the number of draws.

deviation = drawn.std(axis=1, ddof=1) * np.sqrt(sizes)[:, None]
low, high = (deviation * np.sqrt((DRAWS - 1) / chi2.ppf(p, DRAWS - 1)) for p in (0.975, 0.025))
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for j, (theta, marker) in enumerate(zip(spikes, "os", strict=True)):
    bars = np.abs([low[:, j], high[:, j]] - deviation[:, j])
    color = f"C{j}"
    ax.errorbar(
        sizes, deviation[:, j], bars, fmt=marker, capsize=3, color=color, label=f"θ = {theta}"
    )
    ax.axhline(model.fluctuation(theta, 1), color=color, linestyle="--")
ax.plot([], [], "k--", label="theory")
ax.set(xscale="log", xlabel="size N", ylabel="standard deviation, times √N", ylim=(0.8, 1.8))
ax.legend()
plt.show()

# %%
# What would contradict the claim: a standard deviation more than four of its standard errors from
# the theory, or a mean that is as far from Φ(θ), beyond the next order, 4/N.

theory = model.fluctuation(spikes, 1)
assert (abs(deviation / theory - 1) < 4 / np.sqrt(2 * DRAWS)).all()
error = theory / np.sqrt(sizes * DRAWS)[:, None]
assert (abs(drawn.mean(axis=1) - model.outlier(spikes)) < 4 * error + 4 / sizes[:, None]).all()
