"""The rectangular model: W = R/√m + S, in squared singular values."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from pastur._checks import (
    dyson_index,
    finite_number,
    positive_integer,
    positive_number,
    real_array,
)
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import MarchenkoPastur, ProbabilityMeasure
from pastur.models._edge_scale import EdgeScale


class InformationPlusNoise:
    """Information-plus-noise matrices W = R/√m + S, n × m with n ≤ m, in squared singular values.

    With f the Stieltjes transform of H, the law of the squared singular values of S, c = n/m and
    ``q(w) = 1 − σ²c f(w)``, the outlier of a spike w = θ² is at ``Φ(w) = w q² + σ²(1 − c) q`` if
    and only if Φ′(w) > 0 and q(w) > 0 (Dozier, Silverstein 2007; Vallet, Loubaton, Mestre 2012).
    For S → 0 the law is Marchenko–Pastur's and Φ(w) = (w + σ²)(w + cσ²)/w (Benaych-Georges,
    Nadakuditi 2012).

    Parameters
    ----------
    h : ProbabilityMeasure
        Law H of the squared singular values of S. In this version Atoms([0.0]): low rank, S → 0.
    sigma : float, > 0
        Standard deviation σ of the entries of R; an entry of the noise has σ/√m.
    ratio : float, 0 < ratio ≤ 1
        c = n/m, the short side over the long one.
    beta : {1, 2}
        1 for real noise, 2 for complex noise.

    Examples
    --------
    >>> from pastur.measures import Atoms
    >>> model = InformationPlusNoise(Atoms([0.0]), sigma=1.0, ratio=0.25)
    >>> model.outlier(1.0)
    2.5
    >>> model.critical_spikes
    array([nan, 0.5])
    """

    def __init__(
        self, h: ProbabilityMeasure, sigma: float = 1.0, ratio: float = 0.5, beta: int = 1
    ) -> None:
        if not isinstance(h, ProbabilityMeasure):
            raise InvalidTypeError(
                "`h` must be a probability measure of squared singular values, such as "
                f"Atoms([0.0]). Got {h!r} of type {type(h).__name__}."
            )
        if not np.array_equal(h.support, [[0.0, 0.0]]):
            raise InvalidInputError(
                f"`h` must be Atoms([0.0]), the low-rank case S → 0, in this version. Got {h!r}."
            )
        self.h = h
        self.sigma = positive_number("sigma", sigma)
        self.ratio = _checked_ratio(ratio)
        self.beta = dyson_index(beta)

    def __repr__(self) -> str:
        return (
            f"InformationPlusNoise({self.h!r}, sigma={self.sigma:g}, ratio={self.ratio:g}, "
            f"beta={self.beta})"
        )

    @cached_property
    def law(self) -> ProbabilityMeasure:
        """Limiting law of the squared singular values of W."""
        return MarchenkoPastur(self.ratio, self.sigma)

    def phi(self, w: ArrayLike) -> Any:
        """Return ``Φ(w) = w q² + σ²(1 − c) q``, w complex or real off supp H."""
        q = 1 - self.sigma**2 * self.ratio * self.h.stieltjes(w)
        return np.asarray(w)[()] * q**2 + self.sigma**2 * (1 - self.ratio) * q

    def omega(self, z: ArrayLike) -> Any:
        """Return ``ω(z) = z(1 + σ²cm)² − σ²(1 − c)(1 + σ²cm)``, the inverse of Φ.

        m is the Stieltjes transform of the law; z complex, or real off its support.
        """
        stretch = 1 + self.sigma**2 * self.ratio * self.law.stieltjes(z)
        return np.asarray(z)[()] * stretch**2 - self.sigma**2 * (1 - self.ratio) * stretch

    def is_supercritical(self, theta: ArrayLike) -> Any:
        """Whether a spike w = θ² detaches: Φ′(w) > 0 and q(w) > 0, for S → 0 w > √c σ²."""
        return self._spikes(theta) > self._critical

    def outlier(self, theta: ArrayLike) -> Any:
        """Return the squared outlier of a squared spike: Φ(w), or the upper edge below criticality.

        Raises
        ------
        InvalidInputError
            If a spike lies on supp H or is negative.
        """
        w = self._spikes(theta)
        edge = self.law.support[-1, 1]
        return np.where(w > self._critical, np.real(self.phi(w)), edge)[()]

    def spike(self, x: ArrayLike) -> Any:
        """Return the squared spike behind a squared outlier: the real ω(x), x above the bulk.

        Raises
        ------
        InvalidInputError
            If x lies on the support of the law, or below it, where no outlier can be.
        """
        points = np.asarray(real_array("x", x), dtype=np.float64)
        low = points[points < self.law.support[0, 0]]
        if low.size:
            raise InvalidInputError(
                f"x = {low.ravel()[0]:g} lies below the bulk, where no squared singular value of S "
                "puts an outlier when S → 0."
            )
        return np.real(self.omega(points))[()]

    @property
    def _critical(self) -> float:
        return float(np.sqrt(self.ratio) * self.sigma**2)

    @cached_property
    def critical_spikes(self) -> FloatArray:
        """Squared spike at which an outlier leaves each edge; NaN at the lower edge: none can."""
        return np.array([np.nan, self._critical])

    def overlap(self, theta: ArrayLike) -> tuple[Any, Any]:
        """Return the limits of the squared overlaps of singular vectors, (left, right).

        Left is the n side, ``Φ′(w)/q(w)``, right the m side, ``w q(w) Φ′(w)/Φ(w)``; with t = θ/σ,
        ``(t⁴ − c)/(t²(t² + c))`` and ``(t⁴ − c)/(t²(t² + 1))``. Both are 0 below criticality.
        """
        t2 = self._spikes(theta) / self.sigma**2
        excess = np.maximum(t2 - self.ratio / t2, 0)
        return (excess / (t2 + self.ratio))[()], (excess / (t2 + 1))[()]

    def fluctuation(self, theta: ArrayLike, n: int) -> Any:
        """Return the standard deviation of an isolated *plain* outlier singular value at n rows.

        ``√(σ²(o_n + o_m)/(2βm))`` with the overlaps o_n, o_m and m = n/c columns. NaN below
        criticality.
        """
        left, right = self.overlap(theta)
        columns = positive_integer("n", n) / self.ratio
        variance = self.sigma**2 / (2 * self.beta * columns) * (left + right)
        return np.sqrt(np.where(variance > 0, variance, np.nan))[()]

    def edge_scale(self, n: int) -> EdgeScale:
        """Return centring and scale of the extreme *squared* singular value at each edge, n rows.

        ``κ = 1/(σ³c^(3/4)(1 ± √c)²)`` at the upper and lower edge, the scale is ±(κn)^(−2/3)
        for squared values. For plain singular values take √centring and
        scale/(2√centring). The lower entries are NaN for c = 1, where the edge is hard.
        """
        size = positive_integer("n", n)
        root = np.sqrt(self.ratio)
        sign = np.array([-1.0, 1.0])
        reach = (1 + sign * root) ** 2
        with np.errstate(divide="ignore"):
            kappa = 1 / (self.sigma**3 * self.ratio**0.75 * reach)
            scale = np.where(reach > 0, sign * (kappa * size) ** (-2 / 3), np.nan)
        centring = self.law.support[-1] + self._shift(sign * root) / size * (2 / self.beta - 1)
        return EdgeScale(np.where(reach > 0, centring, np.nan), scale)

    def _shift(self, root: FloatArray) -> FloatArray:
        """Return the 1/n term of the centring for real noise, ``q²Φ‴/(6Φ″f′)`` at w = ±√c σ².

        Here f = −1/w, Φ = w + σ²(1 + c) + cσ⁴/w, so Φ″ = 2cσ⁴/w³, Φ‴ = −6cσ⁴/w⁴, f′ = 1/w² and
        q = 1 + cσ²/w = 1 ± √c: the term is −q²w/2.
        """
        return np.asarray(-((1 + root) ** 2) * root * self.sigma**2 / 2)

    def _spikes(self, theta: ArrayLike) -> FloatArray:
        """Return squared spikes as float64; refuse supp H and negative values."""
        w = np.asarray(real_array("theta", theta), dtype=np.float64)
        if (w <= 0).any():
            raise InvalidInputError(
                f"theta = {w[w <= 0].ravel()[0] if w.ndim else w:g} is not a spike: squared "
                "singular values off supp H = {0} are positive."
            )
        return w


def _checked_ratio(value: float) -> float:
    ratio = finite_number("ratio", value)
    if not 0 < ratio <= 1:
        raise InvalidInputError(
            "`ratio` is the short side over the long side, in (0, 1]; transpose a tall matrix. "
            f"Got {ratio:g}."
        )
    return ratio
