"""Many atoms at many points, where the sums are not made term by term, against plain sums."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._numerics.cauchy import AtomSums
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import Atoms

RNG = np.random.default_rng(11)
POINTS = {
    "normal": RNG.standard_normal(4000),
    "clusters": np.concatenate([RNG.normal(c, 1e-4, 1000) for c in (-3, 0, 1e-3, 1e3)]),
    "one far away": np.append(RNG.uniform(0, 1, 3999), 1e8),
    "equally spaced": np.linspace(-1, 1, 4000),
}


@pytest.fixture(params=POINTS, scope="module")
def cloud(
    request: pytest.FixtureRequest,
) -> tuple[FloatArray, FloatArray, FloatArray, ComplexArray]:
    """Points, weights, and 3000 places: on the real line, just above it, and far from it."""
    points = POINTS[request.param]
    weights = RNG.uniform(0.5, 1.5, points.size)
    weights /= weights.sum()
    low, high = np.sort(points)[[5, -5]]
    x = RNG.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low), 1000)
    return points, weights, x, np.concatenate([x + 1e-6j, x + 0.3j * (high - low), -3j * x])


def plain(
    points: FloatArray, weights: FloatArray, z: ComplexArray, term: Callable[..., ComplexArray]
) -> tuple[ComplexArray, FloatArray]:
    """Sum term by term, and the sum of the moduli, whose rounding is the least error possible."""
    total, size = np.empty(z.shape, complex), np.empty(z.shape)
    for i, w in enumerate(z):
        terms = weights * term(points, w)
        total[i] = complex(np.sum(terms.real), np.sum(terms.imag))
        size[i] = np.sum(np.abs(terms))
    return total, size


@pytest.mark.lengthy
def test_transforms(cloud: tuple[FloatArray, FloatArray, FloatArray, ComplexArray]) -> None:
    points, weights, _, z = cloud
    measure = Atoms(points, weights)
    for transform, power in ((measure.stieltjes, 1), (measure.stieltjes_derivative, 2)):
        expected, size = plain(points, weights, z, lambda t, w, k=power: (t - w) ** -k)
        _, slope = plain(points, weights, z, lambda t, w, k=power: (t - w) ** (-k - 1))
        # Cells have centres that are rounded at their own size, as if the atoms were moved by that.
        moved = power * np.finfo(float).eps * np.abs(points).max() * slope
        assert np.all(np.abs(transform(z) - expected) <= 1e-14 * size + 4 * moved)


@pytest.mark.lengthy
def test_potential(cloud: tuple[FloatArray, FloatArray, FloatArray, ComplexArray]) -> None:
    points, weights, _, z = cloud
    z = np.where(z.imag < 0, np.conj(z), z)
    expected, _ = plain(points, weights, z, lambda t, w: np.log(w - t))
    np.testing.assert_allclose(
        Atoms(points, weights).log_potential(z), expected, rtol=1e-13, atol=1e-13
    )


def test_potential_on_the_real_line_counts_the_mass_to_the_right(
    cloud: tuple[FloatArray, FloatArray, FloatArray, ComplexArray],
) -> None:
    points, weights, x, _ = cloud
    x = np.tile(x, 2)
    right = [weights[points > t].sum() for t in x]
    measure = Atoms(points, weights)
    np.testing.assert_allclose(measure.log_potential(x).imag / np.pi, right, rtol=0, atol=1e-13)
    np.testing.assert_allclose(measure.sf(x), right, rtol=0, atol=1e-13)


def test_real_places_give_what_complex_ones_do(
    cloud: tuple[FloatArray, FloatArray, FloatArray, ComplexArray],
) -> None:
    points, weights, x, _ = cloud
    x = x[np.abs(x[:, None] - points).min(axis=1) > 1e-4 * np.ptp(points) / points.size]
    tree = AtomSums(*(one[np.argsort(points)] for one in (points, weights)))
    for order in (1, 2):
        (real,) = tree.cauchy(x.astype(complex), [order])
        # One place off the line, and all are summed in complex numbers.
        (mixed,) = tree.cauchy(np.append(x, 1j), [order])
        np.testing.assert_allclose(real.real, mixed[:-1].real, rtol=1e-12, atol=1e-12)
        assert (real.imag == 0).all()
