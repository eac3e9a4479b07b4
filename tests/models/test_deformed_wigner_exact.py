"""DeformedWigner against 40-digit roots of polynomials, closed forms and the laws of free sums."""

from collections.abc import Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from pastur._typing import FloatArray
from pastur.measures import (
    Atoms,
    Empirical,
    MarchenkoPastur,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.models import DeformedWigner

mp.mp.dps = 40


def polynomial_at(
    points: Sequence[Any], weights: Sequence[float], sigma: float, x: float
) -> list[Any]:
    """Coefficients of (w − x)∏(t − w) − σ²Σp∏_{others}(t − w): Pastur's equation, cleared."""
    n = len(points)
    whole = [mp.mpf(1)]
    for t in points:
        whole = times(whole, [mp.mpf(-1), mp.mpf(t)])
    total = times([mp.mpf(1), -mp.mpf(x)], whole)
    for i in range(n):
        part = [mp.mpf(sigma) ** 2 * mp.mpf(weights[i])]
        for j in range(n):
            if j != i:
                part = times(part, [mp.mpf(-1), mp.mpf(points[j])])
        part = [mp.mpf(0)] * (len(total) - len(part)) + part
        total = [a - b for a, b in zip(total, part, strict=True)]
    return total


def times(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    out = [mp.mpf(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


def roots(coefficients: Sequence[Any]) -> list[Any]:
    """All roots of a polynomial of low degree: double precision, then Newton in 40 digits."""
    slopes = [
        c * k for k, c in zip(range(len(coefficients) - 1, 0, -1), coefficients, strict=False)
    ]
    found = []
    for start in np.roots([float(c) for c in coefficients]):
        w = mp.mpc(complex(start))
        for _ in range(12):
            w = w - mp.polyval(coefficients, w) / mp.polyval(slopes, w)
        assert abs(mp.polyval(coefficients, w)) < mp.mpf(10) ** -30
        found.append(w)
    return found


def reference_density(
    points: Sequence[Any], weights: Sequence[float], sigma: float, x: float
) -> Any:
    height = max(mp.im(r) for r in roots(polynomial_at(points, weights, sigma, x)))
    return max(height, mp.mpf(0)) / (mp.pi * mp.mpf(sigma) ** 2)


def reference_edges(
    points: FloatArray | Sequence[Any], weights: FloatArray | Sequence[float], sigma: float
) -> list[Any]:
    """Φ at its real critical points, the roots of ∏(t − w)² = σ²Σp∏_{others}(t − w)²."""
    factors = [times([mp.mpf(-1), mp.mpf(t)], [mp.mpf(-1), mp.mpf(t)]) for t in points]
    total = [mp.mpf(1)]
    for f in factors:
        total = times(total, f)
    for i in range(len(points)):
        part = [mp.mpf(sigma) ** 2 * mp.mpf(weights[i])]
        for j, f in enumerate(factors):
            if j != i:
                part = times(part, f)
        part = [mp.mpf(0)] * (len(total) - len(part)) + part
        total = [a - b for a, b in zip(total, part, strict=True)]
    real = [mp.re(r) for r in roots(total) if abs(mp.im(r)) < mp.mpf(10) ** -25]
    pulls = [
        w - mp.mpf(sigma) ** 2 * sum(p / (t - w) for t, p in zip(points, weights, strict=True))
        for w in real
    ]
    return sorted(pulls)


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("points", "sigma", "count"), [([-1.5, 1.5], 0.8, 1000), ([-2.0, 2.0], 1.0, 1000)]
)
def test_two_atoms_agree_with_forty_digits(
    points: Sequence[float], sigma: float, count: int
) -> None:
    weights = [0.5, 0.5]
    exact = [mp.mpf(str(t)) for t in points]
    law = DeformedWigner(Atoms(points), sigma=sigma).law
    edges = reference_edges(exact, weights, sigma)
    assert law.support.shape == (2, 2)
    np.testing.assert_allclose(law.support.ravel(), [float(e) for e in edges], rtol=0, atol=1e-12)
    x = np.linspace(law.support[0, 0] - 0.5, law.support[-1, 1] + 0.5, count)
    far = np.abs(x[:, None] - law.support.ravel()).min(axis=1) > 1e-6
    x = x[far]
    reference = [float(reference_density(exact, weights, sigma, t)) for t in x]
    np.testing.assert_allclose(law.density(x), reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", [1, 2])
def test_unequal_atoms_agree_with_forty_digits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.sort(rng.normal(size=6) * 2)
    weights = rng.dirichlet(np.ones(6))
    weights = weights / weights.sum()
    model = DeformedWigner(Atoms(points, weights), sigma=0.6)
    used = model.nu0.atoms[:, 1]
    edges = reference_edges(points, used, 0.6)
    assert 2 * len(model.law.support) == len(edges)
    np.testing.assert_allclose(
        model.law.support.ravel(), [float(e) for e in edges], rtol=0, atol=1e-12
    )
    x = np.linspace(points[0] - 1, points[-1] + 1, 60)
    exact = (points.tolist(), used.tolist())
    reference = [float(reference_density(*exact, 0.6, t)) for t in x]
    np.testing.assert_allclose(model.law.density(x), reference, rtol=0, atol=1e-12)


def test_one_atom_is_the_semicircle_of_scipy() -> None:
    law = DeformedWigner(Atoms([0.5]), sigma=1.5).law
    expected = stats.semicircular(loc=0.5, scale=3.0)
    x = np.linspace(-3, 4, 301)
    np.testing.assert_allclose(law.density(x), expected.pdf(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(law.cdf(x), expected.cdf(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(law.support, [[-2.5, 3.5]])


def test_general_route_agrees_with_the_semicircle_where_the_closed_form_is_known() -> None:
    """A semicircle split in two halves hides from the shortcut; variances add up all the same."""
    nu = 0.5 * Semicircle(0.6) + 0.5 * Semicircle(0.6)
    assert isinstance(nu, ProbabilityMeasure)
    law = DeformedWigner(nu, sigma=0.8).law
    expected = Semicircle(1.0)
    x = np.linspace(-2.2, 2.2, 201)
    np.testing.assert_allclose(law.support, expected.support, rtol=0, atol=1e-12)
    np.testing.assert_allclose(law.density(x), expected.density(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(law.cdf(x), expected.cdf(x), rtol=0, atol=1e-12)
    q = np.linspace(0, 1, 101)
    np.testing.assert_allclose(law.quantile(q), expected.quantile(q), rtol=0, atol=1e-12)


CASES = {
    "two atoms": (Atoms([-1.5, 1.5]), 0.8),
    "closed gap": (Atoms([-1.0, 1.0], [0.7, 0.3]), 1.2),
    "fifty atoms": (Empirical(np.random.default_rng(5).normal(size=50) * 2), 0.5),
    "uniform": (Uniform(-1.0, 2.0), 0.7),
    "Marchenko-Pastur": (MarchenkoPastur(0.3, 1.0), 0.5),
    "Marchenko-Pastur with an atom": (MarchenkoPastur(4.0, 1.0), 0.3),
    "three intervals": (
        0.4 * Atoms([-4.0]) + 0.3 * Uniform(0, 1) + 0.3 * Semicircle(0.2, 3.0),
        0.4,
    ),
}
# Many intervals: the others go the same way in a tenth of the time.
SLOW = {"fifty atoms": pytest.mark.slow}
cases = pytest.mark.parametrize(
    ("nu0", "sigma"),
    [pytest.param(*case, id=name, marks=SLOW.get(name, ())) for name, case in CASES.items()],
)


@cases
def test_pasturs_equation_holds_off_the_real_line(nu0: Uniform | Atoms, sigma: float) -> None:
    model = DeformedWigner(nu0, sigma=sigma)
    z = np.array([0.3 + 1e-6j, 1 + 0.5j, -2 + 1e-3j, 4 - 2j, 100j])
    g = model.law.stieltjes(z)
    np.testing.assert_allclose(g, nu0.stieltjes(z + sigma**2 * g), rtol=1e-11)
    np.testing.assert_allclose(model.phi(model.omega(z)), z, rtol=1e-11)
    assert np.all(np.sign(g.imag) == np.sign(z.imag))


@cases
def test_density_is_the_limit_of_the_transform_solved_by_plain_iteration(
    nu0: Uniform | Atoms, sigma: float
) -> None:
    """The damped fixed point at a small η, a route without curve or Newton."""
    model = DeformedWigner(nu0, sigma=sigma)
    x = np.linspace(model.law.support[0, 0], model.law.support[-1, 1], 23)[1:-1]
    far = np.abs(x[:, None] - model.law.support.ravel()).min(axis=1) > 0.02
    z = x[far] + 1e-3j
    g = 1j * np.ones(z.shape)
    for _ in range(5_000):
        g = 0.5 * g + 0.5 * nu0.stieltjes(z + sigma**2 * g)
    np.testing.assert_allclose(model.law.density(x[far]), g.imag / np.pi, rtol=0, atol=0.02)


@cases
def test_mass_moments_and_quantiles(nu0: Uniform | Atoms, sigma: float) -> None:
    law = DeformedWigner(nu0, sigma=sigma).law
    assert law.integrate(lambda t: 1.0) == pytest.approx(1, abs=1e-10)
    assert law.moment(1) == pytest.approx(nu0.moment(1), abs=1e-9)
    # (4.20): the second moments differ by σ².
    assert law.moment(2) == pytest.approx(nu0.moment(2) + sigma**2, abs=1e-9)
    q = np.linspace(0.001, 0.999, 97)
    np.testing.assert_allclose(law.cdf(law.quantile(q)), q, rtol=0, atol=1e-12)
    low, high = law.support[0]
    inside = law.integrate(lambda t: float(low <= t <= high))
    assert law.cdf(high) == pytest.approx(inside, abs=1e-9)


@cases
def test_shift_and_scale_commute_with_the_free_sum(nu0: Uniform | Atoms, sigma: float) -> None:
    law = DeformedWigner(nu0, sigma=sigma).law
    moved = DeformedWigner(nu0.scale(-2.0).shift(0.5), sigma=2 * sigma).law
    np.testing.assert_allclose(moved.support, 0.5 - 2 * law.support[::-1, ::-1], atol=1e-11)
    x = np.linspace(-4, 4, 41)
    np.testing.assert_allclose(moved.density(0.5 - 2 * x), law.density(x) / 2, rtol=0, atol=1e-11)


def test_two_semicircles_add_their_variances_in_either_order() -> None:
    nu0 = Atoms([-1.0, 2.0], [0.25, 0.75])
    once = DeformedWigner(nu0, sigma=float(np.hypot(0.3, 0.4))).law
    twice = DeformedWigner(DeformedWigner(nu0, sigma=0.3).law, sigma=0.4).law
    x = np.linspace(-2.5, 3.5, 61)
    np.testing.assert_allclose(twice.support, once.support, rtol=0, atol=1e-9)
    np.testing.assert_allclose(twice.density(x), once.density(x), rtol=0, atol=1e-8)


@pytest.mark.lengthy
def test_tiny_components_are_all_found() -> None:
    """1000 quantile atoms of a mixture: 2 intervals; with little noise almost one an atom."""
    q = (np.arange(1000) + 0.5) / 1000
    grid = np.linspace(-4, 3, 2_000_001)
    mixture = 0.5 * stats.norm.cdf(grid, -2, 0.3) + 0.5 * np.clip((grid - 1) / 2, 0, 1)
    law = DeformedWigner(Empirical(np.interp(q, mixture, grid)), sigma=1.0).law
    assert len(law.support) == 2
    tight = DeformedWigner(Empirical(np.interp(q, mixture, grid)), sigma=1e-3).law
    # At σ → 0 every atom is an interval of its own, unless its neighbours are within σ√(8/n).
    gaps = np.diff(np.sort(np.interp(q, mixture, grid)))
    assert len(tight.support) > (gaps > 1e-3 * np.sqrt(8 / 1000) * 3).sum() / 2
