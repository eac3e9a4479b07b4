"""Fitting W = R/√m + S, rectangular."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pastur._checks import significance
from pastur._stored import check, got
from pastur._typing import ArrayLike, FloatArray, MaybeNone
from pastur.estimation._fitting.noises import checked_noise, fit_with_noise
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._notebook import fit_html
from pastur.estimation._observed.spectrum import (
    Observation,
    Settings,
    centred_spectrum,
    rectangular_spectrum,
)
from pastur.estimation._profile.given import known_pair
from pastur.estimation._result.fit import Fit
from pastur.estimation._result.schema import stored
from pastur.estimation._whitened.variances import Variances
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
        Probability that pure noise gives rank > 0; intervals have level 1 − alpha.
    sigma : float
        Noise level σ: entries of the noise have the standard deviation σ/√max(shape). 0 for a
        matrix without noise.
    sigma_interval : tuple of two floats
        Interval for σ; (σ, σ) if σ was given, from 0 where signal may lie within the noise.
    edge : float
        Upper end of the noise with its margin. The noise that is left without k spikes exceeds it
        with probability alpha/(k + 1).
    spikes : structured array, descending
        ``observed``, the singular value of W; ``theta``, that of S, between ``low`` and ``high``;
        ``overlap_left`` and ``overlap_right``, the squared cosines between singular vectors of W
        and S, for rows and columns of W as given; ``p_value``, the probability that noise alone
        reaches as far; ``isolated``, False if a neighbour or the edge is within four standard
        deviations of the outlier; ``group``, an equal number for such neighbours; ``span_left`` and
        ``span_right``, the share of the vector of W in the span of the signal's vectors of its
        group. A group of several has one interval, for the root mean square of its theta; its
        vectors mix, so that overlaps are NaN unless a spike is isolated. Intervals hold given that
        the spikes were detected: near the threshold ``low`` is 0, since a weaker spike, or a
        hidden one pushed outwards by others, would have looked the same.
    signal : Signal
        Singular values of S with their masses (`signal_measure` has their squares), over the
        values that are not left out.
    signal_rank : float
        Mass of `signal_measure` away from 0, times the number of singular values: the number of
        directions that carry signal, detached or not.
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
        Singular values that are zero to rounding and were left out; rows of zeros or a subtracted
        mean produce them.
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
    bulk_edge : float
        Where noise and undetached signal end together: spikes lie beyond. The same as `edge` where
        the spikes are few.
    profile : Profile or None
        Variances of rows and columns, where ``fit.noise == "profile"``: σ, edges, law, signal and
        the observed values of spikes are then those of the matrix that they scale to one variance;
        strengths and overlaps of spikes, which need not descend, and `denoise` are those of W.
    white : RectangularFit or None
        The fit of white noise that was tried and not believed, where ``noise="auto"`` came to claim
        no law.
    zero_sides : tuple of two ints
        Rows and columns of W that are zero to rounding and were left out: noise and signal are
        those of the rest.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> u, v = (np.linalg.qr(rng.normal(size=(k, 2)))[0] for k in (100, 200))
    >>> W = rng.normal(size=(100, 200)) / 200**0.5 + (u * [3.0, 2.0]) @ v.T
    >>> fit = pastur.fit_rectangular(W)
    >>> fit
    RectangularFit(100 × 200, sigma=0.9959, edge=1.719, rank=2, 'noise bulk')
    >>> fit.spikes["theta"].round(1), fit.spikes["low"].round(1)
    (array([3. , 1.8]), array([2.8, 1.7]))
    """

    zero_sides: tuple[int, int] = field(
        default=(0, 0),
        metadata=stored(
            "Rows and columns that are zero to rounding and were left out before the fit.",
            minimum=0,
        ),
    )

    def _repr_html_(self) -> str:
        return fit_html(self)

    @property
    def law(self) -> ProbabilityMeasure | MaybeNone:
        """Fitted law of the *squared* singular values, without those left out as `zeros`.

        For few spikes it is the Marchenko–Pastur law of the noise that is left without them, which
        has k rows and columns less. Otherwise it is the law of signal and noise, spikes included.
        Without noise it is a point mass at 0.
        """
        return super().law

    def law_in(self, unit: float) -> ProbabilityMeasure:
        """Return `law` for the singular values divided by `unit`, for σ of any size."""
        return super().law_in(unit)

    def denoise(self, W: ArrayLike) -> FloatArray:
        """Return the estimate of S with W's singular vectors that is best in Frobenius norm.

        If there are few spikes they are shrunk, and everything else is dropped (Gavish, Donoho
        2017). At growing rank every singular value s becomes
        ``ξ(s) = s − σ²(1 − c)/s + 2σ²c s Re m(s² + i0)``, with m the transform of `law`.

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

    def denoised_values(
        self, values: ArrayLike, *, same_vectors: bool = False
    ) -> FloatArray | None:
        """Return the singular values of `denoise(W)`, each in the place of that of W.

        None where they may have other singular vectors than W: with variances of rows and columns,
        and where neighbours are correlated, unless `turned` has said that they are those of W.

        Parameters
        ----------
        values : array_like, shape (min(n, m),)
            The singular values of W, descending.
        same_vectors : bool
            Whether `turned` has returned None for W.
        """
        if (self.uses_profile or self.tries_frequencies) and not same_vectors:
            return None
        given = np.asarray(values, dtype=np.float64)
        found = np.zeros(given.size)
        kept = self.shrunk(given)
        found[: kept.size] = kept
        return found

    def _with_variances(self, w: FloatArray, variances: Variances) -> RectangularFit:
        return fit_rectangular(w, noise="profile", variances=variances, alpha=self.alpha)

    @property
    def noise_norm(self) -> float | MaybeNone:
        """Root mean square of the Frobenius norm of the noise, where nothing is left out."""
        if self.sigma is None:
            return None
        kind = self.kind
        return float(self._level(kind) * np.sqrt(kind.size))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RectangularFit:
        """Return the fit that `to_dict` described."""
        check(isinstance(values, dict), "", f"must be an object. Got {got(values)}")
        found = cls._from_dict({"zero_sides": [0, 0]} | values, RectangularKind)
        inside = all(0 <= z < side for z, side in zip(found.zero_sides, found.shape, strict=True))
        check(inside, "zero_sides", "must be fewer than rows and columns")
        same = getattr(found.white, "zero_sides", found.zero_sides) == found.zero_sides
        check(same, "white.zero_sides", "must be those of the fit")
        return found

    @property
    def kind(self) -> RectangularKind:
        """The kind of matrix, of the size that rows and columns of zeros leave."""
        rows, columns = (
            side - zeros for side, zeros in zip(self.shape, self.zero_sides, strict=True)
        )
        size = min(self.shape) - self.zeros
        return RectangularKind(size, max(rows, columns), tall=rows > columns)


def fit_rectangular(
    W: ArrayLike | None = None,
    *,
    singular_values: ArrayLike | None = None,
    shape: tuple[int, int] | None = None,
    sigma: float | None = None,
    alpha: float = 0.05,
    noise: str = "white",
    variances: tuple[ArrayLike, ArrayLike] | None = None,
) -> RectangularFit:
    """Separate noise from signal in a matrix W = R/√m + S with independent noise.

    Let n ≤ m be the two sides of W and c = n/m. Noise fills the singular values up to σ(1 + √c),
    and a spike θ > c^(1/4)σ of S makes an outlier at ``√((θ² + σ²)(θ² + cσ²))/θ``. First, σ is
    found by matching the middle of the spectrum with the law of noise (Ke, Ma, Lin 2023, without
    its bias at finite size and rank). Values beyond the edge with its Tracy–Widom margin (Johnstone
    2001, Ma 2012) are spikes, tested one after the other; σ is estimated again without them, until
    both no longer change. Outliers are mapped to spikes by the subordination function of the
    observed spectrum, without their own terms: the inverse of the map above, valid at any rank.

    If there are more than five spikes, or the rest does not follow the law of noise, the spectrum
    of the signal is found by deconvolution (docs/deconvolution.md): with ω̂ and f̂ of the observed
    spectrum the problem is linear in the law of the signal, which non-negative least squares finds
    together with σ, each residual weighted by its own covariance. The place of the noise then
    follows from the law of both, and `signal_rank` also counts spikes that never left it.

    Parameters
    ----------
    W : array_like, shape (n, m)
        The matrix, tall or wide. Its entries are checked as well (see `Goodness`).
    singular_values : array_like, shape (min(n, m),), optional
        All singular values, in any order, if they are known already or the matrix is not.
    shape : pair of ints, optional
        The matrix's shape, if only `singular_values` are given.
    sigma : float, > 0, optional
        Noise level σ, the standard deviation of the noise in an entry times √max(n, m), if it is
        known. Default: estimated.
    alpha : float, between 0 and 1
        Probability that pure noise gives rank > 0. Default 0.05.
    noise : {"white", "profile", "free", "auto"}
        What the noise is. "white" (default): independent entries of one variance; the verdict of
        `goodness` says whether to believe it. "profile": variances that are a product of one for
        the row and one for the column. "free": no law; only what stands out from the rest is read,
        and σ, edge, law and ranks are None. "auto": the first of these that the matrix does not
        contradict. ``fit.noise`` says which one it was, why, and what it assumes.
    variances : pair of array_like, shapes (n,) and (m,), optional
        Known variances of rows and columns, up to a factor, with ``noise="profile"``. Default:
        estimated together with the signal.

    Returns
    -------
    RectangularFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless the input is one finite real matrix (or its singular values) that is not zero and
        has at least two rows and two columns.

    Notes
    -----
    Rows and columns of zeros, such as padding or constant features with their mean subtracted, are
    left out first; σ keeps the unit of the shape as given, so that `entry_sd` is right. A singular
    value is zero to rounding if it is at most the error made by rounding the entries to the
    coarsest type that holds them all (float64, float32, float16, bfloat16), or max(n, m)·ε times
    the largest. Such values are left out, up to half of all. If there are more, the matrix has no
    noise, its rank is exact and σ = 0, unless the others are at least a quarter of all and follow
    the law of noise.

    alpha is the rate of false spikes whatever the law of the entries, where W itself is given: if
    their fourth cumulant matters and the spectrum does not decide clearly, the edge is that of
    permutations of the entries (docs/noise.md). From values alone it assumes a small cumulant.

    The intervals are those of Gaussian-like entries. A fourth cumulant κ₄ of the entries multiplies
    the variance of σ by 1 + κ₄/2: where the matrix itself is given, σ's interval is as much wider.
    Where signal may lie within the noise, σ has no lower end: `sigma_interval` starts at 0, and
    `sigma_bounds` has what σ is at most (docs/sigma-at-most.md).

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
    asked = Settings(sigma, significance("alpha", alpha), noise=checked_noise(noise, variances))
    observation = rectangular_spectrum(W, singular_values, shape)
    if variances is not None:
        asked = replace(asked, variances=known_pair(variances, observation.shape))
    return fitted(observation, asked)


def fit_centred(
    data: FloatArray,
    centred: FloatArray,
    singular_values: FloatArray,
    *,
    alpha: float,
    noise: str,
) -> RectangularFit:
    """Return the fit of `centred`, `data` less the mean of each column, given its singular values.

    Noise of n × p is then noise of n − 1 by p, and columns that are constant are left out.
    """
    asked = Settings(None, significance("alpha", alpha), noise=checked_noise(noise))
    return fitted(centred_spectrum(data, centred, singular_values), asked)


def fitted(observation: Observation, asked: Settings) -> RectangularFit:
    """Return the fit of what was observed."""
    spectrum, inner = observation.spectrum(asked), observation.inner
    kind = RectangularKind(spectrum.values.size, max(inner), tall=inner[0] > inner[1])
    return RectangularFit.of(fit_with_noise(spectrum, kind, asked), zero_sides=spectrum.zero_sides)
