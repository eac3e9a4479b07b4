"""The leading directions of a matrix, as two factors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._numerics.singular_values import gram
from pastur._typing import AnyArray, FloatArray
from pastur.compression._matrix.blocks import held, row_blocks, rows_of
from pastur.estimation import RectangularFit

_WORTH_SCIPY, _FEW = 1024, 3


@dataclass(frozen=True, eq=False)
class Factors:
    """``left @ right``, of sizes that match.

    Attributes
    ----------
    left : array, shape (n, r)
    right : array, shape (r, m)
    """

    left: AnyArray
    right: AnyArray

    def dense(self) -> FloatArray:
        """Return the product, in float64."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> FloatArray:
        """Return some rows of the product, in float64."""
        right = self.right.astype(np.float64, copy=False)
        return np.asarray(self.left[part].astype(np.float64, copy=False) @ right)


@dataclass(frozen=True, eq=False)
class Directions:
    """All singular directions of a matrix, the strongest first.

    They are eigenvectors of the Gram matrix of the short side. An error in them turns a subspace by
    ε·s₁²/gap, where gap is the distance of squares; it adds at most ε·s₁² to the squared error of
    an approximation, however close the values are.

    Attributes
    ----------
    tall : array
        The matrix, or its transpose where that is taller, over 2**exponent; of any type, turned
        into float64 by blocks.
    squares : array
        Eigenvalues of its Gram matrix, descending.
    vectors : array
        Its eigenvectors, in columns.
    turned : bool
        Whether it is the transpose.
    exponent : int
    """

    tall: AnyArray
    squares: FloatArray
    vectors: FloatArray
    turned: bool
    exponent: int

    @classmethod
    def of(cls, w: AnyArray, count: int | None = None) -> "Directions":
        """Return the directions of a matrix, or about `count` leading ones."""
        matrix = np.asarray(w)
        exponent = safe_exponent(largest_magnitude(matrix))
        matrix = divided(matrix, exponent)
        turned = matrix.shape[0] < matrix.shape[1]
        tall = matrix.T if turned else matrix
        squares, vectors = _leading(gram(tall.T), count)
        return cls(tall, squares[::-1], vectors[:, ::-1], turned, exponent)

    @property
    def values(self) -> FloatArray:
        """The singular values, descending but for rounding."""
        return np.asarray(np.ldexp(self._lengths(self.vectors), self.exponent))

    def factors(
        self,
        rank: int,
        values: tuple[float, ...] | None = None,
        *,
        dtype: Any = np.float64,
        rows: AnyArray | None = None,
    ) -> Factors:
        """Return the `rank` leading directions, with their singular values or with others.

        They are projections, ``W V Vᵀ``; in the type `dtype`, and of `rows` alone where these are
        given.
        """
        v = self.vectors[:, :rank]
        if values is None:
            # They divide one factor and multiply the other: their rounding does not matter.
            found = wanted = np.sqrt(np.maximum(self.squares[:rank], 0.0))
        else:
            found = self._lengths(v)
            wanted = np.ldexp(np.asarray(values[:rank]), -self.exponent)
        # Either factor has the root of the singular value: no entry is large or small.
        root = np.sqrt(wanted)
        gain = np.divide(root, found, out=np.zeros_like(root), where=(found > 0) & (root > 0))
        half = self.exponent // 2
        images = np.ldexp(v * gain, self.exponent - half)
        right = held(np.ldexp(root[:, None] * v.T, half), dtype)
        if self.turned:
            return Factors(
                right.T if rows is None else right.T[rows], self._left(None, images, dtype).T
            )
        return Factors(self._left(rows, images, dtype), right)

    def _left(self, rows: AnyArray | None, images: FloatArray, dtype: Any) -> AnyArray:
        lines = self.tall if rows is None else self.tall[rows]
        made = np.empty((len(lines), images.shape[1]), dtype=dtype)
        # What will be rounded to 16 bits need not be known to more than 32.
        work = np.dtype("f4" if made.dtype.itemsize < 4 else "f8")
        right: AnyArray = images.astype(work)
        for part in row_blocks(lines.shape):
            made[part] = held(lines[part].astype(work) @ right, dtype)
        return made

    def _lengths(self, vectors: FloatArray) -> FloatArray:
        """Return the norms of the columns of ``tall @ vectors``."""
        squares = np.zeros(vectors.shape[1])
        for part in row_blocks(self.tall.shape):
            squares += np.sum((rows_of(self.tall)(part) @ vectors) ** 2, axis=0)
        return np.sqrt(squares)


def low_rank(
    w: AnyArray, rank: int, values: tuple[float, ...] | None = None, *, dtype: Any = np.float64
) -> Factors:
    """Return the `rank` leading directions of a matrix, with its singular values or others."""
    return Directions.of(w, rank).factors(rank, values, dtype=dtype)


def denoised_low_rank(
    w: AnyArray, rank: int, fit: RectangularFit, *, dtype: Any = np.float64
) -> Factors:
    """Return the `rank` leading directions of the denoised matrix."""
    return low_rank(fit.denoise(np.asarray(w, dtype=np.float64)), rank, dtype=dtype)


def _leading(products: FloatArray, count: int | None) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues, ascending, and eigenvectors; the largest ones where that is quicker.

    It is where they are few, of a matrix that is worth loading SciPy for.
    """
    size = len(products)
    if count is None or size < _WORTH_SCIPY or _FEW * count > size:
        return np.linalg.eigh(products)
    import scipy

    wanted = (size - count, size - 1)
    found: tuple[FloatArray, FloatArray] = scipy.linalg.eigh(
        products, subset_by_index=wanted, overwrite_a=True, check_finite=False
    )
    return found
