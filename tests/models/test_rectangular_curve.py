"""What docs/rectangular-curve.md claims, on random laws H, with its integrals as plain sums."""

import numpy as np
import pytest

from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.measures import Atoms
from pastur.models import InformationPlusNoise

SEEDS = pytest.mark.parametrize("seed", range(32))


class Law:
    """A random H with its σ and c, and the quantities of the derivation as plain sums."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        k = int(rng.integers(1, 8))
        self.t = np.sort(rng.exponential(2.0, k) * (rng.random(k) < 0.8))
        self.p = rng.dirichlet(np.ones(k))
        self.p = self.p / self.p.sum()
        self.sigma = float(rng.uniform(0.2, 1.5))
        self.c = 1.0 if seed % 4 == 0 else float(rng.uniform(0.05, 1))
        self.rng = rng

    @property
    def model(self) -> InformationPlusNoise:
        return InformationPlusNoise(Atoms(self.t, self.p), self.sigma, self.c)

    def sums(self, w: AnyArray) -> tuple[FloatArray, FloatArray]:
        """F = ∫dH/|t − w|² and T = ∫t dH/|t − w|²."""
        weights = self.p / np.abs(self.t - w[:, None]) ** 2
        return weights.sum(axis=1), (weights * self.t).sum(axis=1)

    def k(self, w: ComplexArray) -> FloatArray:
        """cT + √((cF|w|)² + c(1 − c)F)."""
        f, t = self.sums(w)
        return self.c * t + np.sqrt((self.c * f * np.abs(w)) ** 2 + self.c * (1 - self.c) * f)

    def q(self, w: ComplexArray) -> ComplexArray:
        result: ComplexArray = 1 - self.sigma**2 * self.c * (self.p / (self.t - w[:, None])).sum(
            axis=1
        )
        return result

    def phi(self, w: ComplexArray) -> ComplexArray:
        q = self.q(w)
        return w * q**2 + self.sigma**2 * (1 - self.c) * q


@SEEDS
def test_the_identity_for_the_imaginary_part(seed: int) -> None:
    """Im Φ/Im w = (1 − sT)² − (sF|w|)² − σ⁴c(1 − c)F; sign of 1 − σ²k as long as sT < 1."""
    law = Law(seed)
    w = law.rng.uniform(-3, 10, 200) + 1j * law.rng.exponential(1, 200)
    f, t = law.sums(w)
    s = law.sigma**2 * law.c
    right = (1 - s * t) ** 2 - (s * f * np.abs(w)) ** 2 - law.sigma**2 * (1 - law.c) * s * f
    np.testing.assert_allclose(
        law.phi(w).imag / w.imag, right, rtol=1e-11, atol=1e-11 * np.max((s * t) ** 2 + 1)
    )
    usual = (s * t < 1) & (np.abs(right) > 1e-9)
    np.testing.assert_array_equal((right > 0)[usual], (law.sigma**2 * law.k(w) < 1)[usual])


@SEEDS
def test_the_determinant_of_the_covariance_is_a_quotient_of_differences(seed: int) -> None:
    """(z₁ − z₂)/(w₁ − w₂) = (1 − sT)² − s²w₁w₂F² − σ²(1 − c)sF, of two points: deconvolution.md."""
    law = Law(seed)
    first, second = (law.rng.uniform(-3, 10, 50) + 1j * law.rng.exponential(1, 50) for _ in "ab")
    weights = law.p / ((law.t - first[:, None]) * (law.t - second[:, None]))
    f, t = weights.sum(axis=1), (weights * law.t).sum(axis=1)
    s = law.sigma**2 * law.c
    parts = (
        (1 - s * t) ** 2,
        -(s**2) * first * second * f**2,
        -(law.sigma**2) * (1 - law.c) * s * f,
    )
    quotient = (law.phi(first) - law.phi(second)) / (first - second)
    scale = np.max(np.abs(parts), axis=0)
    assert np.all(np.abs(sum(parts) - quotient) < 1e-10 * scale)
    assert np.any(np.abs(parts[0] + parts[1] - quotient) > 1e-3 * scale) or law.c == 1


@SEEDS
def test_k_decreases_along_verticals_of_the_plane_of_singular_values(seed: int) -> None:
    law = Law(seed)
    a = np.concatenate([[0.0], law.rng.uniform(0, 4, 30), np.sqrt(law.t)])
    b = np.geomspace(1e-3, 10, 400)
    w = (a[:, None] + 1j * b) ** 2
    k = law.k(w.ravel()).reshape(w.shape)
    assert np.all(np.diff(k, axis=1) < 1e-13 * k[:, 1:])
    # The bound that starts the search.
    assert np.all(k <= (law.c + np.sqrt(law.c * (1 - law.c))) / b**2 * (1 + 1e-12))


def test_k_may_rise_along_verticals_in_the_plane_of_squares() -> None:
    """H = δ₄, c = 1: k = (4 + |w|)/|4 − w|² has its minimum in v = Im w off the real axis."""
    law = Law(0)
    law.t, law.p, law.c = np.array([4.0]), np.array([1.0]), 1.0
    assert np.diff(law.k((-1.0 + 1j * np.linspace(0.01, 1, 50)).astype(np.complex128))).min() > 0


@SEEDS
def test_the_curve_maps_increasingly_onto_the_bulk(seed: int) -> None:
    law = Law(seed)
    model = law.model
    inner = (np.arange(60) + 0.5) / 60
    for (low, high), ends in zip(model._map.parameters, model._map.support, strict=True):
        w = model._map.curve(low + (high - low) * inner)
        np.testing.assert_allclose(law.sigma**2 * law.k(w), 1, rtol=1e-9)
        x = law.phi(w)
        np.testing.assert_allclose(x.imag, 0, atol=1e-9 * (1 + np.abs(x).max()))
        assert np.all(np.diff(x.real) > 0)
        assert ends[0] < x.real[0] and x.real[-1] < ends[1]


@SEEDS
def test_newtons_method_from_anywhere_finds_the_same_root_or_none(seed: int) -> None:
    """At real x > 0 there is one root of Φ(w) = x with Im w > 0 in the bulk, and none off it."""
    law = Law(seed)
    model = law.model
    top = model.law.support[-1, 1]
    for x in law.rng.uniform(0, 1.2 * top, 6):
        w: ComplexArray = np.asarray(
            law.rng.uniform(-2, 1.2 * top, 200) + 1j * law.rng.exponential(1.0, 200)
        )
        with np.errstate(all="ignore"):
            for _ in range(80):
                step = 1e-6 * (1 + np.abs(w))
                slope = (law.phi(w + step) - law.phi(w - step)) / (2 * step)
                w = w - (law.phi(w) - x) / slope
            w = w[np.isfinite(w) & (np.abs(law.phi(w) - x) < 1e-10) & (w.imag > 1e-5)]
        expected = model._map.omega(np.array([x + 0j]))[0]
        if expected.imag > 1e-4:
            np.testing.assert_allclose(w, expected, rtol=1e-6, atol=1e-6)
        elif np.abs(model.law.support - x).min() > 1e-3:
            assert w.size == 0


@SEEDS
def test_the_mass_of_an_interval_is_that_of_the_signal_below_its_arc(seed: int) -> None:
    model = Law(seed).model
    for critical, edges in zip(model._map.critical, model.law.support, strict=True):
        below = model.h.cdf(critical[1]) - model.h.cdf(critical[0])
        above = model.law.cdf(edges[1]) - model.law.cdf(edges[0])
        assert above == pytest.approx(below, abs=1e-13)


@SEEDS
def test_overlap_on_the_left_is_one_minus_the_sum_of_the_uniqueness_proof(seed: int) -> None:
    """1 − s(T + xA²F) = Φ′/q, so that overlaps lie in [0, 1], on the right too."""
    law = Law(seed)
    model = law.model
    theta = model._map.open_intervals[-1, 0] + law.rng.exponential(1, 5)
    f, t = law.sums(theta)
    expected = 1 - law.sigma**2 * law.c * (t + law.phi(theta) / law.q(theta) ** 2 * f)
    left, right = model.overlap(theta)
    np.testing.assert_allclose(left, expected, rtol=1e-9, atol=1e-12)
    assert np.all((left >= 0) & (left <= 1) & (right >= 0) & (right <= 1))
