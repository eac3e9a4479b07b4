"""Noise of the entries at hand, where their fourth cumulant decides what is a spike.

For entries that are nearly Gaussian, and where the spectrum decides clearly, the law of Gaussian
entries is as good and costs nothing: so permutations are the exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._format import number
from pastur._numerics.leading import without_leading
from pastur._numerics.scaling import largest_magnitude
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._fitting.task import Task
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._low_rank.edge import GAUSSIAN, Edges, edge_shift
from pastur.estimation._low_rank.edge_law import EdgeLaw, TracyWidomEdge
from pastur.estimation._low_rank.noise_level import relative_bias
from pastur.estimation._low_rank.permuted import EntryNoise, entry_noise
from pastur.estimation._low_rank.split import Split
from pastur.measures import TracyWidom

# Standard deviations of the fourth cumulant of Gaussian entries, √(24/entries), that are chance.
_SURE = 4.0
# A shift of the edge from which on it matters, over its scale: 0.05 makes 0.05 into 0.054.
_MATERIAL = 0.05
# Of a value that noise of Gaussian entries exceeds with a larger chance, or with several times
# alpha, noise is as good an explanation whatever the entries; with a smaller one, and beyond the
# shift by the cumulant and a half, none.
_NOISE, _TIMES, _SPIKE, _LEEWAY = 0.25, 3.0, 1e-4, 1.5
# Fourth cumulant from which on a bulk that is not that of Gaussian entries may be that of these.
_FAR = 3.0
# Of an outlier, which has at most the standard deviation σ/√m.
_DEVIATIONS = 4.0
# More spikes that are clear are left to the deconvolution.
_FEW = 5
# Permutations: so few where the p-value that they give is beyond alpha by a factor, else as many as
# work in multiplications allows, of about two seconds; they leave a spike's p-value too open.
_MOST, _FEWEST, _CLOSE, _WORK = 99, 29, 4.0, 2.5e10
# The seed of permutations has so many digits of the fourth moment.
_SEED_DIGITS = 1e7
# Of the noise of a row so much is left next to the signal that it is not enlarged further.
_LEAST_SEEN = 0.1
# A diagonal of larger squares than these, over those of other entries, has signal.
_MOST_DIAGONAL = 3.0
# Standard deviations of the mean square of a Gaussian diagonal that are chance: within them the fit
# is one of eigenvalues alone.
_CHANCE_DIAGONAL = 2.0
# Entries beyond this share of what is a spike of its own move the edge more than their cumulant.
_LARGE = 0.6


@dataclass(frozen=True, eq=False)
class OwnNoise:
    """The law of the edge of noise with the entries at hand, and the sentence on it.

    Attributes
    ----------
    cumulant : float
        Fourth cumulant of the entries.
    edge : EdgeLaw
    measured : EntryNoise or None
        From permutations; None where these cost too much and the cumulant alone decides.
    remark : str
        A sentence after a space.
    """

    cumulant: float
    edge: EdgeLaw
    measured: EntryNoise | None
    remark: str


GAUSSIAN_ENTRIES = OwnNoise(0.0, GAUSSIAN, None, "")


def own_noise(task: Task, split: Split, edges: Edges, *, rejected: bool) -> OwnNoise | None:
    """Return the noise of the entries, None where that of Gaussian ones decides as well.

    Parameters
    ----------
    rejected : bool
        Whether the bulk does not follow the law of Gaussian entries.
    """
    diagnosis, matrix = task.spectrum.diagnosis, task.spectrum.matrix
    if matrix is None or diagnosis is None or diagnosis.verdict is not None:
        return None
    distances = np.abs(task.values)[: min(_FEW + 1, edges.most)]
    reduced = edges.reduced(distances, split.sigma)
    shift = edge_shift(task.kind, diagnosis.excess)
    # Up to there the modes of Gaussian entries allow for it.
    rejected = rejected and diagnosis.excess > _FAR
    largest = largest_magnitude(matrix) / task.spectrum.unit
    clear = _clear(reduced, _limit(task, split, edges, shift, largest))
    if clear == reduced.size:
        return None
    if clear == 0 and not _material(task.kind, diagnosis.excess):
        return None
    if not rejected and reduced[clear] <= _noise_up_to(edges, task.asked.alpha) + min(shift, 0.0):
        return None
    rest = _rest(task, matrix, clear)
    excess, kind = _excess(rest), task.kind.of_shape(rest.shape)
    if not _material(kind, excess):
        return None
    chance = task.asked.alpha / (clear + 1) / edges.sides

    def decided(measured: EntryNoise) -> bool:
        """Return whether a few permutations show that it is noise."""
        p_value = float(measured.edge.sf(reduced[clear]))
        return not rejected and p_value > chance * _CLOSE

    return _of_rest(rest, kind, excess, decided)


def _clear(reduced: FloatArray, limit: float) -> int:
    """Return how many of the leading values are beyond what noise reaches whatever the entries."""
    within = np.flatnonzero(reduced <= limit)
    return int(within[0]) if within.size else reduced.size


def _limit(task: Task, split: Split, edges: Edges, shift: float, largest: float) -> float:
    """Return the reduced value that noise does not reach, whatever the other entries.

    The largest of them acts like a spike of its size, in one row and one column.
    """
    kind, law, sigma = task.kind, split.law, split.sigma
    surely = float(TracyWidom(1).upper_quantile(_SPIKE)) + _LEEWAY * max(shift, 0.0)
    strength = float(kind.to_law(largest / sigma)) / (law.half_width / 2)
    if strength <= 1:
        return surely
    outlier = float(kind.to_matrix(law.center + law.half_width * (strength + 1 / strength) / 2))
    reach = sigma * (outlier + _DEVIATIONS / kind.side**0.5)
    return max(surely, float(edges.reduced(np.array([reach]), sigma)[0]))


def _noise_up_to(edges: Edges, alpha: float) -> float:
    """Return up to which reduced value noise explains it, whatever the entries."""
    chance = max(_NOISE, _TIMES * alpha) / edges.sides
    return float(TracyWidom(1).upper_quantile(chance)) if chance < 1 else -np.inf


def _material(kind: Kind, cumulant: float) -> bool:
    by_chance = _SURE * (24 / (kind.size * kind.side)) ** 0.5
    return abs(cumulant) > by_chance and abs(edge_shift(kind, cumulant)) > _MATERIAL


def _rest(task: Task, matrix: AnyArray, removed: int) -> FloatArray:
    """Return the entries, in the spectrum's unit, without zero sides and leading directions.

    Never taller than wide, so that a matrix and its transpose are one to the digit.
    What is left of an entry next to these is smaller than it was, by the root of (1 − h)(1 − g)
    with h and g the shares of its row and of its column that lie in them.
    """
    filled = matrix.any(axis=1), matrix.any(axis=0)
    if task.kind.sides == 2:
        filled = (filled[0] | filled[1],) * 2
    inner = np.asarray(matrix[np.ix_(*filled)], dtype=np.float64) / task.spectrum.unit
    inner = inner if inner.shape[0] <= inner.shape[1] else inner.T
    if not removed:
        return inner
    found = without_leading(inner, removed)
    rows, columns = (1 - np.sum(basis**2, axis=1) for basis in (found.left, found.right))
    seen = np.multiply.outer(np.maximum(rows, _LEAST_SEEN), np.maximum(columns, _LEAST_SEEN))
    return np.asarray(found.matrix / np.sqrt(seen))


def _excess(entries: FloatArray) -> float:
    squares = entries**2
    return float((squares**2).mean() / squares.mean() ** 2 - 3)


def _of_rest(
    rest: FloatArray, kind: Kind, excess: float, decided: Callable[[EntryNoise], bool]
) -> OwnNoise:
    cost = kind.size**2 * (kind.side + 4 * kind.size)
    most = int(min(_WORK / cost, _MOST))
    cumulant = f" The fourth cumulant of the entries is about {number(excess)}"
    if most >= _FEWEST:
        measured = entry_noise(rest, kind, most, _FEWEST, decided, seed=_seed(excess))
        remark = f"{cumulant}: the edge is that of {len(measured.modes)} permutations of them."
        return OwnNoise(excess, measured.edge, measured, remark)
    remark = f"{cumulant}, and the edge is moved by it."
    critical = float(np.sqrt(np.mean(rest**2))) * (kind.size * kind.side) ** 0.25
    if np.abs(rest).max() > _LARGE * critical:
        remark += " Single entries are so large that alpha holds only roughly."
    return OwnNoise(excess, TracyWidomEdge(edge_shift(kind, excess)), None, remark)


def _seed(excess: float) -> int:
    """Return a seed that follows from the entries in any order and unit.

    With one for all, matrices of a shape would share the luck of a few permutations.
    """
    return round(_SEED_DIGITS * (excess + 3))


def level_bias(task: Task, split: Split, own: OwnNoise | None) -> float:
    """Return by how much of itself the entries move the estimate of σ.

    Their fourth cumulant κ₄ moves the mean of the mode of twice that of σ, by κ₄; of a symmetric
    matrix the diagonal moves that of σ's by v − 2, v its mean square over that of the others, where
    Gaussian noise in no special direction has 2. What may be chance moves nothing.
    """
    kind, diagnosis, matrix = task.kind, task.spectrum.diagnosis, task.spectrum.matrix
    if matrix is None or diagnosis is None or diagnosis.verdict is not None or task.known:
        return 0.0
    cumulant = 0.0
    if own is not None:
        cumulant = own.cumulant
    elif not split.spikes.size and _material(kind, diagnosis.excess):
        # With spikes it is that of the noise only if these were taken out.
        cumulant = diagnosis.excess
    level = kind.noise.level_mode
    bias = relative_bias(split.law, 2 * level, cumulant)
    if kind.sides == 2:
        inside = np.diagonal(matrix)[matrix.any(axis=1)]
        square = np.square(inside / task.spectrum.unit).mean() * kind.side
        beyond = min(float(square) / split.sigma**2, _MOST_DIAGONAL) - 2
        if abs(beyond) > _CHANCE_DIAGONAL * 2 * (2 / inside.size) ** 0.5:
            bias += relative_bias(split.law, level, beyond)
    return kind.relative_to_matrix(bias)
