"""From weights on a grid to single spikes: where n masses of 1/n would lie.

Non-negative least squares puts broad laws on a few points with gaps between them that the spectrum
does not ask for, and gaps decide what is detached. So the weights are smoothed as far as the
spectrum allows before they are split into spikes.
"""

import numpy as np

from pastur._typing import FloatArray

# By so much the weighted sum of squares may grow. Wider kernels join even rows of spikes with the
# noise: at 20, three of sixty symmetric matrices of 400 with 40 on [1.5, 4] lost all of them.
_ALLOWED = 5.0
# Standard deviations of the Gaussian kernel tried, in steps of the grid.
_WIDTHS = (24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.5)


def smoothest_weights(
    grid: FloatArray, weights: FloatArray, columns: FloatArray, target: FloatArray
) -> FloatArray:
    """Return the weights smoothed by the widest kernel that still explains `target`.

    Masses do not cross 0, and keep their sum.
    """
    best = float(np.sum((target - columns @ weights) ** 2))
    for width in _WIDTHS:
        smooth = np.zeros_like(weights)
        for sign in (-1, 1):
            side = np.flatnonzero(np.sign(grid) == sign)
            apart = np.arange(side.size)[:, None] - np.arange(side.size)
            kernel = np.exp(-0.5 * (apart / width) ** 2)
            smooth[side] = (kernel / kernel.sum(axis=0)) @ weights[side]
        if float(np.sum((target - columns @ smooth) ** 2)) <= best + _ALLOWED:
            return smooth
    return weights


def split_into_spikes(grid: FloatArray, weights: FloatArray, size: int) -> FloatArray:
    """Return one point for each mass 1/size, to the nearest whole number of them on each side.

    Each weight is spread evenly between the middles to its neighbours on the grid.
    """
    spikes = []
    for sign in (-1, 1):
        side = np.flatnonzero(np.sign(grid) == sign)
        mass = weights[side]
        count = round(float(mass.sum()) * size)
        if count and side.size > 1:
            middles = (grid[side][1:] + grid[side][:-1]) / 2
            first, last = 2 * grid[side][0] - middles[0], 2 * grid[side][-1] - middles[-1]
            ends = np.concatenate([[first], middles, [last]])
            level = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
            spikes.append(np.interp((np.arange(count) + 0.5) / count, level, ends))
    return np.concatenate(spikes) if spikes else np.empty(0)
