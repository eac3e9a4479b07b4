"""
The noise level at growing rank
===============================

**Claim.** With a few spikes every rule finds the level of the noise. With spikes in two fifths of
all directions the classical rules take signal for noise and overstate it by a tenth and more;
deconvolution, which estimates the law of the signal as well, stays within 2 %.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur import fit_rectangular
from pastur.ensembles import sample_spiked_singular_spectrum
from pastur.estimation import baselines

SHAPE, DRAWS = (200, 400), 6
ranks = np.array([2, 10, 20, 40, 60, 80])
rng = np.random.default_rng(0)

# %%
# The rules, from singular values alone.

rules = {
    "fit_rectangular": lambda s: fit_rectangular(singular_values=s, shape=SHAPE),
    "MP-PCA": lambda s: baselines.mp_pca(s, SHAPE),
    "Kritchman–Nadler": lambda s: baselines.kritchman_nadler(s, SHAPE),
    "median": lambda s: baselines.median_rule(s, SHAPE),
}

# %%
# Spikes between 1 and 2.5, where 0.84 is the weakest that shows, and noise of σ = 1.

sigma = np.empty((len(rules), DRAWS, ranks.size))
for j, rank in enumerate(ranks):
    spikes = np.linspace(1.0, 2.5, rank)
    for k in range(DRAWS):
        values = sample_spiked_singular_spectrum(SHAPE, spikes, rng=rng)
        sigma[:, k, j] = [rule(values).sigma for rule in rules.values()]

# %%
# Points are means of the draws, bars two standard deviations: what a single matrix may give.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for drawn, name, marker in zip(sigma, rules, "osD^", strict=True):
    bars = 2 * drawn.std(axis=0, ddof=1)
    ax.errorbar(ranks / SHAPE[0], drawn.mean(axis=0), bars, fmt=f"{marker}-", capsize=3, label=name)
ax.axhline(1, color="gray", linestyle=":", label="truth")
ax.set(xlabel="rank of the signal / rows", ylabel="estimated σ")
ax.legend()
plt.show()

# %%
# What would contradict the claim: a rule that fails at rank 2, a classical one that holds at the
# highest rank, or a fit that does not.

bias = abs(sigma.mean(axis=1) - 1)
assert (bias[:, 0] < 0.02).all()
assert (bias[0] < 0.02).all()
assert (bias[1:, -1] > 0.1).all()
