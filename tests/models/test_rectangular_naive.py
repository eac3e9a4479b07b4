"""InformationPlusNoise against naive transcriptions: equations, iteration, limits, brute force."""

from itertools import pairwise

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import Atoms, Empirical, MarchenkoPastur, Semicircle, Uniform
from pastur.models import DeformedWigner, InformationPlusNoise

CASES = {
    "zero and four": (Atoms([0.0, 4.0]), 1.0, 0.5),
    "four and nine": (Atoms([4.0, 9.0], [0.7, 0.3]), 0.7, 0.3),
    "four and nine, square": (Atoms([4.0, 9.0]), 0.8, 1.0),
    "hard edge": (Atoms([0.0, 1.0, 5.0], [0.2, 0.5, 0.3]), 0.6, 1.0),
    "fifty atoms": (Empirical(np.random.default_rng(5).normal(size=50) ** 2), 0.3, 0.4),
    "uniform": (Uniform(0.5, 3.0), 0.6, 0.8),
    "Marchenko-Pastur": (MarchenkoPastur(0.3, 1.0), 0.5, 0.5),
    "mixture": (0.3 * Atoms([0.0]) + 0.3 * Uniform(2, 3) + 0.4 * Semicircle(0.2, 9.0), 0.4, 0.5),
}
cases = pytest.mark.parametrize(("h", "sigma", "ratio"), CASES.values(), ids=CASES.keys())


def right_hand_side(
    h: Atoms, sigma: float, c: float, z: ComplexArray, m: ComplexArray
) -> ComplexArray:
    """∫dH(t)/(t/(1 + σ²cm) − (1 + σ²cm)z + σ²(1 − c)), Dozier and Silverstein (2007), (1.1)."""
    a = 1 + sigma**2 * c * m
    # 1/(t/a − b) = a/(t − ab).
    result: ComplexArray = a * h.stieltjes(a * (a * z - sigma**2 * (1 - c)))
    return result


@cases
def test_the_equation_of_dozier_and_silverstein_holds(h: Atoms, sigma: float, ratio: float) -> None:
    model = InformationPlusNoise(h, sigma, ratio)
    z = np.array([0.3 + 1e-6j, 1 + 0.5j, -2 + 1e-3j, 4 - 2j, 7 + 1e-9j, 100j, 1e-6 + 1e-6j])
    m = model.law.stieltjes(z)
    np.testing.assert_allclose(m, right_hand_side(h, sigma, ratio, z, m), rtol=1e-10)
    np.testing.assert_allclose(model.phi(model.omega(z)), z, rtol=1e-10)
    assert np.all(np.sign(m.imag) == np.sign(z.imag))
    assert np.all(np.sign((z * m).imag) == np.sign(z.imag))


@cases
def test_density_is_the_limit_of_the_transform_solved_by_plain_iteration(
    h: Atoms, sigma: float, ratio: float
) -> None:
    """The damped fixed point at a small η, a route without curve or Newton."""
    law = InformationPlusNoise(h, sigma, ratio).law
    x = np.linspace(law.support[0, 0], law.support[-1, 1], 23)[1:-1]
    x = x[np.abs(x[:, None] - law.support.ravel()).min(axis=1) > 0.02]
    z = x + 1e-3j
    m = -1 / z
    for _ in range(4_000):
        m = (m + right_hand_side(h, sigma, ratio, z, m)) / 2
    np.testing.assert_allclose(law.density(x), m.imag / np.pi, rtol=0, atol=0.02)


@cases
def test_mass_moments_and_quantiles(h: Atoms, sigma: float, ratio: float) -> None:
    law = InformationPlusNoise(h, sigma, ratio).law
    nodes, weights = np.polynomial.legendre.leggauss(60)
    angle = ((np.arange(40)[:, None] + (1 + nodes) / 2) * np.pi / 80).ravel()
    weights = np.tile(weights, 40) * np.pi / 160
    moments = np.zeros(3)
    for low, high in law.support:
        x = low + (high - low) * np.sin(angle) ** 2
        mass = law.density(x) * (high - low) * np.sin(2 * angle) * weights
        moments += [mass.sum(), mass @ x, mass @ x**2]
    # E tr WWᵀ/n = ∫t dH + σ², and tr (WWᵀ)²/n by Wick's formula.
    first = h.moment(1)
    second = h.moment(2) + 2 * sigma**2 * (1 + ratio) * first + sigma**4 * (1 + ratio)
    # The error is that of the quadrature; a law of fifty atoms is uneven.
    np.testing.assert_allclose(moments, [1, first + sigma**2, second], rtol=1e-7)
    q = np.linspace(0.001, 0.999, 97)
    np.testing.assert_allclose(law.cdf(law.quantile(q)), q, rtol=0, atol=1e-12)


@cases
def test_scaling_the_matrix_scales_the_law(h: Atoms, sigma: float, ratio: float) -> None:
    law = InformationPlusNoise(h, sigma, ratio).law
    scaled = InformationPlusNoise(h.scale(4.0), 2 * sigma, ratio).law
    np.testing.assert_allclose(scaled.support, 4 * law.support, rtol=1e-11, atol=1e-13)
    x = np.linspace(0.05, 12, 41)
    np.testing.assert_allclose(scaled.density(4 * x), law.density(x) / 4, rtol=1e-10, atol=1e-11)


def test_a_square_matrix_is_a_symmetric_one_of_its_singular_values_with_both_signs() -> None:
    """[[0, W], [Wᵀ, 0]]: x = s², so the density of s is that of the symmetric model, doubled."""
    points, weights = np.array([0.3, 1.2, 2.5]), np.array([0.5, 0.2, 0.3])
    square = InformationPlusNoise(Atoms(points**2, weights), 0.4, 1.0).law
    both = Atoms(np.concatenate([-points, points]), np.tile(weights, 2) / 2)
    symmetric = DeformedWigner(both, 0.4).law
    s = np.linspace(0.01, 3.5, 301)
    np.testing.assert_allclose(
        2 * s * square.density(s**2), 2 * symmetric.density(s), rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(square.cdf(s**2), 2 * symmetric.cdf(s) - 1, rtol=0, atol=1e-13)
    positive = symmetric.support[symmetric.support[:, 1] > 0]
    np.testing.assert_allclose(np.sqrt(square.support), np.maximum(positive, 0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", [0.2, 0.7, 1.0])
def test_a_vanishing_signal_leaves_the_marchenko_pastur_law(ratio: float) -> None:
    expected = MarchenkoPastur(ratio, 1.3)
    assert InformationPlusNoise(Atoms([0.0]), 1.3, ratio).law == expected
    tiny = InformationPlusNoise(Atoms([0.0, 1e-12]), 1.3, ratio).law
    low, high = expected.support[0]
    x = np.linspace(low, high, 52)[1:-1]
    np.testing.assert_allclose(tiny.density(x), expected.density(x), rtol=1e-9)
    np.testing.assert_allclose(tiny.cdf(x), expected.cdf(x), rtol=0, atol=1e-9)
    np.testing.assert_allclose(tiny.support, expected.support, rtol=1e-10, atol=1e-10)


def test_low_rank_formulas() -> None:
    """√((θ² + σ²)(θ² + cσ²))/θ, its overlaps and its fluctuation, for θ > c^(1/4)σ."""
    c, sigma, n = 0.4, 1.5, 700
    theta = np.array([1.3, 2.0, 4.0])
    for beta in (1, 2):
        model = InformationPlusNoise(Atoms([0.0]), sigma, c, beta)
        t = theta / sigma
        left = (t**4 - c) / (t**2 * (t**2 + c))
        right = (t**4 - c) / (t**2 * (t**2 + 1))
        singular = np.sqrt((theta**2 + sigma**2) * (theta**2 + c * sigma**2)) / theta
        np.testing.assert_allclose(model.outlier(theta**2), singular**2, rtol=1e-13)
        np.testing.assert_allclose(model.overlap(theta**2), [left, right], rtol=1e-12)
        variance = sigma**2 * c / n / (2 * beta) * (t**4 - c) * (2 * t**2 + 1 + c)
        variance = variance / (t**2 * (t**2 + c) * (t**2 + 1))
        np.testing.assert_allclose(model.fluctuation(theta**2, n), np.sqrt(variance), rtol=1e-12)
    np.testing.assert_allclose(model.critical_spikes, [np.nan, np.sqrt(c) * sigma**2])
    assert not model.is_supercritical(0.99 * np.sqrt(c) * sigma**2)
    assert model.outlier(0.99 * np.sqrt(c) * sigma**2) == pytest.approx(
        (sigma * (1 + np.sqrt(c))) ** 2
    )


def test_both_conditions_are_needed_for_an_outlier() -> None:
    """H = {0, 4}, c = ½, σ = 1, w = 3.95: Φ′ = 3076 > 0, Φ = 59, and no outlier, because q < 0."""
    model = InformationPlusNoise(Atoms([0.0, 4.0]), 1.0, 0.5)
    step = 1e-6
    slope = (model.phi(3.95 + step) - model.phi(3.95 - step)) / (2 * step)
    assert slope == pytest.approx(3076, abs=1)
    assert model.phi(3.95) == pytest.approx(59, abs=0.5)
    assert not model.is_supercritical(3.95)
    assert model.outlier(3.95) == model.law.support[1, 0] < 59
    assert model.overlap(3.95) == (0, 0)
    assert np.isnan(model.fluctuation(3.95, 100))
    # The sibling: in the open part of the same gap the spike comes out.
    assert model.is_supercritical(1.9)


def hill(t: FloatArray, p: FloatArray, c: float, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Φ′ and q at real w by plain sums, σ = 1."""
    gap = t - w[:, None]
    f, slope = (p / gap).sum(axis=1), (p / gap**2).sum(axis=1)
    q = 1 - c * f
    return q**2 - (2 * w * q + 1 - c) * c * slope, q


@pytest.mark.parametrize("seed", range(4))
def test_admissible_intervals_are_those_of_a_brute_scan(seed: int) -> None:
    """50 random H a seed: Φ′ > 0 and q > 0 on a grid against the intervals that are claimed.

    At most one run of the grid in each gap of H, none missed, none invented. Runs and intervals
    narrower than the grid may differ; they are asked to be that narrow.
    """
    rng = np.random.default_rng(seed)
    for _ in range(50):
        k = int(rng.integers(1, 7))
        t = np.sort(rng.choice([0.0, *rng.uniform(0, 8, 8)], k, replace=False))
        p = rng.dirichlet(np.ones(k))
        c = float(rng.choice([rng.uniform(0.05, 1), 1.0]))
        claimed = InformationPlusNoise(Atoms(t, p / p.sum()), 1.0, c)._map.open_intervals
        ends = np.concatenate([[t[0] - 4], t, [t[-1] + 9]])
        found = []
        for low, high in pairwise(ends):
            w = low + (high - low) * (np.arange(4000) + 0.5) / 4000
            slope, q = hill(t, p / p.sum(), c, w)
            good = np.flatnonzero((slope > 0) & (q > 0))
            if good.size:
                assert np.all(np.diff(good) == 1), (t, p, c)
                found.append((w[good[0]], w[good[-1]], (high - low) / 4000))
        wide = [(low, high) for low, high in claimed if high - low > 2 * (t[-1] - t[0] + 13) / 4000]
        assert len(wide) <= len(found) <= len(claimed)
        for low, high, width in found:
            i = int(np.argmin(np.abs(np.clip(claimed[:, 0], -4 + t[0], None) - low)))
            below, above = np.clip(claimed[i], t[0] - 4, t[-1] + 9)
            assert abs(below - low) <= width and abs(above - high) <= width, (t, p, c)


def test_where_the_hard_edge_is() -> None:
    """c = 1: the density blows up at 0 if σ²∫dH/t > 1, and a gap opens at 0 if it is below 1."""
    hard = InformationPlusNoise(Atoms([0.5, 2.0]), 1.0, 1.0)  # ∫dH/t = 1.25
    soft = InformationPlusNoise(Atoms([0.5, 2.0]), 0.85, 1.0)  # σ²∫dH/t = 0.903
    assert hard.law.support[0, 0] == 0 < soft.law.support[0, 0]
    assert hard.law.density(0.0) == np.inf
    assert np.isnan(hard.edge_scale(100).scale[0])
    assert np.isnan(hard.critical_spikes[0]) and soft.critical_spikes[0] > 0
    ratio = hard.law.density(1e-10) / hard.law.density(4e-10)
    assert ratio == pytest.approx(2, rel=1e-4)
    # c < 1 opens the lowest gap, however many zeros S has.
    assert InformationPlusNoise(Atoms([0.0, 2.0]), 1.0, 0.99).law.support[0, 0] > 0


def test_a_spike_below_the_bulk_needs_a_positive_square() -> None:
    model = InformationPlusNoise(Atoms([4.0, 9.0]), 0.7, 0.3)
    theta = model.critical_spikes[0] / 2
    assert model.is_supercritical(theta)
    assert model.outlier(theta) < model.law.support[0, 0]
    assert model.spike(model.outlier(theta)) == pytest.approx(theta, rel=1e-12)
    with pytest.raises(InvalidInputError, match="where no squared singular value of S can put"):
        model.spike(0.01 * model.outlier(1e-9))
