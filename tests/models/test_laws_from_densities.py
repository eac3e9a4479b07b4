"""Signals whose law is given by a formula or a grid: models must not tell them from exact ones."""

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy.special import wofz

from pastur._typing import ComplexArray, FloatArray
from pastur.measures import (
    Density,
    GridDensity,
    MarchenkoPastur,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.models import DeformedWigner, InformationPlusNoise

SIGMAS = (0.05, 0.8, 3.0)


def copied(law: Uniform | Semicircle | MarchenkoPastur) -> Density:
    """A law known by its density alone."""
    return Density(law.density, law.support)


def inside(law: ProbabilityMeasure, count: int = 120) -> FloatArray:
    """Points of every interval, from its middle to 1e-6 of its length from the ends."""
    angle = np.linspace(0.002, np.pi - 0.002, count)
    low, high = law.support[:, :1], law.support[:, 1:]
    result: np.ndarray = (low + (high - low) * np.sin(angle / 2) ** 2).ravel()
    return result


def assert_same(law: ProbabilityMeasure, expected: ProbabilityMeasure) -> None:
    scale = np.max(np.abs(expected.support))
    assert law.support.shape == expected.support.shape
    np.testing.assert_allclose(law.support, expected.support, rtol=0, atol=1e-11 * scale)
    x = inside(expected)
    density = expected.density(x)
    np.testing.assert_allclose(law.density(x), density, rtol=1e-10, atol=1e-10 / scale)
    np.testing.assert_allclose(law.cdf(x), expected.cdf(x), rtol=0, atol=1e-11)
    q = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(law.quantile(q), expected.quantile(q), rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_semicircle_plus_semicircle_adds_variances(sigma: float) -> None:
    law = DeformedWigner(copied(Semicircle(0.6, 0.3)), sigma=sigma).law
    assert_same(law, Semicircle(float(np.hypot(0.6, sigma)), 0.3))


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
def test_noise_plus_noise_adds_variances(sigma: float, ratio: float) -> None:
    law = InformationPlusNoise(copied(MarchenkoPastur(ratio, 0.7)), sigma=sigma, ratio=ratio).law
    expected = MarchenkoPastur(ratio, float(np.hypot(0.7, sigma)))
    if ratio < 1:
        assert_same(law, expected)
    else:
        # Next to the hard edge the model itself loses digits: the density grows without bound.
        x = inside(expected, 60)
        x = x[x > 1e-2]
        np.testing.assert_allclose(
            law.support, expected.support, rtol=0, atol=1e-11 * sigma**2 + 1e-11
        )
        np.testing.assert_allclose(law.density(x), expected.density(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(
    "signal", [MarchenkoPastur(0.5), MarchenkoPastur(1.0), Uniform(-1.0, 2.0)], ids=repr
)
def test_the_formula_of_a_law_and_its_density_are_the_same_signal(
    signal: MarchenkoPastur, sigma: float
) -> None:
    by_density, by_formula = (DeformedWigner(s, sigma=sigma) for s in (copied(signal), signal))
    assert_same(by_density.law, by_formula.law)
    np.testing.assert_allclose(by_density.critical_spikes, by_formula.critical_spikes, rtol=1e-11)
    theta = signal.support[-1, 1] + sigma * np.array([1e-6, 0.1, 1.0, 5.0])
    for name in ("outlier", "overlap", "is_supercritical"):
        got, expected = (getattr(model, name)(theta) for model in (by_density, by_formula))
        np.testing.assert_allclose(got, expected, rtol=1e-11)
    for got, expected in zip(by_density.edge_scale(500), by_formula.edge_scale(500), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_squared_singular_values_by_a_density(sigma: float) -> None:
    signal = Uniform(1.0, 2.0)
    models = [InformationPlusNoise(s, sigma=sigma, ratio=0.4) for s in (copied(signal), signal)]
    assert_same(models[0].law, models[1].law)
    for got, expected in zip(models[0].overlap(9.0), models[1].overlap(9.0), strict=True):
        assert got == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("sigma", [0.3, 1.5])
def test_inverse_roots_at_both_ends_against_a_quartic(sigma: float) -> None:
    """The arcsine law on [−2, 2] has g = −1/√(w² − 4), so that g²((z + σ²g)² − 4) = 1."""
    law = DeformedWigner(
        Density(lambda t: 1 / (np.pi * np.sqrt(4 - t * t)), (-2, 2)), sigma=sigma
    ).law
    s2 = sigma**2
    low, high = law.support[0]
    for x in np.linspace(low, high, 23)[1:-1]:
        roots = np.roots([s2**2, 2 * s2 * x, x**2 - 4, 0, -1])
        start = roots[np.argmax(roots.imag)]
        with mp.workdps(40):
            g = mp.findroot(lambda g, x=x: g**2 * ((x + s2 * g) ** 2 - 4) - 1, mp.mpc(start))
        assert law.density(x) == pytest.approx(float(mp.im(g) / mp.pi), abs=1e-12)


def cubic_end(w: Any) -> Any:
    """g of 3(1 − t)² on [0, 1], for Im w > 0."""
    return 3 * ((1 - w) ** 2 * (mp.log(w - 1) - mp.log(w)) + w - mp.mpf(3) / 2)


@pytest.fixture(scope="module")
def thinning() -> Density:
    return Density(lambda t: 3 * (1 - t) ** 2, (0, 1))


def test_every_spike_detaches_where_the_signal_thins_out_fast(thinning: Density) -> None:
    # g′(1) = ∫3 dt = 3, so that Φ′ > 0 right up to 1 for σ² < 1/3.
    model = DeformedWigner(thinning, sigma=0.5)
    assert model.critical_spikes[1] == 1
    # Φ(1) = 1 + σ²∫3(1 − t)dt.
    assert model.law.support[0, 1] == pytest.approx(1 + 1.5 * 0.25, abs=1e-13)
    theta = 1 + np.array([1e-9, 1e-4, 0.5])
    assert model.is_supercritical(theta).all()
    # The density of the law does not vanish like a square root there.
    assert np.isnan(model.edge_scale(100).scale).tolist() == [False, True]
    # Φ′(1) = 1 − 3σ².
    assert model.overlap(1 + 1e-9) == pytest.approx(0.25, abs=1e-7)
    with mp.workdps(40):
        expected = [t - mp.re(cubic_end(mp.mpc(t, mp.mpf(10) ** -35))) / 4 for t in theta]
    np.testing.assert_allclose(model.outlier(theta), np.array(expected, dtype=float), rtol=1e-14)


def test_not_every_spike_detaches_where_the_noise_is_stronger(thinning: Density) -> None:
    # σ² > 1/3: the critical spike solves σ²g′ = 1 at a little more than 1.
    for sigma in (0.578, 0.6, 1.0):
        model = DeformedWigner(thinning, sigma=sigma)
        with mp.workdps(40):
            tiny = mp.mpf(10) ** -15

            def excess(w: Any, sigma: Any = sigma, tiny: Any = tiny) -> Any:
                at = mp.mpc(w, tiny**2)
                slope = (cubic_end(at + tiny) - cubic_end(at - tiny)) / (2 * tiny)
                return mp.re(slope) * mp.mpf(sigma) ** 2 - 1

            expected = mp.findroot(excess, (1 + mp.mpf(10) ** -9, 2), solver="anderson", tol=1e-22)
        assert model.critical_spikes[1] == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 1.0])
def test_a_density_that_thins_out_fast_against_forty_digits(
    thinning: Density, sigma: float
) -> None:
    model = DeformedWigner(thinning, sigma=sigma)
    law, omega = model.law, model._map.omega
    low, high = law.support[0]
    with mp.workdps(40):
        s2 = mp.mpf(sigma) ** 2
        for x in low + (high - low) * np.array([0.001, 0.1, 0.4, 0.7, 0.95]):
            start = mp.mpc(omega(np.array([x + 0j]))[0])
            w = mp.findroot(lambda w, x=x: w - s2 * cubic_end(w) - x, start)
            expected = mp.im(w) / (mp.pi * s2)
            assert mp.im(w) > 0
            assert law.density(x) == pytest.approx(float(expected), abs=1e-11)


def test_squared_singular_values_that_thin_out_fast(thinning: Density) -> None:
    model = InformationPlusNoise(thinning, sigma=0.4, ratio=0.5)
    assert model.critical_spikes[1] == 1
    assert model.is_supercritical([1 + 1e-9, 1.1]).all()
    left, right = model.overlap(1 + 1e-9)
    assert 0 < right < left < 1


def mixture_transform(w: ComplexArray) -> ComplexArray:
    """g of 0.5·N(−2, 0.3²) + 0.5·U(1, 3)."""
    normal = 1j * np.sqrt(np.pi / 2) * wofz((w + 2) / (0.3 * np.sqrt(2))) / 0.3
    result: ComplexArray = 0.5 * normal + 0.25 * (np.log(w - 3) - np.log(w - 1))
    return result


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_normal_and_uniform_mixture(sigma: float) -> None:
    # Cut off at 8.5 standard deviations the normal law has lost 2e-17 of its mass.
    normal = Density(
        lambda t: np.exp(-(((t + 2) / 0.3) ** 2) / 2) / (0.3 * np.sqrt(2 * np.pi)), (-4.55, 0.55)
    )
    mixture = 0.5 * normal + 0.5 * Uniform(1, 3)
    assert isinstance(mixture, ProbabilityMeasure)
    law = DeformedWigner(mixture, sigma=sigma).law
    x = np.array([-3.5, -2.2, -1.0, 0.8, 1.3, 2.0, 3.1])
    # Newton's method for w − σ²g(w) = x, from above, with the slope by a difference.
    w = x + 1j * sigma
    for _ in range(200):
        step = 1e-6 * sigma
        value = w - sigma**2 * mixture_transform(w)
        slope = 1 - sigma**2 * (mixture_transform(w + step) - mixture_transform(w - step)) / (
            2 * step
        )
        move = (value - x) / slope
        w = w - move * np.minimum(1, w.imag / 2 / np.maximum(np.abs(move), 1e-300))
    assert np.max(np.abs(w - sigma**2 * mixture_transform(w) - x)) < 1e-13
    np.testing.assert_allclose(law.density(x), w.imag / (np.pi * sigma**2), rtol=0, atol=1e-11)


def test_a_grid_as_a_signal_is_as_good_as_its_stated_error() -> None:
    signal, sigma = Semicircle(0.6), 0.8
    x = np.linspace(-1.2, 1.2, 2001)
    values = signal.density(x)
    grid = GridDensity(x, values / (np.sum(values[1:] + values[:-1]) * (x[1] - x[0]) / 2))
    law, expected = DeformedWigner(grid, sigma=sigma).law, Semicircle(1.0)
    points = inside(expected)
    # Free convolution does not increase the Kolmogorov distance (Bercovici, Voiculescu 1993).
    distance = np.max(np.abs(law.cdf(points) - expected.cdf(points)))
    assert distance <= grid.approximation_error < 2e-5
    assert distance > 1e-9  # the sibling: it is not the semicircle itself
