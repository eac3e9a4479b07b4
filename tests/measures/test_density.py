"""Laws from a callable: closed forms up to the very edge, awkward functions, every refusal."""

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from pastur._errors import InvalidInputError, InvalidTypeError, NumericalError
from pastur._typing import FloatArray
from pastur.measures import Density, MarchenkoPastur, Uniform
from pastur.measures._contract.curve import density_curve


def shifted_root(z: Any) -> Any:
    """√z √(z − 1), the branch that is like z far away."""
    return mp.sqrt(z) * mp.sqrt(z - 1)


def semicircle(z: Any) -> Any:
    return -2 / (z - mp.mpf(1) / 2 + shifted_root(z))


def arcsine(z: Any) -> Any:
    return -1 / shifted_root(z)


def uniform(z: Any) -> Any:
    return mp.log(z - 1) - mp.log(z)


def parabola_end(z: Any) -> Any:
    """3(1 − t)² vanishes so fast at 1 that g′ is finite there."""
    return 3 * ((1 - z) ** 2 * (mp.log(z - 1) - mp.log(z)) + z - mp.mpf(3) / 2)


def three_halves(z: Any) -> Any:
    """(5/2)(1 − t)^(3/2), with a = 1 − z: smooth at 0, a root of higher order at 1."""
    a = 1 - z
    turn = (mp.log(mp.sqrt(a) + 1) - mp.log(mp.sqrt(a) - 1)) / 2
    return mp.mpf(5) / 2 * (-mp.mpf(2) / 3 - 2 * a + 2 * a * mp.sqrt(a) * turn)


# Each on [0, 1]: the density, g for Im z > 0, and how g and g′ may err at distance d of the end 1,
# in units of d^(−power) for the latter.
CLOSED = {
    "square roots": (lambda t: 8 / np.pi * np.sqrt(t * (1 - t)), semicircle, 0.0),
    "inverse roots": (lambda t: 1 / (np.pi * np.sqrt(t * (1 - t))), arcsine, 0.0),
    "steps": (lambda t: 0 * t + 1, uniform, 0.0),
    "fast": (lambda t: 3 * (1 - t) ** 2, parabola_end, 0.0),
    "three halves": (lambda t: 2.5 * (1 - t) ** 1.5, three_halves, 0.5),
}


@pytest.fixture(params=CLOSED)
def closed(request: pytest.FixtureRequest) -> tuple[Density, Callable[[Any], Any], float]:
    f, g, power = CLOSED[request.param]
    return Density(f, (0, 1)), g, power


def test_transforms_up_to_the_edge(closed: tuple[Density, Callable[[Any], Any], float]) -> None:
    law, g, power = closed
    with mp.workdps(60):
        for distance in 2.0 ** -np.arange(-8, 53, 3):
            for z in (complex(1 + distance), complex(1 - distance / 3, distance), 0.4 + 1j):
                w = mp.mpc(z) + mp.mpc(0, mp.mpf(10) ** -55)
                h = mp.mpf(10) ** -20 * abs(w - 1)
                slope = (g(w + h) - g(w - h)) / (2 * h)
                assert abs(law.stieltjes(z) - g(w)) <= 1e-13 * abs(g(w))
                slack = 1e-11 + 1e-15 * distance**-power
                assert abs(law.stieltjes_derivative(z) - slope) <= slack * abs(slope)


def test_boundary_values_inside(closed: tuple[Density, Callable[[Any], Any], float]) -> None:
    law, g, _ = closed
    with mp.workdps(60):
        for x in (1e-9, 0.013, 0.25, 0.5, 0.5 + 1e-15, 0.9, 1 - 1e-7):
            exact = g(mp.mpc(x, mp.mpf(10) ** -50))
            got = law._stieltjes(np.array(x + 0j))
            # 1 − t of a density that is small at 1 is rounded at the size of t.
            assert abs(got - exact) <= 1e-13 * (1 + abs(exact)) + 1e-15 / (1 - x)
            assert law.density(x) == pytest.approx(
                float(mp.im(exact) / mp.pi), rel=1e-12, abs=1e-14
            )


def test_real_part_at_an_end_is_that_of_the_limit() -> None:
    fast, root = (Density(CLOSED[name][0], (0, 1)) for name in ("fast", "square roots"))
    at_end = np.array(1 + 0j)
    # −∫3(1 − t)dt and −∫3dt; for the semicircle law of radius ½, −1/ω with ω = ¼ at the edge.
    assert fast._stieltjes(at_end) == pytest.approx(-1.5, abs=1e-14)
    assert fast._stieltjes_derivative(at_end) == pytest.approx(3.0, rel=1e-10)
    assert root._stieltjes(at_end) == pytest.approx(-4.0, abs=1e-13)
    assert root._stieltjes_derivative(at_end).real == np.inf


def test_at_a_step_the_transform_is_infinite() -> None:
    law = Density(lambda t: np.where(t < 0, 0.75, 0.25), [(-1, 0), (0, 1)])
    values = law._stieltjes(np.array([-1, 0, 1 + 0j])).real
    assert values.tolist() == [np.inf, -np.inf, -np.inf]
    assert np.isinf(law._stieltjes_derivative(np.array([-1, 0, 1 + 0j])).real).all()
    hard = Density(lambda t: 1 / (2 * np.sqrt(t)), (0, 1))
    assert hard._stieltjes(np.array(0j)).real == np.inf
    assert hard.density(0.0) == np.inf
    assert law.support.tolist() == [[-1, 1]]


def normal(center: float, sd: float) -> Callable[[FloatArray | int], FloatArray | float]:
    return lambda t: np.exp(-(((t - center) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))


def beta(
    a: float, b: float
) -> tuple[Callable[[FloatArray], FloatArray], tuple[int, int], Callable[[FloatArray], FloatArray]]:
    return lambda t: stats.beta.pdf(t, a, b), (0, 1), lambda x: stats.beta.cdf(x, a, b)


_JUMP = 2**-0.5

# Function, support, distribution function.
AWKWARD = {
    "powers with no root": beta(1.3, 2.7),
    "weak singularity": beta(0.8, 2),
    "roots of higher order": beta(2.5, 3.5),
    "logarithm": (lambda t: -np.log(t), (0, 1), lambda x: x - x * np.log(np.maximum(x, 1e-300))),
    "root and smooth": (
        lambda t: (np.sqrt(t) + t) * 6 / 7,
        (0, 1),
        lambda x: (x**1.5 * 2 / 3 + x**2 / 2) * 6 / 7,
    ),
    "quarter circle": (
        lambda t: np.sqrt(4 - t * t) / np.pi,
        (0, 2),
        lambda x: (x * np.sqrt(4 - x * x) / 2 + 2 * np.arcsin(x / 2)) / np.pi,
    ),
    "normal": (normal(0, 1), (-8, 8), stats.norm.cdf),
    "normal, wide": (normal(0, 1), (-60, 60), stats.norm.cdf),
    "narrow peak": (
        normal(0.1234, 1e-3),
        (-1, 1),
        lambda x: stats.norm.cdf((x - 0.1234) / 1e-3),
    ),
    "narrow and heavy": (
        lambda t: 1e-4 / (1e-8 + t**2) / (2 * math.atan(1e4)),
        (-1, 1),
        lambda x: 0.5 + np.arctan(1e4 * x) / (2 * math.atan(1e4)),
    ),
    "oscillation": (
        lambda t: (1 + np.cos(200 * np.pi * t)) / 2,
        (-1, 1),
        lambda x: (x + 1) / 2 + np.sin(200 * np.pi * x) / (400 * np.pi),
    ),
    "kink": (
        lambda t: 2 * np.where(t < 0.3, t / 0.3, (1 - t) / 0.7),
        (0, 1),
        lambda x: np.where(x < 0.3, x * x / 0.3, 1 - (1 - x) ** 2 / 0.7),
    ),
    "step": (
        lambda t: np.where(t < _JUMP, 0.9 / _JUMP, 0.1 / (1 - _JUMP)),
        (0, 1),
        lambda x: np.where(x < _JUMP, 0.9 * x / _JUMP, 0.9 + 0.1 * (x - _JUMP) / (1 - _JUMP)),
    ),
    "far from 0": (
        lambda t: 6 * (t - 1e6) * (1e6 + 1 - t),
        (1e6, 1e6 + 1),
        lambda x: 3 * (x - 1e6) ** 2 - 2 * (x - 1e6) ** 3,
    ),
    "scalars only": (
        lambda t: math.sin(t) / 2 if t < 10 else 0.0,
        (0, math.pi),
        lambda x: (1 - np.cos(x)) / 2,
    ),
    "constant": (lambda t: 0.5, (0, 2), lambda x: x / 2),
    "rounded function": (
        lambda t: 0.5 * (1 + 1e-12 * np.sin(1e9 * t)),
        (0, 2),
        lambda x: x / 2,
    ),
}


@pytest.fixture(params=AWKWARD)
def awkward(
    request: pytest.FixtureRequest,
) -> tuple[
    Callable[[FloatArray | float], FloatArray | float],
    tuple[float, float],
    Callable[[FloatArray], FloatArray],
]:
    return AWKWARD[request.param]


def test_the_stated_error_holds(
    awkward: tuple[
        Callable[[FloatArray | float], FloatArray | float],
        tuple[float, float],
        Callable[[FloatArray], FloatArray],
    ],
) -> None:
    f, support, cdf = awkward
    law = Density(f, support)
    x = np.concatenate([np.linspace(*support, 997), support[0] + np.geomspace(1e-12, 1e-3, 50)])
    # Beyond it there are rounding errors only, of F and of the test's formula.
    slack = 2e-15 + 1e-16 * np.max(np.abs(x))
    assert np.max(np.abs(law.cdf(x) - cdf(x))) <= law.approximation_error + slack
    assert law.approximation_error < 1e-9
    assert law.sf(support[0]) == law.cdf(support[1]) == 1


def test_quantiles_invert(
    awkward: tuple[
        Callable[[FloatArray | float], FloatArray | float],
        tuple[float, float],
        Callable[[FloatArray], FloatArray],
    ],
) -> None:
    f, support, _ = awkward
    law = Density(f, support)
    q = np.linspace(0, 1, 501)
    x = law.quantile(q)
    assert x[0] == support[0] and x[-1] == support[1]
    # Rounding x moves F by the density times that.
    slack = 1e-15 + 4e-16 * np.abs(x) * np.minimum(law.density(x), 1e6)
    assert np.all(np.abs(law.cdf(x) - q) <= 10 * slack)


def test_formula_and_quadrature_agree(
    awkward: tuple[
        Callable[[FloatArray | float], FloatArray | float],
        tuple[float, float],
        Callable[[FloatArray], FloatArray],
    ],
) -> None:
    f, support, _ = awkward
    law = Density(f, support)
    z = np.array([np.mean(support) + 0.5j * np.ptp(support), support[1] + np.ptp(support)])
    got, expected = law.stieltjes(z), law.stieltjes(z, method="quadrature")
    assert np.all(np.abs(got - expected) <= 1e-10 * np.abs(expected))


def test_an_error_that_is_not_stated_is_noticed() -> None:
    """The sibling that must reject: the distribution function of a neighbour."""
    f, support, cdf = AWKWARD["kink"]
    law = Density(f, support)
    x = np.linspace(*support, 997)
    neighbour = cdf(x + 1e-13)
    assert np.max(np.abs(law.cdf(x) - neighbour)) > law.approximation_error + 2e-15


def test_a_rough_function_states_its_roughness() -> None:
    law = Density(AWKWARD["rounded function"][0], (0, 2))
    assert 1e-13 < law.approximation_error < 1e-10


def test_several_intervals_and_the_gap_between() -> None:
    pieces = [(-2, -1), (1, 3), (3, 4)]

    def f(t: FloatArray) -> FloatArray:
        middle = 0.375 * (3 - t) * (t - 1)
        return np.where(t < 0, 0.25, np.where(t < 3, middle, 0.25))

    law = Density(f, pieces)
    assert law.support.tolist() == [[-2, -1], [1, 4]]
    assert law.quantile(0.25) == -1
    assert law.quantile(0.25 + 1e-9) > 1
    assert law.cdf([-1, 0, 1, 3]) == pytest.approx([0.25, 0.25, 0.25, 0.75], abs=1e-15)
    assert law.density([-1.5, 0, 2, 3.5, 4.5]) == pytest.approx([0.25, 0, 0.375, 0.25, 0])
    assert law.stieltjes(0.0).dtype == np.float64


def test_every_way_to_write_f_is_the_same() -> None:
    z = np.array([0.3 + 0.1j, 2.0])
    exact = Density(lambda t: 2 * t, (0, 1)).stieltjes(z)
    for f in (
        lambda t: 2 * t if t >= 0 else 0,
        lambda t: [2 * v for v in t],
        lambda t: (2 * np.asarray(t)).tolist(),
        np.poly1d([2, 0]),
    ):
        np.testing.assert_array_equal(Density(f, [0, 1]).stieltjes(z), exact)
    halves = Density(lambda t: np.float32(0.5), np.array([[0], [2]], dtype=np.int32).T)
    assert halves.stieltjes(3.0) == pytest.approx(Uniform(0, 2).stieltjes(3.0), rel=1e-15)


def test_f_is_called_inside_only_and_seldom() -> None:
    seen = []

    def f(t: FloatArray) -> FloatArray:
        seen.append(t)
        result: FloatArray = MarchenkoPastur(1.0, 1.0).density(t)
        return result

    law = Density(f, (0, 4))
    points = np.concatenate(seen)
    assert 0 < points.min() and points.max() < 4
    assert points.size < 300
    seen.clear()
    law.density(1.0), law.cdf(1.0), law.stieltjes(1j), law.sample(5)
    assert not seen


def test_a_mass_that_is_cut_off_with_the_tails_is_rescaled() -> None:
    law = Density(normal(0, 1), (-6, 6))
    assert law.cdf(6) == 1
    assert law.density(0.0) == pytest.approx(
        normal(0, 1)(0) / (stats.norm.cdf(6) - stats.norm.cdf(-6)), rel=1e-14
    )


def test_more_steps_than_can_be_found_are_refused_and_can_be_given() -> None:
    steps = np.arange(201) / 100

    def f(t: FloatArray) -> FloatArray:
        return np.where((100 * t).astype(int) % 2 == 0, 0.9, 0.1)

    with pytest.raises(NumericalError, match="make that point an end of an interval"):
        Density(f, (0, 2))
    law = Density(f, np.column_stack([steps[:-1], steps[1:]]))
    assert law.support.tolist() == [[0, 2]]
    assert law.cdf(steps[::2]) == pytest.approx(np.arange(101) / 100, abs=1e-14)


@pytest.mark.parametrize(
    ("f", "support", "error", "sentence"),
    [
        (lambda t: t, (0, 1), InvalidInputError, "The density integrates to 0.5 over its support"),
        (lambda t: 0 * t, (0, 1), InvalidInputError, "integrates to 0 over its support, not to 1"),
        (lambda t: t, (0, 1), InvalidInputError, "For another mass use factor * measure"),
        (lambda t: 3 * t - 0.5, (0, 1), InvalidInputError, "`f` must not be negative. It is -0.49"),
        (lambda t: 1.5 * t - 0.5, (-1, 1), InvalidInputError, "A signed measure is a difference"),
        (lambda t: np.where(t > 0.7, np.nan, 1), (0, 1), InvalidInputError, "`f` is nan at t = 0."),
        (
            lambda t: 1 / np.where(np.abs(t) < 0.1, 0, 1),
            (-1, 1),
            InvalidInputError,
            "inside `support`. A point where the density is infinite must be an end",
        ),
        (
            lambda t: 0.1 * t**-0.9,
            (0, 1),
            NumericalError,
            "only, 1e-08 is required; it is worst near t = 0. Where f has a step",
        ),
        (
            lambda t: 0.25 / np.sqrt(np.abs(t - 0.1)),
            (-0.9, 1.1),
            NumericalError,
            "it is worst near t = 0.1. Where f has a step or is singular, make that point an end",
        ),
        (lambda t: 1, (1, 0), InvalidInputError, "ascending intervals of positive length"),
        (lambda t: 1, (1, 1), InvalidInputError, "Got 1 before 1."),
        (lambda t: 1, [(0, 2), (1, 3)], InvalidInputError, "do not overlap. Got 2 before 1."),
        (lambda t: 1, (0, np.inf), InvalidInputError, "`support` must be finite. Found inf at"),
        (lambda t: 1, (0, 1, 2), InvalidInputError, "of shape (k, 2). Got shape (3,)."),
        (lambda t: 1, [], InvalidInputError, "must be one interval (low, high) or several"),
        (lambda t: 1, "unit", InvalidTypeError, "`support` must hold numbers."),
        (1.0, (0, 1), InvalidTypeError, "`f` must be a function, the density. Got 1.0 of type"),
        (lambda t: 1j, (0, 1), InvalidTypeError, "must return one real number for each point."),
        (lambda t: "1", (0, 1), InvalidTypeError, "`f` must return one real number"),
        (lambda t: [1, 1], (0, 1), InvalidTypeError, "`f` must return one real number"),
        (lambda t: None, (0, 1), InvalidTypeError, "Got type object and shape"),
    ],
)
def test_sentence(
    f: Any,
    support: Any,
    error: type[Exception],
    sentence: str,
) -> None:
    with pytest.raises(error) as caught:
        Density(f, support)
    assert sentence in str(caught.value)


def test_an_error_of_f_itself_comes_through() -> None:
    def f(t: FloatArray) -> None:
        raise KeyError("table")

    with pytest.raises(KeyError, match="table"):
        Density(f, (0, 1))

    def of_numbers(t: FloatArray | float) -> None:
        raise ValueError(f"no value at {t:.1f}")

    with pytest.raises(ValueError, match=r"no value at 0\.0"):
        Density(of_numbers, (0, 1))


def test_the_points_of_a_curve_crowd_at_its_ends() -> None:
    x, y = density_curve(Uniform(-1.0, 3.0), points=21)
    np.testing.assert_allclose(x, 1 - 2 * np.cos(np.linspace(0, np.pi, 21)), atol=1e-15)
    np.testing.assert_array_equal(y, [0.0, *[0.25] * 19, 0.0])


def test_a_curve_of_singular_values_begins_at_zero_but_for_a_hard_edge() -> None:
    for ratio in (0.25, 1.0):
        x, y = density_curve(MarchenkoPastur(ratio), squared=True)
        assert y[0] == (y[1] if ratio == 1.0 else 0.0)
        assert y[-1] == 0.0
        # 2xρ(x²), of which the quarter circle is that of a square matrix.
        ends = (x[0] ** 2, x[-1] ** 2)
        product = np.sqrt((x**2 - ends[0]) * (ends[1] - x**2))[1:-1]
        np.testing.assert_allclose(y[1:-1] * x[1:-1], product / (np.pi * ratio), rtol=1e-9)
