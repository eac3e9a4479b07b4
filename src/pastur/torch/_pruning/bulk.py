"""Noise level and edge of one layer's spectrum, and whether its middle follows the law of noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pastur._format import number
from pastur._typing import FloatArray
from pastur._vocabulary import Word, table
from pastur.estimation import fit_rectangular
from pastur.estimation.baselines import bema
from pastur.measures import MarchenkoPastur

# With 20 singular values the middle of pure noise is farther than `ALIGNMENT` from its law three
# times in four, with 32 once in five, with 40 once in twenty, with 64 hardly ever.
LEAST_VALUES = 40
# Cut-off of the alignment test: the strictest that is published.
ALIGNMENT = 0.05


class EstimatorName(Word):
    """Who estimates the noise of a layer."""

    BEMA = "bema"
    FIT = "fit"


@dataclass(frozen=True)
class Rules:
    """How the bulk is estimated and tested; see `MPPruning`.

    Attributes
    ----------
    estimator : EstimatorName
    alignment : float or None
        The largest distance at which a layer is pruned; None for the verdict of the fit.
    trimmed, alpha : float
    """

    estimator: EstimatorName
    alignment: float | None
    trimmed: float
    alpha: float


@dataclass(frozen=True)
class Bulk:
    """The noise of one spectrum.

    Attributes
    ----------
    sigma, edge : float or None
        Noise level and edge, in the units of `fit_rectangular`.
    distance : float or None
        Largest distance between the distribution functions of the middle of the spectrum and of the
        law of noise.
    reason : str
        Why the layer is not to be pruned; empty where it is.
    """

    sigma: float | None = None
    edge: float | None = None
    distance: float | None = None
    reason: str = ""


def estimated_bulk(
    values: FloatArray, shape: tuple[int, int], rules: Rules, w: FloatArray | None
) -> Bulk:
    """Return the bulk of a layer.

    Parameters
    ----------
    values : array, shape (min(shape),)
        Its singular values, descending.
    shape : tuple of two ints
    rules : Rules
    w : array or None
        The matrix itself, whose entries the fit checks, unless directions have been removed.
    """
    if values.size < LEAST_VALUES:
        reason = f"too small to tell: {values.size} singular values, fewer than {LEAST_VALUES}"
        return Bulk(reason=reason)
    if values[0] <= 0:
        return Bulk(reason="its weight is zero")
    sigma, edge, verdict = _ESTIMATORS[rules.estimator](values, shape, rules, w)
    if sigma is None or edge is None or sigma <= 0:
        return Bulk(reason=verdict or "it has no noise: the middle of its spectrum is zero")
    distance = middle_distance(values / sigma, shape, rules.trimmed)
    if rules.alignment is None:
        return Bulk(sigma, edge, distance, verdict)
    if distance <= rules.alignment:
        return Bulk(sigma, edge, distance)
    reason = (
        f"its bulk does not follow the law of noise: their distance is {number(distance)}, more "
        f"than {number(rules.alignment)}"
    )
    return Bulk(sigma, edge, distance, reason)


def middle_distance(values: FloatArray, shape: tuple[int, int], trimmed: float) -> float:
    """Return the alignment of a spectrum, in units of σ, with the Marchenko–Pastur law.

    max |F(x) − F_MP(x)| over the values x whose ranks lie between ``trimmed`` and ``1 − trimmed``
    of all, F their distribution function in the middle of its jumps: values of noise keep so even a
    distance that steps of 1/p would hide how close they are to their law.
    """
    n, m = sorted(shape)
    ranks = np.arange(int(np.ceil(trimmed * n)), int(np.floor((1 - trimmed) * n)) + 1)
    # Beyond its edge the law is 1 whatever the value, and squares stay within the doubles.
    middle = np.minimum(np.sort(values)[ranks - 1], 1e6) ** 2
    law = np.asarray(MarchenkoPastur(n / m, 1.0).cdf(middle))
    return float(np.abs((ranks - 0.5) / n - law).max())


_Estimate = tuple[float | None, float | None, str]


def _by_bema(
    values: FloatArray, shape: tuple[int, int], rules: Rules, w: FloatArray | None
) -> _Estimate:
    # In units in which squares neither overflow nor vanish.
    unit = float(values[0])
    found = bema(values / unit, shape, trimmed=rules.trimmed, alpha=rules.alpha)
    return unit * found.sigma, unit * found.edge, ""


def _by_fit(
    values: FloatArray, shape: tuple[int, int], rules: Rules, w: FloatArray | None
) -> _Estimate:
    given = None if w is not None else shape
    fit = fit_rectangular(w, singular_values=values, shape=given, alpha=rules.alpha)
    verdict = "" if fit.goodness.fits else f"{fit.goodness.verdict}: {fit.goodness.reason}"
    return fit.sigma, fit.edge, verdict.removesuffix(".")


_ESTIMATORS: Mapping[Word, Callable[..., _Estimate]] = table(
    EstimatorName, {EstimatorName.BEMA: _by_bema, EstimatorName.FIT: _by_fit}
)
