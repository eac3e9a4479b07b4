"""The tail of a sample as a power law, from the start where it fits best."""

from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray

# Places of each tail at which its distance is computed first.
_PROBES = 32


class PowerLaw(NamedTuple):
    """Density ∝ x^(−alpha) from the value number `start` of the ascending sample on."""

    alpha: float
    distance: float
    start: int


def fit_power_law(logarithms: FloatArray) -> PowerLaw | None:
    """Fit the tail by maximum likelihood, its start by the smallest Kolmogorov–Smirnov distance.

    For every start i, ``alpha = 1 + k/Σ log(x_j/x_i)`` over the k values from x_i on, and the
    distance is ``max_j |1 − (x_j/x_i)^(1−alpha) − (j − i)/k|``, as in the reference code of
    Clauset, Shalizi and Newman, *SIAM Review* 51 (2009) 661. The smallest of all is found exactly:
    a start whose distance is larger already at a few places is not examined further.

    Parameters
    ----------
    logarithms : array
        Of the values, ascending.

    Returns
    -------
    PowerLaw or None
        None where no tail has two different values.
    """
    x = logarithms
    counts = np.arange(x.size, 0, -1.0)
    excess = np.cumsum(x[::-1])[::-1] - counts * x
    # Ties with the largest value leave nothing but rounding.
    room = 1e-12 * counts * max(1.0, float(np.abs(x).max(initial=0.0)))
    starts = np.flatnonzero(excess > room)
    if not starts.size:
        return None
    slope = counts[starts] / excess[starts]
    steps = np.linspace(0, 1, _PROBES) * (counts[starts] - 1)[:, None]
    probes = steps.astype(np.intp)
    ratio = x[starts[:, None] + probes] - x[starts, None]
    model = -np.expm1(-slope[:, None] * ratio)
    least = np.abs(model - probes / counts[starts, None]).max(axis=1)
    best, chosen = np.inf, 0
    for place in np.argsort(least, kind="stable"):
        if least[place] > best:
            break
        start = starts[place]
        tail = -np.expm1(-slope[place] * (x[start:] - x[start]))
        distance = float(np.abs(tail - np.arange(tail.size) / tail.size).max())
        if distance < best or (distance == best and start < starts[chosen]):
            best, chosen = distance, int(place)
    return PowerLaw(1 + float(slope[chosen]), best, int(starts[chosen]))


def power_law_p_value(
    logarithms: FloatArray, fitted: PowerLaw, rng: np.random.Generator, *, draws: int
) -> float:
    """Return how often a sample with such a tail lies as far from its own best law.

    Each draw has as many values: those of the tail from the fitted law, about as many as there are,
    the others from those before its start, with replacement; the start is fitted anew. The share of
    the draws whose distance is no smaller counts the sample itself as one of them, so that it is
    never 0. Section 4.1 of Clauset, Shalizi and Newman (2009).
    """
    x, start = logarithms, fitted.start
    reached = 0
    for _ in range(draws):
        count = int(rng.binomial(x.size, (x.size - start) / x.size))
        tail = x[start] + rng.exponential(size=count) / (fitted.alpha - 1)
        below = rng.choice(x[:start], x.size - count) if start else np.empty(0)
        drawn = fit_power_law(np.sort(np.concatenate([below, tail])))
        reached += drawn is not None and drawn.distance >= fitted.distance
    return (1 + reached) / (1 + draws)
