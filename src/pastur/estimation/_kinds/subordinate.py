"""The two models as maps between the planes of W and of S, with the observed transform put in.

With m(z) the Stieltjes transform of the spectrum of W (squared singular values in the rectangular
model) and f that of S, both models say ``f(ω(z)) = f̂(z)`` with ω and f̂ known functions of z, m(z)
and v = σ²:

    symmetric     ω = z + v m,                    f̂ = m                       (1.6)
    rectangular   ω = z A² − v(1 − c) A,          f̂ = m/A,   A = 1 + v c m

(Dozier, Silverstein 2007). The inverse of ω is Φ, a function of f at w alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.estimation._result.signal import Transforms


class Observed(NamedTuple):
    """ω and f̂ at the points where m was taken, and their derivatives by σ²."""

    omega: ComplexArray
    transform: ComplexArray
    omega_by_variance: ComplexArray
    transform_by_variance: ComplexArray


class Curve(NamedTuple):
    """Φ and its first three derivatives."""

    phi: ComplexArray
    first: ComplexArray
    second: ComplexArray
    third: ComplexArray


class Outliers(NamedTuple):
    """What outliers at y say of the spikes behind them, from the transform of the other values.

    `spike` is where ω puts y (complex where y is); `overlaps` are those of the vectors, one in the
    symmetric model, (n side, m side) in the rectangular one.
    """

    spike: ComplexArray
    overlaps: tuple[FloatArray, ...]


class Plane(Protocol):
    """What the deconvolution needs to know of a model."""

    power: ClassVar[int]

    @property
    def critical(self) -> float:
        """Least spike that makes an outlier where S has nothing else, for σ = 1."""

    def observe(self, z: ComplexArray, m: ComplexArray, variance: float) -> Observed:
        """Return ω and f̂ from m at z."""

    def curve(self, w: ComplexArray, signal: Transforms, variance: float) -> Curve:
        """Return Φ at w from the transform of the signal there."""

    def cumulant_shift(self, signal: Transforms, curve: Curve, variance: float) -> ComplexArray:
        """Return the direction in which a fourth cumulant of the entries moves f̂ − f(ω̂)."""

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return what outliers at y say, m and `slope` = m′ being those of the other values."""

    def spike_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return the standard deviation of an isolated spike's estimate θ̂."""

    def outlier_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return the standard deviation of an isolated outlier, as a plain value."""

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return the sum of the spikes behind all the outliers y together.

        It is ``−(n/2πi)∮ ω̂f̂ dω̂`` around them, by residues. h and `slope` = h′ are the transform
        of the other values at y.
        """


@dataclass(frozen=True)
class SymmetricPlane:
    """W = R/√N + S, in eigenvalues."""

    power: ClassVar[int] = 1

    @property
    def critical(self) -> float:
        """θ = σ."""
        return 1.0

    def observe(self, z: ComplexArray, m: ComplexArray, variance: float) -> Observed:
        """Return ``ω = z + σ²m``, ``f̂ = m``."""
        return Observed(z + variance * m, m, m, np.zeros_like(m))

    def curve(self, w: ComplexArray, signal: Transforms, variance: float) -> Curve:
        """Return ``Φ = w − σ²f`` (1.9)."""
        f, f1, f2, f3 = signal
        return Curve(w - variance * f, 1 - variance * f1, -variance * f2, -variance * f3)

    def cumulant_shift(self, signal: Transforms, curve: Curve, variance: float) -> ComplexArray:
        """Return d(f⁴)/dw: diagonal entries of the resolvent enter squared, in pairs."""
        return np.asarray(4 * signal.value**3 * signal.first)

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return ω and the overlap ``Φ′(ω) = 1/ω′(y)``."""
        return Outliers(y + variance * m, ((1 / (1 + variance * slope)).real,))

    def spike_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return √(2σ²/(N o))."""
        return np.asarray(sigma * np.sqrt(2 / (size * overlaps[0])))

    def outlier_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return √(2σ²o/N)."""
        return np.asarray(sigma * np.sqrt(2 * overlaps[0] / size))

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return ``Σ (y + σ²h)``."""
        return float(np.sum(y + variance * h))


@dataclass(frozen=True)
class RectangularPlane:
    """W = R/√m + S of n × m, in squared singular values; `ratio` is c = n/m ≤ 1."""

    ratio: float
    power: ClassVar[int] = 2

    @property
    def critical(self) -> float:
        """θ = c^(1/4)σ."""
        return float(self.ratio**0.25)

    def observe(self, z: ComplexArray, m: ComplexArray, variance: float) -> Observed:
        """Return ``ω = zA² − σ²(1 − c)A``, ``f̂ = m/A``, ``A = 1 + σ²cm``."""
        c, slope = self.ratio, self.ratio * m
        a = 1 + variance * slope
        by_variance = 2 * z * a * slope - (1 - c) * a - variance * (1 - c) * slope
        omega = z * a**2 - variance * (1 - c) * a
        return Observed(omega, m / a, by_variance, -m * slope / a**2)

    def curve(self, w: ComplexArray, signal: Transforms, variance: float) -> Curve:
        """Return ``Φ = w q² + σ²(1 − c) q``, ``q = 1 − σ²c f``."""
        f, f1, f2, f3 = signal
        pull, rest = variance * self.ratio, variance * (1 - self.ratio)
        q, q1, q2, q3 = 1 - pull * f, -pull * f1, -pull * f2, -pull * f3
        lever = 2 * w * q + rest
        return Curve(
            w * q**2 + rest * q,
            q**2 + lever * q1,
            4 * q * q1 + 2 * w * q1**2 + lever * q2,
            6 * (q1**2 + q * q2 + w * q1 * q2) + lever * q3,
        )

    def cumulant_shift(self, signal: Transforms, curve: Curve, variance: float) -> ComplexArray:
        """Return d(z m m̃)²/dw, m̃ = cm − (1 − c)/z belonging to the transposed matrix."""
        f, f1 = signal.value, signal.first
        q = 1 - variance * self.ratio * f
        m, m1 = f / q, f1 / q**2
        pair = m * (self.ratio * curve.phi * m - (1 - self.ratio))
        slope = m1 * (2 * self.ratio * curve.phi * m - (1 - self.ratio))
        return np.asarray(2 * pair * (slope + self.ratio * curve.first * m**2))

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return ω and the overlaps ``A/ω′`` (n side), ``ω/(A y ω′)`` (m side)."""
        rest = variance * (1 - self.ratio)
        a, a1 = 1 + variance * self.ratio * m, variance * self.ratio * slope
        omega = y * a**2 - rest * a
        slope_of_omega = a**2 + (2 * y * a - rest) * a1
        return Outliers(omega, ((a / slope_of_omega).real, (omega / (a * y * slope_of_omega)).real))

    def spike_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return √((σ²/2m)(1/o_n + 1/o_m))."""
        left, right = overlaps
        return np.asarray(sigma * np.sqrt((1 / left + 1 / right) * self.ratio / (2 * size)))

    def outlier_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return √((σ²/2m)(o_n + o_m))."""
        left, right = overlaps
        return np.asarray(sigma * np.sqrt((left + right) * self.ratio / (2 * size)))

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return ``Σ_i [y a² − σ²(1 − c)a] − ε Σ_{i,j} (F_i − F_j)/(y_i − y_j)``.

        With a = 1 + σ²c h, F = y a and ε = σ²c/n; F′ stands for the quotient of equal y.
        """
        pull = variance * self.ratio
        a, step = 1 + pull * h, pull / size
        f, f1 = y * a, a + y * pull * slope
        apart = y[:, None] - y
        equal = apart == 0
        pairs = np.where(equal, f1, (f[:, None] - f) / np.where(equal, 1.0, apart))
        single = y * a**2 - variance * (1 - self.ratio) * a
        return float(single.sum() - step * pairs.sum())
