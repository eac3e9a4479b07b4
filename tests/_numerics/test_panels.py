"""Quadrature over many intervals at once, against closed forms."""

import numpy as np
import pytest

from pastur._errors import NumericalError
from pastur._numerics.many_intervals import integrate_intervals
from pastur._typing import AnyArray, FloatArray

ENDS = np.array([[-2.0, 2.0], [3.0, 3.5], [10.0, 12.0]])


def test_roots_and_inverse_roots_at_the_ends() -> None:
    low, high = ENDS.T

    def root(t: FloatArray, index: AnyArray) -> FloatArray:
        result: FloatArray = np.sqrt((high[index] - t) * (t - low[index]))
        return result

    radii = (high - low) / 2
    assert integrate_intervals(root, ENDS) == pytest.approx(np.pi / 2 * (radii**2).sum(), rel=1e-13)
    inverse = integrate_intervals(lambda t, i: 1 / root(t, i), ENDS)
    assert inverse == pytest.approx(3 * np.pi, rel=1e-10)


def test_values_may_be_arrays_and_complex() -> None:
    powers = np.arange(4)
    value = integrate_intervals(lambda t, i: (1 + 1j) * t[:, None] ** powers, ENDS)
    expected = [np.sum(ENDS[:, 1] ** (k + 1) - ENDS[:, 0] ** (k + 1)) / (k + 1) for k in powers]
    np.testing.assert_allclose(value, (1 + 1j) * np.array(expected), rtol=1e-13)


def test_a_narrow_peak_and_a_jump_are_resolved() -> None:
    width = 1e-6
    value = integrate_intervals(lambda t, i: width / ((t - 0.3) ** 2 + width**2), ENDS[:1])
    expected = np.arctan(1.7 / width) + np.arctan(2.3 / width)
    assert value == pytest.approx(expected, rel=1e-11)
    assert integrate_intervals(lambda t, i: t > 0.3, ENDS[:1]) == pytest.approx(1.7, rel=1e-11)
    assert integrate_intervals(lambda t, i: 0.0 * t, ENDS) == 0


def test_what_cannot_be_integrated_is_an_error() -> None:
    with pytest.raises(NumericalError, match="too rough or not integrable"):
        integrate_intervals(lambda t, i: 1 / np.abs(t - 0.3), ENDS)
    with pytest.raises(NumericalError, match="over 3 intervals from -2 to 12 reached an error"):
        integrate_intervals(lambda t, i: np.where(t > 11, np.nan, t), ENDS)
