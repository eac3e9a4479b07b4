"""The Gaussian law with a covariance of few directions and noise of each feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray


@dataclass(frozen=True, eq=False)
class FactorCovariance:
    """Σ = diag(noise) + V'diag(signal)V.

    Attributes
    ----------
    noise : array, shape (p,)
        Positive.
    signal : array, shape (k,)
        Not negative.
    directions : array, shape (k, p)
    """

    noise: FloatArray
    signal: FloatArray
    directions: FloatArray

    @property
    def matrix(self) -> FloatArray:
        """Σ itself."""
        return np.diag(self.noise) + (self.directions.T * self.signal) @ self.directions

    @property
    def inverse(self) -> FloatArray:
        """Σ⁻¹ = D⁻¹ − D⁻¹F'(1 + F D⁻¹F')⁻¹F D⁻¹ with F = diag(√signal)V (Woodbury)."""
        whitened, lower = self._factors()
        inner = np.linalg.solve(lower, whitened) / np.sqrt(self.noise)
        return np.diag(1 / self.noise) - inner.T @ inner

    def log_density(self, x: FloatArray) -> FloatArray:
        """Return the logarithm of the density about 0 at each row of `x`."""
        whitened, lower = self._factors()
        scaled = x / np.sqrt(self.noise)
        inside = np.linalg.solve(lower, whitened @ scaled.T)
        distance = np.sum(scaled**2, axis=1) - np.sum(inside**2, axis=0)
        volume = np.log(self.noise).sum() + 2 * np.log(np.diagonal(lower)).sum()
        return np.asarray(-(distance + volume + self.noise.size * np.log(2 * np.pi)) / 2)

    def _factors(self) -> tuple[FloatArray, FloatArray]:
        """Return F D^(−1/2), and L with LL' = 1 + F D⁻¹F'."""
        whitened = np.sqrt(self.signal)[:, None] * self.directions / np.sqrt(self.noise)
        lower = np.linalg.cholesky(np.eye(len(whitened)) + whitened @ whitened.T)
        return whitened, np.asarray(lower)
