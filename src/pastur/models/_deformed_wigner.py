"""The symmetric model of the paper: W = R/√N + S."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from pastur._checks import dyson_index, positive_integer, positive_number, real_array
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.taylor import derivatives
from pastur._typing import ArrayLike, ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure, Semicircle
from pastur.models._edge_scale import EdgeScale
from pastur.models._free_sum import FreeSum

# Rounding of a distribution function, as which equal levels may differ.
_ROUNDING = 1e-14


class DeformedWigner:
    """Deformed Wigner matrices W = R/√N + S, the spectral law of S tending to ν₀.

    The limiting law μ₀ solves Pastur's equation ``g_μ₀(z) = g_ν₀(z + σ²g_μ₀(z))`` (1.5): it is the
    free sum of ν₀ and the semicircle law. An eigenvalue θ of S outside supp ν₀ (a *spike*) makes an
    eigenvalue of W outside supp μ₀ (an *outlier*) at ``Φ(θ) = θ − σ²g_ν₀(θ)`` (1.9) if and only if
    Φ′(θ) > 0.

    Parameters
    ----------
    nu0 : ProbabilityMeasure
        Limiting law ν₀ of the eigenvalues of S; `Empirical(eigenvalues)` for the deterministic
        equivalent of one finite matrix.
    sigma : float, > 0
        Standard deviation σ of the off-diagonal entries of R.
    beta : {1, 2}
        1 for real symmetric noise (GOE: diagonal variance 2σ²), 2 for complex Hermitian (GUE).

    Examples
    --------
    >>> from pastur.measures import Atoms
    >>> model = DeformedWigner(Atoms([0.0]), sigma=1.0)
    >>> model.outlier(2.0)
    2.5
    >>> model.overlap(2.0)
    0.75
    >>> model.outlier(0.5)  # too weak: its eigenvalue sticks to the edge of the semicircle
    2.0
    """

    def __init__(self, nu0: ProbabilityMeasure, sigma: float = 1.0, beta: int = 1) -> None:
        if not isinstance(nu0, ProbabilityMeasure):
            raise InvalidTypeError(
                "`nu0` must be a probability measure, such as Atoms([0.0]) or "
                f"Empirical(eigenvalues). Got {nu0!r} of type {type(nu0).__name__}."
            )
        if not np.isfinite(nu0.support).all():
            raise InvalidInputError("`nu0` must have bounded support. Cut its tails off first.")
        self.nu0 = nu0
        self.sigma = positive_number("sigma", sigma)
        self.beta = dyson_index(beta)

    def __repr__(self) -> str:
        return f"DeformedWigner({self.nu0!r}, sigma={self.sigma:g}, beta={self.beta})"

    @cached_property
    def _free_sum(self) -> FreeSum:
        return FreeSum(self.nu0, self.sigma)

    @cached_property
    def law(self) -> ProbabilityMeasure:
        """The limiting law μ₀ of the eigenvalues of W; in closed form where ν₀ is one point."""
        atoms = self.nu0.atoms
        if len(atoms) == 1 and atoms[0, 1] == 1.0:
            return Semicircle(self.sigma, atoms[0, 0])
        if isinstance(self.nu0, Semicircle):
            return Semicircle(float(np.hypot(self.sigma, self.nu0.sigma)), self.nu0.center)
        return self._free_sum

    def phi(self, w: ArrayLike) -> Any:
        """Return ``Φ(w) = w − σ²g_ν₀(w)`` (1.9), w complex or real off supp ν₀."""
        return np.asarray(w)[()] - self.sigma**2 * self.nu0.stieltjes(w)

    def omega(self, z: ArrayLike) -> Any:
        """Return the subordination function ``ω(z) = z + σ²g_μ₀(z)`` (1.6), the inverse of Φ.

        Parameters
        ----------
        z : array_like
            Complex, or real off supp μ₀.
        """
        return np.asarray(z)[()] + self.sigma**2 * self.law.stieltjes(z)

    def is_supercritical(self, theta: ArrayLike) -> Any:
        """Whether a spike θ detaches: ``Φ′(θ) = 1 − σ²∫dν₀(t)/(t − θ)² > 0``."""
        return self._slope(self._spikes(theta)) > 0

    def outlier(self, theta: ArrayLike) -> Any:
        """Return where the eigenvalue of a spike θ goes in the limit.

        Φ(θ) for a supercritical spike (Theorem 2.2). A subcritical one is swallowed: beyond all of
        supp ν₀ its eigenvalue sticks to the outer edge, in an open gap to the edge on its own side,
        and where noise has closed the gap it goes to the quantile of μ₀ at level ν₀((−∞, θ]).

        Raises
        ------
        InvalidInputError
            If θ lies on supp ν₀.
        """
        spikes = self._spikes(theta)
        intervals = self._free_sum.open_intervals
        index = np.searchsorted(intervals[:, 0], spikes, side="right") - 1
        detached = (index >= 0) & (spikes < intervals[np.maximum(index, 0), 1])
        result = np.empty(spikes.shape)
        result[detached] = self.phi(spikes[detached])
        swallowed = ~detached
        if swallowed.any():
            result[swallowed] = self._absorbed(spikes[swallowed])
        return result[()]

    def _absorbed(self, theta: FloatArray) -> FloatArray:
        """Place subcritical spikes: at the quantile of their level within their component of μ₀."""
        critical, edges = self._free_sum.critical, self.law.support
        level = np.asarray(self.nu0.cdf(theta))
        component = np.searchsorted(critical[:, 0], theta, side="right") - 1
        lowest, highest = np.asarray(self.nu0.cdf(critical))[component].T
        result = np.asarray(self.law.quantile(level), dtype=np.float64)
        result = np.where(level <= lowest + _ROUNDING, edges[component, 0], result)
        return np.where(level >= highest - _ROUNDING, edges[component, 1], result)

    def spike(self, x: ArrayLike) -> Any:
        """Return the spike behind an outlier at x: the real ω(x), off supp μ₀.

        Raises
        ------
        InvalidInputError
            If x lies on supp μ₀.
        """
        points = real_array("x", x).astype(np.float64)
        return np.real(self.omega(points))[()]

    @cached_property
    def critical_spikes(self) -> FloatArray:
        """The spike at which an outlier leaves each edge, as ``law.support.ravel()``."""
        return self._free_sum.critical.ravel()

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
        size = positive_integer("n", n)
        variance = 2 * self.sigma**2 * slope / (self.beta * size)
        return np.sqrt(np.where(slope > 0, variance, np.nan))[()]

    def edge_scale(self, n: int) -> EdgeScale:
        """Return centring and scale of the extreme eigenvalue at each edge, at size n.

        With w the critical point of the edge, ``κ = √(2/|Φ″(w)|)/σ²``, the scale is ±(κn)^(−2/3)
        and the centring ``Φ(w) + σ²Φ‴(w)/(6nΦ″(w))`` for real noise, Φ(w) for complex noise.
        """
        size = positive_integer("n", n)
        critical = self.critical_spikes
        second, third = self._higher(critical)
        regular = np.abs(self._slope(critical)) < 1e-6
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = np.sqrt(2 / np.abs(second)) / self.sigma**2
            shift = self.sigma**2 * third / (6 * size * second) * (2 / self.beta - 1)
        sign = np.tile([-1.0, 1.0], len(critical) // 2)
        scale = np.where(regular, sign * (kappa * size) ** (-2 / 3), np.nan)
        return EdgeScale(self.law.support.ravel() + np.where(regular, shift, np.nan), scale)

    def _higher(self, w: FloatArray) -> list[FloatArray]:
        """Return Φ″ and Φ‴ at real points off supp ν₀."""
        ends = self.nu0.support.ravel()
        index = np.searchsorted(ends, w)
        below = np.abs(w - ends[np.maximum(index - 1, 0)])
        above = np.abs(ends[np.minimum(index, ends.size - 1)] - w)
        radius = np.maximum(np.minimum(below, above) / 2, np.finfo(float).tiny)

        def upper_phi(z: ComplexArray) -> ComplexArray:
            return z - self.sigma**2 * self.nu0._stieltjes(z)

        return derivatives(upper_phi, w, radius, (2, 3))

    def _slope(self, w: FloatArray) -> FloatArray:
        """Return Φ′ at real points off supp ν₀."""
        return np.asarray(
            1 - self.sigma**2 * self.nu0._stieltjes_derivative(w.astype(np.complex128)).real
        )

    def _spikes(self, theta: ArrayLike) -> FloatArray:
        """Return θ as float64; refuse the support of ν₀."""
        spikes = np.asarray(real_array("theta", theta), dtype=np.float64)
        support = self.nu0.support
        index = np.searchsorted(support[:, 0], spikes, side="right") - 1
        on = (index >= 0) & (spikes <= support[np.maximum(index, 0), 1])
        if on.any():
            raise InvalidInputError(
                f"theta = {np.atleast_1d(spikes)[np.atleast_1d(on)][0]:g} lies on the support of "
                "ν₀, so it belongs to the bulk and is no spike."
            )
        return spikes
