"""
Theorem 2.1 inside the bulk
===========================

**Claim.** Spikes change the spectrum where they are not, too: the r outliers leave the bulk, most
of them from near its edge, and (N/r)(μ − μ₀) tends to a signed measure μ₁ that is known exactly.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur import Atoms, DeformedWigner, Uniform, sample_goe
from pastur.models import SignalSequence

SIZE, RANK, DRAWS = 1000, 32, 12
rng = np.random.default_rng(0)

# %%
# The theory. ν₁ is what the signal gains and loses: spikes spread from 1.8σ to 3σ, each in place of
# an eigenvalue 0. The model turns it into μ₁.

model = DeformedWigner(Atoms([0.0]), sigma=1.0)
nu1 = Uniform(1.8, 3.0) - model.signal
mu1 = model.outlier_measure(nu1)

# %%
# The experiment: how the share of eigenvalues in each bin differs from Wigner's semicircle μ₀.

bins = np.linspace(-2.0, 2.0, 17)
signal = SignalSequence(model.signal, nu1).eigenvalues(SIZE, RANK)
semicircle = np.diff(model.law.cdf(bins))
change = np.empty((DRAWS, bins.size - 1))
for k in range(DRAWS):
    observed = np.linalg.eigvalsh(np.diag(signal) + sample_goe(SIZE, rng=rng))
    change[k] = SIZE / RANK * (np.histogram(observed, bins)[0] / SIZE - semicircle)

# %%
# Points are means of the draws, bars two standard errors. For comparison the naive answer: the bulk
# loses the mass 1 to the outliers and keeps its shape.

mean, error = change.mean(axis=0), change.std(axis=0, ddof=1) / DRAWS**0.5
exact = np.diff(mu1.cdf(bins))
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.stairs(exact, bins, baseline=None, label="μ₁ of each bin")
ax.stairs(-semicircle, bins, baseline=None, linestyle="--", label="−μ₀, the same shape")
middle = (bins[1:] + bins[:-1]) / 2
ax.errorbar(
    middle, mean, 2 * error, fmt="o", capsize=3, color="C2", label=f"N = {SIZE}, r = {RANK}"
)
ax.axhline(0, color="gray", linewidth=0.8)
ax.set(xlabel="eigenvalue inside the bulk, in units of σ", ylabel="change of the mass, times N/r")
ax.legend()
plt.show()

# %%
# What would contradict the claim: a bin farther from μ₁ than four standard errors and the next
# order, r/N + 1/r.

assert (abs(mean - exact) < 4 * error + RANK / SIZE + 1 / RANK).all()
