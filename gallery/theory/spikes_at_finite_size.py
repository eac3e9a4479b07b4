"""
Theorem 2.2 and the law at size N
=================================

**Claim.** The map Φ of Theorem 2.2 places each outlier as if its spike were alone, with an error of
the order r/N, which grows with the rank r. The law at size N, which Pastur's equation gives for all
eigenvalues of S together, becomes the more precise the larger the rank is.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur import Atoms, DeformedWigner, Uniform, sample_goe
from pastur.models import SignalSequence, outlier_table

SIZE, DRAWS = 600, 12
ranks = np.array([3, 6, 12, 25, 50, 100])
rng = np.random.default_rng(0)

# %%
# Signals of every rank, whose spikes are spread evenly from 1.8σ to 3σ, and noise of σ = 1.

model = DeformedWigner(Atoms([0.0]), sigma=1.0)
signals = SignalSequence(model.signal, Uniform(1.8, 3.0) - model.signal)

# %%
# For every matrix `outlier_table` compares the outliers λⱼ(W) with both predictions. Their root
# mean square errors:

by_phi, by_law = np.empty((2, DRAWS, ranks.size))
for j, rank in enumerate(ranks):
    signal = signals.eigenvalues(SIZE, int(rank))
    for k in range(DRAWS):
        observed = np.linalg.eigvalsh(np.diag(signal) + sample_goe(SIZE, rng=rng))
        table = outlier_table(model, observed, signal=signal)
        by_phi[k, j], by_law[k, j] = table.limit_error, table.at_size_error

# %%
# Points are means of the draws, bars two standard errors of them. A few spikes fluctuate by
# themselves, which no prediction foresees; many are kept in place by each other.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for drawn, style, name in ((by_phi, "o-", "Φ(λⱼ(S))"), (by_law, "s--", "law at size N")):
    error = 2 * drawn.std(axis=0, ddof=1) / DRAWS**0.5
    ax.errorbar(ranks, drawn.mean(axis=0), error, fmt=style, capsize=3, label=name)
ax.plot(ranks, ranks / SIZE, color="gray", linestyle=":", label="r/N")
ax.set(xscale="log", yscale="log", xlabel=f"rank r, N = {SIZE}", ylabel="error of an outlier")
ax.set_xticks(ranks, [str(rank) for rank in ranks])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# What would contradict the claim: an error of Φ that stays behind r/N, or a law at size N that is
# not better at many spikes than at few.

phi, law = by_phi.mean(axis=0), by_law.mean(axis=0)
assert 1 < phi[-1] / (ranks[-1] / SIZE) < 2
assert law[-1] < law[0] / 2
assert law[-1] < phi[-1] / 5
