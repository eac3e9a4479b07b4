"""
A bulk with spikes in its gap
=============================

**Claim.** Where the bulk has a gap, spikes show in it, too. Both sides push them towards its
middle, to Φ(θ). A spike too near a side is absorbed: no eigenvector shows it any longer.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh

from pastur import Atoms, DeformedWigner, sample_goe

SIZE, DRAWS = 401, 20
rng = np.random.default_rng(0)

# %%
# Half of the signal's eigenvalues are at −2, half at 2; noise of σ = 1 makes two bands of them.

model = DeformedWigner(Atoms([-2.0, 2.0]), sigma=1.0)
(_, left), (right, _) = model.law.support
theta = np.linspace(-1.5, 1.5, 13)

# %%
# The experiment: one spike between both halves, so that its eigenvalue is the middle one.

place, middle = np.empty((2, DRAWS, theta.size)), SIZE // 2
for k in range(DRAWS):
    noise = sample_goe(SIZE, rng=rng)
    for j, spike in enumerate(theta):
        signal = np.repeat([-2.0, spike, 2.0], [middle, 1, middle])
        value, vector = eigh(noise + np.diag(signal), subset_by_index=[middle, middle])
        place[:, k, j] = value[0], vector[middle, 0] ** 2

# %%
# Points are means of the draws, bars two standard errors.

smooth = np.linspace(-1.9, 1.9, 400)
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 6), layout="constrained")
curves = ((model.outlier(smooth), "middle eigenvalue"), (model.overlap(smooth), "squared overlap"))
for ax, drawn, (curve, name) in zip(axes, place, curves, strict=True):
    error = 2 * drawn.std(axis=0, ddof=1) / DRAWS**0.5
    ax.plot(smooth, curve, label="limit N → ∞")
    ax.errorbar(theta, drawn.mean(axis=0), error, fmt="o", capsize=3, label=f"N = {SIZE}")
    ax.set_ylabel(name)
axes[0].axhspan(-1.2, left, color="gray", alpha=0.25)
axes[0].axhspan(right, 1.2, color="gray", alpha=0.25, label="bulk")
axes[0].plot(smooth, smooth, color="gray", linestyle=":", label="without the push")
axes[0].set_ylim(-1.2, 1.2)
axes[0].legend()
axes[1].set_xlabel("spike θ, in units of σ")
plt.show()

# %%
# What would contradict the claim: means of spikes in the open, more than four standard errors and
# 4/N from the limit, or an absorbed spike with an overlap.

absorbed = ~model.is_supercritical(theta)
clear = abs(theta) < 0.9 * abs(model.critical_spikes[1])
for drawn, limit in zip(place, (model.outlier(theta), model.overlap(theta)), strict=True):
    error = drawn.std(axis=0, ddof=1) / DRAWS**0.5
    assert (abs(drawn.mean(axis=0) - limit) < 4 * error + 4 / SIZE)[clear].all()
assert (place[1].mean(axis=0)[absorbed] < 0.1).all()
