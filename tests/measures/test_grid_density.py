"""Laws from a grid: segment by segment in 40 digits, exact quantiles, honest errors, refusals."""

from collections.abc import Iterator, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.measures import GridDensity, Semicircle


def mass_of(x: FloatArray, values: FloatArray) -> float:
    return float(np.sum(np.diff(x) * (values[1:] + values[:-1])) / 2)


def grid_law(x: FloatArray, values: FloatArray) -> GridDensity:
    return GridDensity(x, values / mass_of(x, values))


_RANDOM = np.random.default_rng(1)


def _grids() -> Iterator[tuple[str, FloatArray, FloatArray]]:
    graded = np.concatenate([[-1], -np.geomspace(0.5, 1e-12, 30), [0], np.geomspace(1e-11, 3, 20)])
    thin = np.array([0, 1e-9, 1, 1 + 1e-9, 5.0])
    rough = np.sort(_RANDOM.normal(size=150))
    yield "graded", graded, np.exp(-(graded**2))
    yield "long and thin", thin, np.array([0.6, 0.6, 0.4, 0.2, 0.04])
    yield "rough", rough, _RANDOM.random(rough.size)
    yield "far from 0", np.linspace(1e4, 1e4 + 1, 40), 1 + np.cos(np.arange(40.0))
    gaps = np.linspace(0, 1, 41)
    yield "gaps", gaps, np.where(np.isin(np.arange(41) % 20, [5, 6, 7, 8]), 0, 1 + gaps)
    yield "two points", np.array([2.0, 3.0]), np.array([0.0, 2.0])


GRIDS = {name: (x, values) for name, x, values in _grids()}


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> tuple[FloatArray, FloatArray]:
    x, values = GRIDS[request.param]
    return x, values / mass_of(x, values)


def segment(a: Any, b: Any, p: Any, q: Any, z: Any) -> tuple[Any, ...]:
    """g, g′ and potential of the density from p at a to q at b, for Im z > 0."""
    slope = (q - p) / (b - a)
    at_z = p + slope * (z - a)
    turn = mp.log(b - z) - mp.log(a - z)

    def antiderivative(t: Any) -> Any:
        # of (ρ(z) + slope·(t − z)) log(z − t)
        w = z - t
        log = mp.log(w)
        return -at_z * (w * log - w) + slope * (w**2 / 2 * log - w**2 / 4)

    return (
        at_z * turn + slope * (b - a),
        slope * turn - q / (b - z) + p / (a - z),
        antiderivative(b) - antiderivative(a),
    )


def transforms(x: FloatArray, values: FloatArray, z: Any) -> list[Any]:
    t, rho = [mp.mpf(float(v)) for v in x], [mp.mpf(float(v)) for v in values]
    parts = [segment(*ends, z) for ends in zip(t, t[1:], rho, rho[1:], strict=False)]
    return [mp.fsum(column) for column in zip(*parts, strict=True)]


def points(x: FloatArray) -> list[complex]:
    """Next to nodes, beyond both ends from near to very far, and above."""
    length = float(x[-1] - x[0])
    rng = np.random.default_rng(2)
    nodes = x[rng.integers(0, x.size, 12)]
    near = [complex(t, 10 ** rng.uniform(-11, 0) * length) for t in nodes]
    beside = [complex(t + 1e-9 * length * rng.normal(), 1e-10 * length) for t in nodes[:4]]
    right = [complex(x[-1] + d * length) for d in (1e-12, 1e-6, 0.01, 1, 1e4, 1e8)]
    left = [complex(x[0] - 1e-8 * length), complex(x[0] - 0.2 * length)]
    return [*near, *beside, *right, *left, 1e6j * length, complex(np.mean(x)) + 3j * length]


def test_transforms_are_sums_over_segments(grid: tuple[FloatArray, FloatArray]) -> None:
    x, values = grid
    law = GridDensity(x, values)
    z = points(x)
    first, second = law._stieltjes_pair(np.array(z))
    potential = law.log_potential(np.array(z))
    # Where a segment of length h is at z its own terms of size ρ/h cancel against the next.
    finest = np.max(values / np.min(np.diff(x)))
    with mp.workdps(60):
        for i, at in enumerate(z):
            exact = transforms(x, values, mp.mpc(at) + mp.mpc(0, mp.mpf(10) ** -50))
            assert abs(first[i] - exact[0]) <= 1e-14 * abs(exact[0])
            assert abs(second[i] - exact[1]) <= 1e-14 * abs(exact[1]) + 1e-15 * finest
            assert abs(potential[i] - exact[2]) <= 3e-14 * (1 + abs(mp.log(x[-1] - x[0])))


def test_a_wrong_value_is_noticed(grid: tuple[FloatArray, FloatArray]) -> None:
    """The sibling that must reject: one value, beside the heaviest step, is off by 1e-12."""
    x, values = grid
    off, heaviest = values.copy(), np.argmax(mass_steps(x, values))
    off[heaviest + (values[heaviest + 1] > values[heaviest])] *= 1 + 1e-12
    z = np.mean(x) + 0.1j * np.ptp(x)
    with mp.workdps(40):
        exact = transforms(x, off, mp.mpc(z))[0]
        assert abs(GridDensity(x, values).stieltjes(z) - exact) > 1e-14 * abs(exact)


def test_distribution_function_is_piecewise_quadratic(grid: tuple[FloatArray, FloatArray]) -> None:
    x, values = grid
    law = GridDensity(x, values)
    t, share = np.linspace(0, 1, 7), np.concatenate([[0], np.cumsum(mass_steps(x, values))])
    for a, b, p, q, below in zip(x, x[1:], values, values[1:], share, strict=False):
        at = a + (b - a) * t
        # Where a + (b − a)t is rounded as a whole, t is what it has become.
        back = (at - a) / (b - a)
        expected = below + (b - a) * (p * back + (q - p) * back**2 / 2)
        assert law.cdf(at) == pytest.approx(expected, abs=4e-15)
        assert law.density(at[1:-1]) == pytest.approx(
            p + (q - p) * back[1:-1], rel=1e-13, abs=1e-15
        )


def mass_steps(x: FloatArray, values: FloatArray) -> FloatArray:
    return np.diff(x) * (values[1:] + values[:-1]) / 2


def test_quantiles_are_exact(grid: tuple[FloatArray, FloatArray]) -> None:
    x, values = grid
    law = GridDensity(x, values)
    q = np.concatenate([np.linspace(0, 1, 997), law.cdf(x)])
    found = law.quantile(q)
    # Moving by one float changes F by the density times that.
    slack = 2e-15 + 4e-16 * np.abs(found) * np.max(values)
    assert np.all(np.abs(law.cdf(found) - q) <= slack)
    assert law.quantile(0) == law.support[0, 0]
    assert law.quantile(1) == law.support[-1, 1]


def test_quantiles_by_hand() -> None:
    # Density t on [0, √2]: F = t²/2, which starts with a vanishing density.
    law = GridDensity([0, 2**0.5], [0, 2**0.5])
    q = np.array([0, 1e-300, 1e-20, 0.25, 1])
    assert law.quantile(q) == pytest.approx(np.sqrt(2 * q), rel=4e-16, abs=0)
    falling = GridDensity([0, 2**0.5], [2**0.5, 0])
    assert falling.quantile(1 - q[3:]) == pytest.approx(2**0.5 - np.sqrt(2 * q[3:]), abs=4e-16)


def test_high_moments_are_exact() -> None:
    law = GridDensity([0, 1, 3], [0, 2 / 3, 0])
    for k in (1, 2, 13, 40):
        rising, falling = (
            1 / (k + 2),
            (3 * (3 ** (k + 1) - 1)) / (k + 1) - (3 ** (k + 2) - 1) / (k + 2),
        )
        assert law.moment(k) == pytest.approx(2 / 3 * rising + falling / 3, rel=1e-14)


def test_zeros_make_gaps() -> None:
    law = GridDensity([-9, 0, 1, 2, 5, 6, 7, 9], [0, 0, 0.5, 0, 0, 0.5, 0, 0])
    assert law.support.tolist() == [[0, 2], [5, 7]]
    assert law.quantile([0, 0.5, 0.5 + 1e-12, 1]) == pytest.approx([0, 2, 5, 7], abs=1e-5)
    assert law.quantile(0.5) == 2


def test_at_steps_and_nodes() -> None:
    law = GridDensity([0, 1, 2], [0.25, 0.75, 0.25])
    ends = law._stieltjes(np.array([0, 2 + 0j]))
    assert ends.real.tolist() == [np.inf, -np.inf]
    # Symmetric about the node: the real part vanishes there, the imaginary part is πρ.
    assert law._stieltjes(np.array(1 + 0j)) == pytest.approx(0.75j * np.pi, abs=1e-15)
    assert law.density([0, 1, 2, 2.1]).tolist() == [0.25, 0.75, 0.25, 0]


@pytest.mark.parametrize("n", [50, 101, 1000])
def test_the_stated_error_covers_what_the_grid_makes_of_a_density(n: int) -> None:
    dense = np.linspace(-2.1, 2.1, 20_001)
    x = np.linspace(-2, 2, n)
    semicircle = grid_law(x, np.sqrt(np.maximum(4 - x**2, 0)))
    truth = np.max(np.abs(semicircle.cdf(dense) - Semicircle(1.0).cdf(dense)))
    assert truth <= semicircle.approximation_error <= 3 * truth
    parabola = grid_law(x, 4 - x**2)
    exact = np.where(np.abs(dense) < 2, 0.5 + dense * (12 - dense**2) / 32, dense > 0)
    truth = np.max(np.abs(parabola.cdf(dense) - exact))
    assert truth <= parabola.approximation_error <= 4 * truth


def test_a_grid_that_says_nothing_of_its_error_says_so() -> None:
    assert np.isnan(GridDensity([0, 1], [1, 1]).approximation_error)
    assert GridDensity([0, 1, 2], [0.5, 0.5, 0.5]).approximation_error == 0
    # Every other point misses the peak altogether.
    assert GridDensity([0, 1, 2], [0, 1, 0]).approximation_error == 1


def test_thousands_of_points_by_thousands_of_nodes() -> None:
    rng = np.random.default_rng(8)
    x = np.sort(rng.normal(size=3000))
    law = grid_law(x, np.exp(-(x**2) / 2))
    z = rng.uniform(-4, 4, 3000) + 1j * 10 ** rng.uniform(-5, 1, 3000)
    some = rng.integers(0, z.size, 40)
    assert np.all(np.isfinite(law.stieltjes_derivative(z)))
    # The naive sum in floats loses a few digits to its long sum, no more.
    values = law.density(x)
    slope = np.diff(values) / np.diff(x)
    turn = np.diff(np.log(z[some, None] - x), axis=1)
    at_z = values[:-1] + slope * (z[some, None] - x[:-1])
    expected = np.sum(at_z * turn, axis=1) + values[-1] - values[0]
    assert np.max(np.abs(law.stieltjes(z)[some] - expected)) < 1e-11


def test_a_small_remainder_is_rescaled() -> None:
    law = GridDensity([0, 1], [1 + 5e-7, 1 + 5e-7])
    assert law.density(0.5) == pytest.approx(1, abs=1e-15)
    assert law.cdf(1) == 1


def test_the_law_does_not_follow_the_arrays_it_was_made_from() -> None:
    x, values = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    law = GridDensity(x, values)
    x[:], values[:] = 7.0, 0.1
    assert law.support.tolist() == [[0, 1]]
    assert law.density(0.5) == 1


@pytest.mark.parametrize(
    ("x", "density", "error", "sentence"),
    [
        ([0, 1, 2], [1, 1], InvalidInputError, "`density` must match `x`. Got 2 values for 3"),
        ([0], [1], InvalidInputError, "at least two points. A mass at one point is Atoms([x])."),
        ([0, 2, 1], [1, 1, 1], InvalidInputError, "`x` must ascend. Got 2 before 1."),
        ([0, 1, 1], [1, 1, 1], InvalidInputError, "`x` must ascend. Got 1 before 1."),
        ([0, 1], [1, np.nan], InvalidInputError, "`density` must be finite. Found nan at index"),
        ([0, np.inf], [1, 1], InvalidInputError, "`x` must be finite."),
        (
            [0, 1, 2],
            [1, -0.25, 1],
            InvalidInputError,
            "`density` must not be negative. It is -0.25 at x = 1. A signed measure is",
        ),
        (
            [0, 1, 2],
            [0, 1.5, 0],
            InvalidInputError,
            "The density integrates to 1.5 over its support, not to 1. Divide it by that",
        ),
        ([0, 1, 2], [0, 1 + 2e-6, 0], InvalidInputError, "integrates to 1.000002 over its support"),
        ([0, 1], [0, 0], InvalidInputError, "`density` is 0 everywhere."),
        ([0, 1], [1j, 1], InvalidTypeError, "`density` must be real."),
        (["a", "b"], [1, 1], InvalidTypeError, "`x` must hold numbers."),
        ([[0, 1]], [1, 1], InvalidInputError, "`x` must be one-dimensional."),
    ],
)
def test_sentence(
    x: Sequence[int], density: Sequence[int], error: type[InvalidInputError], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        GridDensity(x, density)
    assert sentence in str(caught.value)
