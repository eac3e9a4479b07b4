"""A spectrum of which only a part is known: few spikes and white noise, or no law at all."""

from dataclasses import replace
from math import exp

import numpy as np

from pastur._format import fraction, p_equals
from pastur.estimation._fitting.few import few_spikes
from pastur.estimation._fitting.sentences import with_diagnosis
from pastur.estimation._fitting.task import Assessment, Found, Rank, Task, result
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._low_rank.modes import largest_deviation
from pastur.estimation._low_rank.noise_level import level_by_sum
from pastur.estimation._low_rank.sampled_modes import SampledModes, sampled_modes
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._result.goodness import REJECTION, Goodness
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._result.verdict import Verdict


def fit_in_part(task: Task, partial: PartialSpectrum) -> Found:
    """Return the fit of a spectrum with few spikes, of which the known values are the candidates.

    σ comes from the sum of squares without the spikes. Signal hidden in the bulk is part of that,
    as far as the modes of the bulk leave it open: the lower end of σ's interval allows for it.
    """
    kind, values = task.kind, task.values
    edges = noise_edges(kind.noise, task.asked.alpha)
    candidates = min(partial.known, edges.most)
    edges = replace(
        edges,
        centring=edges.centring[: candidates + 1],
        scale=edges.scale[: candidates + 1],
        edge=edges.edge[: candidates + 1],
    )
    split, status = split_spectrum(
        values, kind, kind.noise, edges, sigma=task.sigma, rule=level_by_sum
    )
    modes = sampled_modes(split, partial, task.z, sigma_known=task.known)
    goodness = _assessed(task, split, modes, partial)
    diagnosis = task.spectrum.diagnosis
    if diagnosis is not None and diagnosis.verdict is not None:
        goodness = with_diagnosis(goodness, diagnosis)
    doubtful = not goodness.fits and not task.known
    at_most = task.guarantee if doubtful else None
    level, spikes = few_spikes(task, split, edges, bias=0.0, at_most=at_most, believed=not doubtful)
    if not task.known:
        sampled = exp(task.z * partial.energy_deviation / 2)
        low = level.low / sampled * exp(-modes.excess / 2)
        level = level._replace(low=low, high=level.high * sampled)
        for end in (level.low, level.high):
            at_end = replace(split, sigma=end)
            _, others = few_spikes(
                task, at_end, edges, bias=0.0, at_most=at_most, believed=not doubtful
            )
            spikes["low"] = np.fmin(spikes["low"], others["low"])
            spikes["high"] = np.fmax(spikes["high"], others["high"])
    if doubtful:
        level = task.up_to_guarantee(level)
    count = float(len(spikes))
    rank = Rank(count, count, min(count + modes.hidden, float(values.size)))
    signal = Signal(spikes["theta"], np.full(len(spikes), 1 / values.size))
    status = _status(status, len(spikes), candidates)
    return result(task, level, spikes, signal, rank, Assessment(goodness, status), growing=False)


def _assessed(task: Task, split: Split, modes: SampledModes, partial: PartialSpectrum) -> Goodness:
    distance = largest_deviation(split.bulk, split.law).distance
    figures = f"distance {fraction(distance)}, {p_equals(modes.p_value)}"
    sample = f"as far as {partial.vectors} random vectors show them"
    if modes.p_value >= REJECTION:
        reason = f"The values of the bulk, {sample}, follow the law of noise: {figures}."
        return Goodness(distance, modes.p_value, Verdict.NOISE, reason + task.remark)
    reason = f"The values of the bulk, {sample}, do not follow the law of noise: {figures}."
    return Goodness(distance, modes.p_value, Verdict.NOT_LAW, reason + task.remark)


def _status(status: Status, count: int, candidates: int) -> Status:
    if status.converged or count < candidates:
        return status
    message = f"More values lie beyond the edge than the {count} that are known one by one."
    return replace(status, message=message)
