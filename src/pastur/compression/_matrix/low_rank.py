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


@dataclass(frozen=True, eq=False)
class Directions:
    """All singular directions of a matrix, the strongest first.

    They are eigenvectors of the Gram matrix of the short side. An error in them turns a subspace by
    ε·s₁²/gap, where gap is the distance of squares; it adds at most ε·s₁² to the squared error of
    an approximation, however close the values are.

    Attributes
    ----------
    tall : array
        The matrix, or its transpose where that is taller, over 2**exponent.
    vectors : array
        Eigenvectors of its Gram matrix, in columns.
    turned : bool
        Whether it is the transpose.
    exponent : int
    """

    tall: FloatArray
    vectors: FloatArray
    turned: bool
    exponent: int

    @classmethod
    def of(cls, w: AnyArray) -> "Directions":
        """Return the directions of a matrix."""
        matrix = np.asarray(w, dtype=np.float64)
        exponent = safe_exponent(largest_magnitude(matrix))
        matrix = np.asarray(divided(matrix, exponent))
        turned = matrix.shape[0] < matrix.shape[1]
        tall = matrix.T if turned else matrix
        _, vectors = np.linalg.eigh(tall.T @ tall)
        return cls(tall, vectors[:, ::-1], turned, exponent)

    @property
    def values(self) -> FloatArray:
        """The singular values, descending but for rounding."""
        sizes = np.linalg.norm(self.tall @ self.vectors, axis=0)
        return np.asarray(np.ldexp(sizes, self.exponent))

    def factors(self, rank: int, values: tuple[float, ...] | None = None) -> Factors:
        """Return the `rank` leading directions, with their singular values or with others.

        They are projections, ``W V Vᵀ``.
        """
        v = self.vectors[:, :rank]
        image = self.tall @ v
        found = np.linalg.norm(image, axis=0)
        wanted = found if values is None else np.ldexp(np.asarray(values[:rank]), -self.exponent)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(found > 0, wanted / found, 0.0)
            # Either factor has the root of the singular value: no entry is large or small.
            root = np.sqrt(wanted)
            left = np.where(root > 0, image * gain / root, 0.0)
        half = self.exponent // 2
        left, right = np.ldexp(left, self.exponent - half), np.ldexp(root[:, None] * v.T, half)
        return Factors(right.T, left.T) if self.turned else Factors(left, right)


def low_rank(w: AnyArray, rank: int, values: tuple[float, ...] | None = None) -> Factors:
    """Return the `rank` leading directions of a matrix, with its singular values or others."""
    return Directions.of(w).factors(rank, values)


def denoised_low_rank(w: AnyArray, rank: int, fit: RectangularFit) -> Factors:
    """Return the `rank` leading directions of the denoised matrix."""
    return low_rank(fit.denoise(np.asarray(w, dtype=np.float64)), rank)
