"""Closed forms against 40-digit quadrature of the density, written here on its own."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from pastur._typing import FloatArray
from pastur.measures import MarchenkoPastur, ProbabilityMeasure, Semicircle, Uniform

DIGITS = 40


def power(k: int, t: Any) -> Any:
    return t**k


class Reference:
    """A density on [low, high] and an atom at 0, built from 40-digit numbers."""

    def __init__(
        self,
        law: ProbabilityMeasure,
        low: Any,
        high: Any,
        density: Callable[[Any], Any],
        atom: Any = 0,
    ) -> None:
        self.law, self.low, self.high, self.density, self.atom = law, low, high, density, atom
        self._nodes: dict[Any, tuple[Any, Any]] = {}

    def integral(
        self, f: Callable[..., Any], upto: float | None = None, method: str = "gauss-legendre"
    ) -> Any:
        """∫ f over (−∞, upto], by mpmath.quad in the angle of t = low + length·sin²φ."""
        last = self.high if upto is None else min(mp.mpf(upto), self.high)
        stop = mp.asin(mp.sqrt((last - self.low) / (self.high - self.low)))
        # The nodes that resolve a pole just beyond an edge would be wasted on the middle.
        cuts = [0, stop / 256, stop / 16, stop / 2, stop - stop / 16, stop - stop / 256, stop]
        bulk = mp.quad(lambda phi: self._at(phi, f), cuts, method=method)
        return bulk + (self.atom * f(mp.mpf(0)) if self.atom else 0)

    def _at(self, phi: Any, f: Callable[..., Any]) -> Any:
        if phi not in self._nodes:
            length = self.high - self.low
            t = self.low + length * mp.sin(phi) ** 2
            self._nodes[phi] = t, self.density(t) * length * mp.sin(2 * phi)
        t, weight = self._nodes[phi]
        return f(t) * weight


def marchenko_pastur(ratio: float, sigma: float) -> Reference:
    c, s = mp.mpf(ratio), mp.mpf(sigma)
    low, high = (s * (1 - mp.sqrt(c))) ** 2, (s * (1 + mp.sqrt(c))) ** 2

    def density(t: Any) -> Any:
        return mp.sqrt((high - t) * (t - low)) / (2 * mp.pi * c * s**2 * t)

    atom = max(mp.mpf(0), 1 - 1 / c)
    return Reference(MarchenkoPastur(ratio, sigma), low, high, density, atom)


def semicircle(sigma: float, center: float) -> Reference:
    s, a = mp.mpf(sigma), mp.mpf(center)

    def density(t: Any) -> Any:
        return mp.sqrt(4 * s**2 - (t - a) ** 2) / (2 * mp.pi * s**2)

    return Reference(Semicircle(sigma, center), a - 2 * s, a + 2 * s, density)


def uniform(low: float, high: float) -> Reference:
    a, b = mp.mpf(low), mp.mpf(high)
    return Reference(Uniform(low, high), a, b, lambda t: 1 / (b - a))


REFERENCES: dict[str, Callable[[], Reference]] = {
    "ratio 0.1": lambda: marchenko_pastur(0.1, 1.0),
    "ratio 0.5": lambda: marchenko_pastur(0.5, 0.7),
    "ratio 1": lambda: marchenko_pastur(1.0, 1.0),
    "ratio 3": lambda: marchenko_pastur(3.0, 1.3),
    "semicircle": lambda: semicircle(1.0, 0.0),
    "small semicircle": lambda: semicircle(0.3, -2.0),
    "uniform": lambda: uniform(-1.0, 3.0),
}


@pytest.fixture(scope="module", params=list(REFERENCES.values()), ids=list(REFERENCES))
def reference(request: pytest.FixtureRequest) -> Iterator[Reference]:
    with mp.workdps(DIGITS):
        yield request.param()


def points(law: ProbabilityMeasure) -> list[complex]:
    """Off the support: near each edge, near the bulk, and far away."""
    low, high = law.support[-1]
    width = high - low
    near = [high + 1e-5 * width, low - 1e-5 * width, high + 0.3 * width]
    plane = [(low + high) / 2 + 0.2j * width, low + 1e-3j * width, high - 2j * width]
    return [*near, *plane, 1e6j, -1e6 + 1e3j]


def relative_errors(got: FloatArray | Sequence[complex], expected: Sequence[Any]) -> np.ndarray:
    return np.array(
        [float(abs(mp.mpmathify(g) - e) / abs(e)) for g, e in zip(got, expected, strict=True)]
    )


def test_stieltjes(reference: Reference) -> None:
    z = points(reference.law)
    expected = [reference.integral(lambda t, z=z: 1 / (t - mp.mpmathify(z))) for z in z]
    errors = relative_errors([reference.law.stieltjes(v) for v in z], expected)
    assert errors.max() < 1e-12


@pytest.mark.lengthy
def test_stieltjes_derivative(reference: Reference) -> None:
    z = points(reference.law)
    expected = [reference.integral(lambda t, z=z: 1 / (t - mp.mpmathify(z)) ** 2) for z in z]
    errors = relative_errors([reference.law.stieltjes_derivative(v) for v in z], expected)
    # At 1e-5 of the width from an edge the rounding of z itself moves g′ by 1e-11.
    assert errors[:2].max() < 1e-10
    assert errors[2:].max() < 1e-12


def test_log_potential(reference: Reference) -> None:
    # In the closed upper half-plane mpmath's principal branch has arguments in [0, π] as well.
    z = [v for v in points(reference.law) if np.imag(v) >= 0]
    expected = [reference.integral(lambda t, z=z: mp.log(mp.mpmathify(z) - t)) for z in z]
    got = [reference.law.log_potential(v) for v in z]
    errors = [float(abs(mp.mpmathify(g) - e)) for g, e in zip(got, expected, strict=True)]
    assert max(errors) < 1e-13


def test_cdf_and_survival_function(reference: Reference) -> None:
    low, high = reference.law.support[-1]
    x = low + (high - low) * np.array([1e-8, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-4])
    expected = [reference.integral(lambda t: mp.mpf(1), upto=v) for v in x]
    for v, e in zip(x, expected, strict=True):
        assert float(abs(mp.mpf(float(reference.law.cdf(v))) - e)) < 5e-16
        assert float(abs(mp.mpf(float(reference.law.sf(v))) - (1 - e))) < 5e-16


def test_density(reference: Reference) -> None:
    low, high = reference.law.support[-1]
    x = low + (high - low) * np.array([1e-6, 0.2, 0.5, 0.999])
    expected = [reference.density(mp.mpf(float(v))) for v in x]
    errors = relative_errors([float(v) for v in reference.law.density(x)], expected)
    # At 1e-6 of the width from the edge the rounding of the edge itself is 1e-10 of the distance.
    assert errors[0] < 1e-9
    assert errors[1:].max() < 1e-12


def test_moments(reference: Reference) -> None:
    for k in range(1, 8):
        expected = reference.integral(partial(power, k))
        error = abs(mp.mpf(reference.law.moment(k)) - expected)
        assert error < 1e-14 * max(abs(reference.low), abs(reference.high)) ** k


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 0.999999, 1.000001, 1e3, 1e6])
def test_marchenko_pastur_at_extreme_ratios(ratio: float) -> None:
    """g solves cσ²zg² + (z − σ²(1 − c))g + 1 = 0, and the law has mass 1 and mean σ²."""
    law = MarchenkoPastur(ratio, 1.0)
    low, high = law.support[-1]
    z = np.array([low + 0.3j * (high - low), high * 1.01, 7 + 1j, 1e5j])
    g = law.stieltjes(z)
    terms = np.array([ratio * z * g**2, (z - (1 - ratio)) * g, np.ones_like(z)])
    # The edges are rounded at their own size, which counts in units of the bulk's width.
    tolerance = 1e-15 * (4 + high / (high - low))
    assert np.all(np.abs(terms.sum(axis=0)) <= tolerance * np.abs(terms).max(axis=0))
    x = np.linspace(low, high, 5)[1:-1]
    with mp.workdps(DIGITS):
        exact = marchenko_pastur(ratio, 1.0)
        for v in x:
            # Near ratio 1 the density bends at 1e-13 of its width, where these nodes crowd.
            expected = exact.integral(lambda t: mp.mpf(1), upto=v, method="tanh-sinh")
            assert float(abs(mp.mpf(float(law.cdf(v))) - expected)) < 1e-13


@pytest.mark.parametrize("ratio", [1e-6, 0.5, 0.999999, 1.000001, 1e6])
def test_edges_of_marchenko_pastur_keep_their_digits(ratio: float) -> None:
    # The lower one is the square of a difference that nearly vanishes at ratio 1.
    with mp.workdps(DIGITS):
        exact = marchenko_pastur(ratio, 1.3)
        got = exact.law.support[-1]
        assert relative_errors(got, [exact.low, exact.high]).max() < 1e-15


@pytest.mark.parametrize(("sigma", "center"), [(1.0, 0.0), (0.4, -3.0), (25.0, 7.0)])
def test_semicircle_against_scipy(sigma: float, center: float) -> None:
    # SciPy's `scale` is the radius 2σ.
    theirs = scipy.stats.semicircular(loc=center, scale=2 * sigma)
    ours = Semicircle(sigma, center)
    x = center + sigma * np.linspace(-2.5, 2.5, 101)
    np.testing.assert_allclose(ours.density(x), theirs.pdf(x), rtol=1e-13, atol=1e-15 / sigma)
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=0, atol=1e-15)
    np.testing.assert_allclose(ours.sf(x), theirs.sf(x), rtol=0, atol=1e-15)
    q = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(ours.quantile(q), theirs.ppf(q), rtol=1e-9, atol=1e-9 * sigma)
    for k in range(1, 5):
        assert ours.moment(k) == pytest.approx(theirs.moment(k), rel=1e-12, abs=1e-12)


def test_marchenko_pastur_moments_are_narayana_sums() -> None:
    # 1, 1 + c, 1 + 3c + c², 1 + 6c + 6c² + c³ (Marchenko, Pastur 1967).
    c = 0.3
    expected = [1, 1 + c, 1 + 3 * c + c**2, 1 + 6 * c + 6 * c**2 + c**3]
    got = [MarchenkoPastur(c, 1.0).moment(k) for k in range(1, 5)]
    assert got == pytest.approx(expected, rel=1e-14)


def test_semicircle_moments_are_catalan_numbers() -> None:
    got = [Semicircle(1.0).moment(k) for k in range(11)]
    assert got == [1, 0, 1, 0, 2, 0, 5, 0, 14, 0, 42]


def test_a_wrong_density_is_noticed(reference: Reference) -> None:
    """The sibling that must reject: the same comparison with a density that is 1e-9 too large."""
    z = points(reference.law)[2]
    off = reference.integral(lambda t: (1 + mp.mpf("1e-9")) / (t - mp.mpmathify(z)))
    assert relative_errors([reference.law.stieltjes(z)], [off])[0] > 1e-12
