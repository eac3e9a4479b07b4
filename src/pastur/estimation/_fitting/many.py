"""A signal of any rank, found by deconvolution: the noise lies where the law of both says."""

from math import exp

import numpy as np

from pastur._typing import AnyArray
from pastur.estimation._deconvolution.descent import Deconvolution
from pastur.estimation._fitting.sentences import assess_growing
from pastur.estimation._fitting.task import Assessment, Found, Level, Rank, Task, result
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._spikes.noise_intervals import NoiseIntervals, noise_intervals
from pastur.estimation._spikes.table import SpikeContext, spike_table

# A spike in the law makes its own p-value up to a hundred times too small; below this it is one.
_BEYOND_DOUBT = 1e-7


def fit_many(task: Task, found: Deconvolution) -> Found:
    """Return the fit of a spectrum whose signal was found by deconvolution."""
    kind, values, alpha = task.kind, task.values, task.asked.alpha
    z, sigma, size = task.z, found.sigma, values.size
    model = kind.model(found.signal, sigma)
    noise = noise_intervals(kind, model, found.signal.base, size)
    detached = noise.detached(values, alpha)
    context = SpikeContext(values, sigma, kind, noise=noise.ends, critical=noise.critical)
    spikes = spike_table(context, detached, noise.p_values(values[detached]), z=z)
    noise, sure = leave_one_out(task, noise, found, spikes)
    if not sure.all():
        detached = detached[sure]
        context = SpikeContext(values, sigma, kind, noise=noise.ends, critical=noise.critical)
        spikes = spike_table(context, detached, spikes["p_value"][sure], z=z)
    margin, reach = exp(z * found.deviation / sigma), z * found.rank_deviation
    edges = noise.edges(alpha / (detached.size + 1))
    lower = float(edges[0, 0]) if kind.sides == 2 else 0.0
    return result(
        task,
        Level(sigma, sigma / margin, sigma * margin, lower, float(edges[-1, 1])),
        spikes,
        Signal(kind.to_matrix(found.signal.points), found.signal.weights),
        Rank(found.rank, max(found.rank - reach, 0.0), min(found.rank + reach, size)),
        Assessment(
            assess_growing(kind, values, model, found, remark=task.remark),
            _status(found, detached.size, size),
        ),
        growing=True,
    )


def leave_one_out(
    task: Task, noise: NoiseIntervals, found: Deconvolution, spikes: AnyArray
) -> tuple[NoiseIntervals, AnyArray]:
    """Return the noise that doubtful spikes are left to, and which spikes stand against it.

    A spike in the law drives the noise away from itself. To ask whether a value is one, the law has
    to do without it: the weakest is asked first, against all but itself, and so on to the first
    that stands. The p-value of that one is put right in `spikes`.
    """
    kind, size, signal = task.kind, task.values.size, found.signal
    sure = np.ones(len(spikes), dtype=bool)
    for weakest in np.argsort(-spikes["p_value"], kind="stable"):
        if spikes["p_value"][weakest] < _BEYOND_DOUBT or not signal.points.size:
            break
        signal = signal.without(kind.to_law(float(spikes["theta"][weakest])))
        model = kind.model(signal, found.sigma)
        without = noise_intervals(kind, model, found.signal.base, size)
        p_value = float(without.p_values(spikes["observed"][[weakest]])[0])
        if p_value * sure.sum() <= task.asked.alpha:
            spikes["p_value"][weakest] = p_value
            break
        noise, sure[weakest] = without, False
    return noise, sure


def _status(found: Deconvolution, rank: int, size: int) -> Status:
    if 2 * rank > size:
        message = (
            f"{rank} of {size} values lie beyond the noise: too few are left to be a bulk of noise."
        )
        return Status(False, found.change, found.steps, message)
    if not found.converged:
        message = (
            f"The noise level still moved by {found.change:.1e} of itself "
            f"after {found.steps} steps."
        )
        return Status(False, found.change, found.steps, message)
    message = "Noise level and spectrum of the signal agree with each other."
    return Status(True, found.change, found.steps, message)
