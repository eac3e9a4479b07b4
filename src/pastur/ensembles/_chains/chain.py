"""Block tridiagonal models, equal in law to signal plus noise at every size.

Householder reflections that leave the r signal directions alone turn W into a self-adjoint block
tridiagonal matrix of r × r blocks, drawn one after the other: the cost of the first K blocks does
not depend on the size of W (Bloemendal, Virág 2013, 2016).

- Symmetric: diagonal blocks GOE_r, the first plus diag(θ); the k-th block below the diagonal is
  upper triangular with chi variables of N − kr − i degrees of freedom on its diagonal, i = 0 …
  r − 1, and normal variables above; all times σ/√N.
- Rectangular: reflections of the columns, then of the rows, and so on, make W block bidiagonal with
  L₁, L₂, … on the diagonal and R₁, R₂, … below it. L₁ is the triangular factor of the first r rows
  [diag(θ) + G, G′]; L_k, k ≥ 2, is lower triangular with chi of m − (k − 1)r − i degrees of freedom
  on its diagonal; R_k is upper triangular with chi of n − kr − i. With rows and columns of W taken
  in turn, [[0, W], [Wᵀ, 0]] is block tridiagonal with zero diagonal blocks and L₁ᵀ, R₁, L₂ᵀ, R₂, …
  below it.

Where N − kr < r the blocks are cut: rows without degrees of freedom are zero. Complex noise: chi of
twice the degrees of freedom over √2, and complex normal variables.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.ensembles._chains.noise_bounds import rectangular_noise_bound, symmetric_noise_bound

# Numbers drawn at once; fixed, so that a seed gives the same chain however far it is followed.
_BATCH = 2048


@dataclass(frozen=True)
class ChainLaw(ABC):
    """The law of a chain of blocks, and the theory of its largest eigenvalues."""

    spikes: FloatArray
    sigma: float
    beta: int

    @property
    @abstractmethod
    def rows(self) -> int:
        """Rows of the complete chain."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """`draw` adds a multiple of this many blocks."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, first: int, count: int) -> tuple[AnyArray, AnyArray]:
        """Draw blocks `first` … `first + count − 1` and the couplings below each of them."""

    @abstractmethod
    def noise_bound(self, cut: AnyArray, failure: float) -> FloatArray:
        """Bound the noise without its first `cut` blocks, except with probability `failure`."""

    @abstractmethod
    def outlier(self, theta: float) -> float:
        """Limit of the eigenvalue of a spike θ > 0 as the size grows."""

    @abstractmethod
    def decay(self, cut: AnyArray, x: float) -> FloatArray:
        """Rate, per block, at which an eigenvector at x decays beyond block `cut`."""


@dataclass(frozen=True)
class SymmetricChain(ChainLaw):
    """The chain of W = R/√N + S, N × N."""

    n: int

    @property
    def rows(self) -> int:
        return self.n

    @property
    def steps(self) -> int:
        return 1

    def draw(self, rng: np.random.Generator, first: int, count: int) -> tuple[AnyArray, AnyArray]:
        r = self.spikes.size
        scale = self.sigma / np.sqrt(float(self.n))
        square = _normal(rng, (count, r, r), self.beta)
        diagonal = (square + square.conj().swapaxes(1, 2)) * (scale / np.sqrt(2))
        if first == 0:
            diagonal[0] += np.diag(self.spikes)
        taken = (np.arange(first + 1, first + count + 1)[:, None] * r) + np.arange(r)
        coupling = scale * _triangular(rng, float(self.n) - taken, self.beta)
        return diagonal, coupling

    def noise_bound(self, cut: AnyArray, failure: float) -> FloatArray:
        left = float(self.n) - np.asarray(cut, dtype=np.float64) * self.spikes.size
        bound = symmetric_noise_bound(left, self.beta, failure)
        return np.asarray(self.sigma / np.sqrt(float(self.n)) * bound)

    def outlier(self, theta: float) -> float:
        theta = max(theta, self.sigma)
        return theta + self.sigma**2 / theta

    def decay(self, cut: AnyArray, x: float) -> FloatArray:
        left = np.maximum(1 - np.asarray(cut) * (self.spikes.size / self.n), 1e-100)
        return np.asarray(np.arccosh(np.maximum(x / (2 * self.sigma * np.sqrt(left)), 1)))


@dataclass(frozen=True)
class RectangularChain(ChainLaw):
    """The chain of [[0, W], [Wᴴ, 0]] for W = R/√m + S, n × m with n ≤ m."""

    n: int
    m: int

    @property
    def rows(self) -> int:
        # The last blocks are filled up with rows of zeros.
        r = self.spikes.size
        return 2 * r * -(-self.n // r)

    @property
    def steps(self) -> int:
        return 2

    def draw(self, rng: np.random.Generator, first: int, count: int) -> tuple[AnyArray, AnyArray]:
        r = self.spikes.size
        scale = self.sigma / np.sqrt(float(self.m))
        pairs = np.arange(first // 2, (first + count) // 2)[:, None]
        # Lᴴ of the pairs; for the first one, only of the columns beyond the signal's own r.
        taken = np.maximum(pairs, 1) * r + np.arange(r)
        across = _triangular(rng, float(self.m) - taken, self.beta)
        across *= (pairs * r + np.arange(r) < self.n)[:, None, :]
        down = _triangular(rng, float(self.n) - (pairs + 1) * r - np.arange(r), self.beta)
        coupling = np.stack([across, down], axis=1).reshape(count, r, r) * scale
        if first == 0:
            corner = np.diag(self.spikes) + scale * _normal(rng, (r, r), self.beta)
            coupling[0] = np.linalg.qr(np.vstack([corner, coupling[0]]), mode="r")
        return np.zeros_like(coupling), coupling

    def noise_bound(self, cut: AnyArray, failure: float) -> FloatArray:
        r = self.spikes.size
        cut = np.asarray(cut)
        n = float(self.n) - (cut + 1) // 2 * float(r)
        m = float(self.m) - cut // 2 * float(r)
        bound = rectangular_noise_bound(n, m, self.beta, failure)
        return np.asarray(self.sigma / np.sqrt(float(self.m)) * bound)

    def outlier(self, theta: float) -> float:
        c = self.n / self.m
        square = max(theta, c**0.25 * self.sigma) ** 2
        noise = self.sigma**2
        return float(np.sqrt((square + noise) * (square + c * noise) / square))

    def decay(self, cut: AnyArray, x: float) -> FloatArray:
        taken = np.asarray(cut) // 2 * float(self.spikes.size)
        a = self.sigma**2 * np.maximum(1 - taken / self.m, 1e-100)
        b = self.sigma**2 * np.maximum((self.n - taken) / self.m, 1e-100)
        # A pair of blocks makes one step of W.
        step = np.arccosh(np.maximum((x**2 - a - b) / (2 * np.sqrt(a * b)), 1))
        return np.asarray(step / 2)


class Chain:
    """A chain that grows by new random blocks; what was drawn stays."""

    def __init__(self, law: ChainLaw, rng: np.random.Generator) -> None:
        self.law = law
        self._rng = rng
        r = law.spikes.size
        self._batch = law.steps * max(1, _BATCH // (law.steps * r * r))
        self._diagonal: list[AnyArray] = []
        self._coupling: list[AnyArray] = []

    @property
    def size(self) -> int:
        """Blocks of the complete chain, the last one perhaps cut."""
        return -(-self.law.rows // self.law.spikes.size)

    def blocks(self, count: int) -> tuple[AnyArray, AnyArray]:
        """Return the first `count` diagonal blocks and the couplings below them, (count, r, r)."""
        while len(self._diagonal) * self._batch < count:
            first = len(self._diagonal) * self._batch
            diagonal, coupling = self.law.draw(self._rng, first, self._batch)
            self._diagonal.append(diagonal)
            self._coupling.append(coupling)
        needed = -(-count // self._batch)
        diagonal = np.concatenate(self._diagonal[:needed])[:count]
        coupling = np.concatenate(self._coupling[:needed])[:count]
        return diagonal, coupling


def _normal(rng: np.random.Generator, size: tuple[int, ...], beta: int) -> AnyArray:
    """Standard normal variables, E|g|² = 1."""
    if beta == 1:
        return rng.standard_normal(size)
    pairs = rng.standard_normal((*size, 2)) * np.sqrt(0.5)
    return np.asarray(pairs.view(np.complex128)[..., 0])


def _triangular(rng: np.random.Generator, freedom: AnyArray, beta: int) -> AnyArray:
    """Upper triangular blocks, (count, r, r): chi of `freedom` on the diagonal, normal above."""
    count, r = freedom.shape
    there = freedom > 0
    chi = np.sqrt(rng.chisquare(np.where(there, beta * freedom, 1.0)) / beta)
    blocks = np.triu(_normal(rng, (count, r, r), beta), 1)
    index = np.arange(r)
    blocks[:, index, index] = chi
    blocks *= there[:, :, None]
    return blocks
