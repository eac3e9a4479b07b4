"""Whether a fit that claims a law of noise is believed, where that law was not asked for."""

from dataclasses import replace

from pastur._format import number
from pastur.estimation._fitting.task import Found, Task
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.verdict import Verdict

# Beyond this fourth cumulant the edge of noise is not where the law says: of matrices of 200 × 400
# a third have false spikes at 12, four of five zeros.
_CUMULANT = 4.0
# With so many times the energy of the noise, the signal hides the noise's cumulant.
_DOMINANT = 4.0


def doubt(found: Found, cumulant: float) -> Goodness | None:
    """Return the goodness of a fit whose law is not believed; None where it is.

    `cumulant` is the fourth of the entries of its noise.
    """
    goodness = found.goodness
    if goodness.verdict not in (Verdict.NOISE, Verdict.NO_NOISE, Verdict.TOO_SMALL):
        return goodness
    if cumulant > _CUMULANT:
        reason = (
            f"The fourth cumulant of the entries is about {number(cumulant)}, where Gaussian "
            f"entries have 0: beyond {_CUMULANT:.0f} large entries move the edge of the noise. "
            f"{goodness.reason}"
        )
        return replace(goodness, verdict=Verdict.HEAVY_TAIL, reason=reason)
    if found.growing and found.sigma_interval is not None and found.sigma_interval[0] == 0.0:
        reason = f"{goodness.reason} {Verdict.BROAD.meaning}"
        return replace(goodness, verdict=Verdict.BROAD, reason=reason)
    return None


def noise_cumulant(found: Found, task: Task) -> float:
    """Return the fourth cumulant of the entries of the noise of a white fit.

    That of W is a mean of those of the noise, weighted with the square of its share of the energy,
    and of spikes in no special direction, 6 each.
    """
    diagnosis, values, unit = task.spectrum.diagnosis, task.values, task.spectrum.unit
    if diagnosis is None or not found.sigma:
        return 0.0
    energy = float(values @ values)
    share = values.size * (found.sigma / unit * task.share) ** 2 / energy
    if share * _DOMINANT < 1:
        return 0.0
    of_spikes = 6 * float(((found.spikes["theta"] / unit) ** 4).sum()) / energy**2
    return (diagnosis.cumulant - of_spikes) / share**2
