"""Laws of mass, density and transforms, for every measure of the table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.measures.conftest import Example


def power(k: int, t: Any) -> Any:
    return t**k


def test_mass_is_atoms_plus_integral_of_density(example: Example) -> None:
    total = example.integral(np.ones_like)
    assert total == pytest.approx(example.measure.mass, abs=1e-12)


def test_moments_are_integrals(example: Example) -> None:
    for k in range(7):
        # Both routes add terms of size scaleᵏ.
        tolerance = 1e-12 * example.scale**k
        assert example.measure.moment(k) == pytest.approx(
            example.integral(partial(power, k)), abs=tolerance
        )


def test_integrate_agrees_with_the_nodes_of_the_test(example: Example) -> None:
    value = example.measure.integrate(lambda t: np.cos(t / example.scale))
    assert value == pytest.approx(example.integral(lambda t: np.cos(t / example.scale)), abs=1e-11)


def test_density_vanishes_off_the_support(example: Example) -> None:
    assert np.all(example.measure.density(example.outside()) == 0)


def test_transform_is_the_integral(example: Example) -> None:
    z = np.concatenate([example.plane(), example.outside()])
    expected = example.integral(lambda t: 1 / (t - z[:, None]))
    error = np.abs(example.measure.stieltjes(z) - expected)
    # 120 nodes reach 1e-11 at points 3 % of the scale away from the support.
    assert np.all(error <= 1e-12 * np.abs(expected) + 1e-11 / example.scale)


def test_derivative_is_the_integral(example: Example) -> None:
    z = np.concatenate([example.plane(), example.outside()])
    expected = example.integral(lambda t: 1 / (t - z[:, None]) ** 2)
    error = np.abs(example.measure.stieltjes_derivative(z) - expected)
    assert np.all(error <= 1e-11 * np.abs(expected) + 1e-9 / example.scale**2)


def test_potential_is_the_integral(example: Example) -> None:
    z = example.plane()
    z = z[z.imag > 0]
    unit = example.scale
    expected = example.integral(lambda t: np.log((z[:, None] - t) / unit))
    got = example.measure.log_potential(z) - example.measure.mass * np.log(unit)
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-11)


def test_formula_and_quadrature_agree(example: Example) -> None:
    measure, z = example.measure, np.append(example.plane()[::3], example.outside()[:1])
    for transform, power in ((measure.stieltjes, 1), (measure.stieltjes_derivative, 2)):
        exact, numeric = transform(z), transform(z, method="quadrature")
        # `integrate` states 1e-10 of its scale, which is that of the largest component.
        largest = np.max(np.abs(exact)) + example.scale**-power
        np.testing.assert_allclose(numeric, exact, rtol=0, atol=1e-10 * largest)


def test_far_away_the_coefficients_are_mass_and_moments(example: Example) -> None:
    # g = −Σ m_k/z^(k+1): the trapezoidal rule on |z| = 3·scale is exact up to 3^−48.
    z = 3 * example.scale * np.exp(2j * np.pi * (np.arange(48) + 0.5) / 48)
    g = example.measure.stieltjes(z)
    for k in range(6):
        coefficient = np.mean(-g * z ** (k + 1))
        expected = example.measure.moment(k)
        assert abs(coefficient - expected) <= 1e-12 * (3 * example.scale) ** k


def test_minus_z_times_transform_tends_to_the_mass(example: Example) -> None:
    for z in np.array([1e8 + 1j, -1e8 - 1j, 1e8j, -1e8j]) * example.scale:
        # The next term is the first moment over z.
        assert abs(-z * example.measure.stieltjes(z) - example.measure.mass) <= 5e-8


def test_plemelj_gives_the_density(example: Example) -> None:
    x = example.interior() if len(example.pieces) else example.outside()
    shortest = np.min(example.pieces[:, 1] - example.pieces[:, 0], initial=example.scale)
    errors = []
    for eta in (1e-3 * shortest, 1e-8 * shortest):
        smoothed = example.measure.stieltjes(x + 1j * eta).imag / np.pi
        errors.append(np.max(np.abs(smoothed - example.measure.density(x))))
    # The error is of first order in η, down to rounding.
    assert errors[1] <= 1e-4 * errors[0] + 1e-12 / shortest


def test_boundary_value_has_the_density_as_imaginary_part(example: Example) -> None:
    # What a formula returns on the real line, which the rooms above rely on: no η at all.
    x = example.interior()
    g = example.measure._stieltjes(x.astype(complex))
    density = example.measure.density(x)
    np.testing.assert_allclose(g.imag / np.pi, density, rtol=1e-12, atol=1e-13 / example.scale)


def test_residue_gives_the_mass_of_each_atom(example: Example) -> None:
    eta = 1e-13 * example.scale
    for point, weight in example.measure.atoms:
        residue = -1j * eta * example.measure.stieltjes(point + 1j * eta)
        # Beside a hard edge the rest adds √(η/scale); elsewhere it adds η over the distance.
        assert abs(residue - weight) <= 1e-6


def test_no_atom_where_none_is_listed(example: Example) -> None:
    eta = 1e-13 * example.scale
    residue = -1j * eta * example.measure.stieltjes(example.outside() + 1j * eta)
    assert np.all(np.abs(residue) <= 1e-10)


def test_derivative_is_that_of_the_transform(example: Example) -> None:
    z = example.plane()
    radius = 0.4 * np.abs(z.imag)
    turn = np.exp(2j * np.pi * np.arange(40) / 40)
    # Cauchy's formula on a circle of 0.4 of the distance: the rule errs by 0.4^40.
    values = example.measure.stieltjes(z + radius * turn[:, None])
    slope = np.mean(values / turn[:, None], axis=0) / radius
    got = example.measure.stieltjes_derivative(z)
    # The route of the test loses eps/radius of the terms of g, whose sum may be smaller.
    tolerance = 1e-13 * (np.max(np.abs(values), axis=0) + 1 / np.abs(z)) / radius
    tolerance += 1e-12 * np.abs(slope) + example.stated_error / example.scale**2
    assert np.all(np.abs(got - slope) <= tolerance)


def test_potential_falls_like_minus_the_transform(example: Example) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for start, end in ((-2 + 1j, 3 + 2j), (4 + 3j, 400 + 300j), (0.5j, 0.2 + 0.4j)):
        a, b = start * example.scale, end * example.scale
        path = (a + b) / 2 + (b - a) / 2 * nodes
        expected = -(example.measure.stieltjes(path) @ weights) * (b - a) / 2
        if abs(b) > 100 * example.scale:
            # Geometric steps keep the path far from the support in units of its length.
            t = np.log(b / a) / 2 * (nodes + 1)
            path = a * np.exp(t)
            expected = -(example.measure.stieltjes(path) * path) @ weights * np.log(b / a) / 2
        got = example.measure.log_potential(b) - example.measure.log_potential(a)
        assert abs(got - expected) <= 1e-11


def test_potential_is_mass_times_logarithm_at_infinity(example: Example) -> None:
    for z in np.array([1e9, 1e9j, -1e9]) * example.scale:
        expected = example.measure.mass * np.log(z + 0j)
        assert abs(example.measure.log_potential(z) - expected) <= 1e-8


def test_potential_counts_the_mass_to_the_right(example: Example) -> None:
    x = np.concatenate([example.interior(), example.outside()])
    right = [example.measure.mass - example.integral(np.ones_like, upto=t) for t in x]
    got = example.measure.log_potential(x).imag / np.pi
    np.testing.assert_allclose(got, right, rtol=0, atol=2e-12)


def test_conjugation_symmetry(example: Example) -> None:
    z = example.plane()
    for transform in (
        example.measure.stieltjes,
        example.measure.stieltjes_derivative,
        example.measure.log_potential,
    ):
        np.testing.assert_array_equal(transform(np.conj(z)), np.conj(transform(z)))


def test_the_real_line_is_the_upper_side_whatever_the_sign_of_its_zero(example: Example) -> None:
    x = np.concatenate([example.interior(), example.outside()])
    below = np.array([complex(t, -0.0) for t in x])
    potential = example.measure.log_potential
    np.testing.assert_array_equal(potential(below), potential(x))


def test_real_arguments_off_the_support_give_real_values(example: Example) -> None:
    x = example.outside()
    for transform in (example.measure.stieltjes, example.measure.stieltjes_derivative):
        values = transform(x)
        assert values.dtype == np.float64
        np.testing.assert_array_equal(transform(x + 0j), values.astype(complex))


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.0), (-2.5, 0.7), (1.0, -4.0), (-1.0, 0.0)])
def test_affine_images(example: Example, a: float, b: float) -> None:
    measure, shift = example.measure, b * example.scale
    image = measure.scale(a).shift(shift)
    assert image.mass == pytest.approx(measure.mass, abs=1e-15)
    support = np.sort(a * measure.support + shift, axis=1)
    np.testing.assert_allclose(
        image.support, support[np.argsort(support[:, 0])], rtol=1e-13, atol=1e-15 * example.scale
    )
    z = example.plane()
    back = (z - shift) / a
    near = 1e-12 / (np.min(np.abs(z.imag)) * abs(a))
    np.testing.assert_allclose(
        image.stieltjes(z), measure.stieltjes(back) / a, rtol=1e-12, atol=near
    )
    x = a * example.interior() + shift
    np.testing.assert_allclose(
        image.density(x), measure.density((x - shift) / a) / abs(a), rtol=1e-11
    )


def test_image_and_back_is_the_measure_itself(example: Example) -> None:
    measure = example.measure
    back = measure.shift(example.scale).scale(-2.0).scale(-0.5).shift(-example.scale)
    z = example.plane()
    np.testing.assert_allclose(back.stieltjes(z), measure.stieltjes(z), rtol=1e-11)
    np.testing.assert_allclose(back.atoms[:, 1], measure.atoms[:, 1], rtol=1e-15)


def test_signed_sum_is_linear(example: Example) -> None:
    other = example.measure.shift(0.3 * example.scale)
    z = example.plane()
    combined = 2 * example.measure - other / 4
    expected = 2 * example.measure.stieltjes(z) - other.stieltjes(z) / 4
    np.testing.assert_allclose(combined.stieltjes(z), expected, rtol=1e-12)
    assert combined.mass == pytest.approx(1.75 * example.measure.mass)


def test_support_is_ascending_and_holds_the_atoms(example: Example) -> None:
    support = example.measure.support
    assert support.ndim == 2 and support.shape[1] == 2
    assert np.all(support[:, 0] <= support[:, 1])
    assert np.all(support[1:, 0] > support[:-1, 1])
    for point in example.measure.atoms[:, 0]:
        assert np.any((support[:, 0] <= point) & (point <= support[:, 1]))
    assert np.all(np.diff(example.measure.atoms[:, 0]) > 0)
    # At ratio 1 there is none, and not one of mass 0.
    assert np.all(example.measure.atoms[:, 1] != 0)


def test_values_keep_the_shape_of_the_argument(example: Example) -> None:
    z = example.plane()[:6].reshape(2, 3)
    assert example.measure.stieltjes(z).shape == (2, 3)
    assert example.measure.density(z.real).shape == (2, 3)
    assert np.ndim(example.measure.stieltjes(z[0, 0])) == 0
