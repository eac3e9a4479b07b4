"""W = R/√m + S of n × m, n ≤ m: singular values, which the law has squared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.estimation._kinds.contract import (
    Curve,
    Ends,
    Factors,
    Number,
    Observed,
    Outliers,
    Real,
    Slopes,
    leading_fields,
    spike_fields,
)
from pastur.estimation._kinds.free_reading import Readings, Rest, read_singular_values
from pastur.estimation._kinds.masses import Masses, Transforms
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._kinds.shrinkage import denoised_singular_values, shrink_singular_values
from pastur.measures import MarchenkoPastur, ProbabilityMeasure
from pastur.models import InformationPlusNoise

# Smaller squares lose digits.
_LEAST_SQUARE = 1e-300


@dataclass(frozen=True)
class RectangularWhiteNoise:
    """Noise of `size` × `columns`, size ≤ columns, entries of standard deviation σ/√columns.

    The law is of squared singular values, the edge is one of singular values. Only the upper edge
    is watched: a signal of low rank puts no singular value below the bulk.
    """

    size: int
    columns: int
    sides: ClassVar[int] = 1
    level_mode: ClassVar[int] = 1

    def law(self, removed: int) -> NoiseLaw:
        """Marchenko–Pastur law of (size − removed) × (columns − removed)."""
        rows, columns = self.size - removed, self.columns - removed
        scale, ratio = columns / self.columns, rows / columns
        root = float(np.sqrt(ratio))
        return NoiseLaw(rows, root, scale * (1 + ratio), 2 * scale * root)

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """√E_n and (κn)^(−2/3)/(2√E), E = (1 + √c)², κ = 1/(c^(3/4)(1 + √c)²).

        ``E_n = E(1 − √c/(2n))`` is the centring that takes the error of the Tracy–Widom
        approximation to order n^(−2/3) (Ma 2012; Johnstone 2001 for the scale).
        """
        rows, columns = self.size - removed, self.columns - removed
        root = np.sqrt(rows / columns)
        reach = 1 + root
        scale = np.sqrt(columns / self.columns)
        squared_scale = rows ** (-2 / 3) * root * reach ** (4 / 3)
        centring = reach * np.sqrt(1 - root / (2 * rows))
        return scale * centring, scale * squared_scale / (2 * reach)


@dataclass(frozen=True)
class RectangularKind:
    """Matrices of `size` × `columns`, size ≤ columns; `tall` where they are given transposed."""

    size: int
    columns: int
    tall: bool = False
    value_name: ClassVar[str] = "singular value"
    squared: ClassVar[bool] = True
    sides: ClassVar[int] = 1
    fields: ClassVar[Any] = spike_fields("overlap_left", "overlap_right")
    leading_fields: ClassVar[Any] = leading_fields("overlap_left", "overlap_right")

    @property
    def ratio(self) -> float:
        """c = n/m ≤ 1."""
        return self.size / self.columns

    @property
    def side(self) -> int:
        """The number of columns."""
        return self.columns

    @property
    def overlap_names(self) -> tuple[str, ...]:
        """Those of the n side and of the m side, by what is left and right in W as given."""
        names = ("overlap_left", "overlap_right")
        return names[::-1] if self.tall else names

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The shorter side and the longer one."""
        return self.size, self.columns

    @property
    def critical(self) -> float:
        """θ = c^(1/4)σ."""
        return float(self.ratio**0.25)

    @property
    def height(self) -> float:
        """As wide as the bulk, 2√c."""
        return 2 * float(self.ratio**0.5)

    @property
    def noise(self) -> RectangularWhiteNoise:
        """Noise of this shape."""
        return RectangularWhiteNoise(self.size, self.columns)

    def to_law(self, x: Number) -> Number:
        """Return s²."""
        return x**2

    def to_matrix(self, x: Real) -> Real:
        """Return the root; 0 below 0, where rounding may have put a square."""
        root: Real = np.maximum(x, 0.0) ** 0.5
        return root

    def relative_to_matrix(self, change: float) -> float:
        """Return half of it."""
        return change / 2

    def without(self, removed: int) -> RectangularKind:
        """Return the kind with so many rows and columns less."""
        return RectangularKind(self.size - removed, self.columns - removed, self.tall)

    def of_shape(self, shape: tuple[int, int]) -> RectangularKind:
        """Return the kind with the shorter of these sides first."""
        return RectangularKind(min(shape), max(shape), tall=shape[0] > shape[1])

    def masses(
        self, points: FloatArray, weights: FloatArray, base: ProbabilityMeasure | None
    ) -> Masses:
        """Return them at the squares of their points."""
        return Masses(self._checked_squares(points), weights, base)

    def model(self, signal: Masses, sigma: float) -> InformationPlusNoise:
        """Return the information-plus-noise matrix of a signal."""
        return InformationPlusNoise(signal.measure, sigma=sigma, ratio=self.ratio)

    def noise_measure(self, sigma: float) -> ProbabilityMeasure:
        """Return Marchenko–Pastur's law."""
        self._checked_squares(np.array([sigma]))
        return MarchenkoPastur(self.ratio, sigma)

    def noise_ends(self, found: Ends, base: ProbabilityMeasure | None) -> Ends:
        """Return the lowest interval, below which nothing lies: spikes push values up."""
        upper = (found.ends[0, 1], found.centring[0, 1], found.critical[0, 1])
        end, start, theta = self.to_matrix(np.array(upper))
        return Ends(
            ends=np.array([[-np.inf, end]]),
            critical=np.array([[-np.inf, theta]]),
            centring=np.array([[-np.inf, start]]),
            scale=np.array([[0.0, found.scale[0, 1] / (2 * start)]]),
        )

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
        shared, rest = variance * self.ratio, variance * (1 - self.ratio)
        q, q1, q2, q3 = 1 - shared * f, -shared * f1, -shared * f2, -shared * f3
        by_q = 2 * w * q + rest
        return Curve(
            w * q**2 + rest * q,
            q**2 + by_q * q1,
            4 * q * q1 + 2 * w * q1**2 + by_q * q2,
            6 * (q1**2 + q * q2 + w * q1 * q2) + by_q * q3,
        )

    def cumulant_shift(self, signal: Transforms, curve: Curve, variance: float) -> ComplexArray:
        """Return d(z m m̃)²/dw, m̃ = cm − (1 − c)/z belonging to the transposed matrix."""
        f, f1 = signal.value, signal.first
        q = 1 - variance * self.ratio * f
        m, m1 = f / q, f1 / q**2
        pair = m * (self.ratio * curve.phi * m - (1 - self.ratio))
        slope = m1 * (2 * self.ratio * curve.phi * m - (1 - self.ratio))
        return np.asarray(2 * pair * (slope + self.ratio * curve.first * m**2))

    def candidates(self, sizes: FloatArray) -> FloatArray:
        """Return θ²."""
        return self.to_law(sizes)

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return ω and the overlaps ``A/ω′`` (n side), ``ω/(A y ω′)`` (m side)."""
        rest = variance * (1 - self.ratio)
        a, a1 = 1 + variance * self.ratio * m, variance * self.ratio * slope
        omega = y * a**2 - rest * a
        slope_of_omega = a**2 + (2 * y * a - rest) * a1
        return Outliers(omega, ((a / slope_of_omega).real, (omega / (a * y * slope_of_omega)).real))

    def noise_shares(self, theta: FloatArray, sigma: float) -> tuple[FloatArray, ...]:
        """Return ``c(s + 1)/(s(s + c))`` and ``(s + c)/(s(s + 1))``, s = θ²/σ², less their part."""
        s, c = (theta / sigma) ** 2, self.ratio
        left, right = 1 - theta.size / self.size, 1 - theta.size / self.columns
        return left * c * (s + 1) / (s * (s + c)), right * (s + c) / (s * (s + 1))

    def strays(
        self, z: ComplexArray, m: ComplexArray, variance: float, theta: FloatArray
    ) -> tuple[FloatArray, ...]:
        """Return ``(σ²/m)(θ² + zA²)/(θ² − ω)²``, and with Ã = A − σ²(1 − c)/z for A.

        A unit vector u of strength θ has ``u*(WW* − z)⁻¹u = A/(θ² − ω)``; adding a value at z to
        the spectrum changes that by its derivative with respect to m, over n.
        """
        a = 1 + variance * self.ratio * m
        sides = a, a - variance * (1 - self.ratio) / z
        omega, squares = (z * sides[0] * sides[1])[:, None], theta**2
        scale = variance / self.columns
        left, right = (
            scale * np.abs((squares + (z * side**2)[:, None]) / (squares - omega) ** 2)
            for side in sides
        )
        return left, right

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

    def slopes(self, y: FloatArray, m: FloatArray, variance: float) -> Slopes:
        """Return ``m/σ²`` times ``yA − σ²(1 − c)/2y = √(ω + (σ²(1 − c)/2y)²)`` and y."""
        precision = self.columns / variance
        a = 1 + variance * self.ratio * m
        return Slopes(precision * (y * a - self._free_columns(y, variance)), precision * y)

    def spike_slope(self, theta: float, y: FloatArray, variance: float) -> FloatArray:
        """Return ``(m/σ²)√(θ² + (σ²(1 − c)/2y)²)``, of ``y^ν I_ν(mθy/σ²)``, ν = (m − n)/2."""
        root = np.hypot(theta, self._free_columns(y, variance))
        return np.asarray(self.columns / variance * root)

    def _free_columns(self, y: FloatArray, variance: float) -> FloatArray:
        """Return σ²(1 − c)/2y: columns beyond the number of rows have no value of their own."""
        return variance * (1 - self.ratio) / (2 * y)

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return ``Σ_i [y a² − σ²(1 − c)a] − ε Σ_{i,j} (F_i − F_j)/(y_i − y_j)``.

        With a = 1 + σ²c h, F = y a and ε = σ²c/n; F′ stands for the quotient of equal y.
        """
        shared = variance * self.ratio
        a, step = 1 + shared * h, shared / size
        f, f1 = y * a, a + y * shared * slope
        apart = y[:, None] - y
        equal = apart == 0
        pairs = np.where(equal, f1, (f[:, None] - f) / np.where(equal, 1.0, apart))
        single = y * a**2 - variance * (1 - self.ratio) * a
        return float(single.sum() - step * pairs.sum())

    def group_mean(
        self, total: float, theta: FloatArray, spread: FloatArray
    ) -> tuple[float, float]:
        """Return the root mean square."""
        root = float(np.sqrt(max(total, 0.0) / theta.size))
        weighted = float(np.linalg.norm(theta * spread))
        return root, weighted / (theta.size * max(root, np.finfo(float).tiny))

    def moved_to_mean(self, theta: FloatArray, mean: float) -> FloatArray:
        """Return them with their squares shifted."""
        return self.to_matrix(theta**2 - np.mean(theta**2) + mean**2)

    def read_free(self, y: FloatArray, rest: Rest) -> Readings:
        """Return the readings of singular values without a law."""
        return read_singular_values(y, rest, self.columns - self.size)

    def factors(self, w: FloatArray) -> Factors:
        """Return the singular value decomposition."""
        return Factors(*np.linalg.svd(w, full_matrices=False))

    def law_values(self, w: AnyArray) -> FloatArray:
        """Return the eigenvalues of the Gram matrix of the short side."""
        return np.asarray(np.linalg.eigvalsh(w @ w.T)[::-1], dtype=np.float64)

    def permuted(self, w: AnyArray, rng: np.random.Generator) -> Iterator[AnyArray]:
        """Yield matrices with all entries in random places."""
        ordered = np.sort(w, axis=None)
        while True:
            yield rng.permutation(ordered).reshape(self.size, self.columns)

    def strongest(self, factors: Factors, count: int) -> Factors:
        """Return the largest."""
        return Factors(factors.left[:, :count], factors.values[:count], factors.right[:count])

    def shrink(self, values: FloatArray, sigma: float) -> FloatArray:
        """Return ``√((s² − σ² − cσ²)² − 4cσ⁴)/s``."""
        return shrink_singular_values(values, sigma=sigma, ratio=self.ratio)

    def denoised(self, values: FloatArray, law: ProbabilityMeasure) -> FloatArray:
        """Return ``s − (1 − c)/s + 2c s Re m(s² + i0)``."""
        return denoised_singular_values(values, law, sigma=1.0, ratio=self.ratio)

    def _checked_squares(self, points: FloatArray) -> FloatArray:
        """Return squares, where doubles hold them."""
        with np.errstate(over="ignore", under="ignore"):
            squares = np.asarray(self.to_law(points))
        if not np.isfinite(squares).all() or (squares[points != 0] < _LEAST_SQUARE).any():
            raise InvalidInputError(
                f"The squares of singular values near {np.abs(points).max():.3g} are beyond the "
                "doubles, so that they have no law. Use `law_in`, or fit the matrix in another "
                "unit."
            )
        return squares
