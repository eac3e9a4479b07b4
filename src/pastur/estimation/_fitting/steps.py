"""The steps that both models share, on a spectrum of order one."""

from dataclasses import dataclass, replace
from math import exp
from statistics import NormalDist
from typing import TypeGuard

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._deconvolution.descent import Deconvolution, deconvolve
from pastur.estimation._fitting.sentences import (
    assess,
    assess_growing,
    from_spectrum,
    with_diagnosis,
)
from pastur.estimation._kinds.noise_models import NoiseModel
from pastur.estimation._kinds.subordinate import Plane
from pastur.estimation._low_rank.edge import Edges, noise_edges, spike_p_values
from pastur.estimation._low_rank.noise_level import noise_level_beside, relative_deviation
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._observed.entries import EntryDiagnosis
from pastur.estimation._result.goodness import REJECTION, Goodness
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._result.verdict import Verdict
from pastur.estimation._spikes.noise_intervals import NoiseIntervals, fitted_model, noise_intervals
from pastur.estimation._spikes.table import Scene, spike_table
from pastur.measures import ProbabilityMeasure

# Up to so many spikes the edge is that of pure noise with a row and a column less for each.
_FEW = 5
# With a crowd of spikes its own law is no better: the deconvolution is kept down to this p-value.
_HOPELESS = 1e-6
# A spike in the law makes its own p-value up to a hundred times too small; below this it is one.
_BEYOND_DOUBT = 1e-7


@dataclass(frozen=True, eq=False)
class SpectrumFit:
    """What a spectrum says, before names and units are put to it.

    Attributes
    ----------
    sigma : float
    sigma_interval, edges, signal_rank_interval : tuple of two floats
        `edges` are those of the noise, below and above.
    spikes : structured array
    signal : Signal
    signal_rank : float
        Mass of the signal's point masses, in values.
    growing : bool
        Whether `signal` was found by deconvolution; else it is the spikes.
    goodness : Goodness
    status : Status
    """

    sigma: float
    sigma_interval: tuple[float, float]
    edges: tuple[float, float]
    spikes: AnyArray
    signal: Signal
    signal_rank: float
    signal_rank_interval: tuple[float, float]
    growing: bool
    goodness: Goodness
    status: Status


def fit_spectrum(
    values: FloatArray,
    noise: NoiseModel,
    plane: Plane,
    *,
    sigma: float | None,
    alpha: float,
    base: ProbabilityMeasure | None,
    diagnosis: EntryDiagnosis | None,
    remark: str,
    unit: float,
    least_sigma: float,
) -> SpectrumFit:
    """Return the fit of `values`, sorted by descending distance from 0.

    `diagnosis` is that of the entries, None where only the spectrum is known; `remark` is what the
    reason of the verdict has to add. Below `least_sigma` noise is rounding.

    First the spikes are taken for few: the bulk is then noise with a row and a column less for each
    of them. Where they are not few, or the bulk they leave is no such noise, the spectrum of the
    signal is found by deconvolution, and the noise lies where the law of both says.
    """
    if base is not None:
        start = sigma or noise_level_beside(values, base)
        found = deconvolve(values, plane, start, np.empty(0), base=base, known=sigma is not None)
        if not _noise_found(found, least_sigma):
            raise InvalidInputError(
                "The spectrum cannot be that of `bulk` plus noise: more than half of it would be "
                "spikes. Check the bulk and its units."
            )
        return _many(values, plane, found, alpha, remark)
    edges = noise_edges(noise, alpha)
    split, status = split_spectrum(values, noise, edges, sigma=sigma)
    goodness = assess(split, noise, sigma_known=sigma is not None, remark=remark, unit=unit)
    few = _few(values, split, noise, plane, edges, alpha, sigma is not None, goodness, status)
    if diagnosis is not None and diagnosis.verdict is not None:
        # Such noise looks like a signal of high rank: no deconvolution.
        return replace(few, goodness=with_diagnosis(goodness, diagnosis))
    if goodness.p_value is None or not status.converged:
        return few
    found = deconvolve(
        values, plane, split.sigma, few.signal.points, base=None, known=sigma is not None
    )
    if not _noise_found(found, least_sigma):
        return few
    crowded, misfit = split.spikes.size > _FEW, goodness.p_value < REJECTION
    if found.p_value >= (_HOPELESS if crowded else REJECTION) and (crowded or misfit):
        many = _many(values, plane, found, alpha, remark)
        if crowded or many.goodness.verdict == Verdict.NOISE:
            return many if diagnosis else replace(many, goodness=from_spectrum(many.goodness))
    weak = found.rank + normal_quantile(alpha) * found.rank_deviation
    interval = (few.signal_rank, max(few.signal_rank, weak))
    low, high = few.sigma_interval
    if sigma is None and split.spikes.size:
        # Beside spikes σ is less certain than in pure noise, for which the split's interval is.
        margin = max(high / few.sigma, exp(normal_quantile(alpha) * found.deviation / found.sigma))
        low, high = few.sigma / margin, few.sigma * margin
    return replace(few, sigma_interval=(low, high), signal_rank_interval=interval)


def _noise_found(found: Deconvolution | None, least_sigma: float) -> TypeGuard[Deconvolution]:
    """Return whether a deconvolution has noise to speak of, of a level that it could find."""
    if found is None or found.swallowed:
        return False
    return found.sigma > max(least_sigma, found.deviation)


def _few(
    values: FloatArray,
    split: Split,
    noise: NoiseModel,
    plane: Plane,
    edges: Edges,
    alpha: float,
    known: bool,
    goodness: Goodness,
    status: Status,
) -> SpectrumFit:
    """Return the fit of a spectrum with few spikes, already split."""
    z, sigma, rank, power = normal_quantile(alpha), split.sigma, split.spikes.size, noise.power
    margin = 1.0 if known else exp(z * relative_deviation(split.law) / power)
    law, both = split.law, noise.sides == 2
    end = sigma * (law.center + law.half_width) ** (1 / power)
    critical = sigma * (law.half_width / 2) ** (1 / power)
    scene = Scene(
        values,
        sigma,
        plane,
        noise=np.array([[-end if both else -np.inf, end]]),
        critical=np.array([[-critical if both else -np.inf, critical]]),
    )
    p_values = spike_p_values(np.abs(split.spikes), sigma, edges)
    spikes = spike_table(scene, np.arange(rank), p_values, z=z)
    edge = sigma * float(edges.edge[rank])
    return SpectrumFit(
        sigma=sigma,
        sigma_interval=(sigma / margin, sigma * margin),
        edges=(-edge if both else 0.0, edge),
        spikes=spikes,
        signal=Signal(spikes["theta"] ** power, np.full(rank, 1 / values.size)),
        signal_rank=float(rank),
        signal_rank_interval=(float(rank), float(values.size)),
        growing=False,
        goodness=goodness,
        status=status,
    )


def _many(
    values: FloatArray,
    plane: Plane,
    found: Deconvolution,
    alpha: float,
    remark: str,
) -> SpectrumFit:
    """Return the fit of a spectrum whose signal was found by deconvolution."""
    z, sigma, size = normal_quantile(alpha), found.sigma, values.size
    model = fitted_model(plane, found.signal, sigma)
    noise = noise_intervals(model, found.signal.base, size)
    detached = noise.detached(values, alpha)
    scene = Scene(values, sigma, plane, noise=noise.ends, critical=noise.critical)
    spikes = spike_table(scene, detached, noise.p_values(values[detached]), z=z)
    noise, sure = _own_left_out(noise, plane, found, spikes, alpha, size)
    if not sure.all():
        detached = detached[sure]
        scene = Scene(values, sigma, plane, noise=noise.ends, critical=noise.critical)
        spikes = spike_table(scene, detached, spikes["p_value"][sure], z=z)
    margin = exp(z * found.deviation / sigma)
    reach = z * found.rank_deviation
    edges = noise.edges(alpha / (detached.size + 1))
    return SpectrumFit(
        sigma=sigma,
        sigma_interval=(sigma / margin, sigma * margin),
        edges=(0.0 if plane.power == 2 else float(edges[0, 0]), float(edges[-1, 1])),
        spikes=spikes,
        signal=found.signal,
        signal_rank=found.rank,
        signal_rank_interval=(max(found.rank - reach, 0.0), min(found.rank + reach, size)),
        growing=True,
        goodness=assess_growing(values, plane.power, model, found, remark=remark),
        status=_status(found, detached.size, size),
    )


def _own_left_out(
    noise: NoiseIntervals,
    plane: Plane,
    found: Deconvolution,
    spikes: AnyArray,
    alpha: float,
    size: int,
) -> tuple[NoiseIntervals, AnyArray]:
    """Return the noise that doubtful spikes are left to, and which spikes stand against it.

    A spike in the law drives the noise away from itself. To ask whether a value is one, the law has
    to do without it: the weakest is asked first, against all but itself, and so on to the first
    that stands.
    """
    signal, sure = found.signal, np.ones(len(spikes), dtype=bool)
    for weakest in np.argsort(-spikes["p_value"], kind="stable"):
        if spikes["p_value"][weakest] < _BEYOND_DOUBT or not signal.points.size:
            break
        theta = spikes["theta"][weakest]
        signal = signal.without(np.sign(theta) * np.abs(theta) ** plane.power)
        without = noise_intervals(fitted_model(plane, signal, found.sigma), found.signal.base, size)
        p_value = float(without.p_values(spikes["observed"][[weakest]])[0])
        if p_value * sure.sum() <= alpha:
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


def normal_quantile(alpha: float) -> float:
    """Return z such that a standard Gaussian lies within ±z with chance 1 − alpha."""
    return -NormalDist().inv_cdf(alpha / 2)
