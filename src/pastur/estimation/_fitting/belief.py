"""Whether a fit that claims a law of noise is believed, where that law was not asked for."""

from dataclasses import replace

from pastur._format import number
from pastur.estimation._fitting.task import Found
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.verdict import Verdict

# Beyond this fourth cumulant the edge of noise is not where the law says: of matrices of 200 × 400
# a third have false spikes at 12, four of five zeros.
_CUMULANT = 4.0


def doubt(found: Found, cumulant: float, *, crowded: bool = False) -> Goodness | None:
    """Return the goodness of a fit whose law is not believed; None where it is.

    `cumulant` is the fourth of the entries of its noise; `crowded` says whether so many spikes are
    close to the threshold that others may lie below it.
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
    open_below = found.sigma_interval is not None and found.sigma_interval[0] == 0.0
    if crowded or (found.growing and open_below):
        reason = f"{goodness.reason} {Verdict.BROAD.meaning}"
        return replace(goodness, verdict=Verdict.BROAD, reason=reason)
    return None
