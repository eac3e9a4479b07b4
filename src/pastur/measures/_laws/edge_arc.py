"""Mass and quantiles of the semicircle and Marchenko–Pastur laws, from either edge inwards.

On a support from a to b both have, within the share y = sin²(s/2) of its width from an edge, the
mass ``(2/π)∫ sin²r/(1 + k² + 2k cos r) dr``, 0 ≤ r ≤ s: k = 0 for the semicircle, ±√c at the upper
and the lower edge of Marchenko–Pastur with c ≤ 1. For k = −1 the edge is hard.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pastur._typing import FloatArray

# Up to this share of (1 + k)² a rule replaces the closed form, which cancels there.
_NEAR = 1 / 16
_NODES, _WEIGHTS = (half[7:] for half in np.polynomial.legendre.leggauss(14))
# Below this |k| the closed form is a difference of large terms, and a series in k takes its place.
_SERIES = 1 / 4
_EPS = float(np.finfo(np.float64).eps)
# Angles below this share of 1 + k, and shares below the other, are known to first order.
_FIRST_ORDER, _LEAST = 1e-8, 1e-190
_STEPS = 8


class Edge(NamedTuple):
    """One edge: k, and 1 + k with all its digits."""

    k: float
    gap: float

    def mass(self, y: FloatArray) -> FloatArray:
        """Return the mass within shares y ≤ 1/2 of the width, to rounding relative to itself."""
        found = self._closed(y)
        near = y < _NEAR * self.gap**2
        if near.any():
            found[near] = self._by_rule(y[near])
        return found

    def share(self, mass: FloatArray) -> FloatArray:
        """Return the share of the width that has a mass up to 1/2.

        Halley's iteration of log mass as a function of log y, which is concave: from the lower
        bounds of first order it needs three or four steps.
        """
        bounds = np.cbrt(1.5 * np.pi * self.gap**2 * mass), np.pi / 2 * max(-self.k, 0.0) * mass
        angle = np.maximum(*bounds)
        y = np.sin(angle / 2) ** 2
        open_ = (angle > _FIRST_ORDER * self.gap) & (y > _LEAST)
        goal, z = mass[open_], y[open_]
        for _ in range(_STEPS if z.size else 0):
            step = self._step(z, goal)
            z *= np.exp(step)
            if np.abs(step).max() < _EPS ** (1 / 3) / 8:
                break
        y[open_] = z
        return y

    def _step(self, y: FloatArray, goal: FloatArray) -> FloatArray:
        """Return by how much log y is to change."""
        mass, below = self.mass(y), self.gap**2 - 4 * self.k * y
        rise = 8 / np.pi * y * np.sqrt(y * (1 - y)) / (below * mass)
        bend = 1.5 - y / (2 * (1 - y)) + 4 * self.k * y / below - rise
        newton = np.log(goal / mass) / rise
        return np.asarray(newton / (1 + newton * bend / 2))

    def _closed(self, y: FloatArray) -> FloatArray:
        k, sine = self.k, 2 * np.sqrt(y * (1 - y))
        angle = 2 * np.arcsin(np.sqrt(y))
        if abs(k) < _SERIES:
            return np.asarray((angle - sine * self._series(y)) / np.pi)
        turn = np.arctan2(k * sine, self.gap - 2 * k * y)
        return np.asarray((angle + self.gap * (1 - k) / k**2 * turn - sine / k) / np.pi)

    def _series(self, y: FloatArray) -> FloatArray:
        """Return k + (1 − k²)Σ (−k)^(j−2) sin(js)/(j sin s), j ≥ 2, by Clenshaw's recurrence."""
        last = 2 if self.k == 0 else 2 + int(np.log(_EPS) / np.log(abs(self.k)))
        double = 2 * (1 - 2 * y)
        one: FloatArray | float = 0.0
        two: FloatArray | float = 0.0
        for j in range(last, 1, -1):
            factor = self.gap * (1 - self.k) * (-self.k) ** (j - 2) / j
            one, two = factor if j == last else factor + double * one - two, one
        return np.asarray(self.k + double * one - two)

    def _by_rule(self, y: FloatArray) -> FloatArray:
        """Return the integral over the root of y, by Gauss's rule for even functions."""
        part = y[:, None] * _NODES**2
        inner = _NODES**2 * np.sqrt(1 - part) / (self.gap**2 - 4 * self.k * part)
        return np.asarray(16 / np.pi * y * np.sqrt(y) * (inner @ _WEIGHTS))
