"""Signals whose density all but vanishes at its ends: edges where Φ stops, and no warning."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.measures import Density, GridDensity
from pastur.models import DeformedWigner, InformationPlusNoise

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)


def gaussian(cut: float) -> Callable[[FloatArray], FloatArray]:
    mass = math.erf(cut / math.sqrt(2))
    return lambda t: np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) / mass


def power(k: int) -> Callable[[FloatArray], FloatArray]:
    factor = math.exp(math.lgamma(k + 1.5) - math.lgamma(k + 1)) / math.sqrt(math.pi)
    return lambda t: factor * np.maximum(1 - t**2, 0) ** k


def two_hills(t: FloatArray) -> FloatArray:
    result: FloatArray = (np.exp(-((t - 12) ** 2) / 2) + np.exp(-((t + 12) ** 2) / 2)) / np.sqrt(
        8 * np.pi
    )
    return result


def bump(t: FloatArray) -> FloatArray:
    return np.exp(-1 / np.maximum(1 - t**2, 1e-300)) / 0.4439938161680794


# The density, its intervals, a noise level, and at which ends it vanishes that fast.
Case = tuple[Callable[[FloatArray], FloatArray], list[tuple[float, float]], float, str]
CASES: dict[str, Case] = {
    **{f"Gaussian cut at {c}": (gaussian(c), [(-c, c)], 1.0, "both") for c in (8, 8.5, 9.3, 20)},
    "Gaussian that underflows": (gaussian(39), [(-39, 39)], 2.0, "both"),
    "Gaussian, little noise": (gaussian(8), [(-8, 8)], 0.01, "both"),
    "Gaussian, touching": (gaussian(9), [(-9, 0), (0, 9)], 1.0, "both"),
    "exponential": (lambda t: np.exp(-t), [(0, 40)], 1.0, "right"),
    "Laplace": (lambda t: np.exp(-np.abs(t)) / 2, [(-37, 0), (0, 37)], 1.0, "both"),
    "power 60": (power(60), [(-1, 1)], 0.3, "both"),
    "power 150": (power(150), [(-1, 1)], 0.3, "both"),
    "power 1000": (power(1000), [(-1, 1)], 0.03, "both"),
    "bump": (bump, [(-1, 1)], 0.1, "both"),
    "two hills": (two_hills, [(-20.5, -3.5), (3.5, 20.5)], 1.0, "both"),
}
POSITIVE: dict[str, Case] = {
    "exponential": CASES["exponential"],
    "Gaussian": (lambda t: gaussian(8)(t - 9), [(1, 17)], 1.0, "both"),
    "power": (lambda t: power(200)(t - 2), [(1, 3)], 0.3, "both"),
}


def quadrature(
    f: Callable[[FloatArray], FloatArray], intervals: Sequence[tuple[float, float]]
) -> tuple[FloatArray, FloatArray]:
    """Return points and masses that integrate a smooth density, apart from its law."""
    edges = np.concatenate([np.linspace(low, high, 301) for low, high in intervals])
    low, high = edges[:-1], edges[1:]
    inside = np.array([any(a <= x < b for a, b in intervals) for x in low])
    low, high = low[inside, None], high[inside, None]
    t = ((high + low) / 2 + (high - low) / 2 * NODES).ravel()
    return t, ((high - low) / 2 * WEIGHTS).ravel() * f(t)


def ends(intervals: Sequence[tuple[float, float]], which: str) -> list[float]:
    return [intervals[-1][1]] if which == "right" else [intervals[0][0], intervals[-1][1]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", CASES)
def test_edges_of_symmetric_matrices(name: str) -> None:
    f, intervals, sigma, which = CASES[name]
    t, mass = quadrature(f, intervals)
    law = DeformedWigner(Density(f, intervals), sigma=sigma).law
    found = law.support.ravel()
    assert np.isfinite(found).all()
    expected = [x - sigma**2 * np.sum(mass / (t - x)) for x in ends(intervals, which)]
    got = [found[-1]] if which == "right" else [found[0], found[-1]]
    np.testing.assert_allclose(got, expected, rtol=1e-11)


@pytest.mark.parametrize("ratio", [0.4, 1.0])
@pytest.mark.parametrize("name", POSITIVE)
def test_edges_of_rectangular_matrices(name: str, ratio: float) -> None:
    f, intervals, sigma, _ = POSITIVE[name]
    t, mass = quadrature(f, intervals)
    found = InformationPlusNoise(Density(f, intervals), sigma, ratio).law.support.ravel()
    assert np.isfinite(found).all()
    top = intervals[-1][1]
    q = 1 - sigma**2 * ratio * np.sum(mass / (t - top))
    assert found[-1] == pytest.approx(top * q**2 + sigma**2 * (1 - ratio) * q, rel=1e-11)


@pytest.mark.parametrize("name", ["Gaussian cut at 8", "exponential", "power 150", "two hills"])
def test_the_law_within(name: str) -> None:
    """Pastur's equation off the line by quadrature, and distribution and quantiles on it."""
    f, intervals, sigma, _ = CASES[name]
    t, mass = quadrature(f, intervals)
    model = DeformedWigner(Density(f, intervals), sigma=sigma)
    law, low, high = model.law, model.law.support[0, 0], model.law.support[-1, 1]
    z = np.linspace(low, high, 9) + 0.5j * sigma
    g = law.stieltjes(z)
    again = [np.sum(mass / (t - one - sigma**2 * own)) for one, own in zip(z, g, strict=True)]
    np.testing.assert_allclose(g, again, rtol=1e-11)
    x = np.linspace(low, high, 60)
    assert np.isfinite(law.density(x)).all()
    levels = law.cdf(x)
    np.testing.assert_allclose(levels[[0, -1]], [0, 1], atol=1e-14)
    assert (np.diff(levels) >= -1e-14).all()
    q = np.array([0.0, 1e-16, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-9, 1 - 1e-15, 1.0])
    quantiles = law.quantile(q)
    assert (np.diff(quantiles) >= 0).all()
    np.testing.assert_allclose(law.cdf(quantiles), q, rtol=0, atol=2e-14)
    spike = 2 * intervals[-1][1] + sigma
    assert model.outlier(spike) > high
    assert np.isfinite(model.critical_spikes).all()


@pytest.mark.lengthy
@pytest.mark.parametrize("least", [0.0, 1e-300, 5e-324, 1e-18])
def test_grids_with_nothing_at_their_ends(least: float) -> None:
    x = np.linspace(-8, 8, 321)
    y = np.where(np.abs(x) < 5, gaussian(8)(x), least)
    y /= np.sum(y[1:] + y[:-1]) * (x[1] - x[0]) / 2
    law = GridDensity(x, y)
    found = DeformedWigner(law, sigma=1.0).law.support.ravel()
    # The density is linear between the points: x − g(x) there, by quadrature on each step.
    cells = list(pairwise(x))
    t, mass = quadrature(lambda s: np.interp(s, x, y), cells)
    if least:
        end = float(law.support[-1, 1])
        assert found[-1] == pytest.approx(end - np.sum(mass / (t - end)), rel=1e-9)
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(-found[-1])
