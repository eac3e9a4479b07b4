"""The standard normal density has all three transforms in closed form."""

import numpy as np
import pytest
from scipy.special import erfc, wofz

from pastur._numerics import sinc
from pastur._typing import ComplexArray

START, STEP = -12.0, 0.25
POINTS = START + STEP * np.arange(97)
NORMAL = np.exp(-(POINTS**2) / 2) / np.sqrt(2 * np.pi)


def stieltjes(z: ComplexArray) -> ComplexArray:
    """∫ρ(t)/(t − z) dt = i √(π/2) w(z/√2), w Faddeeva's function."""
    result: ComplexArray = 1j * np.sqrt(np.pi / 2) * wofz(z / np.sqrt(2))
    return result


PLANE = np.concatenate(
    [
        np.linspace(-7, 7, 301),
        POINTS,  # where the kernel needs its limit
        np.linspace(-4, 4, 301) + 1e-6j,
        np.linspace(-40, 40, 301) + 1j,
        1j * np.geomspace(1e-12, 1e4, 50),
    ]
).astype(complex)


def test_the_transform_of_the_normal_density() -> None:
    found = sinc.cauchy_transform(START, STEP, NORMAL, PLANE)
    # A hundred terms of size one: rounding errors only.
    assert np.abs(found - stieltjes(PLANE)).max() < 5e-14


def test_the_transform_next_to_a_point_keeps_its_digits() -> None:
    z = (POINTS[40] + np.geomspace(1e-15, 1e-3, 60)).astype(complex)
    assert np.abs(sinc.cauchy_transform(START, STEP, NORMAL, z) - stieltjes(z)).max() < 5e-14


def test_the_derivative_of_the_normal_density() -> None:
    assert np.abs(sinc.derivative(STEP, NORMAL) + POINTS * NORMAL).max() < 1e-14


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_the_logarithmic_potential_on_the_real_line(shift: float) -> None:
    x = POINTS[::3] + shift
    found = sinc.log_potential(START, STEP, NORMAL, x.astype(complex))
    assert np.abs(found.imag / np.pi - erfc(x / np.sqrt(2)) / 2).max() < 1e-14


def test_the_logarithmic_potential_is_minus_the_primitive_of_the_transform() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(40)
    low, high = 0.3, 2.2 + 1.5j
    path = ((low + high) / 2 + (high - low) / 2 * nodes).astype(np.complex128)
    integral = (high - low) / 2 * (weights @ stieltjes(path))
    ends = sinc.log_potential(START, STEP, NORMAL, np.array([low, high]))
    assert abs(ends[0] - ends[1] - integral) < 1e-13


def test_the_logarithmic_potential_far_away_is_a_logarithm() -> None:
    z = np.array([1e6 + 1e6j])
    # Next term of the expansion: −m₂/(2z²).
    assert abs(sinc.log_potential(START, STEP, NORMAL, z)[0] - np.log(z[0])) < 1e-12


def test_shapes_are_kept() -> None:
    z = np.full((3, 2), 1j)
    assert sinc.cauchy_transform(START, STEP, NORMAL, z).shape == (3, 2)
    assert sinc.log_potential(START, STEP, NORMAL, z[:, 0]).shape == (3,)
