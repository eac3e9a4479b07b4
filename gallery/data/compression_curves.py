"""
Compression curves
==================

**Claim.** Where bytes count, round to few bits before you think of ranks: at a fifth of its bytes a
rounded network still decides as before on more than nine images in ten, one whose weak directions
are left out on about half, and one of leading directions with a rounded rest is in between.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file
from scipy.stats import binomtest
from sklearn.datasets import load_digits

from pastur import analyze, apply_compression, plan_compression
from pastur.compression import read_compressed
from pastur.datasets import shipped_network_path
from pastur.experiments import predict

IMAGES = 1797

# %%
# The network that comes with the package, and images of digits, enlarged. It was trained on
# clothes: what counts here is whether it decides as before, not whether it is right.

network = load_file(shipped_network_path())
del network["fc2.weight.initial"]
images = np.kron(load_digits().images[:IMAGES], np.full((1, 3, 3), 255 / 16))
images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
decisions = predict(network, images)

# %%
# Three methods, each at several sizes. None of them needs data.

settings = {
    "round": [{"bits": bits} for bits in (2, 3, 4, 5, 6)],
    "split": [{"bits": bits} for bits in (2, 3, 4, 5)],
    "truncate": [{"target": {"size": size}} for size in (0.15, 0.2, 0.3, 0.4, 0.6)],
}
analysis = analyze(network)
curves = {}
for method, choices in settings.items():
    points = []
    for choice in choices:
        plan = plan_compression(analysis, network, method=method, **choice)
        with TemporaryDirectory() as folder:
            written = apply_compression(plan, network, Path(folder) / "small.safetensors")
            same = (predict(read_compressed(written.path), images) == decisions).sum()
        interval = binomtest(int(same), IMAGES).proportion_ci()
        points.append((plan.bytes_after / plan.bytes_before, same / IMAGES, *interval))
    curves[method] = np.array(points).T

# %%
# Bars are intervals of 95 %, from the number of images.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (method, (size, same, low, high)), marker in zip(curves.items(), "osD", strict=True):
    ax.errorbar(size, same, (same - low, high - same), fmt=f"{marker}-", capsize=3, label=method)
ax.set(xlabel="bytes / bytes of the network", ylabel="share of decisions as before", ylim=(0, 1))
ax.legend(title="method", loc="lower right")
plt.show()

# %%
# What would contradict the claim: another order of the three.

rounded, split, cut = (np.interp(0.2, size, same) for size, same, *_ in curves.values())
print(f"at a fifth of the bytes: {rounded:.0%} rounded, {split:.0%} split, {cut:.0%} truncated")
assert rounded > 0.9 and rounded > split > cut and cut < 0.6
