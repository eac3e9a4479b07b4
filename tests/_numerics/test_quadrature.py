"""Integrals over an interval whose ends may be rough, against closed forms."""

import numpy as np
import pytest

from pastur._errors import NumericalError
from pastur._numerics.quadrature import integrate_interval

# Over [a, b] with half-length r: ∫√((b − t)(t − a)) = πr²/2, ∫1/√((b − t)(t − a)) = π.
INTERVALS = [(-1.0, 1.0), (0.0, 4.0), (1e6, 1e6 + 2), (-1e-6, 1e-6), (2.0, 2.0 + 1e-6)]


@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_roots_and_inverse_roots_at_both_ends(low: float, high: float) -> None:
    radius = (high - low) / 2
    # t is rounded at its own size, which counts in units of the length near an inverse root.
    tolerance = 1e-11 + 4 * np.sqrt(np.finfo(float).eps * max(abs(low), abs(high)) / radius)
    root = integrate_interval(lambda t: np.sqrt(max((high - t) * (t - low), 0)), low, high)
    assert root == pytest.approx(np.pi * radius**2 / 2, rel=1e-9)
    if low == 0 or low == -high:
        inverse = integrate_interval(lambda t: 1 / np.sqrt((high - t) * (t - low)), low, high)
        assert inverse == pytest.approx(np.pi, rel=tolerance)


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_the_tolerance_follows_the_size_of_the_integrand(scale: float) -> None:
    value = integrate_interval(lambda t: scale * np.exp(t), 0.0, 1.0)
    assert value == pytest.approx(scale * (np.e - 1), rel=1e-12)


def test_odd_and_vanishing_integrands() -> None:
    assert integrate_interval(lambda t: t**3, -2.0, 2.0) == pytest.approx(0, abs=1e-12)
    assert integrate_interval(lambda t: 0.0, -2.0, 2.0) == 0


def test_arrays_are_integrated_component_by_component() -> None:
    powers = np.arange(6)
    value = integrate_interval(lambda t: t**powers, 0.0, 1.0)
    np.testing.assert_allclose(value, 1 / (powers + 1), rtol=1e-11)


def test_what_cannot_be_integrated_is_refused() -> None:
    with pytest.raises(NumericalError, match="too rough or not integrable there"):
        integrate_interval(lambda t: 1 / abs(t - 0.3) if t != 0.3 else 0.0, 0.0, 1.0)
