"""A signal of any rank, found by deconvolution: the noise lies where the law of both says."""

from dataclasses import replace
from math import exp

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._deconvolution.descent import Deconvolution
from pastur.estimation._fitting.cumulant import level_z
from pastur.estimation._fitting.sentences import assess_growing, broad
from pastur.estimation._fitting.tail import with_tail
from pastur.estimation._fitting.task import Assessment, Found, Level, Rank, Task, result
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.noise_end import noise_end
from pastur.estimation._result.goodness import REJECTION
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._spikes.noise_intervals import NoiseIntervals, noise_intervals
from pastur.estimation._spikes.table import Detection, SpikeContext, spike_table

# Spikes weaker than so many times the critical one are close to where none can be seen. Of a signal
# that falls off as 1/k a third of those above the critical one are so close, and those below move σ
# by several of its standard deviations though the spectrum follows the law. So at most so many are
# allowed, or such a share of those that are detached: of white noise with 10 to 60 spikes, all of
# 1.5 to 4 times the critical one, 96 % have no more; of a signal 10/k alone or with 40 spikes 6 %.
_CLOSE, _FEW_CLOSE, _SHARE_CLOSE = 1.45, 2.0, 0.05
# With such a share of all directions undetached, correlated noise would look the same.
_BROAD, _BROAD_KNOWN = 0.1, 0.9
# A spike in the law makes its own p-value up to a hundred times too small; below this it is one.
_BEYOND_DOUBT = 1e-7


def fit_many(task: Task, found: Deconvolution) -> Found:
    """Return the fit of a spectrum whose signal was found by deconvolution."""
    kind, values, alpha = task.kind, task.values, task.asked.alpha
    z, sigma, size = task.z, found.sigma, values.size
    model = kind.model(found.signal, sigma)
    noise = noise_intervals(kind, model, found.signal.base, size)
    detached = noise.detached(values, alpha)
    # In the order of the table.
    detached = detached[np.argsort(-values[detached], kind="stable")]
    context = SpikeContext(
        values,
        sigma,
        kind,
        noise.ends,
        noise.critical,
        noise.scale,
        0.0 if task.known else found.deviation / sigma,
        found.rank,
        base=found.signal.base,
    )
    spikes = spike_table(context, detached, _detection(task, noise, detached), z=z)
    noise, sure = leave_one_out(task, noise, found, spikes)
    detached, reach = detached[sure], z * found.rank_deviation
    least = min(float(detached.size), found.rank)
    rank = Rank(found.rank, max(found.rank - reach, least), min(found.rank + reach, size))
    level = _level(task, found, noise, spikes["theta"][sure])
    level = with_tail(task, level, detached.size, rank.high - detached.size)
    reaches = not task.known and reaches_into_noise(kind, found, detached.size)
    open_below = reaches or task.uneven
    if task.uneven:
        level = task.up_to_guarantee(level)
    elif reaches:
        level = task.from_zero(level)
    if open_below or not sure.all():
        most = level.high if open_below else None
        context = replace(
            context,
            noise=noise.ends,
            critical=noise.critical,
            scale=noise.scale,
            sigma_at_most=most,
        )
        limits = _detection(task, noise, detached).limits
        spikes = spike_table(context, detached, Detection(spikes["p_value"][sure], limits), z=z)
    goodness = assess_growing(kind, values, model, found, remark=task.remark)
    if _is_broad(task, found, detached.size):
        goodness = broad(goodness)
    return result(
        task,
        level,
        spikes,
        Signal(kind.to_matrix(found.signal.points), found.signal.weights),
        rank,
        Assessment(goodness, _status(found, detached.size, size)),
        growing=True,
    )


def _detection(task: Task, noise: NoiseIntervals, detached: AnyArray) -> Detection:
    values = task.values[detached]
    p_values = noise.p_values(values)
    return Detection(p_values, noise.limits(values, p_values, task.asked.alpha))


def _is_broad(task: Task, found: Deconvolution, detached: int) -> bool:
    """Return whether another noise without that signal would look the same."""
    size = task.values.size
    if task.bulk is not None:
        return False
    if task.known:
        # Any σ that is too small asks for a signal in nearly every direction.
        return found.rank > _BROAD_KNOWN * size
    return found.rank - detached > _BROAD * size


def reaches_into_noise(kind: Kind, found: Deconvolution, detached: int) -> bool:
    """Return whether the signal may go on below the critical spike, so that σ is at most known.

    Next to a bulk that was given, critical is what has not become detached.
    """
    if found.signal.base is not None:
        return _too_many(kind, found.rank - detached, detached)
    return crowd_threshold(kind, kind.to_matrix(found.signal.points), found.sigma, detached)


def crowd_threshold(kind: Kind, theta: FloatArray, sigma: float, detached: int) -> bool:
    """Return whether more spikes are close to the critical one than where a signal ends."""
    close = np.count_nonzero(np.abs(theta) < _CLOSE * kind.critical * sigma)
    return _too_many(kind, float(close), detached)


def _too_many(kind: Kind, close: float, detached: int) -> bool:
    return close > max(kind.sides * _FEW_CLOSE, _SHARE_CLOSE * detached)


def _level(task: Task, found: Deconvolution, noise: NoiseIntervals, theta: AnyArray) -> Level:
    """Return the noise level with its interval, and where noise ends, alone and with signal."""
    kind, alpha, sigma, rank = task.kind, task.asked.alpha, found.sigma, theta.size
    ends = noise.edges(alpha / (rank + 1))
    lower_bulk, bulk = (float(ends[0, 0]) if kind.sides == 2 else 0.0), float(ends[-1, 1])
    lower, edge = lower_bulk, bulk
    if found.signal.base is None:
        edge = sigma * noise_end(kind, min(rank, kind.size // 2), alpha)
        lower = -edge if kind.sides == 2 else 0.0
    margin = exp(level_z(task, sigma, theta) * found.deviation / sigma)
    high = sigma * margin
    at_most = high if found.p_value >= REJECTION and not task.known else None
    return Level(sigma, sigma / margin, high, lower, edge, lower_bulk, bulk, at_most)


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
    if 2 * rank > size and not found.known:
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
