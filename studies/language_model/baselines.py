"""Published ways to make a layer smaller, each in a few lines: matrices in, matrices out.

W has its inputs x along the columns, and C = Σ x xᵀ. Low rank: W′ = V Vᵀ W, V the leading
eigenvectors of W D Wᵀ. With D = C that is the whitening of SVD-LLM (Wang et al. 2025); with
D = diag(C)^α the scaling of ASVD (Yuan et al. 2024), root mean squares standing for mean
magnitudes; with D = 1 the singular value decomposition.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray

# Of the magnitudes of inputs; ASVD's own.
_EXPONENT = 0.5
_BLOCK = 128
_DAMPING = 0.01


# --- low rank ---


def whitening(moments: FloatArray) -> FloatArray:
    """Return what SVD-LLM weighs errors by."""
    return moments


def scaling(moments: FloatArray) -> FloatArray:
    """Return what ASVD weighs errors by."""
    return np.diag(np.diag(moments) ** _EXPONENT)


def nothing(moments: FloatArray) -> FloatArray:
    """Return what the singular value decomposition weighs errors by."""
    return np.eye(len(moments))


@dataclass(frozen=True, eq=False)
class Directions:
    """A matrix and orthonormal directions of its outputs, the leading one first, in its type."""

    w: AnyArray
    left: AnyArray

    @classmethod
    def of(cls, w: AnyArray, weighing: FloatArray) -> "Directions":
        """Return the leading eigenvectors of W D Wᵀ."""
        wide = np.asarray(w, dtype=np.float64)
        n, d = wide.shape
        # Outputs for fewer inputs than there are of them lie in a span of that many dimensions.
        basis, rows = (None, wide) if n <= d else np.linalg.qr(wide)
        vectors = np.linalg.eigh(rows @ weighing @ rows.T)[1][:, ::-1]
        left = vectors if basis is None else basis @ vectors
        return cls(w, left.astype(w.dtype))

    def cut(self, rank: int) -> AnyArray:
        """Return the matrix of a rank."""
        kept = self.left[:, :rank]
        return np.asarray(kept @ (kept.T @ self.w))


def uniform_rank(shape: tuple[int, int], kept: float) -> int:
    """Return the rank at which two factors have that share of the numbers of a matrix."""
    n, d = shape
    return int(kept * n * d / (n + d))


# --- zeros ---


def wanda(w: AnyArray, moments: FloatArray, pattern: tuple[int, int] | None) -> FloatArray:
    """Return the matrix with half of each row zero, where |W| ‖x‖ is least (Sun et al. 2024).

    With a pattern (k, m), k of every m neighbours are zero.
    """
    scores = np.abs(np.asarray(w, dtype=np.float64)) * np.sqrt(np.diag(moments))
    k, m = pattern or (w.shape[1] // 2, w.shape[1])
    groups = scores.reshape(len(w), -1, m)
    least = np.argsort(groups, axis=2, kind="stable")[:, :, :k]
    found = np.array(w, dtype=np.float64).reshape(groups.shape)
    np.put_along_axis(found, least, 0.0, axis=2)
    return found.reshape(w.shape)


def sparsegpt(w: AnyArray, moments: FloatArray, pattern: tuple[int, int] | None) -> FloatArray:
    """Return the matrix with half of its entries zero and the others making up for it.

    Frantar and Alistarh (2023): column after column, in blocks of 128; a share of 0.01 of the mean
    energy is added to that of each input. Without a pattern half of each block is zero.
    """
    found, hessian = np.array(w, dtype=np.float64), np.array(moments)
    silent = np.diag(hessian) == 0
    hessian[silent, silent] = 1.0
    found[:, silent] = 0.0
    places = np.arange(len(hessian))
    hessian[places, places] += _DAMPING * np.mean(np.diag(hessian))
    # Row j has what the columns from j on are to each other once those before are fixed.
    upper = np.linalg.cholesky(np.linalg.inv(hessian)).T
    for start in range(0, found.shape[1], _BLOCK):
        block = slice(start, min(start + _BLOCK, found.shape[1]))
        part, rows = found[:, block].copy(), upper[block, block]
        errors = np.zeros_like(part)
        zero = np.zeros(part.shape, dtype=bool)
        if pattern is None:
            scores = (part / np.diag(rows)) ** 2
            zero = scores <= np.partition(scores, scores.size // 2, axis=None)[scores.size // 2]
        for j in range(part.shape[1]):
            if pattern is not None and j % pattern[1] == 0:
                group = slice(j, j + pattern[1])
                scores = (part[:, group] / np.diag(rows)[group]) ** 2
                least = np.argsort(scores, axis=1, kind="stable")[:, : pattern[0]]
                np.put_along_axis(zero[:, group], least, True, axis=1)
            errors[:, j] = np.where(zero[:, j], part[:, j], 0.0) / rows[j, j]
            part[:, j + 1 :] -= np.outer(errors[:, j], rows[j, j + 1 :])
            part[zero[:, j], j] = 0.0
        found[:, block] = part
        found[:, block.stop :] -= errors @ upper[block, block.stop :]
    return found


ZEROS: dict[str, Callable[..., FloatArray]] = {"wanda": wanda, "sparsegpt": sparsegpt}


# --- few bits ---


def rounded(w: AnyArray, bits: int, group: int) -> FloatArray:
    """Return the nearest of 2^bits equal steps from least to greatest in each group of a row."""
    groups = np.asarray(w, dtype=np.float64).reshape(len(w), -1, group)
    low, high = groups.min(axis=2, keepdims=True), groups.max(axis=2, keepdims=True)
    step = (high - low) / (2**bits - 1)
    codes = np.rint(np.divide(groups - low, step, out=np.zeros_like(groups), where=step > 0))
    return np.asarray((low + codes * step).reshape(w.shape))


def bits_of(bits: int, group: int) -> float:
    """Return the bits of an entry, with step and least number of its group in 16 bits."""
    return bits + 32 / group


# --- fewer neurons ---


def fewer_neurons(
    gate: AnyArray, up: AnyArray, down: AnyArray, moments: FloatArray, kept: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a gated layer without some of its neurons, their numbers zero.

    MoDeGPT (Lin et al. 2025), its part for such layers: the neurons of the highest ridge leverage
    are kept, and the matrix after them makes up for the others as well as it can (Nyström).

    Parameters
    ----------
    gate, up : array, shape (neurons, d)
    down : array, shape (n, neurons)
    moments : array, shape (neurons, neurons)
        Of the inputs of `down`.
    kept : int
    """
    size = len(moments)
    leverages = np.diag(np.linalg.solve(moments + np.eye(size), moments))
    chosen = np.sort(np.argsort(leverages, kind="stable")[size - kept :])
    inside = moments[np.ix_(chosen, chosen)]
    # Neurons that were never active have no part in it.
    after = np.zeros(down.shape)
    after[:, chosen] = np.linalg.lstsq(inside, moments[chosen] @ np.asarray(down).T)[0].T
    before = []
    for one in (gate, up):
        rest = np.zeros(one.shape)
        rest[chosen] = one[chosen]
        before.append(rest)
    return before[0], before[1], after
