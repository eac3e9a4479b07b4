"""Quantiles of both models next to their outer edges, against 30 digits."""

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from pastur.measures import Atoms, Empirical, Uniform
from pastur.models import DeformedWigner, InformationPlusNoise
from pastur.models._subordination.law import SubordinatedLaw

LEVELS = [1e-6, 0.9e-7, 1e-10, 1e-13, 1e-15, 1e-16]
mpf = mpmath.mpf


def upper_root(coefficients: Sequence[Any]) -> Any:
    roots = mpmath.polyroots(coefficients, maxsteps=400, extraprec=400)
    return max(roots, key=lambda w: w.imag)


class Symmetric:
    """±a with noise σ: (w − x)(a² − w²) = σ²w."""

    a, sigma = mpf(1.5), mpf(0.8)
    law = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8).law

    def phi(self, w: Any) -> Any:
        return w - self.sigma**2 * w / (self.a**2 - w**2)

    def density(self, x: Any) -> Any:
        s, a = self.sigma**2, self.a**2
        w = upper_root([-1, x, a - s, -x * a])
        return (w / (a - w**2)).imag / mpmath.pi


class Rectangular:
    """One squared singular value h: z(h − w)² = w p² + σ²(1 − c) p (h − w), p = h − w − σ²c."""

    h, sigma, ratio = mpf(4), mpf(0.7), mpf(0.3)
    law = InformationPlusNoise(Atoms([4.0]), sigma=0.7, ratio=0.3).law

    def phi(self, w: Any) -> Any:
        q = 1 - self.sigma**2 * self.ratio / (self.h - w)
        return w * q**2 + self.sigma**2 * (1 - self.ratio) * q

    def density(self, x: Any) -> Any:
        h, s, c = self.h, self.sigma**2, self.ratio
        k, r = h - s * c, s * (1 - c)
        w = upper_root([1, -2 * k + r - x, k**2 - r * (k + h) + 2 * x * h, r * k * h - x * h**2])
        f = 1 / (h - w)
        return (f / (1 - s * c * f)).imag / mpmath.pi


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("case", [Symmetric(), Rectangular()], ids=lambda c: type(c).__name__)
def test_outer_edges(case: Rectangular | Symmetric, upper: bool) -> None:
    side = -1 if upper else 0
    with mpmath.workdps(30):
        law = case.law
        assert isinstance(law, SubordinatedLaw)
        start = float(law._map.critical[side, side])
        critical = mpmath.findroot(lambda w: mpmath.diff(case.phi, w), start)
        edge, sign = case.phi(critical), -1 if upper else 1
        for level in LEVELS:
            q = 1 - level if upper else level
            mass = 1 - mpf(q) if upper else mpf(q)
            y = sign * (mpf(float(case.law.quantile(q))) - edge)
            # The density over its root is smooth.
            nodes, weights = np.polynomial.legendre.leggauss(12)
            found = sum(
                mpf(w) * case.density(edge + sign * y * u**2) * y * u
                for u, w in (
                    (mpf((1 + node) / 2), w) for node, w in zip(nodes, weights, strict=True)
                )
            )
            assert abs(found - mass) <= mpf("1e-12") * case.density(
                edge + sign * (y + mpf("1e-12"))
            )
            assert abs(found - mass) <= mass


@pytest.mark.parametrize(
    "law",
    [
        Symmetric.law,
        Rectangular.law,
        DeformedWigner(Uniform(-1, 1), sigma=0.5).law,
        DeformedWigner(Uniform(-1, 1), sigma=0.05).law,  # log singular: nearly no room
        DeformedWigner(Empirical(np.linspace(-1, 1, 60)), sigma=1e-3).law,
        InformationPlusNoise(Uniform(0, 1), sigma=0.5, ratio=1.0).law,
        InformationPlusNoise(Atoms([0.0, 9.0]), sigma=0.3, ratio=0.99).law,
    ],
    ids=repr,
)
def test_quantiles_rise_through_the_change_of_formula(law: SubordinatedLaw) -> None:
    q = np.sort(np.concatenate([10.0 ** np.linspace(-17, -2, 80), 1 - 10.0 ** -np.arange(1, 17)]))
    found = law.quantile(np.concatenate([[0.0], q, [1.0]]))
    assert (np.diff(found) >= -1e-15 * np.abs(law.support).max()).all()
    assert found[[0, -1]].tolist() == law.support[[0, -1], [0, -1]].tolist()
    # A rounding of x moves the level by the density times it.
    moved = 1e-15 * np.abs(law.support).max() * law.density(found[1:-1])
    assert (np.abs(law.cdf(found[1:-1]) - q) <= 1e-13 + np.minimum(moved, 1e-10)).all()
