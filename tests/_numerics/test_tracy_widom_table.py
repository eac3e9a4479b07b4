"""The table against Painlevé II in 95 digits and against plain determinants."""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy.special import airy

from pastur._numerics import tracy_widom_table as tracy_widom
from pastur._typing import FloatArray

BETAS = (1, 2, 4)
TINY = 5e-324


def taylor(q: Any, q1: Any, s: Any, terms: int) -> list[Any]:
    """Taylor coefficients at s of the solution of q″ = sq + 2q³."""
    c, square = [q, q1], []
    for n in range(terms):
        square.append(mp.fsum(c[i] * c[n - i] for i in range(n + 1)))
        cube = mp.fsum(square[i] * c[n - i] for i in range(n + 1))
        before = c[n - 1] if n else 0
        c.append((s * c[n] + before + 2 * cube) / ((n + 1) * (n + 2)))
    return c


def primitive(c: Sequence[Any], constant: Any) -> list[Any]:
    return [constant, *(a / (n + 1) for n, a in enumerate(c))]


def value(c: Sequence[Any], h: Any) -> Any:
    result = mp.mpf(0)
    for a in reversed(c):
        result = result * h + a
    return result


@pytest.fixture(scope="module")
def painleve() -> dict[float, list[tuple[float, float]]]:
    """s ↦ log F and log(1 − F) for β = 1, 2, 4 in s, from s = 22 down to −24.

    At 22 the solution is Ai up to 1e-60, and 100 terms with steps of 1/2 lose 1e-70 next to s = 0,
    where poles are at distance 2.5; errors grow like exp((2√2/3) |s|^(3/2)), to 1e-12 at −24.
    """
    table = {}
    with mp.workdps(95):
        s = mp.mpf(22)
        ai, ai1 = mp.airyai(s), mp.airyai(s, derivative=1)
        q, q1 = ai, ai1
        with mp.workdps(170):
            first = mp.mpf(1) / 3 - mp.airyai(s, derivative=-1)  # ∫q
        energy = ai1**2 - s * ai**2  # ∫q²
        second = (2 * s**2 * ai**2 - 2 * s * ai1**2 - ai * ai1) / 3  # ∫∫q² = −log F₂
        while s > -24:
            c = taylor(q, q1, s, 100)
            square = [mp.fsum(c[i] * c[n - i] for i in range(n + 1)) for n in range(len(c))]
            a1 = primitive([-v for v in c], first)
            e = primitive([-v for v in square], energy)
            a2 = primitive([-v for v in e], second)
            for h in (mp.mpf("-0.203125"), mp.mpf("-0.5")):
                half, log_f2 = value(a1, h) / 2, -value(a2, h)
                f = (
                    mp.exp(log_f2 / 2 - half),
                    mp.exp(log_f2),
                    mp.exp(log_f2 / 2) * mp.cosh(half),
                )
                table[float(s + h)] = [(float(mp.log(v)), float(mp.log(1 - v))) for v in f]
            slope = [(n + 1) * v for n, v in enumerate(c[1:])]
            first, energy, second = value(a1, h), value(e, h), value(a2, h)
            q, q1, s = value(c, h), value(slope, h), s + h
    return table


@pytest.mark.lengthy
@pytest.mark.parametrize("beta", BETAS)
def test_both_logarithms_against_painleve(
    painleve: dict[float, list[tuple[float, float]]], beta: int
) -> None:
    s = np.array(sorted(painleve))
    expected = np.array([painleve[k][BETAS.index(beta)] for k in s])
    x = s / np.sqrt(2) if beta == 4 else s
    found = np.stack([tracy_widom.log_cdf(x, beta=beta), tracy_widom.log_sf(x, beta=beta)], axis=1)
    # Rounding errors: of the logarithm, which reaches −1152, and of √2·x for β = 4.
    assert (np.abs(found - expected) <= 3e-15 + 5e-16 * np.abs(expected)).all()


@pytest.mark.lengthy
@pytest.mark.parametrize("beta", BETAS)
def test_both_tails_relative_to_painleve(
    painleve: dict[float, list[tuple[float, float]]], beta: int
) -> None:
    """The promise: sf to 1e-8 down to 1e-12. The table: ten thousand times better, and farther."""
    s = np.array([k for k in sorted(painleve) if -9 < k])
    logs = np.array([painleve[k][BETAS.index(beta)] for k in s])
    x = s / np.sqrt(2) if beta == 4 else s
    found = np.stack([tracy_widom.cdf(x, beta=beta), tracy_widom.sf(x, beta=beta)], axis=1)
    assert logs.min() < np.log(1e-18)
    assert np.abs(found / np.exp(logs) - 1).max() < 1e-13


def airy_kernel(x: FloatArray, y: FloatArray) -> FloatArray:
    (ax, a1x), (ay, a1y) = airy(x)[:2], airy(y)[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = (ax * a1y - a1x * ay) / (x - y)
    result: FloatArray = np.where(x == y, a1x**2 - x * ax**2, off)
    return result


def ferrari_spohn(x: FloatArray, y: FloatArray) -> FloatArray:
    result: FloatArray = airy((x + y) / 2)[0] / 2
    return result


def naive_determinant(
    kernel: Callable[[FloatArray, FloatArray], FloatArray],
    s: float,
    sign: int = -1,
    size: int = 50,
    length: float = 16.0,
) -> float:
    """det(I ± K) on L²(s, s + length) by Gauss–Legendre quadrature, in double precision."""
    nodes, weights = np.polynomial.legendre.leggauss(size)
    x, w = s + length * (nodes + 1) / 2, np.sqrt(weights * length / 2)
    return float(
        np.linalg.det(np.eye(size) + sign * w[:, None] * kernel(x[:, None], x[None, :]) * w)
    )


def naive_cdf(x: float, beta: int) -> float:
    if beta == 2:
        return naive_determinant(airy_kernel, x)
    if beta == 1:
        return naive_determinant(ferrari_spohn, x, length=32.0)
    s = np.sqrt(2) * x
    signs = (naive_determinant(ferrari_spohn, s, sign, length=32.0) for sign in (-1, 1))
    return sum(signs) / 2


@pytest.mark.parametrize("beta", BETAS)
def test_cdf_against_naive_determinants(beta: int) -> None:
    x = np.linspace(-5.5, 4, 39)
    expected = np.array([naive_cdf(v, beta) for v in x])
    # The determinants come with rounding errors of a few 1e-15.
    assert np.abs(tracy_widom.cdf(x, beta=beta) - expected).max() < 2e-14


@pytest.mark.lengthy
def test_sf_against_determinants_in_thirty_digits() -> None:
    """sf near 1e-12 for each β: 1 − det(I − V) and its relatives, V(x, y) = ½ Ai((x + y)/2)."""
    with mp.workdps(34):
        size, length = 26, 20
        rule = np.polynomial.legendre.leggauss(size)[0]
        nodes = [mp.findroot(lambda t: mp.legendre(size, t), mp.mpf(float(v))) for v in rule]
        root = [
            mp.sqrt(length * (1 - t**2)) / (size * abs(mp.legendre(size - 1, t))) for t in nodes
        ]
        for beta, x in ((1, "10.75"), (2, "6.5"), (4, "3.75")):
            s = mp.sqrt(2) * mp.mpf(x) if beta == 4 else mp.mpf(x)
            kernel = mp.matrix(size)
            for i in range(size):
                for j in range(i + 1):
                    v = mp.airyai(s + length * (2 + nodes[i] + nodes[j]) / 4) / 2
                    kernel[i, j] = kernel[j, i] = root[i] * v * root[j]
            minus, plus = mp.det(mp.eye(size) - kernel), mp.det(mp.eye(size) + kernel)
            tail = 1 - {1: minus, 2: minus * plus, 4: (minus + plus) / 2}[beta]
            assert 1e-13 < tail < 1e-11
            assert abs(tracy_widom.sf(np.array([float(x)]), beta=beta)[0] / tail - 1) < 1e-12


# Printed by Bornemann (2010, Math. Comp. 79, p. 871–915; Markov Processes Relat. Fields 16).
BORNEMANN = {(1, 0.0): 0.83190806620295, (2, 0.0): 0.96937282835526, (2, -2.0): 0.41322414250512}


@pytest.mark.parametrize(("key", "expected"), BORNEMANN.items())
def test_published_values(key: tuple[int, float], expected: float) -> None:
    beta, x = key
    assert abs(tracy_widom.cdf(np.array([x]), beta=beta)[0] - expected) < 1e-14


def fine_grid(beta: int) -> FloatArray:
    """Steps of 1/500, and the nearest neighbours of every joint of panels."""
    joints = np.arange(-18, 10.5, 0.5) / (np.sqrt(2) if beta == 4 else 1)
    close = joints[:, None] * (1 + np.array([-1e-12, -1e-14, 0, 1e-14, 1e-12]))
    return np.unique(np.concatenate([np.arange(-30, 60, 0.002), close.ravel()]))


@pytest.mark.parametrize("beta", BETAS)
def test_cdf_and_sf_are_monotone_and_add_up_to_one(beta: int) -> None:
    x = fine_grid(beta)
    low, high = tracy_widom.cdf(x, beta=beta), tracy_widom.sf(x, beta=beta)
    # Where neighbours are 1e-14 apart, roundings of the logarithm may show.
    slack = 1e-14 * (np.diff(x) < 1e-9)
    assert (np.diff(low) >= -slack * low[:-1]).all()
    assert (np.diff(high) <= slack * high[:-1]).all()
    assert np.abs(low + high - 1).max() <= 2.3e-16


@pytest.mark.parametrize("beta", BETAS)
def test_the_density_is_the_derivative_of_the_cdf(beta: int) -> None:
    """Its integral over short intervals is the difference of F left, of 1 − F right."""
    nodes, weights = np.polynomial.legendre.leggauss(10)
    ends = np.arange(-14, 30, 0.125)
    inside = ends[:-1, None] + 0.125 * (nodes + 1) / 2
    integral = tracy_widom.density(inside, beta=beta) @ weights * 0.125 / 2
    low, high = tracy_widom.cdf(ends, beta=beta), tracy_widom.sf(ends, beta=beta)
    difference = np.where(low[1:] < 0.5, np.diff(low), -np.diff(high))
    # Differences of neighbours lose up to two digits.
    assert np.abs(integral / difference - 1).max() < 3e-12


@pytest.mark.parametrize("beta", BETAS)
def test_the_density_is_continuous_where_the_ranges_meet(beta: int) -> None:
    unit = np.sqrt(2) if beta == 4 else 1
    for s in (-18.0, 10.0):
        x = s / unit * (1 + np.array([-1e-13, 1e-13]))
        left, right = tracy_widom.density(x, beta=beta)
        assert abs(left / right - 1) < 1e-9


@pytest.mark.parametrize("beta", BETAS)
def test_quantile_inverts_the_cdf_down_to_the_smallest_float(beta: int) -> None:
    q = np.concatenate([np.geomspace(1e-300, 0.5, 2000), 1 - np.geomspace(1e-15, 0.5, 300)])
    x = tracy_widom.quantile(q, beta=beta)
    found = tracy_widom.cdf(x, beta=beta)
    # A rounding error of x, relative 1e-16, moves F by |x|³/8 times as much.
    assert np.abs(found / q - 1).max() < 1e-12
    bulk = np.abs(x) < 4
    assert np.abs(found / q - 1)[bulk].max() < 1e-14
    assert np.isfinite(tracy_widom.quantile(np.array([TINY]), beta=beta)).all()


@pytest.mark.parametrize("beta", BETAS)
def test_upper_quantile_inverts_the_sf_down_to_the_smallest_float(beta: int) -> None:
    p = np.concatenate([np.geomspace(1e-300, 0.5, 2000), 1 - np.geomspace(1e-15, 0.5, 300)])
    found = tracy_widom.sf(tracy_widom.upper_quantile(p, beta=beta), beta=beta)
    assert np.abs(found / p - 1).max() < 5e-13
    assert np.isfinite(tracy_widom.upper_quantile(np.array([TINY]), beta=beta)).all()


@pytest.mark.parametrize("beta", BETAS)
def test_the_ends_of_the_line(beta: int) -> None:
    ends = np.array([-np.inf, np.inf])
    assert tracy_widom.cdf(ends, beta=beta).tolist() == [0, 1]
    assert tracy_widom.sf(ends, beta=beta).tolist() == [1, 0]
    assert tracy_widom.density(ends, beta=beta).tolist() == [0, 0]
    assert tracy_widom.log_cdf(ends, beta=beta).tolist() == [-np.inf, 0]
    assert tracy_widom.log_sf(ends, beta=beta).tolist() == [0, -np.inf]
    assert tracy_widom.quantile(np.array([0.0, 1.0]), beta=beta).tolist() == ends.tolist()
    assert tracy_widom.upper_quantile(np.array([1.0, 0.0]), beta=beta).tolist() == ends.tolist()


@pytest.mark.parametrize("beta", BETAS)
def test_far_beyond_the_smallest_float_the_logarithms_follow_their_leading_terms(beta: int) -> None:
    """log F ~ −βs³/24 and log(1 − F) ~ −(2/3)βs^(3/2) in the scaling of general β."""
    unit = 2 ** (-1 / 6) if beta == 4 else 1.0
    x = 1e6
    assert tracy_widom.log_cdf(np.array([-x]), beta=beta)[0] == pytest.approx(
        -beta * (unit * x) ** 3 / 24, rel=1e-6
    )
    assert tracy_widom.log_sf(np.array([x]), beta=beta)[0] == pytest.approx(
        -2 * beta * (unit * x) ** 1.5 / 3, rel=1e-6
    )


def test_the_table_is_small() -> None:
    from importlib.resources import files

    assert len((files("pastur._numerics") / "tracy_widom.npz").read_bytes()) < 60_000
