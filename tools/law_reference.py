"""Writes tests/models/data/{additive,rectangular}.npz: laws of signal plus noise in 40 digits.

    python tools/law_reference.py [additive | rectangular] [case …]

Needs mpmath, NumPy and SciPy, and nothing of the package; about twenty minutes on one core. Slow
and unclever on purpose. For each law μ of W = R/√N + S (Φ below is `Additive` or `Rectangular`):

- Edges: Φ at the real critical points w_c where Φ′ changes sign next to an interval on which Φ′ > 0
  (and q > 0). SciPy finds each roughly by minimising and bracketing in *every* gap of the signal
  that is long enough to open, `mpmath.findroot` on Φ′ finishes it.
- ω(x): the damped fixed point of Pastur's (Dozier and Silverstein's) equation at x + iη, Newton's
  method on Φ(w) = x + iη while η is halved down to 0, both in NumPy; then Newton's method in 40
  digits. The result is certified in 40 digits: Im w > 0, Φ(w) = x, and Im Φ(w)/Im w, which is a sum
  of real integrals, is 0. There is only one such w (docs/rectangular-curve.md; Biane 1997).
- Density: Im g(w)/(πσ²)-like closed forms in w; distribution function: 1 − Im U/π with U the
  logarithmic potential in closed form in w. For two laws of each kind the distribution function is
  compared with the integral of the density by `mpmath.quad`.

Numbers are rounded to float64 only when they are written.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
from scipy import optimize, special

from pastur._typing import ComplexArray, FloatArray

DIGITS = 40
mp.mp.dps = DIGITS + 10
FAR = 1.5e-6  # least distance of a point from an edge
DATA = Path(__file__).parent.parent / "tests" / "models" / "data"

FIFTY = [((37 * i) % 101) / 16 - 3 for i in range(50)]
FIFTY_WEIGHTS = [(1 + i % 3) / 99 for i in range(50)]

# A signal is a list of parts: [mass, kind, parameters …].
Parts = Sequence[Sequence[Any]]
ADDITIVE: dict[str, tuple[Any, ...]] = {
    "semicircle": ([[1.0, "semicircle", 0.8, 0.25]], 0.6),
    "two atoms": ([[1.0, "atoms", [-1.5, 1.5], [0.5, 0.5]]], 0.8),
    "three atoms": ([[1.0, "atoms", [-2.0, 0.25, 1.5], [0.25, 0.625, 0.125]]], 0.7),
    "fifty atoms": ([[1.0, "atoms", FIFTY, FIFTY_WEIGHTS]], 0.3),
    "uniform": ([[1.0, "uniform", -1.0, 2.0]], 0.7),
    "Marchenko-Pastur": ([[1.0, "marchenko_pastur", 0.3, 1.0]], 0.5),
    "three intervals": (
        [
            [0.4, "atoms", [-4.0], [1.0]],
            [0.3, "uniform", 0.0, 1.0],
            [0.3, "semicircle", 0.2, 3.0],
        ],
        0.4,
    ),
    "1000 quantile atoms": ([[1.0, "quantiles", 1000, "line"]], 1.0),
    "100000 quantile atoms": ([[1.0, "quantiles", 100000, "line"]], 1.0),
}
RECTANGULAR: dict[str, tuple[Any, ...]] = {
    "zero": ([[1.0, "atoms", [0.0], [1.0]]], 1.0, 0.5),
    "zero and four": ([[1.0, "atoms", [0.0, 4.0], [0.5, 0.5]]], 1.0, 0.5),
    "four and nine, wide": ([[1.0, "atoms", [4.0, 9.0], [0.5, 0.5]]], 0.7, 0.3),
    "four and nine, square": ([[1.0, "atoms", [4.0, 9.0], [0.5, 0.5]]], 1.0, 1.0),
    "hard edge": ([[1.0, "atoms", [0.5, 2.0], [0.5, 0.5]]], 1.0, 1.0),
    "fifty atoms": ([[1.0, "atoms", [(t + 3.5) ** 2 for t in FIFTY], FIFTY_WEIGHTS]], 0.5, 0.5),
    "uniform": ([[1.0, "uniform", 0.5, 3.0]], 0.6, 0.3),
    "Marchenko-Pastur": ([[1.0, "marchenko_pastur", 0.5, 1.0]], 0.5, 0.5),
    "hard edge, atom at zero": (
        [[0.3, "atoms", [0.0], [1.0]], [0.7, "uniform", 4.0, 6.0]],
        0.5,
        1.0,
    ),
    "1000 quantile atoms": ([[1.0, "quantiles", 1000, "squares"]], 0.7, 0.5),
    "100000 quantile atoms": ([[1.0, "quantiles", 100000, "squares"]], 0.7, 0.5),
}
BY_QUADRATURE = ("two atoms", "uniform", "zero and four", "hard edge, atom at zero")


def quantile_atoms(n: int, kind: str) -> FloatArray:
    """Quantiles at (i − ½)/n of 0.5·N(−2, 0.3²) + 0.5·U(1, 3), n even; N's mass above 1 is 1e-23.

    For squares, those of the squares of 0.5·N(1.5, 0.2²) + 0.5·U(3, 5).
    """
    p = (2 * np.arange(n // 2) + 1) / n
    if kind == "line":
        return np.concatenate([0.3 * special.ndtri(p) - 2, 1 + 2 * p])
    squares: FloatArray = np.concatenate([0.2 * special.ndtri(p) + 1.5, 3 + 2 * p]) ** 2
    return squares


class Atoms:
    """Σ pᵢ δ(tᵢ)."""

    def __init__(
        self, points: Sequence[float] | FloatArray, weights: Sequence[float] | FloatArray
    ) -> None:
        order = np.argsort(points)
        self.points = np.asarray(points, dtype=float)[order]
        self.weights = np.asarray(weights, dtype=float)[order]
        self.exact = [mp.mpf(float(t)) for t in self.points]
        self.masses = [mp.mpf(float(p)) for p in self.weights]
        total = mp.fsum(self.masses)
        self.masses = [p / total for p in self.masses]
        self.intervals = [(t, t, p) for t, p in zip(self.points, self.weights, strict=True)]

    def rough(self, w: ComplexArray) -> tuple[ComplexArray, ...]:
        """Transform and its derivative in NumPy."""
        g, dg = np.empty(w.shape, complex), np.empty(w.shape, complex)
        for i, value in enumerate(w):
            inverse = 1 / (self.points - value)
            g[i], dg[i] = self.weights @ inverse, self.weights @ inverse**2
        return g, dg

    def transforms(self, w: Any) -> tuple[Any, ...]:
        """Transform and its derivative in 40 digits."""
        inverse = [1 / (t - w) for t in self.exact]
        first = [p * i for p, i in zip(self.masses, inverse, strict=True)]
        return mp.fsum(first), mp.fsum(a * b for a, b in zip(first, inverse, strict=True))

    def potential(self, w: Any) -> Any:
        """Σ pᵢ log(w − tᵢ)."""
        return mp.fsum(p * mp.log(w - t) for p, t in zip(self.masses, self.exact, strict=True))


class Continuous(ABC):
    """A closed form for the transform, written once for NumPy and mpmath."""

    intervals: list[tuple[float, float, float]]

    @abstractmethod
    def formula(
        self,
        z: Any,
        sqrt: Callable[..., Any],
        log: Callable[..., Any],
        number: Callable[[float], Any],
    ) -> tuple[Any, ...]:
        """Transform and its derivative, by the functions of NumPy or of mpmath."""

    @abstractmethod
    def potential(self, w: Any) -> Any:
        """Logarithmic potential in 40 digits."""

    @abstractmethod
    def density(self, t: Any) -> Any:
        """Density at t."""

    def rough(self, w: ComplexArray) -> tuple[ComplexArray, ...]:
        """Transform and its derivative in NumPy."""
        result: tuple[ComplexArray, ...] = self.formula(w.astype(complex), np.sqrt, np.log, float)
        return result

    def transforms(self, w: Any) -> tuple[Any, ...]:
        """Transform and its derivative in 40 digits."""
        result: tuple[Any, ...] = self.formula(mp.mpc(w), mp.sqrt, mp.log, mp.mpf)
        return result

    def check(self) -> None:
        """Compare transform and potential with integrals over the density."""
        w = mp.mpc("0.7", "0.4")
        (low, high, _), (g, dg) = self.intervals[0], self.transforms(w)
        low, high = mp.mpf(low), mp.mpf(high)

        def integral(f: Callable[[Any], Any]) -> Any:
            def turned(angle: Any) -> Any:
                t = low + (high - low) * mp.sin(angle) ** 2
                return f(t) * self.density(t) * (high - low) * mp.sin(2 * angle)

            return mp.quad(turned, mp.linspace(0, mp.pi / 2, 9))

        assert abs(g - integral(lambda t: 1 / (t - w))) < mp.mpf(10) ** -20
        assert abs(dg - integral(lambda t: (t - w) ** -2)) < mp.mpf(10) ** -20
        assert abs(self.potential(w) - integral(lambda t: mp.log(w - t))) < mp.mpf(10) ** -20


class Semicircle(Continuous):
    """Density √(4s² − (t − a)²)/(2πs²)."""

    def __init__(self, sigma: float, center: float) -> None:
        self.sigma, self.center = sigma, center
        self.intervals = [(center - 2 * sigma, center + 2 * sigma, 0.0)]

    def formula(
        self,
        z: Any,
        sqrt: Callable[..., Any],
        log: Callable[..., Any],
        number: Callable[[float], Any],
    ) -> tuple[Any, ...]:
        """g solves s²g² + (z − a)g + 1 = 0."""
        s, u = number(self.sigma), z - number(self.center)
        root = sqrt(u - 2 * s) * sqrt(u + 2 * s)
        return (root - u) / (2 * s**2), (u / root - 1) / (2 * s**2)

    def potential(self, w: Any) -> Any:
        """U = log v + s²/(2v²) with v = −1/g."""
        v = -1 / self.transforms(w)[0]
        return mp.log(v) + mp.mpf(self.sigma) ** 2 / (2 * v**2)

    def density(self, t: Any) -> Any:
        """Density at t."""
        s, a = mp.mpf(self.sigma), mp.mpf(self.center)
        return mp.sqrt(4 * s**2 - (t - a) ** 2) / (2 * mp.pi * s**2)


class Uniform(Continuous):
    """Uniform on [a, b]."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.intervals = [(low, high, 0.0)]

    def formula(
        self,
        z: Any,
        sqrt: Callable[..., Any],
        log: Callable[..., Any],
        number: Callable[[float], Any],
    ) -> tuple[Any, ...]:
        """g = (log(b − z) − log(a − z))/(b − a); on the real line off [a, b] both signs agree."""
        a, b = number(self.low), number(self.high)
        return log((z - b) / (z - a)) / (b - a), (1 / (a - z) - 1 / (b - z)) / (b - a)

    def potential(self, w: Any) -> Any:
        """U = ((w − a) log(w − a) − (w − b) log(w − b))/(b − a) − 1."""
        a, b = mp.mpf(self.low), mp.mpf(self.high)
        return ((w - a) * mp.log(w - a) - (w - b) * mp.log(w - b)) / (b - a) - 1

    def density(self, t: Any) -> Any:
        """Density at t."""
        return 1 / (mp.mpf(self.high) - mp.mpf(self.low))


class MarchenkoPastur(Continuous):
    """Squared singular values of noise of entries σ²/m, c = n/m < 1."""

    def __init__(self, ratio: float, sigma: float) -> None:
        self.ratio, self.sigma = ratio, sigma
        low, high = (sigma * (1 - ratio**0.5)) ** 2, (sigma * (1 + ratio**0.5)) ** 2
        self.intervals = [(low, high, 0.0)]

    def formula(
        self,
        z: Any,
        sqrt: Callable[..., Any],
        log: Callable[..., Any],
        number: Callable[[float], Any],
    ) -> tuple[Any, ...]:
        """g solves cσ²z g² + (z − σ²(1 − c))g + 1 = 0."""
        c, s2 = number(self.ratio), number(self.sigma) ** 2
        low, high = s2 * (1 - sqrt(c)) ** 2, s2 * (1 + sqrt(c)) ** 2
        u = z - s2 * (1 - c)
        g = (sqrt(z - low) * sqrt(z - high) - u) / (2 * c * s2 * z)
        return g, -(c * s2 * g**2 + g) / (2 * c * s2 * z * g + u)

    def potential(self, w: Any) -> Any:
        """U = log v − (1/c − 1) log(1 + cσ²/v) + σ²/v with v = −1/g − cσ²."""
        c, s2 = mp.mpf(self.ratio), mp.mpf(self.sigma) ** 2
        v = -1 / self.transforms(w)[0] - c * s2
        return mp.log(v) - (1 / c - 1) * mp.log(1 + c * s2 / v) + s2 / v

    def density(self, t: Any) -> Any:
        """Density at t."""
        c, s2 = mp.mpf(self.ratio), mp.mpf(self.sigma) ** 2
        low, high = s2 * (1 - mp.sqrt(c)) ** 2, s2 * (1 + mp.sqrt(c)) ** 2
        return mp.sqrt(abs((high - t) * (t - low))) / (2 * mp.pi * c * s2 * t)


class Signal:
    """Mixture of parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = [(mass, made(kind, *rest)) for mass, kind, *rest in parts]
        for _, part in self.parts:
            if isinstance(part, Continuous):
                part.check()
        self.intervals = sorted(
            (a, b, m * p) for m, part in self.parts for a, b, p in part.intervals
        )

    def rough(self, w: ComplexArray) -> tuple[ComplexArray, ...]:
        """Transform and its derivative in NumPy."""
        g, dg = zip(*(part.rough(w) for _, part in self.parts), strict=True)
        mass = [m for m, _ in self.parts]
        return np.tensordot(mass, g, 1), np.tensordot(mass, dg, 1)

    def transforms(self, w: Any) -> tuple[Any, ...]:
        """Transform and its derivative in 40 digits."""
        pairs = [(mp.mpf(m), part.transforms(w)) for m, part in self.parts]
        total = mp.fsum(m for m, _ in pairs)
        return tuple(mp.fsum(m * pair[k] for m, pair in pairs) / total for k in (0, 1))

    def potential(self, w: Any) -> Any:
        """Logarithmic potential in 40 digits."""
        total = mp.fsum(mp.mpf(m) for m, _ in self.parts)
        return mp.fsum(mp.mpf(m) * part.potential(w) for m, part in self.parts) / total

    def gaps(self) -> Iterator[tuple[float, ...]]:
        """Gaps between neighbouring intervals, with the masses of the atoms at their ends."""
        reach = self.intervals[0]
        for interval in self.intervals[1:]:
            if interval[0] > reach[1]:
                yield reach[1], interval[0], reach[2], interval[2]
            if interval[1] >= reach[1]:
                reach = interval


def made(kind: str, *parameters: Any) -> Atoms | Continuous:
    if kind == "quantiles":
        points = quantile_atoms(*parameters)
        return Atoms(points, np.full(points.size, 1 / points.size))
    kinds: dict[str, Callable[..., Atoms | Continuous]] = {
        "atoms": Atoms,
        "semicircle": Semicircle,
        "uniform": Uniform,
        "marchenko_pastur": MarchenkoPastur,
    }
    return kinds[kind](*parameters)


class Additive:
    """Φ(w) = w − σ²g(w), g_μ(Φ(w)) = g(w)."""

    def __init__(self, parts: Parts, sigma: float) -> None:
        self.signal, self.sigma, self.s2 = Signal(parts), sigma, mp.mpf(sigma) ** 2

    def rough(self, w: ComplexArray) -> tuple[ComplexArray, ...]:
        """Φ and Φ′ in NumPy."""
        g, dg = self.signal.rough(w)
        return w - self.sigma**2 * g, 1 - self.sigma**2 * dg

    def pull(self, u: float) -> float:
        """Negative where an outlier can come from: −Φ′ at a real u."""
        return float(-self.rough(np.array([u + 0j]))[1][0].real)

    def iterated(self, z: ComplexArray, steps: int) -> ComplexArray:
        """Damped fixed point of g = g_ν(z + σ²g)."""
        g = np.full(z.shape, 1j)
        for _ in range(steps):
            g = (g + self.signal.rough(z + self.sigma**2 * g)[0]) / 2
        return z + self.sigma**2 * g

    def phi(self, w: Any) -> tuple[Any, ...]:
        """Φ and Φ′ in 40 digits."""
        g, dg = self.signal.transforms(w)
        return w - self.s2 * g, 1 - self.s2 * dg

    def law(self, w: Any) -> tuple[Any, ...]:
        """Density and distribution function at Φ(w), and the certificate Im Φ/Im w = 0."""
        g, _ = self.signal.transforms(w)
        level = mp.im(self.signal.potential(w) + self.s2 * g**2 / 2) / mp.pi
        return mp.im(g) / mp.pi, 1 - level, 1 - self.s2 * mp.im(g) / mp.im(w)

    def least_gap(self, p: float, q: float) -> float:
        """A gap between atoms of masses p, q opens only if it is longer (exact for two atoms)."""
        return float(self.sigma * (p ** (1 / 3) + q ** (1 / 3)) ** 1.5)

    def reach(self) -> float:
        """How far beyond the signal a critical point can be."""
        return 1.5 * self.sigma


class Rectangular:
    """Φ(w) = wq² + σ²(1 − c)q, q = 1 − σ²c f(w), g_μ(Φ(w)) = f(w)/q(w)."""

    def __init__(self, parts: Parts, sigma: float, ratio: float) -> None:
        self.signal, self.sigma, self.ratio = Signal(parts), sigma, ratio
        self.s2, self.c = mp.mpf(sigma) ** 2, mp.mpf(ratio)

    def rough(self, w: ComplexArray) -> tuple[ComplexArray, ...]:
        """Φ and Φ′ in NumPy."""
        f, df = self.signal.rough(w)
        s, rest = self.sigma**2 * self.ratio, self.sigma**2 * (1 - self.ratio)
        q = 1 - s * f
        return w * q**2 + rest * q, q**2 - (2 * w * q + rest) * s * df

    def pull(self, u: float) -> float:
        """Negative where Φ′ > 0 and q > 0: the larger of −Φ′/q² and −q/(1 + |q|)."""
        f, _ = self.signal.rough(np.array([u + 0j]))
        q = 1 - self.sigma**2 * self.ratio * f[0].real
        slope = self.rough(np.array([u + 0j]))[1][0].real
        return float(max(-slope / max(q**2, 1e-300), -q / (1 + abs(q))))

    def iterated(self, z: ComplexArray, steps: int) -> ComplexArray:
        """Damped fixed point of m = ∫dH(t)/(t/A − zA + σ²(1 − c)), A = 1 + σ²cm."""
        s, rest = self.sigma**2 * self.ratio, self.sigma**2 * (1 - self.ratio)
        m = -1 / (z + 1j * self.sigma**2)
        for _ in range(steps):
            a = 1 + s * m
            w = z * a**2 - rest * a
            m = (m + a * self.signal.rough(w.real + 1j * abs(w.imag))[0]) / 2
        a = 1 + s * m
        return z * a**2 - rest * a

    def phi(self, w: Any) -> tuple[Any, ...]:
        """Φ and Φ′ in 40 digits."""
        f, df = self.signal.transforms(w)
        s, rest = self.s2 * self.c, self.s2 * (1 - self.c)
        q = 1 - s * f
        return w * q**2 + rest * q, q**2 - (2 * w * q + rest) * s * df

    def law(self, w: Any) -> tuple[Any, ...]:
        """Density and distribution function at Φ(w), and the certificate Im Φ/Im w = 0."""
        f, _ = self.signal.transforms(w)
        c, s = self.c, self.s2 * self.c
        q = 1 - s * f
        potential = self.signal.potential(w) - (1 / c - 1) * mp.log(q)
        potential += s * w * f**2 - self.s2 * (1 - c) * f
        big_f, big_t = mp.im(f) / mp.im(w), mp.im(w * f) / mp.im(w)
        ratio = (1 - s * big_t) ** 2 - (s * big_f * abs(w)) ** 2 - self.s2 * (1 - c) * s * big_f
        return mp.im(f / q) / mp.pi, 1 - mp.im(potential) / mp.pi, ratio

    def least_gap(self, p: float, q: float) -> float:
        """Look into every gap; of 10⁵ atoms, into those that two atoms alone would not keep shut.

        Two of mass 1e-5 keep a gap shut up to σ√(c/2)(8p)^½ = 3e-3 in singular values near 0.6.
        """
        return 0.0 if len(self.signal.intervals) < 2000 else 1e-3

    def reach(self) -> float:
        """How far beyond the signal a critical point can be."""
        top = self.signal.intervals[-1][1]
        return float(1.5 * self.sigma**2 + 3 * self.sigma * top**0.5)


Model = Additive | Rectangular


def edges_of(model: Model) -> tuple[FloatArray, list[Any]]:
    """Critical points, and edges in 40 digits: a row for each interval of the support."""
    intervals, reach = model.signal.intervals, model.reach()
    low, high = intervals[0][0], max(b for _, b, _ in intervals)
    critical = [bracketed(model, low, low - reach)]
    for left, right, p, q in model.signal.gaps():
        if right - left <= model.least_gap(p, q):
            continue
        inside = deepest(model, left, right)
        if inside is not None:
            critical += [bracketed(model, left, inside), bracketed(model, right, inside)]
    critical = sorted([*critical, bracketed(model, high, high + reach)])
    exact = [mp.findroot(lambda w: model.phi(w)[1].real, (c, c * (1 + 1e-12))) for c in critical]
    assert all(abs(a - b) < 1e-6 * (1 + abs(b)) for a, b in zip(exact, critical, strict=True))
    return np.array(critical).reshape(-1, 2), [mp.re(model.phi(w)[0]) for w in exact]


def deepest(model: Model, left: float, right: float) -> float | None:
    """A point of a gap where `pull` is negative, None if there is none."""
    share = np.linspace(0.02, 0.98, 49)
    values = [model.pull(left + (right - left) * s) for s in share[::8]]
    if min(values) < 0:
        return float(left + (right - left) * share[::8][int(np.argmin(values))])
    found = optimize.minimize_scalar(
        model.pull, bounds=(left, right), method="bounded", options={"xatol": 1e-9 * (right - left)}
    )
    if abs(found.fun) < 1e-6:
        raise ArithmeticError(f"the gap {left, right} is open or closed by {found.fun:.1e} only")
    return float(found.x) if found.fun < 0 else None


def bracketed(model: Model, end: float, inside: float) -> float:
    """Where `pull` changes sign between the end of a gap and a point inside it."""
    near = end + (inside - end) * 1e-9
    return float(optimize.brentq(model.pull, near, inside, xtol=1e-15, rtol=1e-14))


def points_for(edges: Sequence[Any], count: int) -> list[float]:
    """At most `count` points: in all intervals, crowding at edges, and 2e-6 from each edge."""
    ends = np.array([float(e) for e in edges]).reshape(-1, 2)
    share = max(2, (count - 2 * len(ends)) // len(ends))
    angle = np.pi / 2 * (np.arange(share) + 0.5) / share
    inner = [a + (b - a) * np.sin(angle) ** 2 for a, b in ends]
    close = np.concatenate([ends[:, 0] + 2e-6, ends[:, 1] - 2e-6])
    x = np.sort(np.concatenate([*inner, close]))
    assert (np.abs(x[:, None] - ends.ravel()).min(axis=1) > FAR).all()
    result: list[float] = x[
        np.linspace(0, x.size - 1, min(count, x.size)).round().astype(int)
    ].tolist()
    return result


def omegas(model: Model, x: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Density and distribution function at each x, from ω(x) in 40 digits and certified."""
    rough = np.array([float(t) for t in x])
    eta = 1e-3
    w = model.iterated(rough + 1j * eta, 3000)
    while eta > 0:
        eta = eta / 2 if eta > 1e-13 else 0.0
        for _ in range(8):
            value, slope = model.rough(w)
            step = (value - rough - 1j * eta) / slope
            new = w - step
            w = np.where(new.imag > 0, new, new.real + 0.5j * w.imag)
            if (np.abs(step) < 1e-9 * np.abs(w.imag)).all():
                break
    starts = [mp.mpc(complex(start)) for start in w]
    return [certified(model, t, start) for t, start in zip(x, starts, strict=True)]


def certified(model: Model, x: Any, w: Any) -> tuple[Any, ...]:
    for _ in range(20):
        value, slope = model.phi(w)
        step = (value - x) / slope
        w -= step
        if abs(step) < mp.mpf(10) ** -(DIGITS // 2 + 2) * abs(w):
            break
    density, cdf, zero = model.law(w)
    residual = abs(model.phi(w)[0] - x)
    if not (mp.im(w) > 0 and residual < mp.mpf(10) ** -36 and abs(zero) < mp.mpf(10) ** -30):
        raise ArithmeticError(f"x = {x}: Im w {mp.im(w)}, residual {residual}, {zero}")
    return density, cdf


def check_by_quadrature(
    model: Model, edges: Sequence[Any], x: Sequence[Any], cdf: Sequence[Any]
) -> None:
    """Integrate the density of the first interval up to two of its points."""
    low, high = edges[0], edges[1]

    def turned(angle: Any) -> Any:
        t = low + (high - low) * mp.sin(angle) ** 2
        return omegas(model, [t])[0][0] * (high - low) * mp.sin(2 * angle)

    for k in np.linspace(3, np.searchsorted(x, float(high)) - 3, 2).astype(int):
        top = mp.asin(mp.sqrt((x[k] - low) / (high - low)))
        total = mp.quad(turned, [0, top / 2, top], method="gauss-legendre", maxdegree=5)
        print(f"    by quadrature at {float(x[k]):.4f}: differs by {mp.nstr(total - cdf[k], 3)}")
        assert abs(total - cdf[k]) < mp.mpf(10) ** -25


def run(
    name: str,
    cases: Mapping[str, tuple[Any, ...]],
    make: Callable[..., Model],
    chosen: Sequence[str],
) -> None:
    path = DATA / f"{name}.npz"
    arrays = dict(np.load(path)) if path.exists() and chosen else {}
    for case, (parts, *parameters) in cases.items():
        if chosen and case not in chosen:
            continue
        model = make(parts, *parameters)
        _, edges = edges_of(model)
        print(name, "|", case, "|", len(edges) // 2, "intervals", flush=True)
        x = [mp.mpf(t) for t in points_for(edges, 25 if "100000" in case else 200)]
        density, cdf = zip(*omegas(model, x), strict=True)
        assert all(b > a for a, b in pairwise(cdf))
        if case in BY_QUADRATURE:
            check_by_quadrature(model, edges, x, cdf)
        arrays[f"{case}/signal"] = np.array(json.dumps([parts, *parameters]))
        arrays[f"{case}/edges"] = np.array([float(e) for e in edges]).reshape(-1, 2)
        columns = [[float(value) for value in column] for column in (x, density, cdf)]
        arrays[f"{case}/table"] = np.array(columns)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    _, *words = sys.argv
    if "rectangular" not in words:
        run("additive", ADDITIVE, Additive, [w for w in words if w != "additive"])
    if "additive" not in words:
        run("rectangular", RECTANGULAR, Rectangular, [w for w in words if w != "rectangular"])
