"""Which values are so far from the noise that each is one spike, whatever the others are."""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.measures import ProbabilityMeasure

# Values farther than this many σ are single spikes.
NEAR = 5.0
# So are those beyond a gap of so many heights: a lone value strays by up to half of one, and above
# it the transform is no linear function of that.
_GAP = 3.0
# This share of the values, those nearest to 0 or to the base, are near in any case.
_LEAST_NEAR = 0.25


def far_values(values: FloatArray, base: ProbabilityMeasure | None, height: float) -> AnyArray:
    """Return which values are far from the noise.

    Parameters
    ----------
    values : array
        In units of σ.
    height : float
        That at which the transform is taken.
    """
    outwards = values
    if base is not None:
        low, high = base.support[0, 0], base.support[-1, 1]
        outwards = np.maximum(values - high, 0.0) + np.minimum(values - low, 0.0)
    # As np.quantile, which loads a part of NumPy that takes longer than a fit.
    sizes = np.sort(np.abs(outwards))
    least = float(np.interp(_LEAST_NEAR * (sizes.size - 1), np.arange(sizes.size), sizes))
    far = np.abs(outwards) > NEAR
    for side in (outwards, -outwards):
        beyond = np.sort(side[side >= least])
        gaps = np.flatnonzero(np.diff(beyond, prepend=least) > _GAP * height)
        if gaps.size:
            far |= side >= beyond[gaps[0]]
    return far
