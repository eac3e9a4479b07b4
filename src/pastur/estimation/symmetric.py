"""Fitting W = R/√N + S, symmetric."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pastur._checks import significance
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import ArrayLike, FloatArray, MaybeNone
from pastur.estimation._fitting.noises import checked_noise, fit_with_noise
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._notebook import fit_html
from pastur.estimation._observed.spectrum import Settings, symmetric_spectrum
from pastur.estimation._profile.given import known_vector
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.schema import stored
from pastur.estimation._whitened.variances import Variances
from pastur.measures import ProbabilityMeasure


@dataclass(frozen=True, eq=False, repr=False)
class SymmetricFit(Fit):
    """Noise and signal of a symmetric matrix, estimated from its eigenvalues.

    Attributes
    ----------
    shape : tuple of two ints
        Rows and columns of W.
    alpha : float
        Probability that pure noise gives rank > 0; intervals have level 1 − alpha.
    sigma : float
        Noise level σ: off-diagonal entries of the noise have the standard deviation σ/√N. 0 for a
        matrix without noise.
    sigma_interval : tuple of two floats
        Interval for σ; (σ, σ) if σ was given, from 0 where signal may lie within the noise.
    edge, lower_edge : float
        Ends of the noise with their margins. The noise that is left without k spikes goes beyond
        either (or, with `bulk`, into a gap) with probability alpha/(k + 1) in total.
    spikes : structured array, descending
        ``observed``, the eigenvalue of W; ``theta``, that of S, between ``low`` and ``high``;
        ``overlap``, the squared cosine between the eigenvectors of W and S; ``p_value``, the
        probability that noise alone reaches as far, on any side; ``isolated``, False if a neighbour
        or an edge is within four standard deviations of the outlier; ``group``, an equal number for
        such neighbours; ``span``, the share of the eigenvector of W in the span of the signal's
        eigenvectors of its group. A group of several has one interval, for the mean of its theta;
        its vectors mix, so that ``overlap`` is NaN unless a spike is isolated. Intervals hold given
        that the spikes were detected: near the threshold the end next to the noise is 0, since a
        weaker spike would have looked the same (next to a `bulk` without 0, the end of the bulk).
    signal : Signal
        Point masses of `signal_measure` away from 0 (or from `bulk`), over the values that are not
        left out.
    signal_rank : float
        Their mass times N: the number of directions that carry signal, detached or not.
    signal_rank_interval : tuple of two floats
        Interval for it. The upper end includes spikes too weak to be distinguished from noise.
    growing : bool
        Whether there were too many spikes, or the bulk was too far from pure noise, for the law of
        low rank; noise level and signal then come from the deconvolution of the whole spectrum.
    goodness : Goodness
        Whether the bulk is noise.
    status : Status
        Whether the iteration converged.
    zeros : int
        Eigenvalues that are zero to rounding and were left out; rows and columns of zeros produce
        them.
    noise : NoiseUsed
        The noise that the fit rests on, why, and what it assumes; as text one sentence.
    leading : structured array, descending
        The leading directions read without a law, against everything else in the matrix:
        ``observed``; the strength ``theta`` between ``low`` and ``high``, which is inf where the
        interval is open; the overlaps, each with ``_low`` and ``_high``; ``readable``, False where
        the spectrum gives no reading (the figures are NaN); ``group``, an equal number for
        neighbours; the spans, as the overlaps. Where a gap sets neighbours apart from the rest,
        they are read together: the span is the share in that of their directions, and overlaps are
        NaN. Elsewhere both are the same.
    sigma_bounds : SigmaBounds or None
        The most that the level of white noise can be.
    bulk_edge, lower_bulk_edge : float
        Where noise and undetached signal end together: spikes lie beyond. The same as `edge` where
        the spikes are few.
    profile : Profile or None
        Variances of rows and columns, where ``fit.noise == "profile"``: σ, edges, law, signal and
        the observed values of spikes are then those of the matrix that they scale to one variance;
        strengths and overlaps of spikes, which need not descend, and `denoise` are those of W.
    white : SymmetricFit or None
        The fit of white noise that was tried and not believed, where ``noise="auto"`` came to claim
        no law.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = pastur.sample_goe(200, rng=0)
    >>> W += 3 * np.ones((200, 200)) / 200
    >>> pastur.fit_symmetric(W)
    SymmetricFit(200 × 200, sigma=1.002, edge=2.052, rank=1, 'noise bulk')
    """

    lower_edge: float | MaybeNone = field(metadata=stored("Lower end of the noise."))
    lower_bulk_edge: float | MaybeNone = field(
        default=None,
        kw_only=True,
        metadata=stored("Lower end of noise and undetached signal together."),
    )

    def _repr_html_(self) -> str:
        return fit_html(self)

    @property
    def law(self) -> ProbabilityMeasure | MaybeNone:
        """Fitted law of the eigenvalues, without those left out as `zeros`.

        For few spikes it is the semicircle of the noise that is left without them. Otherwise it is
        the law of signal and noise, spikes included. Without noise it is a point mass at 0.
        """
        return super().law

    def law_in(self, unit: float) -> ProbabilityMeasure:
        """Return `law` for the eigenvalues divided by `unit`, for σ of any size."""
        return super().law_in(unit)

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S with W's eigenvectors that is best in Frobenius norm.

        If there are few spikes they are shrunk, and everything else is dropped. At growing rank
        every eigenvalue λ becomes ``ξ(λ) = λ + 2σ² Re g(λ + i0)``, with g the transform of `law`
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
        return super().denoise(W)

    def _with_variances(self, w: FloatArray, variances: Variances) -> SymmetricFit:
        return fit_symmetric(w, noise="profile", variances=variances.rows, alpha=self.alpha)

    @classmethod
    def from_dict(
        cls, values: dict[str, Any], *, bulk: ProbabilityMeasure | None = None
    ) -> SymmetricFit:
        """Return the fit that `to_dict` described; `bulk` as in the fit."""
        return cls._from_dict(values, SymmetricKind, bulk)

    def _with_both_edges(self) -> SymmetricFit:
        found = super()._with_both_edges()
        lower = self.lower_edge if found.edge == self.edge else max(self.lower_edge, -found.edge)
        return replace(found, lower_edge=lower, lower_bulk_edge=self.lower_edge)

    @property
    def kind(self) -> SymmetricKind:
        """The kind of matrix, of the size that rows and columns of zeros leave."""
        return SymmetricKind(self.shape[0] - self.zeros)


def fit_symmetric(
    W: ArrayLike | None = None,
    *,
    eigenvalues: ArrayLike | None = None,
    sigma: float | None = None,
    bulk: ProbabilityMeasure | None = None,
    alpha: float = 0.05,
    noise: str = "white",
    variances: ArrayLike | None = None,
) -> SymmetricFit:
    """Separate noise from signal in a symmetric matrix W = R/√N + S.

    Noise fills the eigenvalues of W on [−2σ, 2σ], and a spike |θ| > σ of S makes an outlier at
    ``Φ(θ) = θ + σ²/θ`` (1.8). The steps are those of `fit_rectangular`, with both edges tested.

    Parameters
    ----------
    W : array_like, shape (N, N)
        The matrix, symmetric to 1e-6 of its largest entry. Its entries are checked as well (see
        `Goodness`).
    eigenvalues : array_like, shape (N,), optional
        All eigenvalues, in any order, if they are known already or the matrix is not.
    sigma : float, > 0, optional
        Noise level σ, the standard deviation of the noise in an off-diagonal entry times √N, if it
        is known. Default: estimated.
    bulk : ProbabilityMeasure, optional
        Law ν₀ of S without its spikes, if known, in the units of W. Default: 0. The noise then
        fills ν₀ ⊞ semicircle (Pastur's equation (1.5)), gaps are tested as well as ends, and spikes
        are sought off the support of ν₀.
    alpha : float, between 0 and 1
        Probability that pure noise gives rank > 0, all edges together. Default 0.05.
    noise : {"white", "profile", "free", "auto"}
        What the noise is. "white" (default): independent entries of one variance; the verdict of
        `goodness` says whether to believe it. "profile": variances that are products of one for the
        row and one for the column. "free": no law; only what stands out from the rest is read, and
        σ, edge, law and ranks are None. "auto": the first of these that the matrix does not
        contradict. ``fit.noise`` says which one it was, why, and what it assumes.
    variances : array_like, shape (N,), optional
        Known d, up to a factor, with ``noise="profile"``: entry (i, j) has the variance d_i d_j.
        Default: estimated together with the signal.

    Returns
    -------
    SymmetricFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless the input is one finite real symmetric matrix (or its eigenvalues) that is not zero
        and has at least two rows.

    Notes
    -----
    The diagonal of the noise may have any variance of order σ²/N; the fluctuation of the outliers
    is computed for the Gaussian orthogonal ensemble, where it is 2σ²/N.

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
    asked = Settings(
        sigma,
        significance("alpha", alpha),
        _checked_bulk(bulk),
        noise=checked_noise(noise, variances),
    )
    observation = symmetric_spectrum(W, eigenvalues, centred=bulk is None)
    if variances is not None:
        asked = replace(asked, variances=known_vector(variances, observation.shape[0]))
    spectrum = observation.spectrum(asked)
    kind = SymmetricKind(spectrum.values.size)
    return SymmetricFit.of(fit_with_noise(spectrum, kind, asked))


def _checked_bulk(bulk: Any) -> ProbabilityMeasure | None:
    if bulk is None or isinstance(bulk, ProbabilityMeasure):
        if bulk is not None and not np.isfinite(bulk.support).all():
            raise InvalidInputError("`bulk` must have bounded support. Cut its tails off first.")
        return bulk
    raise InvalidTypeError(
        "`bulk` must be a probability measure, such as Atoms([-1.0, 1.0]) or Uniform(0, 1). "
        f"Got {bulk!r} of type {type(bulk).__name__}."
    )
