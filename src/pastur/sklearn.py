"""Scikit-learn estimators; `import pastur` does not load them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted, validate_data

from pastur._arrays import UnfitError, as_array, speaks_torch
from pastur._checks import real_array
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import AnyArray, FloatArray
from pastur.estimation.rectangular import fit_centred

__all__ = ["SpikedPCA"]


class SpikedPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Principal components that stand out from the noise, and their strength without it.

    The centred data of n samples are (n − 1) × p noise plus a signal: subtracting the mean removes
    one degree of freedom, and constant features have none. `fit_rectangular` estimates the noise
    level and the spikes, at any rank; the detached components are kept.

    Parameters
    ----------
    alpha : float, between 0 and 1
        Probability that pure noise gives a component. Default 0.05.

    Attributes
    ----------
    n_components_ : int
        Number of components found, 0 for pure noise.
    components_ : array, shape (n_components_, p)
        Orthonormal directions, the strongest first.
    mean_ : array, shape (p,)
        Mean of each feature.
    explained_variance_ : array, shape (n_components_,)
        Variance of the data along each component, noise included.
    signal_variance_ : array, shape (n_components_,)
        Variance without the noise, θ²/(n − 1). Eigenvalues of the covariance are larger, because
        the noise adds to all directions.
    component_overlap_ : array, shape (n_components_,)
        Squared cosine between each component and the true direction.
    noise_variance_ : float
        Variance of the noise in an entry.
    spikes_ : structured array
        As ``fit_rectangular(…).spikes``, with intervals and p-values.
    signal_rank_ : float
        Number of directions that carry signal, including those too weak to be components.
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

    def __init__(self, alpha: float = 0.05) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components of `X`, shape (n, p) with n ≥ 3 and p ≥ 2; `y` is not used.

        Raises
        ------
        ValueError
            If the data are not finite and real, are too small, or alpha is out of range.
        """
        x = self._checked(X, ensure_min_samples=3, ensure_min_features=2)
        self.n_samples_ = len(x)
        self.mean_ = x.mean(axis=0)
        centred = x - self.mean_
        # The mean of equal numbers equals them only up to rounding.
        centred[:, np.ptp(x, axis=0) == 0] = 0.0
        left, values, right = np.linalg.svd(centred, full_matrices=False)
        _, right = svd_flip(left, right, u_based_decision=False)
        shape = (len(x) - 1, x.shape[1])
        fit = fit_centred(x, values, alpha=self.alpha, noise="white")
        self.components_ = right[: fit.rank]
        self.explained_variance_ = values[: fit.rank] ** 2 / shape[0]
        self.signal_variance_ = fit.spikes["theta"] ** 2 / shape[0]
        self.component_overlap_ = fit.spikes["overlap_right"]
        self.noise_variance_ = fit.entry_sd**2
        self.spikes_, self.goodness_ = fit.spikes, fit.goodness
        self.signal_rank_, self.n_components_ = fit.signal_rank, fit.rank
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
