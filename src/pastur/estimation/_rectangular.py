"""Fitting W = R/√m + S, rectangular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._checks import matrix, probability
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._denoise import check_shape, shrink_singular_values
from pastur.estimation._edge import noise_edges
from pastur.estimation._goodness import Goodness
from pastur.estimation._input import Spectrum, check_sigma, rectangular_spectrum
from pastur.estimation._noise_models import RectangularNoise
from pastur.estimation._result import (
    EXACT,
    from_plain,
    normal_quantile,
    plain,
    scaled,
    spread,
)
from pastur.estimation._self_consistent import split_spectrum
from pastur.estimation._spikes import RECTANGULAR_FIELDS, noise_free_spikes, rectangular_spikes
from pastur.estimation._status import Status
from pastur.estimation._verdict import assess, without_noise
from pastur.measures import Atoms, MarchenkoPastur, Measure, ProbabilityMeasure


@dataclass(frozen=True, eq=False)
class RectangularFit:
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
        What is left of the noise when the spikes are taken out goes beyond it with chance alpha.
    spikes : structured array, descending
        ``observed``, the singular value of W; ``theta``, that of S, between ``low`` and ``high``;
        ``overlap_left`` and ``overlap_right``, the squared cosines between singular vectors of W
        and S, of rows and of columns of W as given; ``p_value``, the chance that noise alone goes
        as far; ``isolated``, False where a neighbour or the edge is within four standard deviations
        of the outlier, so that its interval and overlaps are rough.
    goodness : Goodness
        Whether the bulk is noise at all.
    status : Status
        Whether the iteration ended well.
    zeros : int
        Singular values that are zero to rounding and were left out, as rows of zeros or a
        subtracted mean make them.
    """

    shape: tuple[int, int]
    alpha: float
    sigma: float
    sigma_interval: tuple[float, float]
    edge: float
    spikes: AnyArray
    goodness: Goodness
    status: Status
    zeros: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RectangularFit) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.shape, self.sigma, self.edge, self.rank))

    def __repr__(self) -> str:
        n, m = self.shape
        return (
            f"RectangularFit({n} × {m}, sigma={self.sigma:.4g}, edge={self.edge:.4g}, "
            f"rank={self.rank}, {self.goodness.verdict!r})"
        )

    @property
    def entry_sd(self) -> float:
        """Standard deviation of an entry of the noise, σ/√max(shape)."""
        return float(self.sigma / np.sqrt(max(self.shape)))

    @property
    def rank(self) -> int:
        """Number of detached spikes."""
        return len(self.spikes)

    @property
    def signal_rank(self) -> float:
        """Mass of `signal_measure` away from 0, times the number of singular values."""
        return float(self.rank)

    @property
    def signal_measure(self) -> Measure:
        """Law of the *squared* singular values of S, as far as detached spikes tell it."""
        size = min(self.shape)
        points = np.append(self.spikes["theta"] ** 2, 0.0)
        weights = np.append(np.full(self.rank, 1 / size), 1 - self.rank / size)
        return Atoms(points, weights)

    @property
    def law(self) -> ProbabilityMeasure:
        """Fitted law of the *squared* singular values of the bulk.

        Marchenko–Pastur's of the noise that k spikes leave over, min(shape) − zeros − k by
        max(shape) − k. A point mass at 0 where there is no noise.
        """
        if self.sigma == 0.0:
            return Atoms([0.0])
        ratio, sigma = self._bulk
        return MarchenkoPastur(ratio, sigma)

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S: the fitted matrix with its spikes shrunk, all else dropped.

        Optimal in Frobenius norm among estimates with W's singular vectors when the rank of S is
        low (Gavish, Donoho 2017).

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
        kept = values[: self.rank]
        if self.sigma > 0.0:
            ratio, sigma = self._bulk
            kept = shrink_singular_values(kept, sigma=sigma, ratio=ratio)
        return np.asarray((left[:, : self.rank] * kept) @ right[: self.rank])

    @property
    def _bulk(self) -> tuple[float, float]:
        """Ratio and σ of the noise that the spikes leave over."""
        columns = max(self.shape)
        left_columns = columns - self.rank
        ratio = (min(self.shape) - self.zeros - self.rank) / left_columns
        return ratio, float(self.sigma * np.sqrt(left_columns / columns))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return plain(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RectangularFit:
        """Return the fit that `to_dict` described."""
        return cls(**from_plain(values, RECTANGULAR_FIELDS))


def fit_rectangular(
    W: ArrayLike | None = None,
    *,
    singular_values: ArrayLike | None = None,
    shape: tuple[int, int] | None = None,
    sigma: float | None = None,
    alpha: float = 0.05,
) -> RectangularFit:
    """Tell noise from signal in a matrix W = R/√m + S with independent noise and low-rank signal.

    With n ≤ m the two sides of W and c = n/m, noise fills the singular values up to σ(1 + √c), and
    a spike θ > c^(1/4)σ of S makes an outlier at ``√((θ² + σ²)(θ² + cσ²))/θ``. The steps: σ by
    matching the middle of the spectrum with the law of noise (Ke, Ma, Lin 2023, without its bias at
    finite size and rank); values beyond the edge with its Tracy–Widom margin (Johnstone 2001, Ma
    2012) are spikes, tested one after the other; σ again without them, until both stay; spikes back
    through the inverse of the map above (Benaych-Georges, Nadakuditi 2012).

    Parameters
    ----------
    W : array_like, shape (n, m)
        The matrix, tall or wide; or leave it out and give
    singular_values, shape : array_like and pair of ints
        all min(n, m) singular values, in any order, and the matrix's shape.
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
    The rank is meant to be low: crowded spikes shift each other and the law, at first noticeably
    where one in ten singular values is a spike near the critical one. The goodness of fit shows it.

    A matrix at least half of whose singular values are zero to rounding (max(n, m)·ε times the
    largest) has no noise: its rank is exact, σ = 0. Fewer zeros are left out, as rows of zeros.

    The intervals are those of Gaussian-like entries: a fourth cumulant κ₄ of the entries multiplies
    the width of σ's by up to √(1 + κ₄/2), 2 for Student's t with five degrees of freedom.

    References
    ----------
    Z. T. Ke, Y. Ma, X. Lin, J. Amer. Statist. Assoc. 118 (2023), algorithm 1 (the regression).
    I. M. Johnstone, Ann. Statist. 29 (2001) and Z. Ma, Bernoulli 18 (2012) (the edge).
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
    level = probability("alpha", alpha)
    spectrum = rectangular_spectrum(W, singular_values, shape)
    check_sigma(sigma, spectrum.unit)
    if sigma is None and spectrum.noise_free:
        return _without_noise(spectrum, level)
    return _fit(spectrum, sigma, level)


def _fit(spectrum: Spectrum, sigma: float | None, alpha: float) -> RectangularFit:
    # Zeros that a given σ contradicts stay in the bulk, where the verdict sees them.
    values = spectrum.values if spectrum.noise_free else spectrum.nonzero
    zeros = spectrum.values.size - values.size
    noise = RectangularNoise(values.size, max(spectrum.shape))
    edges, unit, z = noise_edges(noise, alpha), spectrum.unit, normal_quantile(alpha)
    known = None if sigma is None else sigma / unit
    split, status = split_spectrum(values, noise, edges, sigma=known)
    estimate, margin = unit * split.sigma, 1.0 if known else spread(split, noise, z=z)
    spikes = rectangular_spikes(split, noise, edges, z=z)
    if spectrum.shape[0] > spectrum.shape[1]:
        spikes = _transposed(spikes)
    return RectangularFit(
        shape=spectrum.shape,
        alpha=alpha,
        sigma=sigma or estimate,
        sigma_interval=(sigma or estimate / margin, sigma or estimate * margin),
        edge=unit * split.sigma * float(edges.edge[split.spikes.size]),
        spikes=scaled(spikes, unit),
        goodness=assess(split, noise, sigma_known=sigma is not None, zeros=zeros, unit=unit),
        status=status,
        zeros=zeros,
    )


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
        goodness=without_noise(values.size, spectrum.values.size),
        status=EXACT,
        zeros=spectrum.zeros,
    )
