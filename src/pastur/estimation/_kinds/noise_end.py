"""Where noise alone ends, with its Tracy–Widom margin."""

from functools import lru_cache

import numpy as np

from pastur.estimation._kinds.contract import Kind
from pastur.measures import TracyWidom


def noise_end(kind: Kind, removed: int, alpha: float) -> float:
    """Return the upper end of noise of σ = 1, `removed` rows and columns taken out.

    It goes beyond it with chance alpha/(removed + 1), both ends together where there are two.
    """
    centring, scale = kind.noise.edge_scale(np.array([float(removed)]))
    margin = tracy_widom_upper_quantile(alpha / kind.sides / (removed + 1))
    return float(centring[0] + margin * scale[0])


@lru_cache(maxsize=64)
def tracy_widom_upper_quantile(alpha: float) -> float:
    """Return what TW₁ exceeds with chance alpha, remembered."""
    return float(TracyWidom(1).upper_quantile(alpha))
