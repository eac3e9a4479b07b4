"""Which noise a fit rests on: the one asked for, or with "auto" the first that can be believed."""

from dataclasses import replace

from pastur._checks import one_of
from pastur._errors import InvalidInputError
from pastur.estimation._fitting.fitting import fit
from pastur.estimation._fitting.profile import fit_profile
from pastur.estimation._fitting.task import Found, Task, result_without_law
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._observed.spectrum import Settings, Spectrum
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._result.verdict import Verdict

AUTO = "auto"
NOISES = (*map(str, NoiseName), AUTO)
_BROAD = "noise and signal cannot be told apart from this matrix alone"
# So many directions of signal within the noise are few: more leave its level open.
_FEW_WEAK = 5


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
    if asked.noise == NoiseName.WHITE:
        return fit(spectrum, kind, asked)
    if asked.noise == NoiseName.FREE:
        untested = Goodness(None, None, Verdict.NO_LAW, "No law of noise was asked for.")
        return result_without_law(task, untested, "as asked for", None)
    if asked.noise == NoiseName.PROFILE:
        return fit_profile(task, "as asked for")
    white = fit(spectrum, kind, asked)
    goodness = _without_belief(white)
    if goodness is None:
        return white
    reason = goodness.verdict.meaning.rstrip(".")
    return result_without_law(task, goodness, reason[0].lower() + reason[1:], white)


def _without_belief(white: Found) -> Goodness | None:
    """Return the goodness of a fit of white noise that is not believed; None where it is."""
    goodness = white.goodness
    if goodness.verdict not in (Verdict.NOISE, Verdict.NO_NOISE, Verdict.TOO_SMALL):
        return goodness
    if white.growing and white.signal_rank - white.rank > _FEW_WEAK:
        return replace(goodness, verdict=Verdict.BROAD, reason=f"{goodness.reason} {_BROAD}.")
    return None
