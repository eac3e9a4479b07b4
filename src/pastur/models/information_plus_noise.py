"""The rectangular model: W = R/√m + S, in squared singular values."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from pastur._arrays import locked
from pastur._checks import (
    dyson_index,
    finite_number,
    numeric,
    positive_integer,
    positive_number,
    real_array,
)
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray
from pastur.measures import MarchenkoPastur, ProbabilityMeasure
from pastur.models._subordination.law import SubordinatedLaw
from pastur.models._subordination.rectangular import RectangularSubordination
from pastur.models.spiked import SpikedModel


class InformationPlusNoise(SpikedModel):
    """Information-plus-noise matrices W = R/√m + S, n × m with n ≤ m, in squared singular values.

    With f the Stieltjes transform of H, the law of the squared singular values of S, c = n/m and
    ``q(w) = 1 − σ²c f(w)``, the outlier of a spike w = θ² is at ``Φ(w) = w q² + σ²(1 − c) q`` if
    and only if Φ′(w) > 0 and q(w) > 0 (Dozier, Silverstein 2007; Vallet, Loubaton, Mestre 2012).
    For S → 0 the law is Marchenko–Pastur's and Φ(w) = (w + σ²)(w + cσ²)/w (Benaych-Georges,
    Nadakuditi 2012).

    Parameters
    ----------
    h : ProbabilityMeasure
        Law H of the squared singular values of S, on a bounded part of [0, ∞); Atoms([0.0]) for a
        signal of low rank.
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
    >>> float(model.outlier(1.0))
    2.5
    >>> model.critical_spikes
    array([nan, 0.5])
    """

    squared = True
    overlap_names = ("overlap_left", "overlap_right")
    _names: ClassVar = ("h", "sigma", "ratio", "beta")

    h: ProbabilityMeasure
    ratio: float

    def __init__(
        self, h: ProbabilityMeasure, sigma: float = 1.0, ratio: float = 0.5, beta: int = 1
    ) -> None:
        if not isinstance(h, ProbabilityMeasure):
            raise InvalidTypeError(
                "`h` must be a probability measure of squared singular values, such as "
                f"Atoms([0.0]). Got {h!r} of type {type(h).__name__}."
            )
        if not np.isfinite(h.support).all() or h.support[0, 0] < 0:
            raise InvalidInputError(
                "`h` is a law of squared singular values: its support must be bounded and lie in "
                f"[0, ∞). Got {h!r}."
            )
        noise = positive_number("sigma", sigma)
        self._set(h=h, sigma=noise, ratio=_checked_ratio(ratio), beta=dyson_index(beta))

    def __repr__(self) -> str:
        return (
            f"InformationPlusNoise({self.h!r}, sigma={self.sigma:g}, ratio={self.ratio:g}, "
            f"beta={self.beta})"
        )

    @property
    def signal(self) -> ProbabilityMeasure:
        """Limiting law of the squared singular values of S, H."""
        return self.h

    @cached_property
    def _map(self) -> RectangularSubordination:
        return RectangularSubordination(self.h, self.sigma, self.ratio)

    @cached_property
    def law(self) -> ProbabilityMeasure:
        """Limiting law of the squared singular values of W; Marchenko–Pastur's where S → 0."""
        if np.array_equal(self.h.support, [[0.0, 0.0]]):
            return MarchenkoPastur(self.ratio, self.sigma)
        name = f"InformationPlusNoise({self.h!r}, {self.sigma:g}, {self.ratio:g}).law"
        return SubordinatedLaw(self._map, name)

    def phi(self, w: ArrayLike) -> Any:
        """Return ``Φ(w) = w q² + σ²(1 − c) q``, w complex or real off supp H."""
        points = numeric("w", w)[()]
        q = 1 - self.sigma**2 * self.ratio * self.h.stieltjes(points)
        return points * q**2 + self.sigma**2 * (1 - self.ratio) * q

    def omega(self, z: ArrayLike) -> Any:
        """Return ``ω(z) = z(1 + σ²cm)² − σ²(1 − c)(1 + σ²cm)``, the inverse of Φ.

        m is the Stieltjes transform of the law; z complex, or real off its support.
        """
        points = numeric("z", z)[()]
        stretch = 1 + self.sigma**2 * self.ratio * self.law.stieltjes(points)
        return points * stretch**2 - self.sigma**2 * (1 - self.ratio) * stretch

    def spike(self, x: ArrayLike) -> Any:
        """Return the squared spike behind a squared outlier: the real ω(x), off the law's support.

        Raises
        ------
        InvalidInputError
            If x lies on the support of the law, or below it where no squared singular value of S
            can put an outlier.
        """
        points = np.asarray(real_array("x", x), dtype=np.float64)
        spikes = np.asarray(self.omega(points))
        if (spikes < 0).any():
            raise InvalidInputError(
                f"x = {points[spikes < 0].ravel()[0] if points.ndim else points:g} lies below the "
                "bulk, where no squared singular value of S can put an outlier."
            )
        return spikes[()]

    @cached_property
    def critical_spikes(self) -> FloatArray:
        """Squared spike at which an outlier leaves each edge; NaN where none can."""
        critical = self._map.critical.ravel()
        return locked(np.where(critical > 0, critical, np.nan))

    def overlap(self, theta: ArrayLike) -> tuple[Any, Any]:
        """Return the limits of the squared overlaps of singular vectors, (left, right).

        Left is the n side, ``Φ′(w)/q(w)``, right the m side, ``w q(w) Φ′(w)/Φ(w)``. For S → 0 and
        t = θ/σ they are ``(t⁴ − c)/(t²(t² + c))`` and ``(t⁴ − c)/(t²(t² + 1))``. Both are 0 below
        criticality.
        """
        w = self._spikes(theta)
        detached = self._detached(w)
        at = w.astype(np.complex128)
        q = self._map.stretch(at).real
        value, slope = (part.real for part in self._map.forward(at))
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.where(detached, slope / q, 0.0)
            # At w = 0 and c = 1, where Φ = w q² vanishes, this is the limit.
            ratio = np.where(value > 0, w * q / value, 1 / q)
            right = np.where(detached, ratio * slope, 0.0)
        return left[()], right[()]

    def fluctuation(self, theta: ArrayLike, n: int) -> Any:
        """Return the standard deviation of an isolated *plain* outlier singular value at n rows.

        ``√(σ²(o_n + o_m)/(2βm))`` with the overlaps o_n, o_m and m = n/c columns. NaN below
        criticality.
        """
        left, right = self.overlap(theta)
        columns = positive_integer("n", n) / self.ratio
        variance = self.sigma**2 / (2 * self.beta * columns) * (left + right)
        return np.sqrt(np.where(variance > 0, variance, np.nan))[()]

    def _check_spikes(self, name: str, values: FloatArray) -> None:
        negative = values[values < 0]
        if negative.size:
            raise InvalidInputError(
                f"`{name}` is given in squared singular values in this model, which are not "
                f"negative. Got {negative.ravel()[0]:g}."
            )

    def _curvature(self, w: FloatArray) -> FloatArray:
        at = w.astype(np.complex128)
        slope = self.h._stieltjes_derivative(at).real
        return np.asarray(slope / self._map.stretch(at).real ** 2)

    def _shift(self, w: FloatArray, second: FloatArray, third: FloatArray) -> FloatArray:
        return third / (6 * second * self._curvature(w))


def _checked_ratio(value: float) -> float:
    ratio = finite_number("ratio", value)
    if not 0 < ratio <= 1:
        raise InvalidInputError(
            "`ratio` is the short side over the long side, in (0, 1]; transpose a tall matrix. "
            f"Got {ratio:g}."
        )
    return ratio
