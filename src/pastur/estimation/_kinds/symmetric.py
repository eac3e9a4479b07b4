"""W = R/√N + S, symmetric: eigenvalues, which are their own coordinate of the law."""

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
from pastur.estimation._kinds.free_reading import Readings, Rest, read_eigenvalues
from pastur.estimation._kinds.masses import Masses, Transforms
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._kinds.shrinkage import denoised_eigenvalues, shrink_eigenvalues
from pastur.measures import ProbabilityMeasure, Semicircle
from pastur.models import DeformedWigner

# Asymmetry, relative to the largest entry, that a symmetric matrix of float32 may have.
ASYMMETRY = 1e-6
_LEAST = 1e-303


@dataclass(frozen=True)
class SymmetricWhiteNoise:
    """Noise of `size` × `size`, off-diagonal entries of standard deviation σ/√size."""

    size: int
    sides: ClassVar[int] = 2
    level_mode: ClassVar[int] = 2

    def law(self, removed: int) -> NoiseLaw:
        """Semicircle law of size − removed eigenvalues."""
        rows = self.size - removed
        return NoiseLaw(rows, 0.0, 0.0, 2 * float(np.sqrt(rows / self.size)))

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """2 − 1/(2N) and N^(−2/3), each edge being the mirror image of the other."""
        rows = self.size - removed
        scale = np.sqrt(rows / self.size)
        return scale * (2 - 1 / (2 * rows)), scale * rows ** (-2 / 3)


@dataclass(frozen=True)
class SymmetricKind:
    """Symmetric matrices of `size` rows."""

    size: int
    value_name: ClassVar[str] = "eigenvalue"
    squared: ClassVar[bool] = False
    sides: ClassVar[int] = 2
    overlap_names: ClassVar[tuple[str, ...]] = ("overlap",)
    fields: ClassVar[Any] = spike_fields("overlap")
    leading_fields: ClassVar[Any] = leading_fields("overlap")
    critical: ClassVar[float] = 1.0
    height: ClassVar[float] = 3.0

    @property
    def side(self) -> int:
        """The number of rows."""
        return self.size

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The number of rows."""
        return (self.size,)

    @property
    def noise(self) -> SymmetricWhiteNoise:
        """Noise of this size."""
        return SymmetricWhiteNoise(self.size)

    def to_law(self, x: Number) -> Number:
        """Return λ."""
        return x

    def to_matrix(self, x: Real) -> Real:
        """Return λ."""
        return x

    def relative_to_matrix(self, change: float) -> float:
        """Return it as it is."""
        return change

    def without(self, removed: int) -> SymmetricKind:
        """Return the kind with so many rows less."""
        return SymmetricKind(self.size - removed)

    def of_shape(self, shape: tuple[int, int]) -> SymmetricKind:
        """Return the kind of so many rows."""
        return SymmetricKind(shape[0])

    def masses(
        self, points: FloatArray, weights: FloatArray, base: ProbabilityMeasure | None
    ) -> Masses:
        """Return them as they are."""
        return Masses(points, weights, base)

    def model(self, signal: Masses, sigma: float) -> DeformedWigner:
        """Return the deformed Wigner matrix of a signal."""
        return DeformedWigner(signal.measure, sigma=sigma)

    def noise_measure(self, sigma: float) -> ProbabilityMeasure:
        """Return the semicircle."""
        return Semicircle(sigma)

    def noise_ends(self, found: Ends, base: ProbabilityMeasure | None) -> Ends:
        """Return the intervals that carry some of the signal's bulk."""
        support = np.zeros((1, 2)) if base is None else base.support
        starts, stops = found.critical[:, :1], found.critical[:, 1:]
        carried = ((support[:, 0] <= stops) & (support[:, 1] >= starts)).any(axis=1)
        return Ends(*(part[carried] for part in found))

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

    def candidates(self, sizes: FloatArray) -> FloatArray:
        """Return ±θ."""
        return np.concatenate([-sizes[::-1], sizes])

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return ω and the overlap ``Φ′(ω) = 1/ω′(y)``."""
        return Outliers(y + variance * m, ((1 / (1 + variance * slope)).real,))

    def noise_shares(self, theta: FloatArray, sigma: float) -> tuple[FloatArray, ...]:
        """Return ``σ²/θ²`` less the part of the spikes."""
        return ((1 - theta.size / self.size) * (sigma / theta) ** 2,)

    def strays(
        self, z: ComplexArray, m: ComplexArray, variance: float, theta: FloatArray
    ) -> tuple[FloatArray, ...]:
        """Return ``(σ²/N)/(θ − ω)²`` (Allez, Bouchaud 2012)."""
        omega = (z + variance * m)[:, None]
        return (variance / self.size / np.abs(theta - omega) ** 2,)

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

    def slopes(self, y: FloatArray, m: FloatArray, variance: float) -> Slopes:
        """Return ``N/2σ²`` times ω and y."""
        precision = self.size / (2 * variance)
        return Slopes(precision * (y + variance * m), precision * y)

    def spike_slope(self, theta: float, y: FloatArray, variance: float) -> FloatArray:
        """Return ``Nθ/2σ²``."""
        return np.full(y.shape, self.size * theta / (2 * variance))

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return ``Σ (y + σ²h)``."""
        return float(np.sum(y + variance * h))

    def group_mean(
        self, total: float, theta: FloatArray, spread: FloatArray
    ) -> tuple[float, float]:
        """Return the arithmetic mean."""
        return total / theta.size, float(np.linalg.norm(spread)) / theta.size

    def moved_to_mean(self, theta: FloatArray, mean: float) -> FloatArray:
        """Return them shifted."""
        return np.asarray(theta - theta.mean() + mean)

    def read_free(self, y: FloatArray, rest: Rest) -> Readings:
        """Return the readings of eigenvalues without a law."""
        return read_eigenvalues(y, rest)

    def factors(self, w: FloatArray) -> Factors:
        """Return the eigenvectors, on both sides."""
        values, vectors = np.linalg.eigh(symmetric_part(w))
        return Factors(vectors, values, vectors.T)

    def law_values(self, w: AnyArray) -> FloatArray:
        """Return the eigenvalues."""
        return np.asarray(np.linalg.eigvalsh(w)[::-1], dtype=np.float64)

    def permuted(self, w: AnyArray, rng: np.random.Generator) -> Iterator[AnyArray]:
        """Yield matrices with the entries on and above the diagonal in random places."""
        above = np.triu_indices(self.size)
        ordered = np.sort(w[above])
        while True:
            one = np.zeros((self.size, self.size), dtype=w.dtype)
            one[above] = rng.permutation(ordered)
            yield one + np.triu(one, 1).T

    def strongest(self, factors: Factors, count: int) -> Factors:
        """Return those farthest from 0 on either side."""
        farthest = np.argsort(-np.abs(factors.values), kind="stable")[:count]
        basis = factors.left[:, farthest]
        return Factors(basis, factors.values[farthest], basis.T)

    def shrink(self, values: FloatArray, sigma: float) -> FloatArray:
        """Return ``sign(λ)√(λ² − 4σ²)``."""
        return shrink_eigenvalues(values, sigma=sigma)

    def denoised(self, values: FloatArray, law: ProbabilityMeasure) -> FloatArray:
        """Return ``λ + 2 Re g(λ + i0)``."""
        return denoised_eigenvalues(values, law, sigma=1.0)


def symmetric_part(w: FloatArray) -> FloatArray:
    """Return the symmetric part of `w`, if that is all of it."""
    if w.shape[0] != w.shape[1]:
        raise InvalidInputError(
            f"`W` must be square to be symmetric. Got shape {w.shape}; use `fit_rectangular`."
        )
    # Halves, whose difference does not overflow.
    half, largest = w / 2, float(np.abs(w).max())
    asymmetry = float(np.abs(half - half.T).max()) / max(largest / 2, _LEAST)
    if asymmetry > ASYMMETRY:
        raise InvalidInputError(
            "`W` must be symmetric. W and its transpose differ by up to "
            f"{asymmetry:.2g} times the largest entry; use `fit_rectangular`."
        )
    return np.asarray(half + half.T)
