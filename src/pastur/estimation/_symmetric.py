"""Fitting W = R/√N + S, symmetric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._checks import matrix, probability
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._denoise import check_shape, shrink_eigenvalues
from pastur.estimation._edge import noise_edges
from pastur.estimation._goodness import Goodness
from pastur.estimation._input import (
    Spectrum,
    check_sigma,
    symmetric_part,
    symmetric_spectrum,
)
from pastur.estimation._noise_models import SymmetricNoise
from pastur.estimation._result import (
    EXACT,
    from_plain,
    normal_quantile,
    plain,
    scaled,
    spread,
)
from pastur.estimation._self_consistent import split_spectrum
from pastur.estimation._spikes import SYMMETRIC_FIELDS, noise_free_spikes, symmetric_spikes
from pastur.estimation._status import Status
from pastur.estimation._verdict import assess, without_noise
from pastur.measures import Atoms, Measure, ProbabilityMeasure, Semicircle


@dataclass(frozen=True, eq=False)
class SymmetricFit:
    """What the eigenvalues of a symmetric matrix say of its noise and its signal.

    Attributes
    ----------
    shape : tuple of two ints
        Of W.
    alpha : float
        Chance that pure noise gives rank > 0; intervals hold with chance 1 − alpha.
    sigma : float
        Noise level σ: off-diagonal entries of the noise have the standard deviation σ/√N. 0 for a
        matrix without noise.
    sigma_interval : tuple of two floats
        For Gaussian-like entries; (σ, σ) where σ was given.
    edge : float
        What is left of the noise when the spikes are taken out goes beyond ±edge with chance alpha,
        both sides together.
    spikes : structured array, descending
        ``observed``, the eigenvalue of W; ``theta``, that of S, between ``low`` and ``high``;
        ``overlap``, the squared cosine between the eigenvectors of W and S; ``p_value``, the chance
        that noise alone goes as far, on either side; ``isolated``, False where a neighbour or an
        edge is within four standard deviations of the outlier, so that its interval and overlap
        are rough.
    goodness : Goodness
        Whether the bulk is noise at all.
    status : Status
        Whether the iteration ended well.
    zeros : int
        Eigenvalues that are zero to rounding and were left out, as rows and columns of zeros make
        them.
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
        return isinstance(other, SymmetricFit) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.shape, self.sigma, self.edge, self.rank))

    def __repr__(self) -> str:
        n, m = self.shape
        return (
            f"SymmetricFit({n} × {m}, sigma={self.sigma:.4g}, edge={self.edge:.4g}, "
            f"rank={self.rank}, {self.goodness.verdict!r})"
        )

    @property
    def entry_sd(self) -> float:
        """Standard deviation of an off-diagonal entry of the noise, σ/√N."""
        return float(self.sigma / np.sqrt(self.shape[0]))

    @property
    def rank(self) -> int:
        """Number of detached spikes."""
        return len(self.spikes)

    @property
    def signal_rank(self) -> float:
        """Mass of `signal_measure` away from 0, times N."""
        return float(self.rank)

    @property
    def signal_measure(self) -> Measure:
        """Law of the eigenvalues of S, as far as detached spikes tell it."""
        size = self.shape[0]
        points = np.append(self.spikes["theta"], 0.0)
        weights = np.append(np.full(self.rank, 1 / size), 1 - self.rank / size)
        return Atoms(points, weights)

    @property
    def law(self) -> ProbabilityMeasure:
        """Fitted law of the bulk: the semicircle of the noise that the spikes leave over.

        A point mass at 0 where there is no noise.
        """
        return Atoms([0.0]) if self.sigma == 0.0 else Semicircle(self._bulk_sigma)

    @property
    def _bulk_sigma(self) -> float:
        size = self.shape[0]
        return float(self.sigma * np.sqrt((size - self.zeros - self.rank) / size))

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S: the fitted matrix with its spikes shrunk, all else dropped.

        Optimal in Frobenius norm among estimates with W's eigenvectors when the rank of S is low
        (Bun, Allez, Bouchaud, Potters 2016).

        Parameters
        ----------
        W : array_like, of the fit's shape
            The fitted matrix.

        Raises
        ------
        InvalidInputError
            Where `W` has another shape or is not symmetric.
        """
        w = matrix("W", W)
        check_shape(w, self.shape)
        values, vectors = np.linalg.eigh(symmetric_part(w))
        farthest = np.argsort(-np.abs(values), kind="stable")[: self.rank]
        kept, basis = values[farthest], vectors[:, farthest]
        if self.sigma > 0.0:
            kept = shrink_eigenvalues(kept, sigma=self._bulk_sigma)
        return np.asarray((basis * kept) @ basis.T)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return plain(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SymmetricFit:
        """Return the fit that `to_dict` described."""
        return cls(**from_plain(values, SYMMETRIC_FIELDS))


def fit_symmetric(
    W: ArrayLike | None = None,
    *,
    eigenvalues: ArrayLike | None = None,
    sigma: float | None = None,
    alpha: float = 0.05,
) -> SymmetricFit:
    """Tell noise from signal in a symmetric matrix W = R/√N + S with low-rank signal S.

    Noise fills the eigenvalues of W on [−2σ, 2σ], and a spike |θ| > σ of S makes an outlier at
    ``Φ(θ) = θ + σ²/θ`` (1.8). The steps are those of `fit_rectangular`, both edges watched.

    Parameters
    ----------
    W : array_like, shape (N, N)
        The matrix, symmetric to 1e-6 of its largest entry; or leave it out and give
    eigenvalues : array_like, shape (N,)
        all of its eigenvalues, in any order.
    sigma : float, > 0, optional
        Noise level σ, the standard deviation of the noise in an off-diagonal entry times √N, where
        it is known. Default: estimated.
    alpha : float, between 0 and 1
        Chance that pure noise gives rank > 0, both edges together. Default 0.05.

    Returns
    -------
    SymmetricFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        For anything but one finite real symmetric matrix (or its eigenvalues) that is not zero
        and has at least two rows.

    Notes
    -----
    The diagonal of the noise may have any variance of the size of the others': the fluctuation of
    the outliers is that of the Gaussian Orthogonal Ensemble, where it is 2σ²/N.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.random.default_rng(0).normal(size=(300, 300)) / np.sqrt(2 * 300)
    >>> W = A + A.T - 3 * np.ones((300, 300)) / 300
    >>> fit = fit_symmetric(W)
    >>> fit.rank, round(fit.sigma, 1)
    (1, 1.0)
    >>> bool(fit.spikes["low"][0] < -3 < fit.spikes["high"][0])
    True
    """
    level = probability("alpha", alpha)
    spectrum = symmetric_spectrum(W, eigenvalues)
    check_sigma(sigma, spectrum.unit)
    if sigma is None and spectrum.noise_free:
        return _without_noise(spectrum, level)
    return _fit(spectrum, sigma, level)


def _fit(spectrum: Spectrum, sigma: float | None, alpha: float) -> SymmetricFit:
    # Zeros that a given σ contradicts stay in the bulk, where the verdict sees them.
    values = spectrum.values if spectrum.noise_free else spectrum.nonzero
    zeros = spectrum.values.size - values.size
    # σ belongs to the whole matrix: what zeros leave over has the same entries, but fewer.
    share = float(np.sqrt(values.size / spectrum.values.size))
    noise, unit, z = SymmetricNoise(values.size), spectrum.unit, normal_quantile(alpha)
    edges = noise_edges(noise, alpha)
    known = None if sigma is None else sigma * share / unit
    split, status = split_spectrum(values, noise, edges, sigma=known)
    estimate = unit * split.sigma / share
    margin = 1.0 if known else spread(split, noise, z=z)
    return SymmetricFit(
        shape=spectrum.shape,
        alpha=alpha,
        sigma=sigma or estimate,
        sigma_interval=(sigma or estimate / margin, sigma or estimate * margin),
        edge=unit * split.sigma * float(edges.edge[split.spikes.size]),
        spikes=scaled(symmetric_spikes(split, noise, edges, z=z), unit),
        goodness=assess(split, noise, sigma_known=sigma is not None, zeros=zeros, unit=unit),
        status=status,
        zeros=zeros,
    )


def _without_noise(spectrum: Spectrum, alpha: float) -> SymmetricFit:
    values = spectrum.nonzero
    return SymmetricFit(
        shape=spectrum.shape,
        alpha=alpha,
        sigma=0.0,
        sigma_interval=(0.0, 0.0),
        edge=spectrum.rounding,
        spikes=scaled(noise_free_spikes(values, SYMMETRIC_FIELDS), spectrum.unit),
        goodness=without_noise(values.size, spectrum.values.size),
        status=EXACT,
        zeros=spectrum.zeros,
    )
