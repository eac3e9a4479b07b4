"""The verdict on a bulk, in words."""

from dataclasses import replace

import numpy as np

from pastur._format import count, fraction, number, p_equals, percent
from pastur._numerics.kolmogorov import kolmogorov_tail
from pastur._typing import FloatArray
from pastur.estimation._deconvolution.descent import Deconvolution
from pastur.estimation._kinds.contract import Kind, Noise
from pastur.estimation._low_rank.modes import (
    Deviation,
    largest_deviation,
    mode_deviations,
    mode_p_value,
    step_gaps,
    without_cumulant,
)
from pastur.estimation._low_rank.permuted import EntryNoise
from pastur.estimation._low_rank.split import Split
from pastur.estimation._observed.entries import EntryDiagnosis
from pastur.estimation._result.goodness import LEAST_BULK, REJECTION, SMALL_DISTANCE, Goodness
from pastur.estimation._result.verdict import Verdict
from pastur.models import SpikedModel

_APPROXIMATE = (
    "The gap is small: take the noise level and the number of spikes as approximate; "
    "heavy-tailed entries or a crowd of weak spikes make such gaps."
)
_UNRELIABLE = "Do not rely on the number of spikes."


def assess(
    split: Split,
    kind: Kind,
    noise: Noise,
    *,
    sigma_known: bool,
    remark: str,
    unit: float,
    cumulant: float = 0.0,
    measured: EntryNoise | None = None,
) -> Goodness:
    """Return the goodness of fit of the bulk of `split`.

    Parameters
    ----------
    sigma_known : bool
        Whether σ was given, so that it is tested with the rest.
    remark : str
        What the reason adds, a sentence; see `left_out`.
    unit : float
        By which the values were divided before the fit: the reason quotes the values as given.
    cumulant : float
        Fourth cumulant of the entries, where it matters.
    measured : EntryNoise or None
        Noise of the entries at hand; None for the expansion in their fourth cumulant.
    """
    size = split.law.size
    deviation = largest_deviation(split.bulk, split.law)
    distance = deviation.distance
    if size < LEAST_BULK:
        reason = f"The bulk has {size} values; a law can be tested from {LEAST_BULK} on.{remark}"
        return Goodness(distance, None, Verdict.TOO_SMALL, reason)
    deviations = mode_deviations(split.bulk, split.law, split.strengths)
    level = noise.level_mode
    if measured is None or sigma_known:
        deviations = without_cumulant(deviations, level=level, cumulant=cumulant)
        p_value = mode_p_value(deviations, level=level, sigma_known=sigma_known)
    else:
        p_value = measured.mode_p_value(deviations, level=level)
    figures = f"distance {fraction(distance)}, {p_equals(p_value)}"
    if p_value >= REJECTION:
        reason = f"The {size} values of the bulk follow the law of noise: {figures}.{remark}"
        return Goodness(distance, p_value, Verdict.NOISE, reason)
    point = unit * split.sigma * float(kind.to_matrix(deviation.point))
    reason = (
        f"The {size} values of the bulk do not follow the law of noise: {figures}. "
        f"{_where(deviation, point)} {_advice(distance)}{remark}"
    )
    return Goodness(distance, p_value, Verdict.NOT_LAW, reason)


def assess_growing(
    kind: Kind,
    values: FloatArray,
    model: SpikedModel,
    found: Deconvolution,
    *,
    remark: str,
) -> Goodness:
    """Return the goodness of fit of a whole spectrum to a signal of any rank plus noise.

    The deconvolution sees the spectrum from above: where a law misses it as far as even independent
    values would not, that decides.
    """
    size = values.size
    distance = float(step_gaps(np.asarray(model.law.cdf(kind.to_law(np.sort(values))))).max())
    p_value = min(found.p_value, kolmogorov_tail(distance * size**0.5))
    figures = f"distance {fraction(distance)}, {p_equals(p_value)}"
    signal = f"noise and a signal of rank {found.rank:.0f}"
    if p_value >= REJECTION:
        reason = f"The {size} values follow the law of {signal}: {figures}.{remark}"
        return Goodness(distance, p_value, Verdict.NOISE, reason)
    reason = (
        f"The {size} values do not follow the law of noise and a signal of any spectrum: "
        f"{figures}. The nearest is {signal}. {_advice(distance)}{remark}"
    )
    return Goodness(distance, p_value, Verdict.NOT_LAW, reason)


def with_diagnosis(goodness: Goodness, diagnosis: EntryDiagnosis) -> Goodness:
    """Return the goodness with the verdict that the entries give."""
    assert diagnosis.verdict is not None
    reason = f"{diagnosis.reason} {goodness.reason}"
    return replace(goodness, verdict=diagnosis.verdict, reason=reason, entries=diagnosis.entries)


def without_advice(goodness: Goodness) -> Goodness:
    """Return the goodness without advice on figures, where none are given."""
    reason = goodness.reason
    for advice in (_APPROXIMATE, _UNRELIABLE):
        reason = reason.replace(f" {advice}", "")
    return replace(goodness, reason=reason)


def broad(goodness: Goodness) -> Goodness:
    """Return the goodness of a law whose signal lies within the noise to a good part."""
    if goodness.verdict != Verdict.NOISE:
        return goodness
    caveat = (
        "But so many directions of that signal do not stand out that noise of another law would "
        "look the same: noise and signal cannot be told apart from this matrix alone."
    )
    return replace(goodness, verdict=Verdict.BROAD, reason=f"{goodness.reason} {caveat}")


def from_spectrum(goodness: Goodness) -> Goodness:
    """Return the goodness of a signal of growing rank where the entries are not known."""
    if goodness.verdict not in (Verdict.NOISE, Verdict.BROAD):
        return goodness
    caveat = (
        "From the spectrum alone such a signal cannot be distinguished from rows or columns of "
        "different variances or from heavy tails: fit the matrix itself."
    )
    return replace(goodness, reason=f"{goodness.reason} {caveat}")


def without_noise(rank: int, size: int, remark: str) -> Goodness:
    """Return the goodness of fit of a matrix of low rank to rounding."""
    reason = (
        f"{size - rank} of {size} values are zero to rounding: the matrix has rank {rank} exactly, "
        f"and no noise.{remark}"
    )
    return Goodness(None, None, Verdict.NO_NOISE, reason)


def exact_as_well(goodness: Goodness, rank: int) -> Goodness:
    """Return the goodness of noise that fills less than half of the space."""
    addition = f"So the matrix has rank {rank} exactly as well."
    return replace(goodness, reason=f"{goodness.reason} {addition}")


def left_out(zero_sides: tuple[int, int], zeros: int) -> str:
    """Return the sentences, each after a space, that name what the fit left out.

    Parameters
    ----------
    zero_sides : pair of ints
        Rows and columns of zeros.
    zeros : int
        Values of the rest that are zero to rounding.
    """
    sides = " and ".join(
        count(left, name, f"{name}s")
        for left, name in zip(zero_sides, ("row", "column"), strict=True)
        if left
    )
    several = sum(zero_sides) > 1
    of_sides = f" {sides} of zeros {'were' if several else 'was'} left out." if sides else ""
    verb = "are" if zeros > 1 else "is"
    values = count(zeros, "value", "values")
    of_values = f" {values} {verb} zero to rounding and left out." if zeros else ""
    return of_sides + of_values


def _where(deviation: Deviation, point: float) -> str:
    more = "more" if deviation.excess else "fewer"
    share = percent(deviation.distance, digits=3)
    return (
        f"The largest gap is at {number(point)}: there, {share} {more} of the values are above "
        "than the law has."
    )


def _advice(distance: float) -> str:
    return _APPROXIMATE if distance <= SMALL_DISTANCE else _UNRELIABLE
