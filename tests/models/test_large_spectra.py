"""Both models with up to 10⁶ atoms, at a few points by plain sums over all of them."""

import mpmath
import numpy as np
import pytest
from scipy.special import ndtri

from pastur._typing import FloatArray
from pastur.measures import Empirical, ProbabilityMeasure
from pastur.models import DeformedWigner, InformationPlusNoise


def quantile_atoms(n: int) -> FloatArray:
    p = (2 * np.arange(n // 2) + 1) / n
    return np.concatenate([0.3 * ndtri(p) - 2, 1 + 2 * p])


@pytest.fixture(scope="module")
def million() -> tuple[FloatArray, ProbabilityMeasure]:
    atoms = quantile_atoms(1_000_000)
    return atoms, DeformedWigner(Empirical(atoms)).law


def places(law: ProbabilityMeasure) -> FloatArray:
    """Points in the middle of the largest and the smallest intervals, and near their ends."""
    widths = law.support[:, 1] - law.support[:, 0]
    chosen = law.support[np.argsort(widths)[[0, -2, -1]]]
    result: FloatArray = (chosen[:, :1] + (chosen[:, 1:] - chosen[:, :1]) * [0.02, 0.9]).ravel()
    return result


@pytest.mark.lengthy
def test_a_million_atoms_solve_pasturs_equation(
    million: tuple[FloatArray, ProbabilityMeasure],
) -> None:
    """w = x + σ²g lies on Biane's curve: Φ(w) = x and σ²∫dν₀/|t − w|² = 1 by plain sums."""
    atoms, law = million
    for x in places(law):
        g = law.stieltjes(x + 1e-300j)
        w = x + g
        inverse = 1 / (atoms - w)
        assert abs(inverse.mean() - g) < 1e-12
        assert abs((np.abs(inverse) ** 2).mean() - 1) < 1e-9
        assert law.density(x) == pytest.approx(g.imag / np.pi, abs=1e-12)
        level = (np.log(w - atoms).mean() + g**2 / 2).imag / np.pi
        assert law.sf(x) == pytest.approx(level, abs=1e-12)


@pytest.mark.lengthy
def test_quantiles_of_a_million_atoms_invert_the_distribution_function(
    million: tuple[FloatArray, ProbabilityMeasure],
) -> None:
    _, law = million
    assert len(law.support) == 33
    tails = np.geomspace(1e-9, 1e-3, 40)
    q = np.sort(np.concatenate([tails, np.linspace(0.002, 0.998, 200), 1 - tails]))
    x = law.quantile(q)
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(law.cdf(x), q, rtol=0, atol=1e-14)
    shares = 1_000_000 * law.cdf(law.support[:, 1])
    np.testing.assert_allclose(shares, np.round(shares), rtol=0, atol=1e-6)


@pytest.mark.lengthy
def test_many_rectangular_atoms_solve_the_equation_of_dozier_and_silverstein() -> None:
    atoms = (quantile_atoms(200_000) + 4) ** 2
    sigma, c = 0.7, 0.5
    law = InformationPlusNoise(Empirical(atoms), sigma, c).law
    for x in places(law):
        m = law.stieltjes(x + 1e-300j)
        a = 1 + sigma**2 * c * m
        right = a * (1 / (atoms - a * (a * x - sigma**2 * (1 - c)))).mean()
        assert m.imag > 0 and abs(right - m) < 1e-11
        assert law.density(x) == pytest.approx(m.imag / np.pi, abs=1e-12)
    q = np.linspace(0.0005, 0.9995, 200)
    np.testing.assert_allclose(law.cdf(law.quantile(q)), q, rtol=0, atol=1e-14)


@pytest.mark.parametrize("sigma", [1.0, 0.01])
def test_heavy_tails_give_hundreds_of_intervals_and_all_their_quantiles(sigma: float) -> None:
    atoms = np.random.default_rng(3).standard_t(2, 500)
    for law in (
        DeformedWigner(Empirical(atoms), sigma).law,
        InformationPlusNoise(Empirical(atoms**2), sigma, 0.8).law,
    ):
        assert len(law.support) > 15
        q = np.concatenate([np.geomspace(1e-8, 0.01, 50), np.linspace(0.01, 0.9999, 150)])
        x = law.quantile(q)
        # Ten roundings of x, up to thousands, move the level by density times that.
        allowed = 1e-14 + 2e-15 * np.abs(x) * law.density(x)
        gaps = np.isin(x, law.support)
        assert np.all((np.abs(law.cdf(x) - q) <= allowed) | gaps)


def test_a_root_next_to_the_real_axis_is_not_taken_for_a_point_of_the_bulk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Φ has real roots everywhere: next to one the residual is small, and w is wrong."""
    model = DeformedWigner(Empirical(np.linspace(-1, 1, 9)), sigma=0.3)
    x = np.array([0.21])
    right = model.law.density(x)
    # Between two atoms −σ²g runs through all numbers, so there is a real root of Φ(u) = x.
    u = np.linspace(0.2501, 0.4999, 200_001)
    root = u[np.argmin(np.abs(model.phi(u) - x))]
    near = np.array([root + 1e-14j])
    residual = np.abs(model.phi(near) - x)
    assert residual < 1e-3
    monkeypatch.setattr(type(model._map), "_polish", lambda self, z, *_: (near, np.array([1e-15])))
    np.testing.assert_allclose(model.law.density(x), right, rtol=1e-10)


def test_two_values_of_a_law_with_heavy_tails_take_two_curves() -> None:
    """Of hundreds of intervals those that are asked for are computed, and no others."""
    atoms = np.random.default_rng(0).standard_cauchy(2100)
    model, whole = DeformedWigner(Empirical(atoms)), DeformedWigner(Empirical(atoms))
    x = np.array([0.3, 1.7])
    found = model.law.density(x)
    assert len(model.law.support) > 100 and len(model._map._tables) <= 2
    middles = whole.law.support.mean(axis=1)
    everywhere = whole.law.density(np.append(middles, x))
    assert len(whole._map._tables) == len(whole.law.support)
    np.testing.assert_allclose(everywhere[-2:], found, rtol=1e-13)
    # Asked again, with others known already.
    np.testing.assert_allclose(model.law.density(middles), everywhere[:-2], rtol=1e-12)


@pytest.mark.lengthy
def test_the_support_far_out_agrees_with_forty_digits() -> None:
    """Edges are Φ(u) where σ²∫dν₀/(t − u)² = 1: to 1e-10 of themselves at 1e8, tree or not."""
    far, inner = 1e8, np.random.default_rng(0).standard_cauchy(2100)
    atoms = np.sort(np.append(inner, [far, -far, far + 0.2]))
    law = DeformedWigner(Empirical(atoms)).law
    ends = law.support[[0, -1]]
    with mpmath.workdps(40):
        points = [mpmath.mpf(float(t)) for t in atoms]

        def edge(start: float) -> float:
            def pull(u: mpmath.mpf) -> mpmath.mpf:
                return mpmath.fsum((t - u) ** -2 for t in points) / len(points) - 1

            u = mpmath.findroot(pull, (start, start * (1 + 1e-9)), tol=1e-25, maxsteps=60)
            return float(u + mpmath.fsum(1 / (u - t) for t in points) / len(points))

        critical = DeformedWigner(Empirical(atoms))._map.critical[[0, -1]]
        truth = np.array([[edge(float(u)) for u in row] for row in critical])
    np.testing.assert_allclose(ends, truth, rtol=1e-10)
    # As absolute error: two roundings of numbers of this size.
    assert np.abs(ends - truth).max() <= 4e-16 * far + 1e-12
