"""Noise level and number of spikes, each from the other until both stay."""

from dataclasses import dataclass, field, replace
from math import exp, log

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind, Noise
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._low_rank.edge import Edges
from pastur.estimation._low_rank.noise_level import LevelRule, median_rule, noise_level
from pastur.estimation._result.status import Status

_TOLERANCE = 1e-9
_MOST_STEPS = 50
# Steps that shrink by less than this are not extrapolated.
_STEADY = 0.9
# The regression can come out at zero or below for spectra that are no noise, such as equal values.
_LEAST_SHARE = 1e-9


@dataclass(frozen=True, eq=False)
class Split:
    """A spectrum split into spikes and a bulk of noise.

    Attributes
    ----------
    sigma : float
        Noise level.
    spikes : array
        The values taken out, in descending distance from 0.
    strengths : array
        Their strengths a, see `count_shift`.
    bulk : array
        The others, descending, in the coordinate of the law (squared singular values,
        eigenvalues) and in units of σ.
    law : NoiseLaw
        Of the bulk.
    tested : array
        The σ with which each of the spikes was tested, the weakest with the larger of those of the
        hypotheses that it is one and that it is noise.
    """

    sigma: float
    spikes: FloatArray
    strengths: FloatArray
    bulk: FloatArray
    law: NoiseLaw
    tested: FloatArray = field(default_factory=lambda: np.empty(0))


def split_spectrum(
    values: FloatArray,
    kind: Kind,
    noise: Noise,
    edges: Edges,
    *,
    sigma: float | None,
    tolerance: float = _TOLERANCE,
    rule: LevelRule = noise_level,
) -> tuple[Split, Status]:
    """Return noise level, spikes and bulk of `values`, sorted by descending distance from 0.

    With `sigma` given only the count is found. Otherwise the median rule makes a first σ (it
    withstands spikes up to half of the values) and a first count; then σ is refined for that count,
    by `rule`, and the count taken again, until one comes back. From there the count is
    lowered while its last spike would not stand out of a bulk that includes it: so every spike is
    tested with the σ of the hypothesis that it is noise, and the next value stays within the edge
    of what the spikes leave.
    """
    distances = np.abs(values)
    if sigma is not None:
        count = edges.count(distances, sigma)
        overrun = count == edges.most and edges.overrun(distances, sigma)
        split = split_at(values, kind, noise, count, sigma)
        split = replace(split, tested=np.full(count, sigma))
        return split, _status(count, 0.0, 0, overrun)
    levels = _Levels(values, kind, noise, median_rule(distances, kind, noise), tolerance, rule)
    visited = [edges.count(distances, levels.first)]
    while visited[-1] not in visited[:-1]:
        visited.append(edges.count(distances, levels.at(visited[-1]).sigma))
    count = max(visited[visited.index(visited[-1]) :])
    while count and distances[count - 1] <= levels.at(count - 1).sigma * edges.edge[count - 1]:
        count -= 1
    level = levels.at(count)
    overrun = count == edges.most and edges.overrun(distances, level.sigma)
    status = _status(count, level.change, levels.steps, overrun)
    tested = np.full(count, level.sigma)
    if count:
        tested[-1] = max(level.sigma, levels.at(count - 1).sigma)
    split = split_at(values, kind, noise, count, level.sigma)
    return replace(split, tested=tested), status


def split_at(values: FloatArray, kind: Kind, noise: Noise, count: int, sigma: float) -> Split:
    """Return `values` split after the first `count`, at a given noise level."""
    law = noise.law(count)
    strengths, bulk = _parted(values, kind, law, count, sigma)
    return Split(sigma, values[:count], strengths, bulk, law)


def _parted(
    values: FloatArray, kind: Kind, law: NoiseLaw, count: int, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """Return the strengths of the first `count` values, and the others as `Split` has them."""
    reduced = kind.to_law(values / sigma)
    return law.strengths(reduced[:count]), np.sort(reduced[count:])[::-1]


@dataclass(frozen=True)
class _Level:
    """A noise level, and by how much of itself it moved at the last step."""

    sigma: float
    change: float


class _Levels:
    """The noise level for each count of spikes, refined once and remembered."""

    def __init__(
        self,
        values: FloatArray,
        kind: Kind,
        noise: Noise,
        first: float,
        tolerance: float,
        rule: LevelRule,
    ) -> None:
        self._values, self._kind, self._noise, self.first = values, kind, noise, first
        self._tolerance, self._rule = tolerance, rule
        self._last, self._known = first, dict[int, _Level]()
        self.steps = 0

    def at(self, count: int) -> _Level:
        """Return σ when `count` values are taken out."""
        if count not in self._known:
            self._known[count] = self._refined(count, self._last)
            self._last = self._known[count].sigma
        return self._known[count]

    def _refined(self, count: int, sigma: float) -> _Level:
        # σ enters its own estimate through the strengths of the spikes only: without spikes the
        # second step repeats the first. With them the steps shrink by a steady factor, which
        # Aitken's extrapolation takes out.
        change, before, law = np.inf, 0.0, self._noise.law(count)
        for _ in range(_MOST_STEPS):
            strengths, bulk = _parted(self._values, self._kind, law, count, sigma)
            level = self._rule(bulk, law, strengths)
            least = _LEAST_SHARE * float(max(bulk[0], -bulk[-1]))
            factor = float(self._kind.to_matrix(max(level, least)))
            change, step, self.steps = abs(factor - 1), log(factor), self.steps + 1
            shrinkage = step / before if before else 0.0
            if abs(shrinkage) < _STEADY:
                sigma *= exp(step / (1 - shrinkage))
                before = 0.0 if before else step
            else:
                sigma, before = sigma * factor, step
            if change <= self._tolerance:
                break
        return _Level(sigma, change)


def _status(count: int, change: float, steps: int, overrun: bool) -> Status:
    if overrun:
        message = (
            f"More than {count} values lie beyond the edge of the rest: too few are left to be "
            "a bulk of noise."
        )
        return Status(False, change, steps, message)
    if change > _TOLERANCE:
        message = f"The noise level still moved by {change:.1e} of itself after {steps} steps."
        return Status(False, change, steps, message)
    return Status(True, change, steps, "Noise level and number of spikes agree with each other.")
