"""Quantiles next to an outer edge, where a level of 1 − 1e-16 has lost the mass beyond it.

At a critical point w₀ of Φ the edge is E = Φ(w₀). With δ = w − w₀, Φ(w) − E and the part
``Q = ∫(g − g(w₀)) dΦ`` of the potential are power series in δ that begin with δ² and δ³. A point of
the curve has Im Φ = 0, and the mass between it and the edge is |Im Q|/π, with all its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._numerics.taylor import derivatives
from pastur._typing import ComplexArray, FloatArray
from pastur.models._subordination.contract import Subordination

# Above this level the law's own way has its 1e-12.
LARGEST_LEVEL = 1e-7
# Orders of the series, which are used up to this share of the radius that they are made with.
_ORDERS = np.arange(17)
_SHARE = 1 / 8
# By how much the series may differ there from the functions, and how often the radius is halved.
_AGREEMENT, _HALVINGS = 1e-9, 6
# Φ′ at the critical point, against Φ″: above, the density vanishes faster than a root.
_CRITICAL = 1e-6
_STEPS = 40
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Tail(KeepsLocked):
    """The law next to one of its outer edges, δ in units of `radius`.

    Attributes
    ----------
    phi, g : array
        Coefficients of Φ − E and of g − g(w₀), by ascending order.
    """

    phi: FloatArray
    g: FloatArray

    def distance(self, mass: FloatArray) -> FloatArray:
        """Return x − E for each mass > 0 between the edge and x; NaN beyond the series' reach."""
        slope = self.phi[1:] * _ORDERS[1:]
        beyond = np.append(0.0, np.convolve(self.g, slope)[: slope.size] / _ORDERS[1:])
        # To first order δ = iη with Q = (2/3)g′(Φ″/2)δ³.
        leading = self.g[1] * self.phi[2]
        eta = np.cbrt(1.5 * np.pi * mass / abs(leading))
        target = -np.sign(leading) * np.pi * mass
        far = eta > _SHARE
        delta: ComplexArray = 1j * np.where(far, _SHARE, eta)
        for _ in range(_STEPS):
            g, off = _series(self.g, delta), _series(self.phi, delta).imag
            excess = _series(beyond, delta).imag - target
            move = (g.real * off - excess) / g.imag - 1j * off
            step = move / _series(slope, delta)
            delta = delta + step
            if (np.abs(step) <= 4 * _EPS * np.abs(delta)).all():
                break
        return np.where(far, np.nan, _series(self.phi, delta).real)


def tail_at(law: Subordination, critical: float, reach: float) -> Tail | None:
    """Return the tail at the outer edge of a critical point, `reach` away from the signal.

    None where the density does not vanish like a square root.
    """
    center, radius = np.array([critical]), reach / 2
    for _ in range(_HALVINGS):
        phi, g = (
            np.array([d[0] / factorial(k) * radius**k for k, d in zip(_ORDERS, found, strict=True)])
            for found in (
                derivatives(f, center, np.array([radius]), [int(k) for k in _ORDERS])
                for f in (law.phi, law.transform)
            )
        )
        inside = np.array([critical + 1j * _SHARE * radius])
        if _agree(law.phi(inside), phi) and _agree(law.transform(inside), g):
            if abs(phi[1]) > _CRITICAL * abs(phi[2]):
                return None
            phi[:2], g[0] = 0.0, 0.0
            return Tail(locked(phi), locked(g))
        # A pole of the transform, where q = 0, may be nearer than the signal.
        radius /= 2
    return None


def _agree(exact: ComplexArray, coefficients: FloatArray) -> bool:
    found = _series(coefficients, np.array([1j * _SHARE]))
    return bool(np.abs(found - exact)[0] <= _AGREEMENT * np.abs(coefficients[1:3]).max())


def _series(coefficients: FloatArray, delta: ComplexArray) -> ComplexArray:
    result = np.zeros(delta.shape, dtype=np.complex128)
    for coefficient in coefficients[::-1]:
        result = result * delta + coefficient
    return result
