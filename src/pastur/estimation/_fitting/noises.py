"""Which noise a fit rests on: the one asked for, or with "auto" the first that can be believed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pastur._checks import one_of
from pastur._errors import InvalidInputError
from pastur._numerics.leading import without_leading
from pastur._vocabulary import Word, table
from pastur.estimation._fitting.belief import doubt
from pastur.estimation._fitting.cumulant import noise_cumulant
from pastur.estimation._fitting.fitting import FEW, fit
from pastur.estimation._fitting.many import crowd_threshold
from pastur.estimation._fitting.profile import fit_profile, profile_estimate
from pastur.estimation._fitting.sentences import without_advice
from pastur.estimation._fitting.task import Found, Task, result_without_law
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._observed.entries import DIFFERING, diagnose_entries
from pastur.estimation._observed.spectrum import Settings, Spectrum
from pastur.estimation._profile.estimate import ProfileEstimate
from pastur.estimation._profile.rest import rest_of
from pastur.estimation._profile.screen import in_parts, profile_may_hold
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._result.verdict import Verdict

AUTO = "auto"
NOISES = (*map(str, NoiseName), AUTO)
# Of entries with a larger fourth cumulant spikes leave rows that differ more than chance explains.
_GAUSSIAN = 1.0


def checked_noise(noise: object, variances: object = None) -> str:
    """Return the name of a noise that can be asked for, with known variances or without.

    Raises
    ------
    InvalidInputError
        When it is not among `NOISES`, or not the one that has variances where they are given.
    """
    name = str(one_of("noise", noise, NOISES))
    if variances is not None and name != NoiseName.PROFILE:
        raise InvalidInputError(f'`variances` go with `noise="profile"`. Got noise={name!r}.')
    return name


def fit_with_noise(spectrum: Spectrum, kind: Kind, asked: Settings) -> Found:
    """Return the fit of a spectrum with the noise asked for."""
    task = Task(spectrum, kind, asked)
    return _believed(task) if asked.noise == AUTO else _FITS[NoiseName(asked.noise)](task)


def _without_law(task: Task) -> Found:
    untested = Goodness(None, None, Verdict.NO_LAW, "No law of noise was asked for.")
    return result_without_law(task, untested, "as asked for", None)


_FITS: Mapping[Word, Callable[[Task], Found]] = table(
    NoiseName,
    {
        NoiseName.WHITE: fit,
        NoiseName.PROFILE: lambda task: fit_profile(task, "as asked for").found,
        NoiseName.FREE: _without_law,
    },
)


def _believed(task: Task) -> Found:
    """Return the first fit whose law is believed, or what can be said without a law."""
    white = fit(task)
    cumulant = _cumulant(task, white)
    goodness = doubt(white, cumulant, crowded=_crowded(task, white))
    uneven = _uneven(task, white, cumulant)
    if goodness is None and not uneven:
        return white
    estimate = _profile_estimate(task) if uneven else None
    if estimate is not None and estimate.status.converged:
        reason = "scaled rows and columns follow the law of white noise"
        profile, cumulant = fit_profile(task, reason, estimate)
        of_profile = doubt(profile, cumulant)
        if of_profile is None and profile.status.converged:
            return _under_either(profile, white)
        goodness = goodness or of_profile
    goodness = goodness or _unequal(task, white.goodness)
    reason = goodness.verdict.meaning.rstrip(".")
    return result_without_law(task, without_advice(goodness), reason[0].lower() + reason[1:], white)


def _under_either(profile: Found, white: Found) -> Found:
    """Return the fit with a profile; σ's interval covers that of white noise where this holds too.

    Rows that differ may have noise or signal of more energy, and both are said to be weak.
    """
    if white.goodness.verdict != Verdict.NOISE:
        return profile
    (low, high), (least, most) = profile.sigma_interval, white.sigma_interval
    return replace(profile, sigma_interval=(min(low, least), max(high, most)))


def _cumulant(task: Task, white: Found) -> float:
    """Return the fourth cumulant of the entries of the noise of a white fit."""
    diagnosis, unit = task.spectrum.diagnosis, task.spectrum.unit
    if diagnosis is None or not white.sigma:
        return 0.0
    sigma = white.sigma / unit * task.share
    return noise_cumulant(task, diagnosis.cumulant, sigma, white.spikes["theta"] / unit)


def _crowded(task: Task, white: Found) -> bool:
    """Return whether spikes of a spectrum known in part crowd the threshold.

    Of a whole spectrum the deconvolution says so.
    """
    if task.spectrum.partial is None or not white.sigma or len(white.spikes) <= FEW:
        return False
    sigma = white.sigma * task.share
    return crowd_threshold(task.kind, white.spikes["theta"], sigma, len(white.spikes))


def _unequal(task: Task, goodness: Goodness) -> Goodness:
    """Return the goodness where variances differ a little, and scaling is of no help."""
    scaled = "does not bring the law of white noise"
    if task.spectrum.partial is not None:
        scaled = "is not tried on a spectrum that is known in part"
    reason = (
        "The mean squares of rows or of columns spread more than those of noise of one variance "
        f"would, and scaling them {scaled}. {goodness.reason}"
    )
    return replace(goodness, verdict=Verdict.UNEVEN, reason=reason)


def _profile_estimate(task: Task) -> ProfileEstimate | None:
    """Return variances of rows and columns, where they may explain the matrix.

    A signal that the first steps do not find has failed the question in a large one.
    """
    inner = task.spectrum.inner
    if inner is None or task.spectrum.partial is not None:
        return None
    if not profile_may_hold(inner, symmetric=not task.kind.squared):
        return None
    return profile_estimate(task, again=not in_parts(inner))


def _uneven(task: Task, white: Found, cumulant: float) -> bool:
    """Return whether the variances of rows or columns differ, and may be all that differs."""
    diagnosis, known = task.spectrum.diagnosis, task.asked.bulk is not None
    if diagnosis is None or not diagnosis.separable or task.spectrum.noise_free or known:
        return False
    if diagnosis.verdict is not None:
        return diagnosis.verdict == Verdict.UNEVEN
    return diagnosis.differing > DIFFERING or _rest_uneven(task, white, cumulant)


def _rest_uneven(task: Task, white: Found, cumulant: float) -> bool:
    """Return whether variances differ once the spikes are taken out, which hide it.

    Asked only where the law of white noise is followed. What spikes leave of entries with a fourth
    cumulant has not the spread of the sums that independent entries have.
    """
    followed = white.goodness.verdict in (Verdict.NOISE, Verdict.BROAD)
    matrix = task.spectrum.matrix
    if not (followed and white.rank and matrix is not None and cumulant < _GAUSSIAN):
        return False
    if task.spectrum.partial is not None:
        rest, values = without_leading(matrix, white.rank).matrix, task.values[white.rank :]
        return diagnose_entries(rest, task.spectrum.unit * values).differing > DIFFERING
    w = np.asarray(matrix, dtype=np.float64) / task.spectrum.unit
    rest, values = rest_of(w, task.kind.factors(w), task.kind, task.asked.alpha)
    return diagnose_entries(rest, values).differing > DIFFERING
