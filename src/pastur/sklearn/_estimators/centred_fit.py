"""Data less their mean, decomposed and fitted: what all estimators start from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.utils.extmath import svd_flip

from pastur._errors import PasturWarning
from pastur._typing import FloatArray
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation.rectangular import RectangularFit, fit_centred


@dataclass(frozen=True, eq=False)
class CentredFit:
    """The fit of centred data of n × p.

    Attributes
    ----------
    mean : array, shape (p,)
    centred : array, shape (n, p)
        The data less their mean; 0 in constant features.
    values : array, shape (min(n, p),)
        Its singular values, descending.
    right : array, shape (min(n, p), p)
        Its right singular vectors.
    fit : RectangularFit
    """

    mean: FloatArray
    centred: FloatArray
    values: FloatArray
    right: FloatArray
    fit: RectangularFit

    @classmethod
    def of(cls, x: FloatArray, *, alpha: float, noise: str) -> CentredFit:
        """Centre the data and fit them."""
        mean = x.mean(axis=0)
        centred = x - mean
        # The mean of equal numbers equals them only up to rounding.
        centred[:, np.ptp(x, axis=0) == 0] = 0.0
        values, right = decomposed(centred)
        fit = fit_centred(x, centred, values, alpha=alpha, noise=noise)
        return cls(mean, centred, values, right, fit)

    @property
    def freedom(self) -> int:
        """n − 1: the mean takes one row."""
        return len(self.centred) - 1

    @property
    def total_variance(self) -> float:
        """The variances of all features together."""
        return float(np.sum(self.values**2) / self.freedom)

    def warn_of_contradiction(self) -> bool:
        """Warn, and return whether, the data contradict the noise that was asked for."""
        fit, verdict = self.fit, self.fit.goodness.verdict
        if fit.noise == NoiseName.FREE or not verdict.contradiction:
            return False
        warnings.warn(
            f"The data contradict {fit.noise.name} noise, which was asked for "
            f"({verdict.contradiction}): what follows from its level does not hold, and "
            '`noise="auto"` claims what can be claimed.',
            PasturWarning,
            stacklevel=3,
        )
        return True

    @property
    def noise_of_features(self) -> FloatArray | None:
        """The variance of the noise in each feature, None where no law of noise is claimed.

        Constant features show none, and have the mean of the others.
        """
        fit = self.fit
        if fit.entry_sd is None:
            return None
        columns = np.ones(fit.shape[1]) if fit.profile is None else fit.profile.columns
        return np.asarray(fit.entry_sd**2 * np.where(columns > 0, columns, 1.0))


def decomposed(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the singular values and right vectors, whose signs follow from themselves."""
    left, values, right = np.linalg.svd(x, full_matrices=False)
    return values, np.asarray(svd_flip(left, right, u_based_decision=False)[1])
