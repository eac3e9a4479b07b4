"""New measures from old: images under affine maps, signed sums, mixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._errors import InvalidTypeError
from pastur._numerics.intervals import union
from pastur._typing import ComplexArray, FloatArray
from pastur.measures._contract.measure import Measure, ProbabilityMeasure


class _AffineFormulas(Measure):
    """Formulas of the image of `base` under t ↦ a·t + b, for the signed and positive kinds."""

    base: Measure
    a: float
    b: float

    @property
    def support(self) -> FloatArray:
        image = self.a * self.base.support + self.b
        return locked(image if self.a > 0 else image[::-1, ::-1])

    @property
    def atoms(self) -> FloatArray:
        image = self.base.atoms.copy()
        image[:, 0] = self.a * image[:, 0] + self.b
        return locked(image if self.a > 0 else image[::-1])

    def _pull(self, z: Any) -> Any:
        return (z - self.b) / self.a

    def _mirrored(self, formula: Callable[[ComplexArray], ComplexArray], z: ComplexArray) -> Any:
        """Evaluate at the preimage; a < 0 turns the half-plane over, so conjugate twice."""
        if self.a > 0:
            return formula(self._pull(z))
        return np.conj(formula(self._pull(np.conj(z)) + 0.0))

    def _density(self, x: FloatArray) -> FloatArray:
        return self.base._density(np.asarray(self._pull(x))) / abs(self.a)

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(self._mirrored(self.base._stieltjes, z) / self.a)

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(self._mirrored(self.base._stieltjes_derivative, z) / self.a**2)

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        scale = self.base.mass * np.log(abs(self.a))
        potential = self._mirrored(self.base._log_potential, z)
        if self.a < 0:
            # arg(z − t) = π − arg of the mirrored difference, for the whole mass.
            potential = potential + 1j * np.pi * self.base.mass
        return np.asarray(potential + scale)

    def _moment(self, k: int) -> float:
        powers = (
            comb(k, j) * self.a**j * self.b ** (k - j) * self.base.moment(j) for j in range(k + 1)
        )
        return float(sum(powers))

    def _sf(self, x: FloatArray) -> FloatArray:
        y = np.asarray(self._pull(x))
        return self.base._sf(y) if self.a > 0 else self.base._cdf(y) - self.base._mass_at(y)

    def _cdf(self, x: FloatArray) -> FloatArray:
        y = np.asarray(self._pull(x))
        return self.base._cdf(y) if self.a > 0 else self.base._sf(y) + self.base._mass_at(y)

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        return self.base._integrate(lambda t: f(self.a * t + self.b))


@dataclass(frozen=True, eq=False)
class AffineImage(_AffineFormulas):
    """Image of a signed measure under t ↦ a·t + b."""

    base: Measure
    a: float
    b: float

    @property
    def mass(self) -> float:
        return self.base.mass

    def _affine(self, a: float, b: float) -> Measure:
        return affine_image(self.base, a * self.a, a * self.b + b)


@dataclass(frozen=True, eq=False)
class AffineLaw(_AffineFormulas, ProbabilityMeasure):
    """Image of a probability measure under t ↦ a·t + b."""

    base: ProbabilityMeasure
    a: float
    b: float

    def _affine(self, a: float, b: float) -> Measure:
        return affine_image(self.base, a * self.a, a * self.b + b)

    def _quantile(self, q: FloatArray) -> FloatArray:
        if self.a > 0:
            return self.a * self.base._quantile(q) + self.b
        return super()._quantile(q)


def affine_image(base: Measure, a: float, b: float) -> Measure:
    """Return the image of `base` under t ↦ a·t + b, a probability measure where `base` is one."""
    if isinstance(base, ProbabilityMeasure):
        return AffineLaw(base, a, b)
    return AffineImage(base, a, b)


class _SumFormulas(Measure):
    """Formulas of Σ cᵢ τᵢ, shared by signed sums and mixtures."""

    terms: tuple[tuple[float, Measure], ...]

    @property
    def mass(self) -> float:
        return float(sum(c * m.mass for c, m in self.terms))

    @property
    def support(self) -> FloatArray:
        return locked(union(np.concatenate([m.support for _, m in self.terms])))

    @property
    def atoms(self) -> FloatArray:
        table = np.concatenate([m.atoms * (1.0, c) for c, m in self.terms])
        points, index = np.unique(table[:, 0], return_inverse=True)
        weights = np.bincount(index, weights=table[:, 1], minlength=points.size)
        kept = weights != 0
        return locked(np.column_stack([points[kept], weights[kept]]))

    def _affine(self, a: float, b: float) -> Measure:
        # Term by term, so that every atom is moved by its own law and stays exactly in its place.
        return combine([(c, m._affine(a, b)) for c, m in self.terms])

    def _sum(self, values: Callable[[Measure], Any]) -> Any:
        return sum(c * values(m) for c, m in self.terms)

    def _density(self, x: FloatArray) -> FloatArray:
        return np.asarray(self._sum(lambda m: m._density(x)))

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(self._sum(lambda m: m._stieltjes(z)))

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(self._sum(lambda m: m._stieltjes_derivative(z)))

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(self._sum(lambda m: m._log_potential(z)))

    def _moment(self, k: int) -> float:
        return float(self._sum(lambda m: m.moment(k)))

    # Term by term: a factor times −∞, the potential at an atom, would spoil its imaginary part.
    def _sf(self, x: FloatArray) -> FloatArray:
        return np.asarray(self._sum(lambda m: m._sf(x)))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(self._sum(lambda m: m._cdf(x)))

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        return self._sum(lambda m: m._integrate(f))


@dataclass(frozen=True, eq=False)
class SignedSum(_SumFormulas):
    """Σ cᵢ τᵢ for real factors cᵢ."""

    terms: tuple[tuple[float, Measure], ...]


@dataclass(frozen=True, eq=False)
class Mixture(_SumFormulas, ProbabilityMeasure):
    """Σ cᵢ τᵢ for probability measures τᵢ and weights cᵢ > 0 that add up to 1."""

    terms: tuple[tuple[float, ProbabilityMeasure], ...]

    @property
    def mass(self) -> float:
        return 1.0


def combine(parts: Sequence[tuple[float, object]]) -> Measure:
    """Return Σ cᵢ τᵢ, flattened; a `Mixture` where it is recognisably a probability measure."""
    terms: list[tuple[float, Measure]] = []
    for factor, part in parts:
        if not isinstance(part, Measure):
            raise InvalidTypeError(
                f"Only measures can be added to a measure. Got {part!r} of type "
                f"{type(part).__name__}."
            )
        inner = part.terms if isinstance(part, (SignedSum, Mixture)) else ((1.0, part),)
        terms += [(factor * c, m) for c, m in inner]
    laws = [(c, m) for c, m in terms if isinstance(m, ProbabilityMeasure) and c > 0]
    if len(laws) == len(terms) and abs(sum(c for c, _ in laws) - 1) < 1e-12:
        return Mixture(tuple(laws))
    return SignedSum(tuple(terms))
