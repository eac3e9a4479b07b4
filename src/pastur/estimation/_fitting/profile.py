"""Noise with a variance for each row and column: the matrix is fitted as they scale it."""

from dataclasses import replace
from math import exp, hypot, log
from typing import NamedTuple

import numpy as np

from pastur._errors import InvalidInputError
from pastur._format import percent
from pastur._typing import FloatArray
from pastur.estimation._fitting.fitting import fit
from pastur.estimation._fitting.task import Found, Task
from pastur.estimation._observed.entries import EntryDiagnosis, diagnose_entries
from pastur.estimation._observed.spectrum import Spectrum
from pastur.estimation._profile.estimate import ProfileEstimate, estimate_profile
from pastur.estimation._profile.rest import rest_of
from pastur.estimation._result.noise_used import NoiseName, NoiseUsed
from pastur.estimation._result.profile import Profile
from pastur.estimation._result.status import Status
from pastur.estimation._whitened.table import mapped_table
from pastur.estimation._whitened.variances import Variances

_ASSUMED = "the noise is independent, its variances a product of one for the row and one for the"
_KNOWN = f"{_ASSUMED} column, as given"
_ESTIMATED = (
    f"{_ASSUMED} column, and that structure in a single row or column is variance, not signal"
)
# From this share on a row or column is rather signal than noise.
_SHARED = 0.5


class ProfileFit(NamedTuple):
    """A fit with a profile, and the fourth cumulant of the entries of its scaled noise."""

    found: Found
    cumulant: float


def profile_estimate(task: Task, *, again: bool = True) -> ProfileEstimate:
    """Return the variances of rows and columns, estimated from the matrix itself."""
    return estimate_profile(_checked(task), symmetric=not task.kind.squared, again=again)


def fit_profile(task: Task, reason: str, estimate: ProfileEstimate | None = None) -> ProfileFit:
    """Return the fit with variances of rows and columns: given, or estimated here or before.

    Raises
    ------
    InvalidInputError
        Where the matrix itself is not given, or the law of the signal's bulk is.
    """
    w, given = _checked(task), task.asked.variances
    if task.spectrum.noise_free:
        return ProfileFit(_without_noise(task, reason), 0.0)
    if given is not None:
        variances = _of_filled(given, w)
    else:
        estimate = estimate or profile_estimate(task)
        variances = estimate.variances
    white = variances.whitened(w)
    factors = task.kind.factors(white)
    values = factors.values[np.argsort(-np.abs(factors.values), kind="stable")]
    rest = rest_of(white, factors, task.kind, task.asked.alpha)
    diagnosis = diagnose_entries(*rest, sides=False)
    spectrum = _whitened(task.spectrum, white, values, diagnosis)
    found = fit(Task(spectrum, task.kind, task.asked))
    if found.sigma == 0.0:
        return ProfileFit(_without_noise(task, reason), 0.0)
    level = found.sigma * task.share
    spikes = mapped_table(found.spikes, task.kind, level, factors, variances, z=task.z)
    if estimate is not None:
        found = replace(
            found,
            sigma_interval=_wider(found, variances, task.z),
            status=_joined(estimate.status, found.status),
        )
    found = replace(
        found,
        spikes=spikes,
        leading=task.leading,
        profile=Profile(variances.rows, variances.columns, given is not None, found.spikes, values),
        noise=_used(estimate, reason),
    )
    return ProfileFit(found, diagnosis.cumulant)


def _checked(task: Task) -> FloatArray:
    if task.asked.bulk is not None:
        raise InvalidInputError(
            '`bulk` does not go with `noise="profile"`: scaling rows and columns would change it.'
        )
    if task.spectrum.matrix is None:
        raise InvalidInputError(
            '`noise="profile"` needs the matrix itself: its spectrum does not show variances of '
            "rows and columns."
        )
    return np.asarray(task.spectrum.matrix, dtype=np.float64)


def _without_noise(task: Task, reason: str) -> Found:
    """Return the fit of a matrix of low rank to rounding, whose noise has no variances."""
    ones = Variances(*(np.ones(side) for side in task.spectrum.shape))
    found = fit(task)
    given = task.asked.variances is not None
    values = task.values * task.spectrum.unit
    profile = Profile(ones.rows, ones.columns, given, found.spikes, values)
    return replace(found, profile=profile, noise=_used(None, reason))


def _of_filled(given: Variances, w: FloatArray) -> Variances:
    """Return given variances with those of rows and columns of zeros left out."""
    filled = w.any(axis=1), w.any(axis=0)
    kept = (np.where(there, d, 0.0) for d, there in zip(given, filled, strict=True))
    return Variances(*(d * (np.count_nonzero(d) / d.sum()) for d in kept))


def _whitened(
    spectrum: Spectrum, white: FloatArray, values: FloatArray, diagnosis: EntryDiagnosis
) -> Spectrum:
    """Return the spectrum of the scaled matrix, with as many values left out."""
    unit = float(np.abs(values[0]))
    return replace(
        spectrum,
        values=values[: spectrum.values.size] / unit,
        unit=unit,
        diagnosis=diagnosis,
        matrix=white,
    )


def _wider(found: Found, variances: Variances, z: float) -> tuple[float, float]:
    """Return σ's interval with the error of the mean of the variances.

    The error of a row's is 2/m, relative, and those of large variance weigh more in the mean:
    ``Var log σ`` grows by ``(var D_r + var D_c)/2nm``.
    """
    low, high = found.sigma_interval
    if low == high:
        return low, high
    entries = np.count_nonzero(variances.rows) * np.count_nonzero(variances.columns)
    left = entries * (1 - found.rank / min(found.shape)) * (1 - found.rank / max(found.shape))
    spread = sum(float(d[d > 0].var()) for d in variances)
    error = z * float(np.sqrt(spread / (2 * left)))
    above = found.sigma * exp(hypot(log(high / found.sigma), error))
    # Where signal may lie within the noise there is no lower end.
    return (found.sigma / exp(hypot(log(found.sigma / low), error)) if low else low), above


def _joined(estimate: Status, white: Status) -> Status:
    """Return how both ended; the failure is said where one failed."""
    if not estimate.converged:
        return estimate
    return white


def _used(estimate: ProfileEstimate | None, reason: str) -> NoiseUsed:
    if estimate is not None and estimate.leverage > _SHARED:
        share = percent(estimate.leverage)
        reason = f"{reason}; up to {share} of a row or column lies in the signal, where the two "
        reason += "cannot be distinguished"
    return NoiseUsed(NoiseName.PROFILE, reason, _KNOWN if estimate is None else _ESTIMATED)
