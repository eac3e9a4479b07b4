"""Fitting W = R/√m + S, rectangular."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pastur._checks import matrix, significance
from pastur._errors import InvalidInputError
from pastur._stored import check, got
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._fitting.sentences import exact_as_well, left_out, without_noise
from pastur.estimation._fitting.steps import fit_spectrum
from pastur.estimation._kinds.noise_models import RectangularNoise
from pastur.estimation._kinds.shrinkage import (
    check_shape,
    denoised_singular_values,
    shrink_singular_values,
)
from pastur.estimation._kinds.subordinate import RectangularPlane
from pastur.estimation._observed.spectrum import (
    Spectrum,
    centred_spectrum,
    check_sigma,
    rectangular_spectrum,
)
from pastur.estimation._result.fit import EXACT, Fit, common_fields, is_noise, scaled
from pastur.estimation._result.signal import Signal
from pastur.estimation._spikes.noise_intervals import fitted_model
from pastur.estimation._spikes.table import RECTANGULAR_FIELDS, noise_free_spikes
from pastur.measures import Atoms, MarchenkoPastur, ProbabilityMeasure

# Smaller squares lose digits.
_LEAST_SQUARE = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class RectangularFit(Fit):
    """What the singular values of a matrix say of its noise and its signal.

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
        For it. The upper end includes spikes too weak to be told from noise.
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

    zero_sides: tuple[int, int] = (0, 0)

    @property
    def law(self) -> ProbabilityMeasure:
        """Fitted law of the *squared* singular values, those left out as `zeros` apart.

        Few spikes: Marchenko–Pastur's of the noise that k spikes leave over, k less on both sides,
        as zeros are. Else the law of signal and noise, spikes included. A point mass at 0 where
        there is no noise.
        """
        return self.law_in(1.0)

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
        w = matrix("W", W)
        check_shape(w, self.shape)
        left, values, right = np.linalg.svd(w, full_matrices=False)
        if self.growing:
            # In units of σ, whose squares neither overflow nor vanish.
            unit = self._law_sigma
            kept = unit * denoised_singular_values(
                values / unit, self.law_in(unit), sigma=1.0, ratio=self._ratio
            )
            return np.asarray((left * kept) @ right)
        kept = values[: self.rank]
        if self.sigma > 0.0:
            ratio, sigma = self._bulk
            kept = shrink_singular_values(kept, sigma=sigma, ratio=ratio)
        return np.asarray((left[:, : self.rank] * kept) @ right[: self.rank])

    def law_in(self, unit: float) -> ProbabilityMeasure:
        """Return `law` for the singular values divided by `unit`, for σ of any size."""
        if self.sigma == 0.0:
            return Atoms([0.0])
        if not self.growing:
            ratio, sigma = self._bulk
            _squares(np.array([sigma / unit]))
            return MarchenkoPastur(ratio, sigma / unit)
        signal = Signal(_squares(self.signal.points / unit), self.signal.weights)
        return fitted_model(RectangularPlane(self._ratio), signal, self._law_sigma / unit).law

    @property
    def _law_signal(self) -> Signal:
        return Signal(_squares(self.signal.points), self.signal.weights)

    @property
    def noise_norm(self) -> float:
        """Root mean square of the Frobenius norm of the noise, where nothing is left out."""
        return float(self._law_sigma * np.sqrt(min(self.shape) - self.zeros))

    @property
    def _columns(self) -> int:
        """The longer side of what rows and columns of zeros leave."""
        return max(self.shape[0] - self.zero_sides[0], self.shape[1] - self.zero_sides[1])

    @property
    def _law_sigma(self) -> float:
        # σ belongs to the whole matrix: what zeros leave over has the same entries, but fewer.
        return float(self.sigma * np.sqrt(self._columns / max(self.shape)))

    @property
    def _ratio(self) -> float:
        return (min(self.shape) - self.zeros) / self._columns

    @property
    def _bulk(self) -> tuple[float, float]:
        """Ratio and σ of the noise that the spikes leave over."""
        left_columns = self._columns - self.rank
        ratio = (min(self.shape) - self.zeros - self.rank) / left_columns
        return ratio, float(self.sigma * np.sqrt(left_columns / max(self.shape)))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return super().to_dict() | {"zero_sides": list(self.zero_sides)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RectangularFit:
        """Return the fit that `to_dict` described."""
        check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
        fit = cls._from_dict({"zero_sides": [0, 0]} | values, RECTANGULAR_FIELDS)
        inside = all(0 <= z < side for z, side in zip(fit.zero_sides, fit.shape, strict=True))
        check(inside, "zero_sides", "must be fewer than rows and columns")
        return fit


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
        The matrix, tall or wide. Its entries are looked at as well (see `Goodness`).
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
    level = significance("alpha", alpha)
    spectrum = rectangular_spectrum(W, singular_values, shape)
    check_sigma(sigma, spectrum.unit)
    return _fitted(spectrum, sigma, level)


def fit_centred(data: FloatArray, singular_values: FloatArray, *, alpha: float) -> RectangularFit:
    """Return the fit of `data` less the mean of each column, given its singular values.

    Noise of n × p is then noise of n − 1 by p, and columns that are constant are left out.
    """
    level = significance("alpha", alpha)
    return _fitted(centred_spectrum(data, singular_values), None, level)


def _fitted(spectrum: Spectrum, sigma: float | None, level: float) -> RectangularFit:
    if sigma is not None or not spectrum.noise_free:
        return _fit(spectrum, sigma, level)
    if spectrum.may_be_noise:
        found = _fit(spectrum, None, level)
        if is_noise(found):
            return replace(found, goodness=exact_as_well(found.goodness, spectrum.nonzero.size))
    return _without_noise(spectrum, level)


def _fit(spectrum: Spectrum, sigma: float | None, alpha: float) -> RectangularFit:
    # Zeros that a given σ contradicts stay in the bulk, where the verdict sees them.
    values = spectrum.inside if sigma and spectrum.noise_free else spectrum.nonzero
    unit, columns = spectrum.unit, max(spectrum.inner)
    # σ belongs to the matrix as given: what rows of zeros leave has the same entries, but fewer.
    share = float(np.sqrt(columns / max(spectrum.shape)))
    found = fit_spectrum(
        values,
        RectangularNoise(values.size, columns),
        RectangularPlane(values.size / columns),
        sigma=None if sigma is None else sigma * share / unit,
        alpha=alpha,
        base=None,
        diagnosis=spectrum.diagnosis,
        remark=left_out(spectrum.zero_sides, spectrum.inside.size - values.size),
        unit=unit,
        least_sigma=spectrum.least_sigma,
    )
    if spectrum.inner[0] > spectrum.inner[1]:
        found = replace(found, spikes=_transposed(found.spikes))
    low, high = (unit * end / share for end in found.sigma_interval)
    return RectangularFit(
        shape=spectrum.shape,
        alpha=alpha,
        sigma=sigma or unit * found.sigma / share,
        sigma_interval=(sigma, sigma) if sigma else (low, high),
        zeros=spectrum.values.size - values.size,
        zero_sides=spectrum.zero_sides,
        **common_fields(found, unit, 2),
    )


def _squares(points: FloatArray) -> FloatArray:
    """Return squares, where doubles hold them."""
    with np.errstate(over="ignore", under="ignore"):
        squares = np.asarray(points**2)
    if not np.isfinite(squares).all() or (squares[points != 0] < _LEAST_SQUARE).any():
        raise InvalidInputError(
            f"The squares of singular values near {np.abs(points).max():.3g} are beyond the "
            "doubles, so that they have no law. Use `law_in`, or fit the matrix in another unit."
        )
    return squares


def _transposed(spikes: AnyArray) -> AnyArray:
    """Return spikes found on the transposed matrix with left and right as in the one given."""
    result = spikes.copy()
    result["overlap_left"], result["overlap_right"] = (
        spikes["overlap_right"],
        spikes["overlap_left"],
    )
    return result


def _without_noise(spectrum: Spectrum, alpha: float) -> RectangularFit:
    values = spectrum.nonzero
    spikes = noise_free_spikes(values, RECTANGULAR_FIELDS)
    return RectangularFit(
        shape=spectrum.shape,
        alpha=alpha,
        sigma=0.0,
        sigma_interval=(0.0, 0.0),
        edge=spectrum.rounding,
        spikes=scaled(spikes, spectrum.unit),
        signal=Signal(spectrum.unit * values, np.full(values.size, 1 / values.size)),
        signal_rank=float(values.size),
        signal_rank_interval=(float(values.size), float(values.size)),
        growing=False,
        goodness=without_noise(values.size, spectrum.values.size, left_out(spectrum.zero_sides, 0)),
        status=EXACT,
        zeros=spectrum.values.size - values.size,
        zero_sides=spectrum.zero_sides,
    )
