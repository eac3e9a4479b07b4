"""What a measure is: the public contract, the checks, and the routes that every measure shares.

A concrete measure writes only its formulas, in methods that begin with an underscore and receive
checked arrays. On the support, a formula in `z` means the boundary value from the upper half-plane.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._checks import finite_number, generator, one_of, positive_integer, real_array
from pastur._errors import InvalidInputError
from pastur._numerics.quadrature import integrate_interval
from pastur._typing import ArrayLike, ComplexArray, FloatArray, RandomLike
from pastur.measures._contract.arguments import inside, line_points, plane_points, upper
from pastur.measures._contract.notebook import measure_html
from pastur.measures._contract.quantiles import quantile_by_pieces
from pastur.measures._contract.scale import finite_moment, finite_transform


class Measure(KeepsLocked, ABC):
    """A finite measure on the real line, which may be signed.

    It is the sum of point masses (`atoms`) and of a part with a density. Its Stieltjes transform is
    ``g(z) = ∫ dτ(t)/(t − z)`` (Afanasiev, Berlyand, Kiyashko 2025, (1.4)): Im g > 0 in the upper
    half-plane for a positive measure, Im g(x + i0)/π is the density, g(z) ≈ −mass/z at infinity.

    Measures add up and take real factors: ``2 * m1 - m2``.

    Examples
    --------
    >>> from pastur import Atoms, Semicircle
    >>> difference = Atoms([3.0]) - Semicircle(1.0)
    >>> difference.mass, difference.moment(1)
    (0.0, 3.0)
    >>> float(difference.measure_of([2.0, 4.0]))
    1.0
    """

    # Without this NumPy would take `np.float64(2) * measure` apart before `__rmul__` is asked.
    __array_ufunc__ = None

    def _repr_html_(self) -> str:
        return measure_html(self)

    @property
    @abstractmethod
    def mass(self) -> float:
        """Total mass, τ(ℝ)."""

    @property
    @abstractmethod
    def support(self) -> FloatArray:
        """Closed intervals, ascending, shape (k, 2); an isolated atom is one of length 0."""

    @property
    def atoms(self) -> FloatArray:
        """Point masses, shape (k, 2): the point and its mass, ascending in the point."""
        return locked(np.empty((0, 2)))

    def density(self, x: ArrayLike) -> Any:
        """Density at `x` of the part that has one: atoms are left out; 0 off the support.

        At an edge it is the limit from inside, infinite where the density is unbounded.
        """
        points = real_array("x", x).astype(np.float64)
        return self._density(points)[()]

    def stieltjes(self, z: ArrayLike, *, method: str = "formula") -> Any:
        """Stieltjes transform ``g(z) = ∫ dτ(t)/(t − z)``.

        Parameters
        ----------
        z : array_like
            Real or complex, off the support.
        method : {"formula", "quadrature"}
            "quadrature" integrates the density numerically: slow, and independent of the formula.

        Returns
        -------
        float, complex or array
            Real where `z` is of a real type.

        Raises
        ------
        InvalidInputError
            Where `z` is real and lies on the support.
        """
        one_of("method", method, ("formula", "quadrature"))
        if method == "formula":
            return self._evaluate(self._stieltjes, z)
        return self._evaluate(lambda w: self._integrate(lambda t: 1 / (t - w)), z)

    def stieltjes_derivative(self, z: ArrayLike, *, method: str = "formula") -> Any:
        """Derivative ``g′(z) = ∫ dτ(t)/(t − z)²``; parameters as in `stieltjes`."""
        one_of("method", method, ("formula", "quadrature"))
        if method == "formula":
            return self._evaluate(self._stieltjes_derivative, z)
        return self._evaluate(lambda w: self._integrate(lambda t: 1 / (t - w) ** 2), z)

    def log_potential(self, z: ArrayLike) -> Any:
        """Logarithmic potential ``U(z) = ∫ log(z − t) dτ(t)``, with arguments in [0, π].

        U′ = −g, and on the real line Im U(x + i0)/π is the mass to the right of x: the distribution
        function in closed form. Always complex; lower half-plane by conjugation.

        Raises
        ------
        InvalidInputError
            Where `z` is an atom: the potential is infinite there.
        """
        values = plane_points(z)
        on = np.intersect1d(values.real[values.imag == 0], self.atoms[:, 0])
        if on.size:
            raise InvalidInputError(
                f"`z` = {on[0]:g} is an atom, where the potential is infinite. "
                "Add a small imaginary part."
            )
        with np.errstate(under="ignore"):
            potential = self._log_potential(upper(values))
        return np.where(values.imag < 0, np.conj(potential), potential)[()]

    def moment(self, k: int) -> float:
        """Moment ``∫ t^k dτ(t)`` for k = 0, 1, 2, …"""
        if k == 0:
            return self.mass
        if k < 0:
            raise InvalidInputError(f"`k` must be at least 0. Got {k}.")
        order = positive_integer("k", k)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                return finite_moment(order, self._moment(order))
        except OverflowError:
            return finite_moment(order, np.inf)

    def integrate(self, f: Callable[[Any], Any]) -> float:
        """Integral ``∫ f dτ`` to about 1e-10 of its scale.

        Parameters
        ----------
        f : callable
            Of one real number, real-valued, continuous on the support.

        Raises
        ------
        NumericalError
            If the quadrature does not reach its tolerance.
        """
        return float(self._integrate(f))

    def cdf(self, x: ArrayLike) -> Any:
        """Distribution function ``F(x) = τ((−∞, x])``, atoms included.

        In closed form, with an absolute error of a few 1e-16 of the measure's scale. For a signed
        measure it may fall, and leave [0, mass].
        """
        return self._cdf(line_points("x", x))[()]

    def sf(self, x: ArrayLike) -> Any:
        """Mass to the right, ``τ((x, ∞))``; computed by itself, not as the mass less `cdf`."""
        return self._sf(line_points("x", x))[()]

    def measure_of(self, interval: ArrayLike) -> Any:
        """Measure of closed intervals, ``τ([low, high])``, atoms at their ends included.

        Exact as `cdf` is. For μ₁ of Theorem 2.1 and Δ off the bulk it is ``ν₁(ω(Δ))``, (2.1).

        Parameters
        ----------
        interval : array_like, shape (2,) or (k, 2)
            (low, high) with low ≤ high, ±∞ allowed, or several of them.

        Returns
        -------
        float or array of shape (k,)

        Raises
        ------
        InvalidInputError
            If the shape is another one, or an interval ends before it begins.

        Examples
        --------
        >>> from pastur import Atoms, DeformedWigner, Uniform
        >>> nu1 = Uniform(1.5, 3.0) - Atoms([0.0])
        >>> mu1 = DeformedWigner(Atoms([0.0])).outlier_measure(nu1)
        >>> print(mu1.measure_of([[-2.0, 2.0], [2.5, 4.0]]).round(12))
        [-1.          0.66666667]
        >>> print(round(nu1.measure_of([2.0, 3.5]), 12))  # ω maps [2.5, …) to [2, …)
        0.666666666667
        """
        ends = line_points("interval", interval)
        if ends.ndim not in (1, 2) or ends.shape[-1] != 2:
            raise InvalidInputError(
                "`interval` must be (low, high), or several of shape (k, 2). "
                f"Got shape {ends.shape}."
            )
        low, high = ends[..., 0], ends[..., 1]
        if (low > high).any():
            at = np.argmax(low > high)
            raise InvalidInputError(
                "`interval` must not end before it begins. "
                f"Got ({low.ravel()[at]:g}, {high.ravel()[at]:g})."
            )
        above, below = self._sf(low), self._cdf(high)
        # From the side where less mass lies, so that a small one is a difference of small ones.
        from_right = np.abs(above) < np.abs(below)
        between = np.where(from_right, above - self._sf(high), below - self._cdf(low))
        return (between + self._mass_at(low))[()]

    def scale(self, a: float) -> Measure:
        """Image under t ↦ a·t, a ≠ 0."""
        factor = finite_number("a", a)
        if factor == 0:
            raise InvalidInputError("`a` must not be 0: scaling by 0 moves all mass to one point.")
        return self._affine(factor, 0.0)

    def shift(self, b: float) -> Measure:
        """Image under t ↦ t + b."""
        return self._affine(1.0, finite_number("b", b))

    # A sum with weights that add up to 1 is a `ProbabilityMeasure`, which is a matter of values: as
    # that of `int ** int`, the type of the result is open.
    def __add__(self, other: object) -> Any:
        return _combine([(1.0, self), (1.0, other)])

    def __sub__(self, other: object) -> Any:
        return _combine([(1.0, self), (-1.0, other)])

    def __mul__(self, factor: float) -> Any:
        return _combine([(finite_number("factor", factor), self)])

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Any:
        number = finite_number("divisor", divisor)
        if number == 0:
            raise InvalidInputError("`divisor` must not be 0: a measure cannot be divided by 0.")
        return _combine([(1 / number, self)])

    def __neg__(self) -> Measure:
        return _combine([(-1.0, self)])

    @abstractmethod
    def _density(self, x: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _stieltjes(self, z: ComplexArray) -> ComplexArray: ...

    @abstractmethod
    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray: ...

    @abstractmethod
    def _log_potential(self, z: ComplexArray) -> ComplexArray: ...

    def _stieltjes_pair(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Return g and g′ together, for measures where that is cheaper than one by one."""
        return self._stieltjes(z), self._stieltjes_derivative(z)

    def _moment(self, k: int) -> float:
        return float(self._integrate(lambda t: t**k))

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        total: Any = 0.0
        for point, weight in self.atoms:
            total = total + weight * f(point)
        for low, high in self.support[self.support[:, 1] > self.support[:, 0]]:
            total = total + integrate_interval(
                lambda t: f(t) * float(self._density(np.asarray(t))), low, high
            )
        return total

    def _sf(self, x: FloatArray) -> FloatArray:
        safe = np.where(np.isfinite(x), x, 0.0)
        inner = self._log_potential(safe.astype(np.complex128)).imag / np.pi
        low, high = self.support[0, 0], self.support[-1, 1]
        return np.where(x >= high, 0.0, np.where(x < low, self.mass, inner))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return self.mass - self._sf(x)

    def _mass_at(self, x: FloatArray) -> FloatArray:
        """Mass of the atom at each x, 0 where there is none."""
        atoms = self.atoms
        if not len(atoms):
            return np.zeros(x.shape)
        index = np.minimum(np.searchsorted(atoms[:, 0], x), len(atoms) - 1)
        return np.where(atoms[index, 0] == x, atoms[index, 1], 0.0)

    def _affine(self, a: float, b: float) -> Measure:
        from pastur.measures._contract.combination import affine_image

        return affine_image(self, a, b)

    def _evaluate(self, formula: Callable[[ComplexArray], ComplexArray], z: ArrayLike) -> Any:
        """Apply `formula` in the closed upper half-plane; conjugate below, refuse the support."""
        values = plane_points(z)
        real = values.real[values.imag == 0]
        on = real[inside(self.support, real)]
        if on.size:
            raise InvalidInputError(
                f"`z` = {on[0]:g} lies on the support, where the transform has no single value. "
                "Add a small imaginary part, or ask for `density`."
            )
        # Infinite and undefined results are refused, and what vanishes is 0.
        with np.errstate(all="ignore"):
            result = finite_transform(values, formula(upper(values)))
        if values.dtype.kind != "c":
            return result.real[()]
        return np.where(values.imag < 0, np.conj(result), result)[()]

    if not TYPE_CHECKING:  # a type checker should still report the missing name

        def __getattr__(self, name: str) -> Any:
            if name in ("quantile", "sample"):
                raise AttributeError(
                    f"A signed measure has no `{name}`: it is defined for probability measures. "
                    "Ask for `cdf(x)`, `measure_of(interval)` or `integrate(f)`."
                )
            return object.__getattribute__(self, name)


class ProbabilityMeasure(Measure):
    """A positive measure of mass 1: it also has quantiles and samples.

    Examples
    --------
    >>> from pastur import MarchenkoPastur
    >>> law = MarchenkoPastur(ratio=0.5)
    >>> law.quantile([0.25, 0.5, 0.75]).round(3)
    array([0.398, 0.83 , 1.486])
    >>> law.sample(3, rng=0).round(3)
    array([1.153, 0.427, 0.143])
    """

    @property
    def mass(self) -> float:
        """Total mass, 1."""
        return 1.0

    def cdf(self, x: ArrayLike) -> Any:
        """Distribution function ``F(x) = τ((−∞, x])``, atoms included."""
        return np.clip(self._cdf(line_points("x", x)), 0.0, 1.0)[()]

    def sf(self, x: ArrayLike) -> Any:
        """Survival function ``τ((x, ∞))``, not as 1 − F: its absolute error is a few 1e-16."""
        return np.clip(self._sf(line_points("x", x)), 0.0, 1.0)[()]

    def quantile(self, q: ArrayLike) -> Any:
        """Least x with F(x) ≥ q, for q in [0, 1]; the lowest point of the support for q = 0.

        A level within 1e-14 of the mass below a gap is treated as equal to it. Where a density
        vanishes faster than a square root at its end, F(x) is q to 1e-14, and x may be less
        certain.
        """
        levels = real_array("q", q).astype(np.float64)
        outside = levels[(levels < 0) | (levels > 1)]
        if outside.size:
            raise InvalidInputError(f"`q` must lie in [0, 1]. Got {outside.ravel()[0]:g}.")
        return self._quantile(levels.ravel()).reshape(levels.shape)[()]

    def sample(self, size: int | tuple[int, ...], rng: RandomLike = None) -> FloatArray:
        """Independent draws, by quantiles of uniform numbers; shape `size`."""
        uniform = generator(rng).random(size)
        return np.asarray(self.quantile(uniform), dtype=np.float64)

    def scale(self, a: float) -> ProbabilityMeasure:
        """Image under t ↦ a·t, a ≠ 0."""
        return _as_probability(super().scale(a))

    def shift(self, b: float) -> ProbabilityMeasure:
        """Image under t ↦ t + b."""
        return _as_probability(super().shift(b))

    def _quantile(self, q: FloatArray) -> FloatArray:
        return quantile_by_pieces(self.support, self.atoms, self._cdf, self._sf, q)


def _combine(terms: list[tuple[float, object]]) -> Measure:
    from pastur.measures._contract.combination import combine

    return combine(terms)


def _as_probability(measure: Measure) -> ProbabilityMeasure:
    if not isinstance(measure, ProbabilityMeasure):
        raise TypeError("an affine image of a probability measure is one")
    return measure
