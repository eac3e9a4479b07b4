"""Shrinking what lies beyond the edge, dropping the rest."""

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray


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


def check_shape(w: FloatArray, shape: tuple[int, int]) -> None:
    """Raise unless `w` has the shape of the fit."""
    if w.shape != shape:
        raise InvalidInputError(
            f"`W` must have the shape of the fitted matrix, {shape}. Got {w.shape}."
        )
