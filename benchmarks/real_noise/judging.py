"""What a fit says of one draw, judged by the truth."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit

# A fit is right where σ's interval holds and so many of those of its strengths.
LEAST_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a fit claims a law, and whether its figures hold where σ = 1."""

    noise: str
    verdict: str
    sigma: bool
    strengths: float

    @property
    def right(self) -> bool:
        """Whether nothing false is claimed."""
        return self.noise == "free" or (self.sigma and self.strengths >= LEAST_SHARE)


def judged(fit: RectangularFit, signal: FloatArray) -> Judgement:
    """Return what a fit claims of noise with σ = 1 and a signal of these singular values."""
    noise, verdict = str(fit.noise.name), str(fit.goodness.verdict)
    if fit.sigma is None:
        return Judgement(noise, verdict, False, 0.0)
    low, high = fit.sigma_interval
    hits = strengths_held(fit, signal)
    share = float(np.mean(hits)) if hits else 1.0
    return Judgement(noise, verdict, bool(low <= 1 <= high), share)


def strengths_held(fit: RectangularFit, signal: FloatArray) -> list[bool]:
    """Return whether each interval holds: of a lone spike its strength, of a group the rms."""
    spikes = fit.spikes
    true = np.zeros(len(spikes))
    # The strengths of a profile need not descend.
    order = np.argsort(-spikes["theta"])[: signal.size]
    true[order] = signal[: order.size]
    held = []
    for number in np.unique(spikes["group"]):
        members = spikes["group"] == number
        rms = float(np.sqrt(np.mean(true[members] ** 2)))
        first = spikes[members][0]
        held.append(bool(first["low"] <= rms <= first["high"]))
    return held
