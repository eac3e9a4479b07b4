"""What products with a symmetric matrix show: its ends one by one, the rest on average."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray

# A block that is left with less than this of what the matrix can make of vectors is rounding.
_ROUNDING = 1e-14


class Ritz(NamedTuple):
    """Eigenvalues of a matrix on the subspace found, descending.

    Attributes
    ----------
    values : array
    residuals : array
        Norms of the residuals: an eigenvalue of the matrix is as near.
    weights : array
        Mean squared cosine of the vectors that the subspace was started from with each: nodes and
        weights of a Gauss quadrature, of a degree of twice the steps, for the mean of
        ``vᵀ f(matrix) v`` over these vectors.
    """

    values: FloatArray
    residuals: FloatArray
    weights: FloatArray

    def errors(self, isolated: int) -> FloatArray:
        """Return bounds of the errors of the first values.

        The residual r, or r² over the distance from the value to all others (Parlett 1998, theorem
        11.7.1), for which these values are taken.
        """
        gaps = np.append(self.values[:-1] - self.values[1:], 0.0)
        nearest = np.minimum(gaps, np.append(np.inf, gaps[:-1]))[:isolated]
        residuals = self.residuals[:isolated]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.fmin(residuals, residuals**2 / nearest))


class BlockLanczos:
    """The subspace that products make of a block of random orthonormal vectors.

    Each new block is made orthogonal to all before it, twice (Golub, Van Loan 2013, section 10.3).
    In few steps the largest eigenvalues are exact, those that stand out first (Musco, Musco 2015);
    for all others the block is a sample of the whole space (stochastic Lanczos quadrature: Ubaru,
    Chen, Saad 2017; in blocks: Chen, Trogdon, Ubaru 2021).

    Parameters
    ----------
    product : callable
        Returns the matrix, positive semidefinite, times vectors, one column each.
    start : array, shape (size, block)
        Orthonormal columns.
    """

    def __init__(self, product: Callable[[FloatArray], FloatArray], start: FloatArray) -> None:
        self._product, self._block = product, int(start.shape[1])
        self._basis = np.empty((len(start), 0), order="F")
        self._next: FloatArray = start
        self._coupling = np.zeros((self._block, self._block))
        self._projected = np.zeros((0, 0))
        self.exhausted = False

    @property
    def steps(self) -> int:
        """Blocks of products taken."""
        return len(self._projected) // self._block

    def extend(self, steps: int) -> None:
        """Take so many steps more, or less where the subspace cannot grow."""
        for _ in range(steps):
            if self.exhausted:
                return
            self._step()

    def _step(self) -> None:
        block, before = self._block, len(self._projected)
        size = before + block
        self._basis = np.concatenate([self._basis, self._next], axis=1)
        images = self._product(self._next)
        projected = np.zeros((size, size))
        projected[:before, :before] = self._projected
        if before:
            projected[before:, before - block : before] = self._coupling
            projected[before - block : before, before:] = self._coupling.T
        own = self._next.T @ images
        projected[before:, before:] = (own + own.T) / 2
        self._projected = projected
        scale = float(np.abs(images).max(initial=0.0))
        for _ in range(2):
            images = images - self._basis @ (self._basis.T @ images)
        following, self._coupling = np.linalg.qr(images)
        left = float(np.abs(self._coupling).max())
        room = len(self._basis) - size
        self.exhausted = room < block or left <= _ROUNDING * max(scale, 1e-300)
        # Where a column has no more than rounding its direction is any: orthogonal like the others.
        following = following - self._basis @ (self._basis.T @ following)
        self._next = np.linalg.qr(following)[0]

    def ritz(self) -> Ritz:
        """Return eigenvalues on the subspace."""
        values, vectors = np.linalg.eigh(self._projected)
        values, vectors = values[::-1], vectors[:, ::-1]
        residuals = np.linalg.norm(self._coupling @ vectors[-self._block :], axis=0)
        weights = np.einsum("ij,ij->j", vectors[: self._block], vectors[: self._block])
        return Ritz(values, residuals, weights / self._block)
