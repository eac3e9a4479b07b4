"""
A matrix that no law fits
=========================

**Claim.** Heavy tails and correlated neighbours break every law of noise, and a fit of white noise
counts dozens of spikes. A direction can still be read against everything else in the matrix, and
its interval of 95 % holds at least as often.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter
from scipy.stats import binomtest

from pastur import fit_rectangular

SHAPE, DRAWS = (150, 300), 200
strengths = np.array([12.0, 9.0, 7.0])
rng = np.random.default_rng(0)

# %%
# Noise with Student's law of five degrees of freedom, each column correlated with the one before
# it, and three directions in it.


def draw() -> np.ndarray:
    noise = lfilter([1.0], [1.0, -0.6], rng.standard_t(5, size=SHAPE)) / SHAPE[1] ** 0.5
    u, v = (np.linalg.qr(rng.normal(size=(k, strengths.size)))[0] for k in SHAPE)
    return noise + u @ np.diag(strengths) @ v.T


fits = [fit_rectangular(draw(), noise="free") for _ in range(DRAWS)]
read = np.array([fit.leading[: strengths.size] for fit in fits])

# %%
# What white noise would make of one of these matrices, and what ``noise="auto"`` says of it.

white, auto = (fit_rectangular(draw(), noise=noise) for noise in ("white", "auto"))
print(f"assuming white noise: {white.rank} spikes")
print(f"auto: {auto}")

# %%
# Left, intervals of the first draws; right, how many hold of all, with an interval of 95 %.

figure, axes = plt.subplots(1, 2, figsize=(6, 3.6), layout="constrained", width_ratios=(2, 1))
first = read[:15]
for j, (theta, marker) in enumerate(zip(strengths, "osD", strict=True)):
    bars = np.abs([first["low"][:, j], first["high"][:, j]] - first["theta"][:, j])
    number = np.arange(1, len(first) + 1)
    axes[0].errorbar(number, first["theta"][:, j], bars, fmt=marker, color=f"C{j}", capsize=2)
    axes[0].axhline(theta, color=f"C{j}", linestyle=":")
axes[0].set(xlabel="draw", ylabel="strength θ (dotted: planted)", xticks=number[::2])
holds = ((read["low"] < strengths) & (strengths < read["high"])).sum(axis=0)
for j, number in enumerate(holds):
    share = binomtest(int(number), DRAWS).proportion_ci()
    bars = np.abs([[share.low], [share.high]] - np.float64(number / DRAWS))
    axes[1].errorbar([strengths[j]], [number / DRAWS], bars, fmt="osD"[j], color=f"C{j}", capsize=3)
axes[1].axhline(0.95, color="gray", linestyle=":")
axes[1].set(xlabel="planted θ", ylabel="share of intervals that hold", ylim=(0.8, 1.01))
axes[1].set(xlim=(5, 14), xticks=strengths)
plt.show()

# %%
# What would contradict the claim: few spikes under white noise, a law that is claimed, or intervals
# that hold more rarely than 0.95 by four standard deviations.

assert white.rank > 10 and auto.sigma is None
assert (holds / DRAWS > 0.95 - 4 * (0.95 * 0.05 / DRAWS) ** 0.5).all()
