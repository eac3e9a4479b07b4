"""
A trained network, layer by layer
=================================

**Claim.** Before training the middle layer is noise: its singular values are those of its own
entries in random order. Training raises the leading ones above that in every layer, and several
directions of the middle layer surely stand out from everything else in it.
"""

import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

from pastur import fit_rectangular
from pastur.datasets import shipped_network_path

DRAWS = 8
rng = np.random.default_rng(0)

# %%
# The network that comes with the package, trained on Fashion-MNIST, and its middle layer as it was
# at the start.

names = ["fc2.weight.initial", "fc1.weight", "fc2.weight", "fc3.weight"]
tensors = load_file(shipped_network_path())

# %%
# For each layer what stands out, and its values next to those of its entries in random order.

fits, ratio, band = {}, {}, {}
for name in names:
    fits[name] = fit_rectangular(tensors[name], noise="auto")
    draws = [rng.permuted(tensors[name]) for _ in range(DRAWS)]
    random = np.linalg.svd(np.array(draws), compute_uv=False)
    ratio[name] = np.linalg.svd(tensors[name], compute_uv=False) / random.mean(axis=0)
    band[name] = random.std(axis=0, ddof=1) / random.mean(axis=0)

# %%
# Bands are two standard deviations of a draw, with entries in random order.

figure, axes = plt.subplots(2, 2, sharey=True, figsize=(6, 5.4), layout="constrained")
for ax, name in zip(axes.flat, names, strict=True):
    order = np.arange(1, ratio[name].size + 1)
    ax.plot(order, ratio[name], "o", markersize=3)
    ax.fill_between(order, 1 - 2 * band[name], 1 + 2 * band[name], color="C1", alpha=0.6)
    ax.set(title=f"{name}\n{len(fits[name].standing_out)} stand out", xscale="log", ylim=(0.5, 2.3))
figure.supxlabel("singular values in order")
figure.supylabel("value over that of the entries in random order")
plt.show()

# %%
# What would contradict the claim: a start that does not follow the law of noise, a layer whose
# leading value training has left where chance puts it, or a middle layer in which nothing stands
# out.

start, *trained = names
assert fits[start].goodness.fits and fits[start].rank == 0
assert (abs(ratio[start] - 1)[:200] < 0.03).all()
assert all(ratio[name][0] > 1 + 5 * band[name][0] for name in trained)
assert len(fits["fc2.weight"].standing_out) >= 5
