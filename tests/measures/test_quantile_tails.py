"""Quantiles of laws with closed forms, next to the edges above all: against 30 digits or more."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from pastur.measures import MarchenkoPastur, Semicircle

LEVELS = [1e-5, 1.1e-7, 0.9e-7, 1e-9, 1e-11, 1e-13, 1e-15, 1e-16]


def mass_within(distance: Any, density: Callable[[Any], Any]) -> Any:
    """Return the mass within `distance` of an edge where `density`, of the distance, has a root."""
    with mpmath.workdps(30):
        y = mpmath.mpf(distance)
        return mpmath.quad(lambda u: density(y * u * u) * 2 * y * u, [0, 1])


def check_quantile(
    law: Semicircle | MarchenkoPastur,
    density: Callable[[Any], Any],
    level: float,
    *,
    upper: bool,
    edge: Any,
    share: int = 1,
) -> None:
    """Assert that a quantile is off by 1e-12 at most, by the mass that its exact distance has."""
    q = 1 - level if upper else level
    mass = (1 - mpmath.mpf(q)) * share if upper else mpmath.mpf(q)
    with mpmath.workdps(30):
        distance = abs(mpmath.mpf(float(law.quantile(q))) - edge)
        excess = mass_within(distance, density) - mass
        # Half of the mass's slope is a bound: the density grows with the distance.
        assert abs(excess) <= mpmath.mpf("1e-12") * density(distance + mpmath.mpf("1e-12"))
        assert abs(excess) <= mass


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(("sigma", "center"), [(1.0, 0.0), (0.3, 2.0)])
def test_semicircle(sigma: float, center: float, upper: bool) -> None:
    law = Semicircle(sigma, center)
    s, c = mpmath.mpf(sigma), mpmath.mpf(center)
    edge = c + 2 * s if upper else c - 2 * s
    for level in LEVELS:
        check_quantile(
            law,
            lambda y: mpmath.sqrt(y * (4 * s - y)) / (2 * mpmath.pi * s**2),
            level,
            upper=upper,
            edge=edge,
        )


# From 1 on the lower edge is hard, or an atom's mass away from level 0.
@pytest.mark.parametrize(
    ("ratio", "upper"),
    [(r, True) for r in (0.01, 0.25, 0.9, 0.9999, 1.0, 4.0)]
    + [(r, False) for r in (0.01, 0.25, 0.9, 0.9999)],
)
def test_marchenko_pastur(ratio: float, upper: bool) -> None:
    law = MarchenkoPastur(ratio, 1.0)
    c = mpmath.mpf(ratio)
    with mpmath.workdps(30):
        low, high = (1 - mpmath.sqrt(c)) ** 2, (1 + mpmath.sqrt(c)) ** 2
    edge, sign = (high, -1) if upper else (low, 1)

    def density(y: Any) -> Any:
        return mpmath.sqrt(y * (high - low - y)) / (2 * mpmath.pi * c * (edge + sign * y))

    for level in LEVELS:
        check_quantile(law, density, level, upper=upper, edge=edge)


def test_a_hard_edge_and_an_atom_keep_their_quantiles() -> None:
    law = MarchenkoPastur(1.0, 1.0)
    # The cdf is (2/π)√x there: quantile (πq/2)².
    q = np.array([1e-4, 1e-8, 1e-12, 1e-16])
    np.testing.assert_allclose(law.quantile(q), (np.pi * q / 2) ** 2, rtol=1e-3, atol=1e-19)
    np.testing.assert_array_equal(MarchenkoPastur(4.0).quantile([0.0, 1e-16, 0.5, 0.75]), 0.0)


@pytest.mark.parametrize("law", [Semicircle(1.0), MarchenkoPastur(0.3), MarchenkoPastur(3.0)])
def test_quantiles_rise_through_the_change_of_formula(law: Semicircle | MarchenkoPastur) -> None:
    q = np.sort(np.concatenate([10.0 ** np.linspace(-17, -1, 400), 1 - 10.0 ** -np.arange(1, 17)]))
    found = law.quantile(np.concatenate([[0.0], q, [1.0]]))
    assert (np.diff(found) >= 0).all()
    assert found[[0, -1]].tolist() == law.support[[0, -1], [0, -1]].tolist()
    assert law.quantile(5e-324) >= law.support[0, 0]


DIGITS, EPS = 60, float(np.finfo(np.float64).eps)
ENDS = [1e-300, 1e-100, 1e-16, 1e-12, 3e-9, 1e-7, 1e-5]
MIDDLE = [0.003, 0.02, 0.05, 0.3, 0.4999, 0.5, 0.5001, 0.7, 0.95]
ALL_LEVELS = [*ENDS, *MIDDLE, *(1 - q for q in ENDS[2:])]


def semicircle_function(x: Any, sigma: Any, center: Any) -> Any:
    """The distribution function, from textbooks, in as many digits as are set."""
    t = (x - center) / (2 * sigma)
    if abs(t) >= 1:
        return mpmath.mpf(t > 0)
    return (t * mpmath.sqrt(1 - t * t) + mpmath.asin(t)) / mpmath.pi + mpmath.mpf(1) / 2


def marchenko_pastur_function(x: Any, ratio: float) -> Any:
    """That of σ = 1, likewise; beyond a ratio of 1 by the transposed matrix."""
    c = mpmath.mpf(ratio)
    if c > 1:
        return 1 - 1 / c + marchenko_pastur_function(x / c, 1 / c) / c
    low, high = (1 - mpmath.sqrt(c)) ** 2, (1 + mpmath.sqrt(c)) ** 2
    if x <= low or x >= high:
        return mpmath.mpf(x >= high)
    r = mpmath.sqrt((high - x) / (x - low))
    found = mpmath.pi * c + mpmath.sqrt((high - x) * (x - low))
    found -= (1 + c) * mpmath.atan((r * r - 1) / (2 * r))
    if c < 1:
        found += (1 - c) * mpmath.atan((low * r * r - high) / (2 * (1 - c) * r))
    return found / (2 * mpmath.pi * c)


def off_by(q: float, x: float, function: Callable[[Any], Any], slack: float) -> str:
    """Say in which direction a quantile is off by more than rounding; empty where it is not."""
    with mpmath.workdps(DIGITS if q > 1e-20 else 700):
        width = 16 * EPS * abs(mpmath.mpf(x))
        level = mpmath.mpf(q)
        if function(mpmath.mpf(x) - width) > level + slack:
            return "too large"
        if function(mpmath.mpf(x) + width) < level - slack:
            return "too small"
    return ""


@pytest.mark.parametrize(("sigma", "center"), [(1.0, 2.0), (3.0, 0.5)])
def test_every_quantile_of_the_semicircle_is_exact_to_rounding(sigma: float, center: float) -> None:
    """With its lower edge at 0 relative to the distance from it as well."""

    def function(x: Any) -> Any:
        return semicircle_function(x, mpmath.mpf(sigma), mpmath.mpf(center))

    found = Semicircle(sigma, center).quantile(ALL_LEVELS)
    assert not any(off_by(q, x, function, 0) for q, x in zip(ALL_LEVELS, found, strict=True))


RATIOS = [1e-20, 1e-6, 0.04, 0.0624, 0.0626, 0.25, 0.5, 0.9, 0.999999, 1 - 1e-12]


@pytest.mark.parametrize("ratio", [*RATIOS, 1.0, 1 + 1e-12, 1.5, 4.0, 1e6])
def test_every_quantile_of_marchenko_pastur_is_exact_to_rounding(ratio: float) -> None:
    atom = max(1 - 1 / ratio, 0.0)
    levels = [q for q in ALL_LEVELS if q > atom + 1e-15]
    # The mass beyond an atom is the difference of two numbers near 1.
    slack = 4 * EPS if atom else 0.0
    found = MarchenkoPastur(ratio).quantile(levels)
    for q, x in zip(levels, found, strict=True):
        assert off_by(q, x, lambda x: marchenko_pastur_function(x, ratio), slack) == ""


def test_a_quantile_that_is_off_is_noticed() -> None:
    x = float(MarchenkoPastur(0.5).quantile(0.3))
    for factor, fault in ((1 + 1e-14, "too large"), (1 - 1e-14, "too small")):
        found = off_by(0.3, x * factor, lambda x: marchenko_pastur_function(x, 0.5), 0)
        assert found == fault


@pytest.mark.parametrize("x", [1e-180, 1e-100, 1e-12, 1e-3, 0.2, 0.3, 1.0, 1.99, 2.01, 3.5])
def test_the_mass_next_to_an_edge_at_zero_has_all_its_digits(x: float) -> None:
    with mpmath.workdps(1000):
        exact = semicircle_function(mpmath.mpf(x), mpmath.mpf(1), mpmath.mpf(2))
        assert abs(Semicircle(1.0, 2.0).cdf(x) / exact - 1) < 1e-14
        assert abs(Semicircle(1.0, -2.0).sf(-x) / exact - 1) < 1e-14
        exact = marchenko_pastur_function(mpmath.mpf(x), 1.0)
        assert abs(MarchenkoPastur(1.0).cdf(x) / exact - 1) < 1e-14


@pytest.mark.parametrize("law", [Semicircle(2.0, 1.0), MarchenkoPastur(0.3), MarchenkoPastur(3.0)])
def test_ends_and_shapes_are_kept(law: Semicircle | MarchenkoPastur) -> None:
    low, high = law.support[0, 0], law.support[-1, 1]
    assert law.quantile(0.0) == low and law.quantile(1.0) == high
    assert law.quantile([[0.0, 1.0]]).tolist() == [[low, high]]
    assert law.quantile([]).shape == (0,)
    assert law.cdf([-np.inf, np.inf]).tolist() == [0.0, 1.0]
    assert law.sf([-np.inf, np.inf]).tolist() == [1.0, 0.0]
