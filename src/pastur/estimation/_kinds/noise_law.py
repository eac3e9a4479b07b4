"""The law of pure noise of finite size, in the coordinate in which both models look alike.

Squared singular values (rectangular model) and eigenvalues (symmetric model) are written
``x = v · (center + half_width · cos φ)``, v being σ² or σ, with φ in [0, π] on the bulk. In φ the
Marchenko–Pastur law of ratio c has the density ``g(φ) = (1/π)(1 + Σ m_k cos kφ)`` with
``m₁ = −√c`` and ``m_k = −(1 − c)(−√c)^(k−2)``, and the semicircle is its limit c → 0. What follows
(positions, modes, spikes) is therefore written once.
"""

from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray

# Below this √c the closed form of the tail loses digits, and three terms of its series suffice.
_SMALL_ROOT = 1e-3
_GRID = np.linspace(0.0, np.pi, 513)


@dataclass(frozen=True)
class NoiseLaw:
    """Law of `size` eigenvalues of noise with σ = 1, in Chebyshev coordinates.

    Attributes
    ----------
    size : int
        Number of eigenvalues.
    root : float
        √c, 0 for the semicircle.
    center, half_width : float
        Of the support, for σ = 1.
    """

    size: int
    root: float
    center: float
    half_width: float

    def points(self, angle: FloatArray) -> FloatArray:
        """Return x for σ = 1 at the angles φ."""
        return np.asarray(self.center + self.half_width * np.cos(angle))

    def cosine(self, x: FloatArray) -> FloatArray:
        """Return t with x = center + half_width·t, beyond [−1, 1] off the bulk."""
        return np.asarray((x - self.center) / self.half_width)

    def strengths(self, outliers: FloatArray) -> FloatArray:
        """Return the strengths of outliers x, for σ = 1."""
        return spike_strengths(self.cosine(outliers))

    def density(self, angle: FloatArray) -> FloatArray:
        """Return g(φ) = (2/π) sin²φ/(1 + c + 2√c cos φ), the mass per angle."""
        # Half-angles: at c = 1 numerator and denominator vanish together at φ = π.
        sine, cosine = np.sin(angle / 2) ** 2, np.cos(angle / 2) ** 2
        below = (1 - self.root) ** 2 + 4 * self.root * cosine
        return np.asarray(8 / np.pi * sine * cosine / np.maximum(below, np.finfo(float).tiny))

    def tail(self, angle: FloatArray) -> FloatArray:
        """Return the mass at angles below φ, that is of larger eigenvalues."""
        r, sine = self.root, np.sin(angle)
        if r < _SMALL_ROOT:
            two, three, four = (np.sin(k * angle) / k for k in (2, 3, 4))
            series = two - r * three + r**2 * four
        else:
            series = (r * sine - np.arctan2(r * sine, 1 + r * np.cos(angle))) / r**2
        return np.asarray((angle - r * sine - (1 - r**2) * series) / np.pi)

    def angles(self, tail: FloatArray) -> FloatArray:
        """Return φ where the mass of larger eigenvalues is `tail`, inside (0, 1)."""
        angle = np.interp(tail, self.tail(_GRID), _GRID)
        for _ in range(2):
            angle = angle - (self.tail(angle) - tail) / self.density(angle)
        return np.asarray(angle)

    def moments(self, count: int) -> FloatArray:
        """Return m_k = ∫ 2 T_k(t) dlaw for k = 1, …, count."""
        higher = -(1 - self.root**2) * (-self.root) ** np.arange(count - 1)
        return np.concatenate([[-self.root], higher])


def spike_strengths(cosine: FloatArray) -> FloatArray:
    """Return the strengths a of outliers at t = (a + 1/a)/2, those on the bulk put at its edge."""
    t = np.maximum(np.abs(cosine), 1.0)
    return np.asarray(np.copysign(t + np.sqrt(t - 1) * np.sqrt(t + 1), cosine))
