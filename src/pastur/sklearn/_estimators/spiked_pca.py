"""Principal components that stand out from the noise."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from pastur._checks import non_negative_integer, real_array
from pastur._errors import InvalidInputError, PasturWarning
from pastur._format import count
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._free.leading import standing_out
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._result.profile import Profile
from pastur.estimation._whitened.table import mapped_signal
from pastur.sklearn._estimators.centred_fit import CentredFit, decomposed
from pastur.sklearn._estimators.checked_data import checked_data, refuse_tables
from pastur.sklearn._estimators.gaussian import FactorCovariance


class SpikedPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Principal components that stand out from the noise, and their strength without it.

    The centred data of n samples are (n − 1) × p noise plus a signal: subtracting the mean removes
    one degree of freedom, and constant features have none. `fit_rectangular` estimates the noise
    level and the spikes, at any rank; the detached components are kept. Where the data contradict
    the law of noise, no law is claimed: what stands out from the rest is then kept, with a warning.

    Parameters
    ----------
    alpha : float, between 0 and 1
        Probability that pure noise gives a component. Default 0.05.
    noise : {"auto", "white", "profile", "free"}
        What the noise is; see `fit_rectangular`. Default "auto": the first that the data do not
        contradict. With "profile" samples and features have variances of their own, and the
        components are those of the signal found in the data scaled to one variance.
    n_components : int, float between 0 and 1, or None
        Number of components to keep, whatever is found; a fraction keeps as few as explain more
        than this share of the variance, noise included, as `sklearn.decomposition.PCA` does.
        Default None: those that are found.

    Attributes
    ----------
    n_components_ : int
        Number of components, 0 for pure noise.
    components_ : array, shape (n_components_, p)
        Orthonormal directions, the strongest first.
    mean_ : array, shape (p,)
        Mean of each feature.
    explained_variance_ : array, shape (n_components_,)
        Variance of the data along each component, noise included.
    explained_variance_ratio_ : array, shape (n_components_,)
        Its share in the variance of all features.
    singular_values_ : array, shape (n_components_,)
        Length of the centred data along each component, √((n − 1) explained variance).
    signal_variance_ : array, shape (n_components_,)
        Variance without the noise, θ²/(n − 1). Eigenvalues of the covariance are larger, because
        the noise adds to all directions. Where no law of noise is claimed, the strength is that
        against everything else in the data. NaN where it is unknown.
    component_overlap_ : array, shape (n_components_,)
        Squared cosine between each component and the true direction. NaN where it is unknown, and
        where neighbours of nearly the same strength mix.
    component_span_ : array, shape (n_components_,)
        Share of each component in the span of the true directions of such neighbours, its own
        included; the squared cosine where it has none. NaN where it is unknown.
    noise_ : NoiseUsed
        The noise that the numbers rest on; as text, one sentence says why, and what it assumes.
    noise_variance_ : float or None
        Variance of the noise in an entry; None where no law of noise is claimed.
    spikes_ : structured array
        As ``fit_rectangular(…).spikes``, with intervals and p-values.
    standing_out_ : structured array
        As ``fit_rectangular(…).standing_out``: what stands out from the rest, whatever its law.
    signal_rank_ : float or None
        Number of directions that carry signal, including those too weak to be components; None
        where no law of noise is claimed.
    goodness_ : Goodness
        Whether the rest is noise.
    fit_ : RectangularFit
        The fit that all of this is taken from.
    spectrum_ : array, shape (min(n, p),)
        Singular values of the centred data, for `pastur.figures.plot_scree`.
    n_samples_, n_features_in_ : int
        Size of the data.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 100)) + 3 * np.outer(rng.normal(size=300), np.ones(100)) / 10
    >>> pca = SpikedPCA().fit(X)
    >>> pca.n_components_, round(pca.noise_variance_, 1)
    (1, 1.0)
    >>> bool(pca.explained_variance_[0] > pca.signal_variance_[0])
    True
    """

    def __init__(
        self, alpha: float = 0.05, *, noise: str = "auto", n_components: float | None = None
    ) -> None:
        self.alpha = alpha
        self.noise = noise
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components of `X`, shape (n, p) with n ≥ 3 and p ≥ 2; `y` is not used.

        Warns
        -----
        PasturWarning
            Where the number of components is left open and either none is found or no law of noise
            is claimed, and where the data contradict the noise that was asked for.

        Raises
        ------
        ValueError
            If the data are not finite and real, are too small, are a matrix of covariances, or a
            parameter is out of range.
        """
        x = checked_data(self, X, ensure_min_samples=3, ensure_min_features=2)
        refuse_tables(x)
        most = min(len(x) - 1, x.shape[1])
        wanted = _wanted(self.n_components, most)
        _check_alpha(self.alpha)
        found = CentredFit.of(x, alpha=self.alpha, noise=self.noise)
        fit, values, right = found.fit, found.values, found.right
        if fit.profile is not None:
            right, values = _scaled_back(fit, fit.profile, found.centred)
        variances = values**2 / found.freedom
        kept = _kept(fit, wanted, variances / found.total_variance, most)
        if not found.warn_of_contradiction() and wanted is None:
            message = _remark(fit, kept.size)
            if message:
                warnings.warn(message, PasturWarning, stacklevel=2)
        self.n_samples_, self.mean_ = len(x), found.mean
        self.components_ = right[kept]
        self.singular_values_ = values[kept]
        self.explained_variance_ = variances[kept]
        self.explained_variance_ratio_ = variances[kept] / found.total_variance
        signal = _read(fit, "theta", values.size) ** 2 / found.freedom
        shares = _read(fit, "span_right", values.size)
        self.signal_variance_, self.component_span_ = signal[kept], shares[kept]
        self.component_overlap_ = _read(fit, "overlap_right", values.size)[kept]
        self.noise_, self.goodness_ = fit.noise, fit.goodness
        self.noise_variance_ = None if fit.entry_sd is None else fit.entry_sd**2
        self.spikes_, self.standing_out_ = fit.spikes, fit.standing_out
        self.signal_rank_, self.n_components_ = fit.signal_rank, len(kept)
        self.fit_, self.spectrum_ = fit, found.values
        self._law = _gaussian(found, variances, signal * shares, right, kept)
        return self

    def transform(self, X: Any) -> AnyArray:
        """Return the coordinates of `X` along the components, shape (n, n_components_)."""
        check_is_fitted(self)
        x = checked_data(self, X, reset=False)
        return np.asarray((x - self.mean_) @ self.components_.T)

    def inverse_transform(self, X: Any) -> AnyArray:
        """Return the data with coordinates `X`, shape (n, p): the mean plus the components."""
        check_is_fitted(self)
        x = np.atleast_1d(real_array("X", X))
        if x.shape[-1] != self.n_components_:
            raise InvalidInputError(
                f"`X` must have {self.n_components_} columns, one for each component. "
                f"Got shape {x.shape}."
            )
        return np.asarray(x @ self.components_ + self.mean_)

    def get_covariance(self) -> FloatArray:
        """Return the covariance that the components and the noise make, shape (p, p).

        Along a component it is the noise and as much of the signal as new samples have there, its
        variance times the share of the component in its true direction: less than the variance of
        the data that were fitted. What is not kept is spread over all features. Where no law of
        noise is claimed, all other directions have their mean variance.
        """
        check_is_fitted(self)
        return self._law.matrix

    def get_precision(self) -> FloatArray:
        """Return the inverse of `get_covariance`, shape (p, p)."""
        return self._with_noise().inverse

    def score_samples(self, X: Any) -> FloatArray:
        """Return the log-likelihood of each sample, Gaussian of the mean and `get_covariance`."""
        check_is_fitted(self)
        x = checked_data(self, X, reset=False)
        return self._with_noise().log_density(x - self.mean_)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`; `y` is not used."""
        return float(np.mean(self.score_samples(X)))

    def _with_noise(self) -> FactorCovariance:
        check_is_fitted(self)
        if not (self._law.noise > 0).all():
            raise InvalidInputError(
                "The fitted data have no noise: their covariance has no inverse, and a sample "
                "either lies in the span of the components or has no likelihood."
            )
        return self._law

    @property
    def _n_features_out(self) -> int:
        return int(self.n_components_)


def _check_alpha(given: Any) -> None:
    """Refuse a number of components in the place of `alpha`, the first argument."""
    if isinstance(given, Integral) and int(given) >= 1:
        raise InvalidInputError(
            f"`alpha` must lie strictly between 0 and 1. Got {given}. For a number of components "
            f"write `SpikedPCA(n_components={given})`."
        )


def _wanted(given: Any, most: int) -> float | None:
    """Return the number of components to keep, or the fraction of variance, if it was given."""
    if given is None:
        return None
    if isinstance(given, (float, np.floating)) and 0 < given < 1:
        return float(given)
    if isinstance(given, (float, np.floating, str)):
        raise InvalidInputError(
            "`n_components` must be an integer, a fraction strictly between 0 and 1, or None for "
            f"those that are found. Got {given!r}."
        )
    wanted = non_negative_integer("n_components", given)
    if wanted > most:
        raise InvalidInputError(
            f"`n_components` must be at most {most}, the rank of {most} or more centred samples "
            f"and features. Got {wanted}."
        )
    return wanted


def _kept(fit: RectangularFit, wanted: float | None, shares: FloatArray, most: int) -> AnyArray:
    """Return the places of the components to keep, the strongest first."""
    if isinstance(wanted, float):
        wanted = min(int(np.searchsorted(shares.cumsum(), wanted, side="right")) + 1, most)
    return _found(fit) if wanted is None else np.arange(int(wanted))


def _found(fit: RectangularFit) -> AnyArray:
    """Return the places of the components that were found."""
    if fit.rank is not None:
        return np.arange(fit.rank)
    return np.flatnonzero(standing_out(fit.kind, fit.leading))


def _remark(fit: RectangularFit, found: int) -> str:
    """Return what has to be said of the number found, in a sentence; mostly nothing."""
    if fit.noise == NoiseName.FREE:
        return (
            f"No law of noise is claimed ({fit.noise.reason}): SpikedPCA keeps "
            f"{count(found, 'component that stands', 'components that stand')} out from the "
            "rest, and `n_components` would keep another number."
        )
    if found == 0:
        return (
            "No component stands out from the noise: `transform` returns 0 columns, and "
            "`n_components=1` would keep the strongest direction, whatever it is."
        )
    return ""


def _gaussian(
    found: CentredFit, variances: FloatArray, gain: FloatArray, right: FloatArray, kept: AnyArray
) -> FactorCovariance:
    """Return the covariance of components and noise.

    `gain` is what the signal adds to the variance of new samples along each direction, NaN where
    that is unknown: beyond the spikes of a law it is noise, and without one it is as observed.
    """
    noise, features = found.noise_of_features, right.shape[1]
    if noise is None:
        left = found.total_variance - float(variances[kept].sum())
        noise = np.full(features, left / max(features - kept.size, 1))
        gain = np.where(np.isnan(gain), np.maximum(variances - noise[0], 0.0), gain)
        return FactorCovariance(noise, gain[kept], right[kept])
    gain = np.nan_to_num(gain)
    spread = float(gain.sum() - gain[kept].sum()) / features
    return FactorCovariance(noise + spread, gain[kept], right[kept])


def _scaled_back(
    fit: RectangularFit, profile: Profile, centred: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return directions of the data and their lengths: those of the spikes, then of the rest.

    Those of the spikes are the right singular vectors of the signal as it is estimated from the
    scaled data, whose overlaps the fit has: scaled back one by one, crowded directions would mix.
    """
    kind, variances, found = fit.kind, profile.variances, centred
    if fit.sigma > 0:
        level = float(fit.sigma * np.sqrt(kind.side / max(fit.shape)))
        factors = kind.factors(variances.whitened(centred))
        found = mapped_signal(profile.spikes, kind, level, factors, variances)
    first = decomposed(found)[1][: len(fit.spikes)]
    rest = decomposed(centred - centred @ first.T @ first)[1]
    directions = np.concatenate([first, rest[: len(rest) - len(first)]])
    return directions, np.linalg.norm(centred @ directions.T, axis=0)


def _read(fit: RectangularFit, name: str, size: int) -> FloatArray:
    """Return a figure of each of `size` components, NaN where there is no reading."""
    rows = fit.leading if fit.rank is None else fit.spikes
    if fit.profile is not None:
        rows = rows[np.argsort(-rows["theta"], kind="stable")]
    known = rows[name]
    return np.append(known, np.full(size - known.size, np.nan))
