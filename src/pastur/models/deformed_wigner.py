"""The symmetric model of the paper: W = R/√N + S."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from pastur._arrays import locked
from pastur._checks import dyson_index, numeric, positive_integer, positive_number, real_array
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import ProbabilityMeasure, Semicircle
from pastur.models._subordination.law import SubordinatedLaw
from pastur.models._subordination.symmetric import AdditiveSubordination
from pastur.models.spiked import SpikedModel


class DeformedWigner(SpikedModel):
    """Deformed Wigner matrices W = R/√N + S, the spectral law of S tending to ν₀.

    The limiting law μ₀ solves Pastur's equation ``g_μ₀(z) = g_ν₀(z + σ²g_μ₀(z))`` (1.5): it is the
    free sum of ν₀ and the semicircle law. An eigenvalue θ of S outside supp ν₀ (a *spike*) makes an
    eigenvalue of W outside supp μ₀ (an *outlier*) at ``Φ(θ) = θ − σ²g_ν₀(θ)`` (1.9) if and only if
    Φ′(θ) > 0.

    Parameters
    ----------
    nu0 : ProbabilityMeasure
        Limiting law ν₀ of the eigenvalues of S, of bounded support; `Empirical(eigenvalues)` for
        the deterministic equivalent of one finite matrix.
    sigma : float, > 0
        Standard deviation σ of the off-diagonal entries of R.
    beta : {1, 2}
        1 for real symmetric noise (GOE: diagonal variance 2σ²), 2 for complex Hermitian (GUE).

    Examples
    --------
    >>> from pastur.measures import Atoms
    >>> model = DeformedWigner(Atoms([0.0]), sigma=1.0)
    >>> float(model.outlier(2.0)), float(model.overlap(2.0))
    (2.5, 0.75)
    >>> float(model.outlier(0.5))  # too weak: its eigenvalue sticks to the edge of the semicircle
    2.0
    """

    squared = False
    ratio = None
    overlap_names = ("overlap",)
    _names: ClassVar = ("nu0", "sigma", "beta")

    nu0: ProbabilityMeasure

    def __init__(self, nu0: ProbabilityMeasure, sigma: float = 1.0, beta: int = 1) -> None:
        if not isinstance(nu0, ProbabilityMeasure):
            raise InvalidTypeError(
                "`nu0` must be a probability measure, such as Atoms([0.0]) or "
                f"Empirical(eigenvalues). Got {nu0!r} of type {type(nu0).__name__}."
            )
        if not np.isfinite(nu0.support).all():
            raise InvalidInputError("`nu0` must have bounded support. Cut its tails off first.")
        self._set(nu0=nu0, sigma=positive_number("sigma", sigma), beta=dyson_index(beta))

    def __repr__(self) -> str:
        return f"DeformedWigner({self.nu0!r}, sigma={self.sigma:g}, beta={self.beta})"

    @property
    def signal(self) -> ProbabilityMeasure:
        """Limiting law of the eigenvalues of S, ν₀."""
        return self.nu0

    @cached_property
    def _map(self) -> AdditiveSubordination:
        return AdditiveSubordination(self.nu0, self.sigma)

    @cached_property
    def law(self) -> ProbabilityMeasure:
        """The limiting law μ₀ of the eigenvalues of W; in closed form where ν₀ is one point."""
        atoms = self.nu0.atoms
        if len(atoms) == 1 and atoms[0, 1] == 1.0:
            return Semicircle(self.sigma, atoms[0, 0])
        if isinstance(self.nu0, Semicircle):
            return Semicircle(float(np.hypot(self.sigma, self.nu0.sigma)), self.nu0.center)
        return SubordinatedLaw(self._map, f"{self.nu0!r} ⊞ Semicircle({self.sigma:g})")

    def phi(self, w: ArrayLike) -> Any:
        """Return ``Φ(w) = w − σ²g_ν₀(w)`` (1.9), w complex or real off supp ν₀."""
        points = numeric("w", w)[()]
        return points - self.sigma**2 * self.nu0.stieltjes(points)

    def omega(self, z: ArrayLike) -> Any:
        """Return the subordination function ``ω(z) = z + σ²g_μ₀(z)`` (1.6), the inverse of Φ.

        Parameters
        ----------
        z : array_like
            Complex, or real off supp μ₀.
        """
        points = numeric("z", z)[()]
        return points + self.sigma**2 * self.law.stieltjes(points)

    def spike(self, x: ArrayLike) -> Any:
        """Return the spike behind an outlier at x: the real ω(x), off supp μ₀.

        Raises
        ------
        InvalidInputError
            If x lies on supp μ₀.
        """
        return self.omega(np.asarray(real_array("x", x), dtype=np.float64))

    @cached_property
    def critical_spikes(self) -> FloatArray:
        """The spike at which an outlier leaves each edge, as ``law.support.ravel()``."""
        return locked(self._map.critical.ravel())

    def overlap(self, theta: ArrayLike) -> Any:
        """Return the limit of |⟨u, v⟩|², u, v unit eigenvectors of outlier and spike.

        ``Φ′(θ)`` above criticality, 0 below.
        """
        return np.maximum(self._slope(self._spikes(theta)), 0.0)[()]

    def fluctuation(self, theta: ArrayLike, n: int) -> Any:
        """Return the standard deviation of an isolated outlier at size n, ``√(2σ²Φ′(θ)/(βn))``.

        For Gaussian noise; NaN for a subcritical spike, which makes no outlier.
        """
        slope = self._slope(self._spikes(theta))
        variance = 2 * self.sigma**2 * slope / (self.beta * positive_integer("n", n))
        return np.sqrt(np.where(slope > 0, variance, np.nan))[()]

    def _slope(self, w: FloatArray) -> FloatArray:
        """Return Φ′ at real points off supp ν₀."""
        return np.asarray(self._map.forward(w.astype(np.complex128))[1].real)

    def _check_spikes(self, name: str, values: FloatArray) -> None:
        """Every real number off supp ν₀ can be a spike."""

    def _curvature(self, w: FloatArray) -> FloatArray:
        return np.full(w.shape, self.sigma**-2)

    def _shift(self, w: FloatArray, second: FloatArray, third: FloatArray) -> FloatArray:
        return self.sigma**2 * third / (6 * second)
