"""Where the deconvolution seeks spikes."""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import Kind
from pastur.measures import ProbabilityMeasure

# Weak spikes leave a trace like that of a larger σ: none is sought far below the critical one,
# unless σ was given.
_LEAST_SPIKE, _LEAST_AT_KNOWN_SIGMA = 0.9, 0.3
# Neighbours on the grid differ by 3 %: finer ones change σ by less than a tenth of its error. Nor
# are they farther apart than half the height at which the transform is taken: it would notice that
# a spike lies between them, and the misfit would grow with the size.
_GRID_STEP, _GRID_SHARE = 0.03, 0.5


def spike_grid(
    kind: Kind,
    near: FloatArray,
    base: ProbabilityMeasure | None,
    sigma: float,
    height: float,
    *,
    known: bool,
) -> FloatArray:
    """Return where spikes may lie, in the coordinate of the law.

    Out of the noise, and within reach of the values `near` it; ascending. `height` is that at which
    the transform is taken; `known` says whether σ was given.
    """
    finest = _GRID_SHARE * height
    if base is not None:
        return _around(near, base, sigma, min(_GRID_STEP * sigma, finest))
    share = _LEAST_AT_KNOWN_SIGMA if known else _LEAST_SPIKE
    least = share * kind.critical * sigma
    reach = max(float(np.abs(near).max()), 1.5 * least)
    turn = min(max(finest / _GRID_STEP, least), reach)
    up = np.exp(np.arange(np.log(least), np.log(turn), _GRID_STEP))
    return kind.candidates(np.append(up, np.arange(turn, reach, finest)))


def critical_points(
    kind: Kind, grid: FloatArray, base: ProbabilityMeasure | None, sigma: float
) -> AnyArray:
    """Return which points of the grid are the weakest spikes that could be seen by themselves."""
    if base is None:
        visible = np.abs(kind.to_matrix(np.abs(grid))) >= kind.critical * sigma
    else:
        visible = sigma**2 * base.stieltjes_derivative(grid) <= 1
    edge = np.append(False, ~visible[:-1]) | np.append(~visible[1:], False)
    return np.asarray(visible & edge)


def _around(near: FloatArray, base: ProbabilityMeasure, sigma: float, step: float) -> FloatArray:
    """Return an even grid over the near values, where by ``Φ′ = 1 − σ²g′`` spikes can lie."""
    line = np.arange(near.min(), near.max() + step, step)
    inside = (line[:, None] >= base.support[:, 0]) & (line[:, None] <= base.support[:, 1])
    line = line[~inside.any(axis=1)]
    slope = 1 - sigma**2 * base.stieltjes_derivative(line)
    return np.asarray(line[slope > 1 - _LEAST_SPIKE**-2])
