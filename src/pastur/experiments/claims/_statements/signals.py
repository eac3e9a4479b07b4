"""Signals of growing rank: a bulk ν₀, and spikes at the quantiles of a law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pastur._typing import FloatArray
from pastur.ensembles import sample_goe
from pastur.experiments.claims._testing.claim import Setting
from pastur.measures import Atoms, Measure, ProbabilityMeasure, Semicircle, Uniform


@dataclass(frozen=True)
class GrowingSignal:
    """S with eigenvalues at quantiles: a bulk, and r spikes shared out to the parts of ν₁⁺.

    Attributes
    ----------
    bulk : ProbabilityMeasure
        ν₀.
    parts : tuple of (share, ProbabilityMeasure)
        The shares sum to 1; ν₁ = Σ share · part − ν₀.
    """

    bulk: ProbabilityMeasure
    parts: tuple[tuple[float, ProbabilityMeasure], ...]

    @cached_property
    def nu1(self) -> Measure:
        """The signed measure ν₁ of Assumption 3."""
        total: Measure = -1 * self.bulk
        for share, part in self.parts:
            total = total + share * part
        return total

    def spikes(self, rank: int) -> FloatArray:
        """Return r spikes, descending."""
        ends = np.rint(np.cumsum([0.0] + [share for share, _ in self.parts]) * rank).astype(int)
        counts = np.diff(ends)
        found = [
            np.asarray(part.quantile(levels(k)))
            for k, (_, part) in zip(counts, self.parts, strict=True)
            if k
        ]
        return np.sort(np.concatenate(found))[::-1]

    def eigenvalues(self, size: int, rank: int) -> FloatArray:
        """Return all N eigenvalues: the spikes first, then the bulk."""
        bulk = np.asarray(self.bulk.quantile(levels(size - rank)))
        return np.concatenate([self.spikes(rank), bulk])


def levels(count: int) -> FloatArray:
    """Return the middles of equal steps of probability."""
    return (np.arange(count) + 0.5) / count


def sampled_eigenvalues(signal: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the eigenvalues, ascending, of GOE noise of σ = 1 plus a diagonal signal."""
    w = sample_goe(signal.size, rng=rng)
    w[np.diag_indices(len(w))] += signal
    return np.asarray(np.linalg.eigvalsh(w), dtype=np.float64)


def rank_at(size: int, exponent: float) -> int:
    """Return r = N^exponent, even, so that equal shares are shares of whole spikes."""
    return 2 * max(1, round(float(size**exponent) / 2))


_POINT = Atoms([0.0])
_FAR_APART = Atoms([-2.5, 2.5])

# All for σ = 1, every spike supercritical.
SIGNALS = {
    "uniform": GrowingSignal(_POINT, ((1.0, Uniform(1.8, 3.0)),)),
    "two points": GrowingSignal(_POINT, ((0.5, Atoms([1.7])), (0.5, Atoms([2.6])))),
    "both sides": GrowingSignal(
        _POINT, ((0.5, Uniform(-3.0, -1.6)), (0.5, Semicircle(0.3, center=2.4)))
    ),
    "gap": GrowingSignal(_FAR_APART, ((0.5, Uniform(-0.5, 0.5)), (0.5, Uniform(4.2, 5.2)))),
}
# Sizes at which r = N^exponent is an even number, or nearly.
_QUICK = {0.3: (102, 392, 1024), 0.5: (100, 196, 400, 784), 0.7: (100, 196, 400, 784)}
_FULL = {
    0.3: (102, 392, 1024, 2154, 3952),
    0.5: (256, 484, 1024, 2116, 4096),
    0.7: (256, 500, 1000, 2000, 4000),
}
EXPONENTS = tuple(_QUICK)


def crowd_rate(shape: str, exponent: float) -> float:
    """Return the exponent of N in how far a crowd of r = N^exponent spikes pushes its members.

    Spread over an interval they move each other by r/N. On top of each other they repel until they
    fill √(r/N), like the eigenvalues of noise of their own.
    """
    return (exponent - 1) / 2 if shape == "two points" else exponent - 1


def growing(level: str, *, draws: int, most: int) -> list[Setting]:
    """Return the tasks for all shapes, exponents and sizes.

    `draws` is their number at N = 1000; it changes like N^(−3/2), so that no size takes much longer
    than the others, and stays within 6 and `most`.
    """
    shapes, plan = (tuple(SIGNALS), _FULL) if level == "full" else (("uniform", "gap"), _QUICK)
    return [
        {
            "size": n,
            "rank": rank_at(n, a),
            "exponent": a,
            "shape": shape,
            "draws": min(max(6, round(draws * (1000 / n) ** 1.5)), most),
        }
        for shape in shapes
        for a in EXPONENTS
        for n in plan[a]
    ]
