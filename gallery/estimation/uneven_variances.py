"""
Uneven variances
================

**Claim.** Rows with different levels of noise look like signal to a method that assumes one level:
it counts spikes that are not there. Estimating the variances together with the signal keeps the
count, whatever their range is.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur import fit_rectangular

SHAPE, SPIKES, DRAWS = (100, 200), 3, 8
ranges = np.array([1.0, 1.5, 2.0, 3.0, 5.0])
rng = np.random.default_rng(0)


# %%
# Three spikes, and noise whose standard deviations per row are spread evenly in their logarithm,
# the largest `spread` times the smallest.


def draw(spread: float) -> np.ndarray:
    rows, columns = SHAPE
    u, v = (np.linalg.qr(rng.normal(size=(k, SPIKES)))[0] for k in SHAPE)
    level = spread ** rng.permutation(np.linspace(-0.5, 0.5, rows))
    noise = level[:, None] * rng.normal(size=SHAPE) / columns**0.5
    return noise + u @ np.diag([5.0, 4.0, 3.0]) @ v.T


count = np.empty((2, DRAWS, ranges.size))
for j, spread in enumerate(ranges):
    for k in range(DRAWS):
        matrix = draw(spread)
        count[:, k, j] = [fit_rectangular(matrix, noise=n).rank for n in ("white", "profile")]

# %%
# Points are means of the draws, bars two standard errors.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for drawn, name, marker in zip(count, ("white", "profile"), "os", strict=True):
    bars = 2 * drawn.std(axis=0, ddof=1) / DRAWS**0.5
    ax.errorbar(
        ranges, drawn.mean(axis=0), bars, fmt=f"{marker}-", capsize=3, label=f"noise={name!r}"
    )
ax.axhline(SPIKES, color="gray", linestyle=":", label="truth")
ax.set(xlabel="largest over smallest standard deviation of a row", ylabel="spikes counted")
ax.legend()
plt.show()

# %%
# What would contradict the claim: a count under white noise that does not grow, or one with a
# profile that is off by more than one in the mean.

white, profile = count.mean(axis=1)
assert white[-1] > 3 * SPIKES
assert (abs(profile - SPIKES) < 1).all()
