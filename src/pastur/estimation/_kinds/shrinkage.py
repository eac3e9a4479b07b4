"""Rotationally invariant estimates of S: the vectors of W with other values."""

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.measures import ProbabilityMeasure


def shrink_singular_values(values: FloatArray, *, sigma: float, ratio: float) -> FloatArray:
    """Return ``√((s² − σ² − cσ²)² − 4cσ⁴)/s`` above the bulk's edge σ(1 + √c), 0 within.

    The singular values that, with the singular vectors of W, come closest to S in Frobenius norm
    when the rank of S is low (Gavish, Donoho 2017, (7)).
    """
    root = float(np.sqrt(ratio))
    # Factors s² − σ²(1 ± √c)² over s², so that nothing overflows.
    upper = 1 - (sigma * (1 + root) / values) ** 2
    lower = 1 - (sigma * (1 - root) / values) ** 2
    return np.asarray(values * np.sqrt(np.maximum(upper, 0) * np.maximum(lower, 0)))


def shrink_eigenvalues(values: FloatArray, *, sigma: float) -> FloatArray:
    """Return ``sign(λ)√(λ² − 4σ²)`` beyond ±2σ, 0 within (Bun, Allez, Bouchaud, Potters 2016)."""
    return np.asarray(values * np.sqrt(np.maximum(1 - (2 * sigma / values) ** 2, 0)))


def denoised_singular_values(
    values: FloatArray, law: ProbabilityMeasure, *, sigma: float, ratio: float
) -> FloatArray:
    """Return ``ξ(s) = s − σ²(1 − c)/s + 2σ²c s Re m(s² + i0)``, at least 0.

    The best values with the vectors of W at any rank, the rectangular twin of
    `denoised_eigenvalues`; m is the transform of `law`.
    """
    m = _boundary(law, values**2)
    with np.errstate(divide="ignore"):
        towards_zero = sigma**2 * (1 - ratio) / values
    return np.maximum(
        np.where(values > 0, values - towards_zero + 2 * sigma**2 * ratio * values * m, 0), 0
    )


def denoised_eigenvalues(
    values: FloatArray, law: ProbabilityMeasure, *, sigma: float
) -> FloatArray:
    """Return ``ξ(λ) = λ + 2σ² Re g(λ + i0)``, g the transform of `law`.

    The best values with the vectors of W at any rank (Bun, Allez, Bouchaud, Potters 2016).
    """
    return np.asarray(values + 2 * sigma**2 * _boundary(law, values))


def _boundary(law: ProbabilityMeasure, x: FloatArray) -> FloatArray:
    """Return Re g(x + i0) of a law without atoms."""
    return np.asarray(law._stieltjes(x.astype(np.complex128)).real)


def check_shape(w: FloatArray, shape: tuple[int, int]) -> None:
    """Raise unless `w` has the shape of the fit."""
    if w.shape != shape:
        raise InvalidInputError(
            f"`W` must have the shape of the fitted matrix, {shape}. Got {w.shape}."
        )
