"""The steps of a fit, in order: the spikes taken for few, else any signal by deconvolution."""

from dataclasses import replace
from math import exp
from typing import TypeGuard

import numpy as np

from pastur._errors import InvalidInputError
from pastur.estimation._deconvolution.descent import Deconvolution, deconvolve
from pastur.estimation._deconvolution.far import NEAR
from pastur.estimation._fitting.cumulant import level_z
from pastur.estimation._fitting.exact import fit_exact
from pastur.estimation._fitting.few import few_spikes
from pastur.estimation._fitting.in_part import fit_in_part
from pastur.estimation._fitting.many import fit_many, reaches_into_noise
from pastur.estimation._fitting.own_noise import (
    GAUSSIAN_ENTRIES,
    OwnNoise,
    level_bias,
    own_noise,
)
from pastur.estimation._fitting.sentences import (
    assess,
    exact_as_well,
    from_spectrum,
    with_diagnosis,
)
from pastur.estimation._fitting.tail import with_tail
from pastur.estimation._fitting.task import Assessment, Found, Level, Rank, Task, result
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._low_rank.noise_level import bias_by_hidden, noise_level_around
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._result.goodness import LEAST_BULK, REJECTION, Goodness
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.verdict import Verdict

# Up to so many spikes the edge is that of pure noise with a row and a column less for each.
FEW = 5
# With a crowd of spikes its own law is no better: the deconvolution is kept down to this p-value.
_HOPELESS = 1e-6


def fit(task: Task) -> Found:
    """Return the fit of a spectrum, to be named by its kind."""
    spectrum, asked = task.spectrum, task.asked
    if spectrum.partial is not None:
        exact = spectrum.noise_free and not spectrum.may_be_noise and asked.sigma is None
        return fit_exact(task) if exact else fit_in_part(task, spectrum.partial)
    if asked.bulk is not None:
        return _fit_next_to_bulk(task)
    if asked.sigma is not None or not spectrum.noise_free:
        return _fit_noise(task)
    if spectrum.may_be_noise:
        found = _fit_noise(task)
        if found.goodness.verdict == Verdict.NOISE and not found.growing:
            goodness = exact_as_well(found.goodness, spectrum.values.size)
            return replace(found, goodness=goodness)
        if found.goodness.verdict == Verdict.CORRELATED:
            # Repeated rows of noise have a rank of their own as well.
            return found
    return fit_exact(task)


def _fit_next_to_bulk(task: Task) -> Found:
    bulk, values, none = task.bulk, task.values, np.empty(0)
    assert bulk is not None
    start = task.sigma or noise_level_around(values, bulk)
    found = deconvolve(values, task.kind, start, none, base=bulk, known=task.known)
    if not _noise_found(found, task.spectrum.least_sigma):
        raise InvalidInputError(
            "The spectrum cannot be that of `bulk` plus noise: more than half of it would be "
            "spikes. Check the bulk and its units."
        )
    return fit_many(task, found)


def _fit_noise(task: Task) -> Found:
    """Return the fit of a spectrum whose signal has no known bulk.

    First the spikes are taken for few. Where they are not few, or the bulk they leave is no such
    noise, the spectrum of the signal is found by deconvolution.
    """
    kind, values, diagnosis = task.kind, task.values, task.spectrum.diagnosis
    noise = kind.noise
    edges = noise_edges(noise, task.asked.alpha)
    split, status = split_spectrum(values, kind, noise, edges, sigma=task.sigma)
    goodness = _assessed(task, split, GAUSSIAN_ENTRIES)
    own = own_noise(task, split, edges, rejected=_rejected(goodness))
    if own is not None:
        edges = noise_edges(noise, task.asked.alpha, own.edge)
        split, status = split_spectrum(values, kind, noise, edges, sigma=task.sigma)
        goodness = _assessed(task, split, own)
    rejected = _rejected(goodness)
    contradicted = diagnosis is not None and diagnosis.verdict is not None
    doubtful = (rejected or contradicted) and not task.known
    bias = level_bias(task, split, own)
    unsure = doubtful or task.uneven
    at_most = task.guarantee if unsure else None
    level, spikes = few_spikes(
        task, split, edges, bias=bias, at_most=at_most, believed=not doubtful
    )
    rank = Rank(float(len(spikes)), float(len(spikes)), float(values.size))
    found = None
    if diagnosis is not None and diagnosis.verdict is not None:
        # Such noise looks like a signal of high rank: no deconvolution.
        goodness = with_diagnosis(goodness, diagnosis)
    elif goodness.p_value is not None and (status.converged or _within_reach(task)):
        found = deconvolve(values, kind, split.sigma, spikes["theta"], base=None, known=task.known)
    if _noise_found(found, task.spectrum.least_sigma):
        many = _fit_many_if_better(task, found, goodness, len(spikes))
        if many is not None:
            return many
        spread = level_z(task, split.sigma, spikes["theta"])
        level, rank = _widened(task, split, level, rank, found, spread)
    elif len(spikes) > FEW:
        level = task.up_to_guarantee(level)
    level = with_tail(task, level, len(spikes))
    if unsure:
        level = task.up_to_guarantee(level)
    elif level.low == 0.0 and not task.known:
        _, spikes = few_spikes(task, split, edges, bias=bias, at_most=level.high, believed=True)
    signal = Signal(spikes["theta"], np.full(len(spikes), 1 / values.size))
    assessment = Assessment(goodness, status)
    return result(task, level, spikes, signal, rank, assessment, growing=False)


def _assessed(task: Task, split: Split, own: OwnNoise) -> Goodness:
    return assess(
        split,
        task.kind,
        task.kind.noise,
        sigma_known=task.known,
        remark=task.remark + own.remark,
        unit=task.spectrum.unit,
        cumulant=own.cumulant,
        measured=own.measured,
    )


def _rejected(goodness: Goodness) -> bool:
    return goodness.p_value is not None and goodness.p_value < REJECTION


def _within_reach(task: Task) -> bool:
    """Return whether noise of the σ given reaches a bulk of the values."""
    if task.sigma is None:
        return False
    near = np.abs(task.values) <= NEAR * task.sigma
    return int(np.count_nonzero(near)) >= LEAST_BULK


def _fit_many_if_better(
    task: Task, found: Deconvolution, goodness: Goodness, count: int
) -> Found | None:
    """Return the fit by deconvolution, where `count` spikes are not few or leave no noise."""
    crowded, misfit = count > FEW, _rejected(goodness)
    if not (crowded or misfit) or found.p_value < (_HOPELESS if crowded else REJECTION):
        return None
    many = fit_many(task, found)
    if not crowded and many.goodness.verdict not in (Verdict.NOISE, Verdict.BROAD):
        return None
    if task.spectrum.diagnosis is not None:
        return many
    return replace(many, goodness=from_spectrum(many.goodness))


def _widened(
    task: Task, split: Split, level: Level, rank: Rank, found: Deconvolution, spread: float
) -> tuple[Level, Rank]:
    """Return level and rank with intervals that allow for spikes too weak to be detached.

    As many as the rank's interval has may be in what was taken for noise, of the critical strength.
    `spread` is how many standard deviations σ's interval has.
    """
    weak = max(rank.rank, found.rank + task.z * found.rank_deviation)
    margin = exp(spread * found.deviation / found.sigma)
    if found.p_value >= REJECTION and not task.known:
        level = level._replace(at_most=found.sigma * margin)
    if rank.rank and not task.known:
        # With spikes σ is less certain than in pure noise, for which its interval is.
        margin = max(level.high / level.sigma, margin)
        level = level._replace(low=level.sigma / margin, high=level.sigma * margin)
    if not task.known:
        each = task.kind.relative_to_matrix(bias_by_hidden(split.law))
        level = level._replace(low=level.low * exp(-each * (weak - rank.rank)))
    if reaches_into_noise(task.kind, found, int(rank.rank)):
        level = task.up_to_guarantee(level)
    return level, rank._replace(high=weak)


def _noise_found(found: Deconvolution | None, least_sigma: float) -> TypeGuard[Deconvolution]:
    """Return whether a deconvolution has noise to speak of, of a level that it could find."""
    if found is None or found.leaves_no_noise:
        return False
    return found.sigma > max(least_sigma, found.deviation)
