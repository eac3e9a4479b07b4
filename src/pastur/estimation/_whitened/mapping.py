"""From spikes of a whitened matrix to those of the matrix, and the best weights for its signal.

A whitened direction û lies in the span of those of the signal but for a share ρ, which is noise in
general position; crowded spikes mix within the span. With D the variances of the rows and
N = Û'DÛ, the mapped directions of the signal have the products ``N − κ diag(ρ)``, where κ is the
mean of D over the directions off the span, about tr D/n = 1: after scaling by
``P = 1 − diag(ρ)`` from both sides they are G, and H for the columns. The signal
is ``D_r^(1/2) A T B' D_c^(1/2)`` with A'D_rA = G and B'D_cB = H, so that a single spike of strength
t has in truth ``t√(αβ)``, ``α = (ν − ρ)/(1 − ρ)``, ν = û'Dû. For several the matrices are needed:
whitened directions are orthogonal, and what they are mapped to is not.
"""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray

# Over the largest variance: less than this is rounding in the products of a side, which it would
# leave singular or indefinite.
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Side:
    """Rows, or columns, of whitened spikes.

    Attributes
    ----------
    vectors : array, shape (n, k)
        Whitened directions, as observed.
    within : array, shape (k,)
        Their shares 1 − ρ within the span of the signal.
    spans : array, shape (k,)
        Their shares within the span of the signal of their group; of a lone spike, the squared
        cosine with its direction.
    variances : array, shape (n,)
        D, of mean 1 over those that are not zero.
    """

    vectors: FloatArray
    within: FloatArray
    spans: FloatArray
    variances: FloatArray

    @property
    def observed(self) -> FloatArray:
        """N: products of the mapped directions as they are observed."""
        products = (self.vectors.T * self.variances) @ self.vectors
        return np.asarray(products + self.least * np.eye(self.within.size))

    @property
    def least(self) -> float:
        """What cannot be distinguished from 0 in N."""
        return _LEAST * float(self.variances.max())

    @property
    def rest(self) -> FloatArray:
        """κρ: what noise in general position adds to the diagonal of N.

        Off the span D has the mean ``κ = (n − tr G)/(n − k)``.
        """
        share = (1 - self.within) / self.within
        size = np.count_nonzero(self.variances)
        left = size - self.within.size - share.sum()
        raw = size - np.sum(np.diag(self.observed) / self.within)
        level = raw / left if left > 0 < raw else 1.0
        return np.asarray(level * (1 - self.within))

    @property
    def signal(self) -> FloatArray:
        """G: products of the mapped directions of the signal, positive definite as it must be."""
        root = np.sqrt(self.within)
        raw = (self.observed - np.diag(self.rest)) / np.multiply.outer(root, root)
        kept = self.variances[self.variances > 0]
        values, vectors = np.linalg.eigh(raw)
        least = max(kept.min(), self.least)
        return np.asarray((vectors * np.clip(values, least, kept.max())) @ vectors.T)

    @property
    def gain(self) -> FloatArray:
        """``(1 − N⁻¹κρ)P^(−1/2)``: the weights of the directions that give D^(1/2)A best."""
        rest = np.linalg.solve(self.observed, np.diag(self.rest))
        return np.asarray((np.eye(rest.shape[0]) - rest) / np.sqrt(self.within))

    def error(self, signal: FloatArray) -> FloatArray:
        """Return the variances of the entries of G, for noise in general position."""
        kept = self.variances[self.variances > 0]
        c, size = self.within, kept.size
        squares = np.sum(self.vectors**2 * self.variances[:, None] ** 2, axis=0)
        own = (squares - (1 - c) * np.mean(kept**2)) / c
        spread = np.maximum(own - np.diag(signal) ** 2, 0.0)
        crossed = np.multiply.outer(c * spread, 1 - c)
        chance = np.multiply.outer(1 - c, 1 - c) * kept.var()
        both = crossed + crossed.T + chance
        # The diagonal has each of its two equal terms together.
        return np.asarray((1 + np.eye(c.size)) * both / (size * np.multiply.outer(c, c)))


@dataclass(frozen=True, eq=False)
class Mapped:
    """Spikes of the matrix, in the order of the whitened ones.

    Attributes
    ----------
    theta : array, shape (k,)
        Their strengths.
    rows, columns : array, shape (k,)
        Shares of the signal's directions within the span of the mapped ones.
    weights : array, shape (k, k)
        How much of each there is of the whitened ones.
    exponents : array, shape (k, k)
        How the logarithm of each strength follows those of the whitened ones.
    deviation : array, shape (k,)
        Standard deviation of the map itself, relative.
    """

    theta: FloatArray
    rows: FloatArray
    columns: FloatArray
    weights: FloatArray
    exponents: FloatArray
    deviation: FloatArray


def mapped_spikes(strengths: FloatArray, rows: Side, columns: Side) -> Mapped:
    """Return the spikes behind whitened ones of these strengths.

    A symmetric matrix has the same side twice, and strengths of either sign.
    """
    from scipy.optimize import linear_sum_assignment

    g, h = rows.signal, columns.signal
    left, right = np.linalg.cholesky(g), np.linalg.cholesky(h)
    core = (left.T * strengths) @ right
    if rows is columns:
        theta, p = np.linalg.eigh((core + core.T) / 2)
        q = p
    else:
        p, theta, transposed = np.linalg.svd(core)
        q = transposed.T
    x, y = np.linalg.solve(left.T, p), np.linalg.solve(right.T, q)
    gx, hy = g @ x, h @ y
    weights = (gx * hy * strengths[:, None]).T / theta[:, None]
    # Which of them each whitened one turns into, mostly.
    order = linear_sum_assignment(-np.abs(weights.T))[1]
    theta, weights = theta[order], weights[order]
    x, y, gx, hy = (part[:, order] for part in (x, y, gx, hy))
    turned = (_turned(x, gx, rows.within) + _turned(y, hy, columns.within)) / 2
    variance = (_carried(x, rows.error(g)) + _carried(y, columns.error(h))) / 4
    if rows is columns:
        variance = 2 * variance
    shares = _shares(gx, rows), _shares(hy, columns)
    return Mapped(theta, *shares, weights, weights + turned, np.sqrt(variance))


def best_weights(strengths: FloatArray, rows: Side, columns: Side) -> FloatArray:
    """Return K for which ``D_r^(1/2) Û K V̂' D_c^(1/2)`` comes closest to the signal.

    For a single spike it is ``t√(c c̃)·αβ/(νν̃)``, less than what is best in the whitened metric
    where the signal lies in rows of little noise (Leeb 2021).
    """
    return np.asarray((rows.gain * strengths) @ columns.gain.T)


def _turned(x: FloatArray, gx: FloatArray, within: FloatArray) -> FloatArray:
    """Return x'(dG/d log t)x: overlaps rise with strength, as ``d log c = 2(1 − c)/c d log t``."""
    return np.asarray((x * (x - gx)).T * 2 * (1 - within) / within)


def _carried(x: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the variance of x'δGx, for each column x, from those of the entries of δG."""
    squares = x**2
    both = np.einsum("jk,jl,lk->k", squares, variance, squares)
    # Equal entries above and below the diagonal err together.
    return np.asarray(2 * both - (squares**2).T @ np.diag(variance))


def _shares(gx: FloatArray, side: Side) -> FloatArray:
    """Return the shares of the signal's directions within the span of their best estimates."""
    scaled = np.sqrt(side.within)[:, None] * gx
    return np.asarray(np.sum(scaled * np.linalg.solve(side.observed, scaled), axis=0))
