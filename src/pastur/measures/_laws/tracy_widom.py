"""The Tracy–Widom laws, to rounding errors in the middle and in both tails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pastur._arrays import locked
from pastur._checks import one_of, real_array
from pastur._errors import InvalidInputError
from pastur._numerics import sinc
from pastur._numerics import tracy_widom_table as tracy_widom
from pastur._numerics.quadrature import integrate_interval
from pastur._typing import ArrayLike, ComplexArray, FloatArray
from pastur.measures._contract.measure import ProbabilityMeasure

# The mass beyond the ends is below 1e-300 for each β; the inner points part bulk and tails.
_BREAKS = np.array([-26.0, -8.0, -4.0, -1.0, 2.0, 8.0, 30.0, 104.0])

# The mass left of the first and right of the last point is below 1e-18. At frequency π/0.15 the
# characteristic functions are below 1e-16.
_SINC_START, _SINC_STEP, _SINC_COUNT = -10.05, 0.15, 190


@dataclass(frozen=True)
class TracyWidom(ProbabilityMeasure):
    """Tracy–Widom law: how the largest eigenvalue of a large random matrix is distributed.

    For β = 1, 2 it is the limit of ``n^(2/3) (λ_max/σ − 2)``, λ_max that of a matrix whose entries
    above the diagonal have E|w|² = σ²/n. With q″ = sq + 2q³, q(s) ~ Ai(s) at ∞ (Tracy and Widom
    1994, 1996; Ferrari and Spohn 2005)::

        F₂(s) = exp(−∫_s^∞ (x − s) q(x)² dx) = det(I − K_Airy) on L²(s, ∞)
        F₁(s) = F₂(s)^(1/2) exp(−½ ∫_s^∞ q) = det(I − V),    V(x, y) = ½ Ai((x + y)/2)
        F₄(s) = F₂(√2 s)^(1/2) cosh(½ ∫_{√2 s}^∞ q) = ½ (F₁(√2 s) + F₂(√2 s)/F₁(√2 s))

    Parameters
    ----------
    beta : {1, 2, 4}
        Symmetry: 1 real symmetric, 2 complex Hermitian, 4 quaternion self-dual.

    Notes
    -----
    **Scaling.** For β = 4 three are in use. Ours is the one of Bornemann (2010) and of most tables
    and packages. The other two are one call away:

    ===========================================  =========  ==========================
    β = 4                                        mean       as a measure
    ===========================================  =========  ==========================
    ½ (F₁ + F₂/F₁) at √2 s (ours)                −2.30688   ``TracyWidom(4)``
    ½ (F₁ + F₂/F₁) at s                          −3.26243   ``TracyWidom(4).scale(2 ** (1 / 2))``
    general β, stochastic Airy operator          −2.05516   ``TracyWidom(4).scale(2 ** (-1 / 6))``
    ===========================================  =========  ==========================

    In the last one ``n^(2/3) (λ_max/σ − 2)`` with E|w|² = σ²/n has the limit TW_β at every β
    (Ramírez, Rider and Virág 2011, J. Amer. Math. Soc. 24).

    **Accuracy.** Fredholm determinants (Bornemann 2010) in 70 digits, tabulated once. `cdf`, `sf`
    and `density` have relative errors of about 1e-15 in the bulk and 5e-16·|log of the value| in
    both tails, down to the smallest positive float; `stieltjes`, its derivative and `log_potential`
    have absolute errors of about 1e-14.

    References
    ----------
    Tracy, Widom 1994, Commun. Math. Phys. 159; 1996, Commun. Math. Phys. 177. Ferrari, Spohn 2005,
    J. Phys. A 38. Bornemann 2010, Markov Processes Relat. Fields 16.

    Examples
    --------
    >>> law = TracyWidom(1)
    >>> print(f"{law.moment(1):.10f} {law.quantile(0.95):.6f} {law.sf(12.0):.6e}")
    -1.2065335746 0.979316 1.976573e-14
    """

    beta: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", int(one_of("beta", self.beta, (1, 2, 4))))

    @property
    def support(self) -> FloatArray:
        """The real line, shape (1, 2)."""
        return locked(np.array([[-np.inf, np.inf]]))

    def upper_quantile(self, p: ArrayLike) -> Any:
        """The x with sf(x) = p, for p in [0, 1].

        Accurate for the smallest p, where rounding 1 − p has left `quantile` nothing to work with.

        Examples
        --------
        >>> print(f"{TracyWidom(2).upper_quantile(1e-30):.6f}")
        12.833772
        """
        levels = real_array("p", p).astype(np.float64)
        outside = levels[(levels < 0) | (levels > 1)]
        if outside.size:
            raise InvalidInputError(f"`p` must lie in [0, 1]. Got {outside.ravel()[0]:g}.")
        return self._flat(tracy_widom.upper_quantile, levels)[()]

    def _flat(self, kernel: Callable[..., FloatArray], x: FloatArray) -> FloatArray:
        return kernel(x.ravel(), beta=self.beta).reshape(x.shape)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return self._flat(tracy_widom.cdf, x)

    def _sf(self, x: FloatArray) -> FloatArray:
        return self._flat(tracy_widom.sf, x)

    def _density(self, x: FloatArray) -> FloatArray:
        return self._flat(tracy_widom.density, x)

    def _quantile(self, q: FloatArray) -> FloatArray:
        return self._flat(tracy_widom.quantile, q)

    def _stieltjes(self, z: ComplexArray) -> ComplexArray:
        values = _samples(self.beta)[0]
        return sinc.cauchy_transform(_SINC_START, _SINC_STEP, values, z)

    def _stieltjes_derivative(self, z: ComplexArray) -> ComplexArray:
        # By parts: ∫ρ/(t − z)² = ∫ρ′/(t − z).
        slopes = _samples(self.beta)[1]
        return sinc.cauchy_transform(_SINC_START, _SINC_STEP, slopes, z)

    def _log_potential(self, z: ComplexArray) -> ComplexArray:
        values = _samples(self.beta)[0]
        return sinc.log_potential(_SINC_START, _SINC_STEP, values, z)

    def _moment(self, k: int) -> float:
        points, weights = _quadrature(self.beta)
        # The weight goes under the power: t^k alone overflows where the tail makes up for it.
        return float(np.sum((points * weights ** (1 / k)) ** k))

    def _integrate(self, f: Callable[[Any], Any]) -> Any:
        def weighted(t: float) -> Any:
            return f(t) * float(self._density(np.array(t)))

        pieces = zip(_BREAKS[:-1].tolist(), _BREAKS[1:].tolist(), strict=True)
        return sum(integrate_interval(weighted, low, high) for low, high in pieces)


@cache
def _samples(beta: int) -> tuple[FloatArray, FloatArray]:
    """Density and its derivative at the points of the sinc interpolant."""
    points = _SINC_START + _SINC_STEP * np.arange(_SINC_COUNT, dtype=np.float64)
    values = tracy_widom.density(points, beta=beta)
    return locked((values, sinc.derivative(_SINC_STEP, values)))


@cache
def _quadrature(beta: int) -> tuple[FloatArray, FloatArray]:
    """Points and weights of the law: 16 Gauss–Legendre nodes on each interval of length 1."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    lefts = np.arange(_BREAKS[0], _BREAKS[-1])
    points = (lefts[:, None] + (nodes + 1) / 2).ravel()
    masses = np.tile(weights / 2, lefts.size) * tracy_widom.density(points, beta=beta)
    return locked((points, masses))
