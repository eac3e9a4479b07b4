"""
Péché's transition
==================

**Claim.** A spike θ of the signal shows in the spectrum only if θ > σ. Then its eigenvalue is at
θ + σ²/θ, beyond the edge 2σ of the noise, and its eigenvector has the squared overlap 1 − σ²/θ²
with the direction of the spike. Otherwise it stays at the edge, and the overlap is 0.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh

from pastur import Atoms, DeformedWigner, sample_goe

SIZE, DRAWS = 400, 20
rng = np.random.default_rng(0)
theta = np.array([0.2, 0.5, 0.8, 0.95, 1.1, 1.3, 1.6, 2.0, 2.5, 3.0])

# %%
# The theory: a signal of finite rank, thus with the limiting law δ₀, in noise of σ = 1.

model = DeformedWigner(Atoms([0.0]), sigma=1.0)

# %%
# The experiment: one spike in a random direction, and the largest eigenvalue with its vector.

largest, overlap = np.empty((2, DRAWS, theta.size))
for k in range(DRAWS):
    noise = sample_goe(SIZE, rng=rng)
    u = rng.normal(size=SIZE)
    u /= np.linalg.norm(u)
    for j, strength in enumerate(theta):
        matrix = noise + strength * np.outer(u, u)
        value, vector = eigh(matrix, subset_by_index=[SIZE - 1, SIZE - 1])
        largest[k, j], overlap[k, j] = value[0], (u @ vector[:, 0]) ** 2

# %%
# Points are means of the draws, bars two standard errors of them. Near θ = σ the transition is
# smooth at a finite size.

smooth = np.linspace(0.05, 3.1, 300)
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 6), layout="constrained")
panels = [
    (axes[0], largest, model.outlier(smooth), "largest eigenvalue"),
    (axes[1], overlap, model.overlap(smooth), "squared overlap"),
]
for ax, drawn, curve, name in panels:
    error = 2 * drawn.std(axis=0, ddof=1) / DRAWS**0.5
    ax.plot(smooth, curve, label="limit N → ∞")
    ax.errorbar(theta, drawn.mean(axis=0), error, fmt="o", capsize=3, label=f"N = {SIZE}")
    ax.axvline(model.critical_spikes[1], color="gray", linestyle=":", label="θ = σ")
    ax.set_ylabel(name)
axes[0].legend()
axes[1].set_xlabel("spike θ, in units of σ")
plt.show()

# %%
# What would contradict the claim: beyond the transition, a mean more than four standard errors and
# 4/N from the limit; well below it, an eigenvector that knows of the spike.

beyond, below = theta > 1.2, theta < 0.6
for drawn, limit in ((largest, model.outlier(theta)), (overlap, model.overlap(theta))):
    error = drawn.std(axis=0, ddof=1) / DRAWS**0.5
    assert (abs(drawn.mean(axis=0) - limit) < 4 * error + 4 / SIZE)[beyond].all()
assert (overlap.mean(axis=0) < 0.05)[below].all()
