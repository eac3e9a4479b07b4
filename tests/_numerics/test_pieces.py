"""Transforms of single pieces, of any power and orientation, against 130-digit recursions."""

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from pastur._numerics.piecewise.pieces import Pieces
from pastur._numerics.piecewise.tables import rule, table
from pastur._numerics.piecewise.transforms import PieceTransforms

LOW, HIGH, ORDER = -1.5, 1.0, 6
# A positive polynomial without any symmetry, in T_k(2τ − 1).
COEFFICIENTS = np.array([2.0, -0.5, 0.3, 0.25, -0.2, 0.1, 0.05])
# In units of the piece: inside on the real line, next to both ends, on either side of where the
# closed form gives way to quadrature and one rule to the other, far away.
POINTS = np.array(
    [
        *(0.37, 0.999999, 1e-9, -1e-12, -1e-5, 1.01, 1 + 1e-13, 1.3, -40.0, 1e7),
        *(0.5 + 0.01j, 1e-6 + 1e-8j, 1 - 1e-7 + 1e-7j, 0.3 + 0.17j, 0.3 + 0.2j, 0.3 + 0.21j),
        *(0.3 + 0.9j, 0.3 + 1.2j, -0.6 + 0.4j, 3 + 2j, 1e5j),
    ]
)


@pytest.fixture(params=[0.0, 0.5, -0.5], ids=["smooth", "root", "inverse root"])
def power(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture(params=[False, True], ids=["upright", "mirrored"])
def piece(request: pytest.FixtureRequest, power: float) -> Pieces:
    ends = np.array([LOW]), np.array([HIGH])
    return Pieces(*ends, np.array([power]), np.array([request.param]), COEFFICIENTS[None, :])


def monomials() -> list[Any]:
    """The coefficients of τ^k, exactly."""
    total = [mp.mpf(0)] * (ORDER + 1)
    before, now = [mp.mpf(1)], [mp.mpf(-1), mp.mpf(2)]
    for c in COEFFICIENTS:
        total = [t + mp.mpf(c) * b for t, b in zip(total, before + [0] * ORDER, strict=False)]
        twice = [2 * mp.mpf(n) for n in now]
        shifted = [-a + 2 * b for a, b in zip([*twice, 0], [0, *twice], strict=True)]
        padded = before + [0] * (len(shifted) - len(before))
        before, now = now, [a - b for a, b in zip(shifted, padded, strict=True)]
    return total


def model(power: float, zeta: Any) -> tuple[Any, ...]:
    """∫₀¹ τ^e/(τ − ζ) dτ in the closed upper half-plane, and its derivative."""
    if power == 0:
        return mp.log(zeta - 1) - mp.log(zeta), 1 / (zeta - 1) - 1 / zeta
    s = mp.sqrt(zeta)
    turn = mp.log(zeta - 1) - 2 * mp.log(1 + s)
    inverse = turn / s
    slope = 1 / (zeta * (zeta - 1)) - inverse / (2 * zeta)
    if power < 0:
        return inverse, slope
    return 2 + zeta * inverse, inverse + zeta * slope


def transforms(power: float, zeta: Any) -> list[Any]:
    """∫ρ/(τ − ζ), ∫ρ/(τ − ζ)² and ∫ρ log(ζ − τ) for ρ = τ^e A(τ) on [0, 1]."""
    value, slope = model(power, zeta)
    totals = [mp.mpc(0)] * 3
    for k, c in enumerate(monomials()):
        exponent = k + 1 + mp.mpf(power)
        following = 1 / exponent + zeta * value
        logarithm = (mp.log(zeta - 1) - following) / exponent
        totals = [t + c * v for t, v in zip(totals, (value, slope, logarithm), strict=True)]
        value, slope = following, value + zeta * slope
    return totals


def expected(piece: Pieces, z: Any) -> tuple[Any, ...]:
    """The same for the piece, at z in the closed upper half-plane."""
    power, length = float(piece.power[0]), mp.mpf(HIGH) - mp.mpf(LOW)
    mass = length * share_up_to(power, mp.mpf(1))
    if not piece.mirrored[0]:
        first, second, potential = transforms(power, (z - LOW) / length)
        return first, second / length, length * potential + mass * mp.log(length)
    # With τ = (high − t)/length the point moves to the lower half-plane: conjugate, and back.
    first, second, potential = transforms(power, mp.conj((HIGH - z) / length))
    turned = length * mp.conj(potential) + 1j * mp.pi * mass
    return -mp.conj(first), mp.conj(second) / length, turned + mass * mp.log(length)


def share_up_to(power: float, tau: Any) -> Any:
    """∫₀^τ of the density on [0, 1]."""
    exponents = [k + 1 + mp.mpf(power) for k in range(ORDER + 1)]
    return mp.fsum(c * tau**p / p for c, p in zip(monomials(), exponents, strict=True))


def test_transforms(piece: Pieces) -> None:
    z = (LOW + (HIGH - LOW) * POINTS).astype(np.complex128)
    first, second = PieceTransforms(piece).cauchy(z, (1, 2))
    potential = PieceTransforms(piece).log(z)
    with mp.workdps(130):
        for i, w in enumerate(z.tolist()):
            exact = expected(piece, mp.mpc(w))
            # Next to an end it counts that z was rounded.
            near = 1 + 1e-16 / min(abs(w - LOW), abs(w - HIGH)) / 3e-15
            assert abs(first[i] - exact[0]) <= 3e-15 * near * abs(exact[0])
            assert abs(second[i] - exact[1]) <= 3e-14 * near * abs(exact[1])
            size = 3 * (abs(mp.log(w - HIGH)) + abs(mp.log(w - LOW)))
            assert abs(potential[i] - exact[2]) <= 2e-15 * size


@pytest.mark.lengthy
def test_the_recursion_is_the_integral(power: float) -> None:
    with mp.workdps(30):
        for zeta in (mp.mpc(0.4, 0.5), mp.mpc(-0.7), mp.mpc(2, 1)):
            value, slope, logarithm = transforms(power, zeta)

            def weighted(f: Callable[[Any, Any], Any], u: Any, zeta: Any = zeta) -> Any:
                tau = u**2
                density = mp.fsum(
                    mp.mpf(c) * mp.chebyt(k, 2 * tau - 1) for k, c in enumerate(COEFFICIENTS)
                )
                return f(tau, zeta) * density * 2 * u ** (1 + 2 * mp.mpf(power))

            for f, total in (
                (lambda t, w: 1 / (t - w), value),
                (lambda t, w: 1 / (t - w) ** 2, slope),
                (lambda t, w: mp.log(w - t), logarithm),
            ):
                integral = mp.quad(lambda u, f=f: weighted(f, u), [0, 0.5, 1])
                assert abs(integral - total) < 1e-14


def test_masses_and_distribution(piece: Pieces, power: float) -> None:
    x = np.array([LOW, LOW + 1e-6, -0.7, 0.2, HIGH - 1e-3, HIGH, 2.0])
    below, above = piece.below_and_above(x)
    with mp.workdps(30):
        length = mp.mpf(HIGH) - mp.mpf(LOW)
        mass = length * share_up_to(power, mp.mpf(1))
        for i, end in enumerate(x):
            tau = (mp.mpf(end) - LOW) / length
            tau = max(1 - tau, mp.mpf(0)) if piece.mirrored[0] else min(tau, mp.mpf(1))
            from_root = length * share_up_to(power, tau)
            sides = [from_root, mass - from_root]
            left, right = sides[::-1] if piece.mirrored[0] else sides
            assert abs(below[i] - left) <= 2e-15 * mass
            assert abs(above[i] - right) <= 2e-15 * mass
    assert piece.masses[0] == pytest.approx(float(mass), rel=2e-15)


def test_moments(piece: Pieces, power: float) -> None:
    # The same polynomial in t, integrated by the nodes of another rule.
    gauss = rule(ORDER, power, 33)
    t = gauss.nodes * (HIGH - LOW)
    t = HIGH - t if piece.mirrored[0] else LOW + t
    weights = gauss.weights * (gauss.basis @ COEFFICIENTS) * (HIGH - LOW)
    for k in (1, 2, 7):
        assert piece.moment(k) == pytest.approx(weights @ t**k, rel=1e-14)


def test_a_wrong_weight_is_noticed(piece: Pieces) -> None:
    """The sibling that must reject: the same integral of a density that is 1e-13 too large."""
    with mp.workdps(130):
        exact = expected(piece, mp.mpc(3))[0] * (1 + mp.mpf("1e-13"))
        assert abs(
            PieceTransforms(piece).cauchy(np.array([3 + 0j]), (1,))[0][0] - exact
        ) > 3e-15 * abs(exact)


@pytest.mark.parametrize("count", [7, 24, 64])
def test_gauss_rules_integrate_powers(power: float, count: int) -> None:
    gauss = rule(ORDER, power, count)
    for k in range(0, 2 * count, 5):
        assert gauss.weights @ gauss.nodes**k == pytest.approx(1 / (k + 1 + power), rel=3e-14)


def test_a_constant_has_no_slope_and_no_rest() -> None:
    maps = table(ORDER, 0.0)
    constant = np.eye(ORDER + 1)[0]
    assert not (maps.slope @ constant).any()
    assert not (maps.rest @ constant).any()
    assert maps.share @ constant == pytest.approx(constant, abs=1e-15)


def test_many_pieces_are_the_sum_of_single_ones() -> None:
    # Some that touch and some that do not, of lengths from 1e-6 to 1, enough for several levels.
    rng = np.random.default_rng(4)
    ends = np.cumsum(10.0 ** rng.uniform(-6, 0, 80))
    low, high = np.delete(ends[:-1], [10, 11, 40]), np.delete(ends[1:], [10, 11, 40])
    coefficients = rng.normal(size=(low.size, 3)) + np.array([3, 0, 0])
    nothing = np.zeros(low.size)
    together = Pieces(low, high, nothing, nothing.astype(bool), coefficients)
    z = rng.choice(ends, 60) + 10.0 ** rng.uniform(-7, 2, 60) * np.exp(
        1j * np.pi * rng.uniform(0.05, 0.95, 60)
    )
    transforms_of = PieceTransforms(together)
    found = [*transforms_of.cauchy(z, (1, 2)), transforms_of.log(z)]
    expected, terms = np.zeros((3, z.size), dtype=complex), np.zeros((3, z.size))
    for i in range(low.size):
        alone = PieceTransforms(together.alone(i))
        values = np.array([*alone.cauchy(z, (1, 2)), alone.log(z)])
        expected += values
        terms += np.abs(values)
    assert np.all(np.abs(np.array(found) - expected) <= 1e-14 * terms)
