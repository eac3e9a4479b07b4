"""Noise level and number of spikes, each from the other until both stay."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._edge import Edges, count_spikes
from pastur.estimation._noise_law import NoiseLaw, spike_strengths
from pastur.estimation._noise_level import median_rule, noise_level
from pastur.estimation._noise_models import NoiseModel
from pastur.estimation._status import Status

_TOLERANCE = 1e-9
_MOST_STEPS = 50
# The regression can come out at zero or below for spectra that are no noise, such as equal values.
_LEAST_SHARE = 1e-9


@dataclass(frozen=True, eq=False)
class Split:
    """A spectrum split into spikes and a bulk of noise.

    Attributes
    ----------
    sigma : float
        Noise level.
    spikes : array
        The values taken out, in descending distance from 0.
    strengths : array
        Their strengths a, see `count_shift`.
    bulk : array
        The others, descending, in the coordinate of the law (squared singular values,
        eigenvalues) and in units of σ.
    law : NoiseLaw
        Of the bulk.
    """

    sigma: float
    spikes: FloatArray
    strengths: FloatArray
    bulk: FloatArray
    law: NoiseLaw


def split_spectrum(
    values: FloatArray, noise: NoiseModel, edges: Edges, *, sigma: float | None
) -> tuple[Split, Status]:
    """Return noise level, spikes and bulk of `values`, sorted by descending distance from 0.

    With `sigma` given only the count is found. Otherwise the median rule makes a first σ (it
    withstands spikes up to half of the values) and a first count; then σ is refined for that count
    and the count taken again, until it reproduces itself. Where it returns to an earlier one
    instead, the smallest of the cycle is taken and the status says so.
    """
    distances = np.abs(values)
    if sigma is not None:
        count = count_spikes(distances, sigma, edges)
        return split_at(values, noise, count, sigma), _status([count], 0.0, 0, edges)
    level, steps, visited = median_rule(distances, noise), 0, dict[int, tuple[float, float]]()
    count = count_spikes(distances, level, edges)
    while count not in visited:
        level, change, taken = _refine(values, noise, count, level)
        visited[count], steps = (level, change), steps + taken
        count = count_spikes(distances, level, edges)
    order = list(visited)
    cycle = order[order.index(count) :]
    level, change = visited[min(cycle)]
    return split_at(values, noise, min(cycle), level), _status(cycle, change, steps, edges)


def split_at(values: FloatArray, noise: NoiseModel, count: int, sigma: float) -> Split:
    """Return `values` split after the first `count`, at a given noise level."""
    law = noise.law(count)
    reduced = (values / sigma) ** noise.power
    spikes = spike_strengths(law.cosine(reduced[:count]))
    return Split(sigma, values[:count], spikes, np.sort(reduced[count:])[::-1], law)


def _refine(
    values: FloatArray, noise: NoiseModel, count: int, sigma: float
) -> tuple[float, float, int]:
    """Return σ for a given count, its relative change at the last step, and the steps.

    σ enters its own estimate through the strengths of the spikes only: without spikes the second
    step repeats the first.
    """
    step, change = 0, np.inf
    while step < _MOST_STEPS and change > _TOLERANCE:
        step += 1
        split = split_at(values, noise, count, sigma)
        power = noise_level(split.bulk, split.law, split.strengths)
        factor = max(power, _LEAST_SHARE * float(np.abs(split.bulk).max())) ** (1 / noise.power)
        sigma *= factor
        change = abs(factor - 1)
    return sigma, change, step


def _status(cycle: list[int], change: float, steps: int, edges: Edges) -> Status:
    if len(cycle) > 1:
        counts = " and ".join(str(k) for k in sorted(cycle))
        message = f"The count alternates between {counts} spikes; the smallest is given."
        return Status(False, change, steps, message)
    if cycle[0] == edges.most:
        message = (
            f"{cycle[0]} values, half of them all, lie beyond the edge of the rest: "
            "there is no bulk of noise to compare with."
        )
        return Status(False, change, steps, message)
    if change > _TOLERANCE:
        message = f"The noise level still moved by {change:.1e} of itself after {steps} steps."
        return Status(False, change, steps, message)
    return Status(True, change, steps, "Noise level and number of spikes agree with each other.")
