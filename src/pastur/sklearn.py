"""Scikit-learn estimators; `import pastur` does not load them."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted, validate_data

from pastur._arrays import UnfitError, as_array, speaks_torch
from pastur._checks import non_negative_integer, real_array
from pastur._errors import InvalidInputError, InvalidTypeError, PasturWarning
from pastur._format import count
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._free.leading import standing_out
from pastur.estimation._result.profile import Profile
from pastur.estimation._whitened.table import mapped_signal
from pastur.estimation.rectangular import RectangularFit, fit_centred

__all__ = ["SpikedPCA"]


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
    n_components : int or None
        Number of components to keep, whatever is found. Default None: those that are found.

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
        self, alpha: float = 0.05, *, noise: str = "auto", n_components: int | None = None
    ) -> None:
        self.alpha = alpha
        self.noise = noise
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components of `X`, shape (n, p) with n ≥ 3 and p ≥ 2; `y` is not used.

        Warns
        -----
        PasturWarning
            Where no law of noise is claimed and the number of components is left open.

        Raises
        ------
        ValueError
            If the data are not finite and real, are too small, or a parameter is out of range.
        """
        x = self._checked(X, ensure_min_samples=3, ensure_min_features=2)
        wanted = self._wanted(x.shape)
        self.n_samples_ = len(x)
        self.mean_ = x.mean(axis=0)
        centred = x - self.mean_
        # The mean of equal numbers equals them only up to rounding.
        centred[:, np.ptp(x, axis=0) == 0] = 0.0
        left, values, right = np.linalg.svd(centred, full_matrices=False)
        _, right = svd_flip(left, right, u_based_decision=False)
        fit = fit_centred(x, centred, values, alpha=self.alpha, noise=self.noise)
        kept = np.arange(wanted) if wanted is not None else _found(fit)
        if fit.profile is not None:
            right, values = _scaled_back(fit, fit.profile, centred)
        self.components_ = right[kept]
        self.explained_variance_ = values[kept] ** 2 / (len(x) - 1)
        self.signal_variance_ = _read(fit, "theta", values.size)[kept] ** 2 / (len(x) - 1)
        self.component_overlap_ = _read(fit, "overlap_right", values.size)[kept]
        self.component_span_ = _read(fit, "span_right", values.size)[kept]
        self.noise_, self.goodness_ = fit.noise, fit.goodness
        self.noise_variance_ = None if fit.entry_sd is None else fit.entry_sd**2
        self.spikes_, self.standing_out_ = fit.spikes, fit.standing_out
        self.signal_rank_, self.n_components_ = fit.signal_rank, len(kept)
        return self

    def transform(self, X: Any) -> AnyArray:
        """Return the coordinates of `X` along the components, shape (n, n_components_)."""
        check_is_fitted(self)
        x = self._checked(X, reset=False)
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

    def _wanted(self, shape: tuple[int, ...]) -> int | None:
        """Return the number of components to keep, if it was given."""
        if self.n_components is None:
            return None
        wanted = non_negative_integer("n_components", self.n_components)
        most = min(shape[0] - 1, shape[1])
        if wanted > most:
            raise InvalidInputError(
                f"`n_components` must be at most {most}, the rank of {shape[0]} centred samples "
                f"of {shape[1]} features. Got {wanted}."
            )
        return wanted

    def _checked(self, X: Any, **options: Any) -> FloatArray:
        """Return `X` if both scikit-learn and `fit_rectangular` accept it."""
        try:
            # Without a mask: scikit-learn would ignore it.
            plain = as_array(X) if speaks_torch(X) or isinstance(X, np.ma.MaskedArray) else X
            with np.errstate(over="ignore"):
                validate_data(self, plain, dtype=np.float64, **options)
        except UnfitError as error:
            raise InvalidInputError(f"`X` must hold numbers. It {error}.") from None
        except TypeError as error:
            raise InvalidTypeError(str(error)) from error
        except (ValueError, OverflowError, RuntimeError) as error:
            raise InvalidInputError(str(error)) from error
        return np.asarray(real_array("X", plain), dtype=np.float64)

    @property
    def _n_features_out(self) -> int:
        return int(self.n_components_)


def _found(fit: RectangularFit) -> AnyArray:
    """Return the places of the components that were found, with a warning without a law."""
    if fit.rank is not None:
        return np.arange(fit.rank)
    places = np.flatnonzero(standing_out(fit.kind, fit.leading))
    warnings.warn(
        f"No law of noise is claimed ({fit.noise.reason}): SpikedPCA keeps "
        f"{count(places.size, 'component that stands', 'components that stand')} out from the "
        "rest, and `n_components` would keep another number.",
        PasturWarning,
        stacklevel=3,
    )
    return places


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
    first = _right_vectors(found)[: len(fit.spikes)]
    rest = _right_vectors(centred - centred @ first.T @ first)
    directions = np.concatenate([first, rest[: len(rest) - len(first)]])
    return directions, np.linalg.norm(centred @ directions.T, axis=0)


def _right_vectors(x: FloatArray) -> FloatArray:
    left, _, right = np.linalg.svd(x, full_matrices=False)
    return np.asarray(svd_flip(left, right, u_based_decision=False)[1])


def _read(fit: RectangularFit, name: str, size: int) -> FloatArray:
    """Return a figure of each of `size` components, NaN where there is no reading."""
    rows = fit.leading if fit.rank is None else fit.spikes
    if fit.profile is not None:
        rows = rows[np.argsort(-rows["theta"], kind="stable")]
    known = rows[name]
    return np.append(known, np.full(size - known.size, np.nan))
