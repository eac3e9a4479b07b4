"""Quantiles next to the edges, where a level of 1 − 1e-16 is rounded: against 30 digits."""

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
