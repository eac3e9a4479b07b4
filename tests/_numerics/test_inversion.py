"""Inverting increasing functions on brackets."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._numerics.inversion import invert_increasing
from pastur._typing import FloatArray

FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "line": lambda x: 3 * x - 1,
    "cube": lambda x: x**3,
    "root at the end": lambda x: np.sqrt(np.maximum(x + 1, 0)),
    "steep": lambda x: np.tanh(1e6 * (x - 0.3)),
    "nearly flat": lambda x: 1e-9 * x + np.exp(40 * (x - 1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_target_lies_within_two_units_in_the_last_place(name: str) -> None:
    f = FUNCTIONS[name]
    low, high = np.full(41, -1.0), np.full(41, 1.0)
    span = f(high) - f(low)
    target = f(low) + span * np.linspace(0.01, 0.99, 41)
    x = invert_increasing(f, low, high, target)
    assert np.all((x >= low) & (x <= high))
    step = 4 * np.spacing(np.abs(x)) + 1e-300
    assert np.all(f(x - step) <= target + 1e-15 * np.abs(target))
    assert np.all(f(x + step) >= target - 1e-15 * np.abs(target))


def test_ends_of_the_bracket_are_found() -> None:
    low, high = np.array([0.0, 0.0]), np.array([2.0, 2.0])
    x = invert_increasing(lambda t: t, low, high, np.array([0.0, 2.0]))
    np.testing.assert_allclose(x, [0, 2], atol=1e-300)


def test_each_target_has_its_own_bracket() -> None:
    low, high = np.array([-5.0, 1.0, 1e8]), np.array([-4.0, 2.0, 2e8])
    target = np.array([-4.5, 1.25, 1.5e8])
    np.testing.assert_allclose(
        invert_increasing(lambda t: t, low, high, target), target, rtol=1e-15
    )


def test_few_evaluations_are_needed_for_a_smooth_function() -> None:
    calls = []

    def f(x: FloatArray) -> FloatArray:
        calls.append(x.size)
        return np.exp(x)

    x = invert_increasing(f, np.zeros(1000), np.ones(1000), np.linspace(1.01, 2.7, 1000))
    np.testing.assert_allclose(np.exp(x), np.linspace(1.01, 2.7, 1000), rtol=1e-15)
    # Bisection alone takes 52 of them.
    assert len(calls) < 25
