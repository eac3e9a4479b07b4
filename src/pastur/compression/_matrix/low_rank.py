"""The leading directions of a matrix, as two factors."""

from dataclasses import dataclass

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit


@dataclass(frozen=True, eq=False)
class Factors:
    """``left @ right``, of sizes that match.

    Attributes
    ----------
    left : array, shape (n, r)
    right : array, shape (r, m)
    """

    left: FloatArray
    right: FloatArray

    def dense(self) -> FloatArray:
        """Return the product."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> FloatArray:
        """Return some rows of the product."""
        return np.asarray(self.left[part] @ self.right)


def low_rank(w: AnyArray, rank: int, values: tuple[float, ...] | None = None) -> Factors:
    """Return the `rank` leading directions of a matrix, with its singular values or others.

    They are projections, ``W V Vᵀ`` with V the leading eigenvectors of the Gram matrix of the short
    side. An error in V turns the subspace by ε·s₁²/gap, where gap is the distance of squares; it
    adds at most ε·s₁² to the squared error of the approximation, however close the values are.
    """
    matrix = np.asarray(w, dtype=np.float64)
    exponent = safe_exponent(largest_magnitude(matrix))
    matrix = np.asarray(divided(matrix, exponent))
    if matrix.shape[0] < matrix.shape[1]:
        turned = _of_tall(matrix.T, rank, values, exponent)
        return Factors(turned.right.T, turned.left.T)
    return _of_tall(matrix, rank, values, exponent)


def denoised_low_rank(w: AnyArray, rank: int, fit: RectangularFit) -> Factors:
    """Return the `rank` leading directions of the denoised matrix."""
    return low_rank(fit.denoise(np.asarray(w, dtype=np.float64)), rank)


def _of_tall(
    matrix: FloatArray, rank: int, values: tuple[float, ...] | None, exponent: int
) -> Factors:
    _, vectors = np.linalg.eigh(matrix.T @ matrix)
    v = vectors[:, ::-1][:, :rank]
    image = matrix @ v
    found = np.linalg.norm(image, axis=0)
    wanted = found if values is None else np.ldexp(np.asarray(values[:rank]), -exponent)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(found > 0, wanted / found, 0.0)
        # Either factor has the root of the singular value: no entry is large or small.
        root = np.sqrt(wanted)
        left = np.where(root > 0, image * gain / root, 0.0)
    half = exponent // 2
    return Factors(np.ldexp(left, exponent - half), np.ldexp(root[:, None] * v.T, half))
