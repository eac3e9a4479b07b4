"""
Denoising a stack of images
===========================

**Claim.** Images of one scene under many conditions share a few components. Patch by patch the
noise can be measured, though it differs from place to place, and most of it removed.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from pastur import denoise_patches

IMAGES, DRAWS = 40, 3
rng = np.random.default_rng(0)

# %%
# A photograph that decays, its red parts slower than its blue ones: 40 images of 56 × 54 pixels.
# The noise is twice as strong on the right as on the left.

red, green, blue = np.moveaxis(load_sample_image("china.jpg")[18:354:6, 60:384:6] / 255, -1, 0)
time = np.linspace(0, 3, IMAGES)
scene = green[..., None] * np.exp(-time * (0.3 + blue - red / 2)[..., None])
level = np.broadcast_to(np.linspace(0.05, 0.1, scene.shape[1]), scene.shape[:2])

noisy, denoised = np.empty((2, DRAWS, *scene.shape))
sigma = np.empty((DRAWS, *scene.shape[:2]))
for k in range(DRAWS):
    noisy[k] = scene + level[..., None] * rng.normal(size=scene.shape)
    found = denoise_patches(noisy[k])
    denoised[k], sigma[k] = found.denoised, found.sigma
print(found)

# %%
# Above, one of the images; below, errors of every second one. Bars go from the least to the largest
# of the draws, and are hardly larger than the dots.

figure = plt.figure(figsize=(6, 5), layout="constrained")
axes = figure.subplot_mosaic([["scene", "noisy", "denoised"], ["error"] * 3])
shown = {"scene": scene, "noisy": noisy[0], "denoised": denoised[0]}
for name, stack in shown.items():
    axes[name].imshow(stack[..., IMAGES // 2], cmap="gray", vmin=0, vmax=0.5)
    axes[name].set(title=name, xticks=[], yticks=[])
for stack, name, marker in ((noisy, "noisy", "s"), (denoised, "denoised", "o")):
    error = np.sqrt(((stack - scene) ** 2).mean(axis=(1, 2)))
    middle = error.mean(axis=0)
    bars = np.abs([error.min(axis=0), error.max(axis=0)] - middle)
    axes["error"].errorbar(time[::2], middle[::2], bars[:, ::2], fmt=marker, capsize=2, label=name)
axes["error"].set(xlabel="time of the image", ylabel="root mean square error", ylim=(0, None))
axes["error"].legend()
plt.show()

# %%
# What would contradict the claim: more than a third of the noise left, or a map of its level that
# is off by more than 5 % in the mean.

left = np.linalg.norm(denoised - scene) / np.linalg.norm(noisy - scene)
print(f"{left:.0%} of the noise is left; its level is {np.mean(sigma / level):.3f} of the true one")
assert left < 1 / 3
assert abs(np.mean(sigma / level) - 1) < 0.05
