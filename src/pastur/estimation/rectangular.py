"""Fitting W = R/√m + S, rectangular."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pastur._checks import significance
from pastur._stored import check, got
from pastur._typing import ArrayLike, FloatArray
from pastur.estimation._fitting.fitting import fit
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._observed.spectrum import (
    Observation,
    Settings,
    centred_spectrum,
    rectangular_spectrum,
)
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.schema import stored
from pastur.measures import ProbabilityMeasure


@dataclass(frozen=True, eq=False, repr=False)
class RectangularFit(Fit):
    """Noise and signal of a matrix, estimated from its singular values.

    All lengths are singular values of W, in its own units.

    Attributes
    ----------
    shape : tuple of two ints
        Rows and columns of W as given.
    alpha : float
        Chance that pure noise gives rank > 0; intervals hold with chance 1 − alpha.
    sigma : float
        Noise level σ: entries of the noise have the standard deviation σ/√max(shape). 0 for a
        matrix without noise.
    sigma_interval : tuple of two floats
        For Gaussian-like entries; (σ, σ) where σ was given.
    edge : float
        What is left of the noise when k spikes are taken out goes beyond it with chance
        alpha/(k + 1).
    spikes : structured array, descending
        ``observed``, the singular value of W; ``theta``, that of S, between ``low`` and ``high``;
        ``overlap_left`` and ``overlap_right``, the squared cosines between singular vectors of W
        and S, of rows and of columns of W as given; ``p_value``, the chance that noise alone goes
        as far; ``isolated``, False where a neighbour or the edge is within four standard deviations
        of the outlier; ``group``, the same number for neighbours that are. A group of several has
        one interval, that of the root mean square of its theta, and its overlaps are averages.
    signal : Signal
        Singular values of S with their masses, as `signal_measure` has their squares, over the
        values that are not left out.
    signal_rank : float
        Mass of `signal_measure` away from 0, times the number of singular values: how many
        directions carry signal, detached or not.
    signal_rank_interval : tuple of two floats
        For it. The upper end includes spikes too weak to be distinguished from noise.
    growing : bool
        Whether the spikes were too many, or the bulk too far from pure noise, for the law of low
        rank; then noise level and signal come from the deconvolution of the whole spectrum.
    goodness : Goodness
        Whether the bulk is noise at all.
    status : Status
        Whether the iteration ended well.
    zeros : int
        Singular values that are zero to rounding and were left out, as rows of zeros or a
        subtracted mean make them.
    zero_sides : tuple of two ints
        Rows and columns of W that are zero to rounding and were left out: noise and signal are
        those of the rest. They make the `zeros` that are not visible in W's shape.
    """

    zero_sides: tuple[int, int] = field(
        default=(0, 0),
        metadata=stored(
            "Rows and columns that are zero to rounding and were left out before the fit.",
            minimum=0,
        ),
    )

    @property
    def law(self) -> ProbabilityMeasure:
        """Fitted law of the *squared* singular values, those left out as `zeros` apart.

        Few spikes: Marchenko–Pastur's of the noise that k spikes leave over, k less on both sides,
        as zeros are. Else the law of signal and noise, spikes included. A point mass at 0 where
        there is no noise.
        """
        return super().law

    def law_in(self, unit: float) -> ProbabilityMeasure:
        """Return `law` for the singular values divided by `unit`, for σ of any size."""
        return super().law_in(unit)

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S with W's singular vectors that is best in Frobenius norm.

        Few spikes are shrunk, and all else is dropped (Gavish, Donoho 2017). At growing rank every
        singular value s becomes ``ξ(s) = s − σ²(1 − c)/s + 2σ²c s Re m(s² + i0)``, m the transform
        of `law`.

        Parameters
        ----------
        W : array_like, of the fit's shape
            The fitted matrix.

        Raises
        ------
        InvalidInputError
            Where `W` has another shape.
        """
        return super().denoise(W)

    @property
    def noise_norm(self) -> float:
        """Root mean square of the Frobenius norm of the noise, where nothing is left out."""
        kind = self.kind
        return float(self._level(kind) * np.sqrt(kind.size))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RectangularFit:
        """Return the fit that `to_dict` described."""
        check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
        found = cls._from_dict({"zero_sides": [0, 0]} | values, RectangularKind.fields)
        inside = all(0 <= z < side for z, side in zip(found.zero_sides, found.shape, strict=True))
        check(inside, "zero_sides", "must be fewer than rows and columns")
        return found

    @property
    def kind(self) -> RectangularKind:
        """The kind of matrix, of the size that rows and columns of zeros leave."""
        columns = max(self.shape[0] - self.zero_sides[0], self.shape[1] - self.zero_sides[1])
        return RectangularKind(min(self.shape) - self.zeros, columns)


def fit_rectangular(
    W: ArrayLike | None = None,
    *,
    singular_values: ArrayLike | None = None,
    shape: tuple[int, int] | None = None,
    sigma: float | None = None,
    alpha: float = 0.05,
) -> RectangularFit:
    """Tell noise from signal in a matrix W = R/√m + S with independent noise.

    With n ≤ m the two sides of W and c = n/m, noise fills the singular values up to σ(1 + √c), and
    a spike θ > c^(1/4)σ of S makes an outlier at ``√((θ² + σ²)(θ² + cσ²))/θ``. The steps: σ by
    matching the middle of the spectrum with the law of noise (Ke, Ma, Lin 2023, without its bias at
    finite size and rank); values beyond the edge with its Tracy–Widom margin (Johnstone 2001, Ma
    2012) are spikes, tested one after the other; σ again without them, until both stay. Spikes go
    back through the subordination function of the observed spectrum, own terms left out, which is
    the inverse of the map above and right at any rank.

    Where spikes are more than five, or what they leave is not the law of
    noise, the spectrum of the signal is found by deconvolution (docs/deconvolution.md): ω̂ and f̂ of
    the observed spectrum make it linear in the law of the signal, which non-negative least squares
    finds together with σ, each residual weighted by its own covariance. Then the noise is where the
    law of both says, and `signal_rank` counts spikes that never left it.

    Parameters
    ----------
    W : array_like, shape (n, m)
        The matrix, tall or wide. Its entries are checked as well (see `Goodness`).
    singular_values : array_like, shape (min(n, m),), optional
        All singular values, in any order, where they are known already or are all that is known.
    shape : pair of ints, optional
        The matrix's shape, where only `singular_values` are given.
    sigma : float, > 0, optional
        Noise level σ, the standard deviation of the noise in an entry times √max(n, m), where it
        is known. Default: estimated.
    alpha : float, between 0 and 1
        Chance that pure noise gives rank > 0. Default 0.05.

    Returns
    -------
    RectangularFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        For anything but one finite real matrix (or its singular values) that is not zero and has
        at least two rows and two columns.

    Notes
    -----
    Rows and columns of zeros, such as padding or constant features with their mean subtracted, are
    left out first; σ keeps the unit of the shape as given, so that `entry_sd` is right. Singular
    values are zero to rounding up to what the rounding of the entries makes, to the coarsest type
    that holds them all (float64, float32, float16, bfloat16), or max(n, m)·ε times the largest.
    Such values are left out, up to half of them. With more the matrix has no noise, its rank is
    exact and σ = 0, unless the others, a quarter of all at least, follow the law of noise.

    The intervals are those of Gaussian-like entries: a fourth cumulant κ₄ of the entries multiplies
    the width of σ's by up to √(1 + κ₄/2), 2 for Student's t with five degrees of freedom.

    References
    ----------
    Z. T. Ke, Y. Ma, X. Lin, J. Amer. Statist. Assoc. 118 (2023), algorithm 1 (the regression).
    I. M. Johnstone, Ann. Statist. 29 (2001) and Z. Ma, Bernoulli 18 (2012) (the edge).
    R. B. Dozier, J. W. Silverstein, J. Multivariate Anal. 98 (2007) (subordination).
    F. Benaych-Georges, R. R. Nadakuditi, J. Multivariate Anal. 111 (2012) (spikes, overlaps).
    M. Gavish, D. L. Donoho, IEEE Trans. Inform. Theory 60 (2014) (median rule), 63 (2017)
    (denoising).
    A. Lytova, L. Pastur, Ann. Probab. 37 (2009) (modes of the bulk).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(200, 400)) / 20
    >>> W += 3 * np.outer(np.ones(200), np.ones(400)) / np.sqrt(200 * 400)
    >>> fit = fit_rectangular(W)
    >>> fit.rank, round(fit.sigma, 2)
    (1, 1.0)
    >>> bool(fit.spikes["low"][0] < 3 < fit.spikes["high"][0])
    True
    """
    asked = Settings(sigma, significance("alpha", alpha))
    observation = rectangular_spectrum(W, singular_values, shape)
    return _fitted(observation, asked)


def fit_centred(data: FloatArray, singular_values: FloatArray, *, alpha: float) -> RectangularFit:
    """Return the fit of `data` less the mean of each column, given its singular values.

    Noise of n × p is then noise of n − 1 by p, and columns that are constant are left out.
    """
    asked = Settings(None, significance("alpha", alpha))
    return _fitted(centred_spectrum(data, singular_values), asked)


def _fitted(observation: Observation, asked: Settings) -> RectangularFit:
    spectrum, inner = observation.spectrum(asked), observation.inner
    kind = RectangularKind(spectrum.values.size, max(inner), tall=inner[0] > inner[1])
    return RectangularFit.of(fit(spectrum, kind, asked), zero_sides=spectrum.zero_sides)
