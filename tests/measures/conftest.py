"""One table of awkward measures; every law runs on all of it. A new measure is one line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pastur.measures import (
    Atoms,
    Density,
    Empirical,
    GridDensity,
    MarchenkoPastur,
    Measure,
    ProbabilityMeasure,
    Semicircle,
    TracyWidom,
    Uniform,
)

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(120)


@dataclass(frozen=True)
class Example:
    """A measure, with the points between which its density is analytic."""

    name: str
    measure: Measure
    breaks: tuple[float, ...]

    @property
    def probability(self) -> ProbabilityMeasure:
        """The measure, of which the table says that it is one of probability."""
        assert isinstance(self.measure, ProbabilityMeasure)
        return self.measure

    @property
    def scale(self) -> float:
        """Length that the measure lives on: tolerances are fractions of it or of its inverse."""
        reach = float(np.max(np.abs(self.bounds)))
        return reach if reach > 0 else 1.0

    @property
    def bounds(self) -> np.ndarray:
        """The support, cut where the table says that no mass is left."""
        support = self.measure.support
        if np.isfinite(support).all():
            return support
        return np.clip(support, self.breaks[0], self.breaks[-1])

    @property
    def stated_error(self) -> float:
        """Absolute error that the measure states for its transforms; 0 for closed forms."""
        return 0.0 if np.isfinite(self.measure.support).all() else 1e-14

    @property
    def pieces(self) -> np.ndarray:
        """Intervals on which the density is analytic, shape (k, 2)."""
        return np.array([self.breaks[:-1], self.breaks[1:]]).T.reshape(-1, 2)

    def interior(self) -> np.ndarray:
        """Points inside the pieces, away from edges and atoms."""
        low, high = self.pieces[:, :1], self.pieces[:, 1:]
        result: np.ndarray = (low + (high - low) * np.array([0.07, 0.31, 0.5, 0.77, 0.94])).ravel()
        return result

    def outside(self) -> np.ndarray:
        """Real points off the support: beyond both ends and in the middle of the widest gap."""
        support = self.measure.support
        if not np.isfinite(support).all():
            return np.empty(0)
        points = [support[0, 0] - 0.03 * self.scale, support[-1, 1] + 0.4 * self.scale]
        if len(support) > 1:
            widest = np.argmax(support[1:, 0] - support[:-1, 1])
            points.append((support[widest, 1] + support[widest + 1, 0]) / 2)
        return np.array(points)

    def plane(self) -> np.ndarray:
        """Complex points, near and far, in both half-planes."""
        real = np.array([-2.1, -0.4, 0.03, 0.6, 5.0, 1e4])
        return self.scale * np.concatenate([real + 0.2j, real + 3j, real - 0.5j, [1e4j]])

    def integral(self, f: Callable[[np.ndarray], np.ndarray], upto: float = np.inf) -> Any:
        """∫ f dτ over (−∞, upto], by Gauss–Legendre nodes that crowd at the ends of each piece."""
        atoms = self.measure.atoms[self.measure.atoms[:, 0] <= upto]
        total = f(atoms[:, 0]) @ atoms[:, 1]
        for low, high in self.pieces:
            if low < upto:
                t, weights = _nodes(low, min(high, upto))
                total = total + f(t) @ (weights * self.measure.density(t))
        return total


def _nodes(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    # t = low + length·sin²φ makes roots, and inverse roots, at both ends analytic.
    phi, half = (1 + _NODES) * np.pi / 4, np.pi / 4
    t = low + (high - low) * np.sin(phi) ** 2
    return t, _WEIGHTS * half * (high - low) * np.sin(2 * phi)


def _ladder(low: float, high: float) -> list[float]:
    # √(x − low)/x bends at the scale of low, far below that of the interval.
    return [low, *np.geomspace(4 * low, 0.2, 8), high]


_ROUGH = np.random.default_rng(7).standard_normal(1000)
_TWO = 0.5 * Semicircle(0.3, -2.0) + 0.5 * Uniform(1.0, 3.0)
_OVERLAP = 0.25 * Atoms([0.0, 0.5]) + 0.75 * Semicircle(1.0)
_HARD = 0.3 * Uniform(-1.0, 1.0) + 0.7 * MarchenkoPastur(1.0, 1.0)
_ON_ATOM = 0.5 * MarchenkoPastur(4.0, 1.0) + 0.5 * Atoms([0.0, 1.7])
_NEARLY_SQUARE = MarchenkoPastur(0.9999, 1.0)
_CALLABLE = Density(lambda t: np.sqrt(4 - t**2) / (2 * np.pi), (-2, 2))
_INVERSE_ROOT = Density(lambda t: np.sqrt((4 - t) / t) / (2 * np.pi), (0, 4))
_TENT = Density(lambda t: 1 - abs(t), (-1, 1))
_SPLIT = Density(lambda t: 0.5 if t < 0 else 1.5 * (3 - t) * (t - 1) / 4, [(-2, -1), (1, 3)])
_LARGE = Density(lambda t: 1.5e-6 * (t / 1e6 - 1) * (3 - t / 1e6) / 2, (1e6, 3e6))
_GRID = GridDensity([-1, 0, 0.25, 1, 2, 2.5, 2.501], np.array([0.5, 1, 0, 0, 1, 0.5, 0]) / 1.75025)

_TABLE: list[tuple[str, Measure, list[float]]] = [
    ("one atom", Atoms([2.5]), []),
    ("atom at zero alone", Atoms([0.0]), []),
    ("two atoms", Atoms([1.5, -1.5], [0.3, 0.7]), []),
    ("atom at zero", Atoms([0.0, 4.0], [0.75, 0.25]), []),
    ("ties", Atoms([1.0, 2.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4]), []),
    ("thousand atoms", Atoms(_ROUGH), []),
    ("atoms far apart", Atoms([-1e6, 0.0, 1.0, 1e6], [0.2, 0.5, 0.2, 0.1]), []),
    ("tiny atom", Atoms([0.0, 1.0], [1 - 1e-9, 1e-9]), []),
    ("empirical with repeats", Empirical([3, 1, 1, -2, 3, 3, 0]), []),
    ("semicircle", Semicircle(1.0), [-2, 2]),
    ("tiny semicircle", Semicircle(1e-6, 3e-6), [1e-6, 5e-6]),
    ("large semicircle", Semicircle(1e6, -2e6), [-4e6, 0]),
    ("uniform", Uniform(-1.0, 3.0), [-1, 3]),
    ("large uniform", Uniform(1e6, 3e6), [1e6, 3e6]),
    ("wide matrix", MarchenkoPastur(0.5, 1.0), [(1 - 0.5**0.5) ** 2, (1 + 0.5**0.5) ** 2]),
    ("very wide matrix", MarchenkoPastur(1e-4, 2.0), [4 * 0.99**2, 4 * 1.01**2]),
    ("square matrix", MarchenkoPastur(1.0, 1.5), [0, 9]),
    ("nearly square matrix", _NEARLY_SQUARE, _ladder(*_NEARLY_SQUARE.support[0])),
    ("tall matrix", MarchenkoPastur(4.0, 1.0), [1, 9]),
    ("very tall matrix", MarchenkoPastur(1e4, 0.1), [0.01 * 99**2, 0.01 * 101**2]),
    ("tiny noise", MarchenkoPastur(4.0, 1e-3), [1e-6, 9e-6]),
    ("mirrored square", MarchenkoPastur(1.0, 1.0).scale(-2.0).shift(0.3), [-7.7, 0.3]),
    ("mirrored tall", MarchenkoPastur(4.0, 1.0).shift(0.1).scale(-0.3), [-2.73, -0.33]),
    ("stretched tall", MarchenkoPastur(4.0, 1.0).scale(0.7).shift(-1.1), [-0.4, 5.2]),
    ("several intervals", _TWO, [-2.6, -1.4, 1, 3]),
    ("atoms in a density", _OVERLAP, [-2, 0, 0.5, 2]),
    ("mirrored mixture", _OVERLAP.scale(-0.3).shift(0.1), [-0.5, -0.05, 0.1, 0.7]),
    ("hard edge in a density", _HARD, [-1, 0, 1, 4]),
    ("atom on an atom", _ON_ATOM, [1, 1.7, 9]),
    ("touching supports", 0.5 * Uniform(0, 1) + 0.5 * Uniform(1, 3), [0, 1, 3]),
    ("signed", 2 * Semicircle(1.0) - Uniform(-1.0, 1.0), [-2, -1, 1, 2]),
    ("signed, mass zero", MarchenkoPastur(4.0, 1.0) - Atoms([0.0, 20.0]), [1, 9]),
    ("signed, stretched", (3 * Uniform(0, 1) - 2 * Atoms([0.5])).scale(-4).shift(1), [-3, -1, 1]),
    ("callable", _CALLABLE, [-2, 2]),
    ("inverse root", _INVERSE_ROOT, [0, 4]),
    ("mirrored inverse root", _INVERSE_ROOT.scale(-2.0).shift(0.3), [-7.7, 0.3]),
    ("kink", _TENT, [-1, 0, 1]),
    ("callable on two intervals", _SPLIT, [-2, -1, 1, 3]),
    ("large callable", _LARGE, [1e6, 3e6]),
    ("grid", _GRID, [-1, 0, 0.25, 1, 2, 2.5, 2.501]),
    ("mirrored grid", _GRID.scale(-0.5).shift(1.0), [-0.2505, -0.25, 0, 0.5, 0.875, 1, 1.5]),
    ("callable on a grid", 0.5 * _TENT + 0.5 * _GRID, [-1, 0, 0.25, 1, 2, 2.5, 2.501]),
    ("Tracy–Widom", TracyWidom(1), [-16, -6, -1, 4, 26]),
    ("lowest eigenvalue", TracyWidom(2).scale(-0.1).shift(-2.0), [-3, -2.4, -1.9, -0.7]),
    ("spike and edge", 0.1 * Atoms([3.0]) + 0.9 * TracyWidom(2), [-13, -5, -1, 3, 13]),
    ("multiple", 1e-3 * Semicircle(1.0), [-2, 2]),
]

EXAMPLES = [Example(name, measure, tuple(map(float, b))) for name, measure, b in _TABLE]
LAWS = [e for e in EXAMPLES if isinstance(e.measure, ProbabilityMeasure)]


@pytest.fixture(params=EXAMPLES, ids=lambda e: e.name)
def example(request: pytest.FixtureRequest) -> Example:
    """Every measure of the table."""
    result: Example = request.param
    return result


@pytest.fixture(params=LAWS, ids=lambda e: e.name)
def law(request: pytest.FixtureRequest) -> Example:
    """The probability measures of the table."""
    result: Example = request.param
    return result
