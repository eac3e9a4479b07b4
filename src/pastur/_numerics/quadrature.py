"""Quadrature over an interval whose integrand may have square-root ends."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pastur._errors import NumericalError

# Interior angles at which the size of the integrand is examined before the quadrature.
_PROBES = np.linspace(-np.pi / 2, np.pi / 2, 23)[1:-1]


def integrate_interval(f: Callable[[float], Any], low: float, high: float) -> Any:
    """Integrate f over [low, high]; f may return an array, and may grow like 1/√ at the ends.

    The substitution t = centre + radius·sin φ turns square roots and inverse square roots at the
    ends into smooth functions, which adaptive Gauss–Kronrod quadrature then takes to about 1e-12
    of the largest integral of |f| among the components.
    """
    from scipy.integrate import quad_vec

    radius = (high - low) / 2

    def in_angle(angle: float) -> Any:
        # Distances from the nearer end keep their digits: 1 ∓ sin φ = 2 sin²((π/2 ∓ φ)/2).
        if angle > 0:
            t = high - 2 * radius * np.sin((np.pi / 2 - angle) / 2) ** 2
        else:
            t = low + 2 * radius * np.sin((np.pi / 2 + angle) / 2) ** 2
        return f(t) * (radius * np.cos(angle))

    # An odd integrand has integral 0, so the tolerance is tied to the size of the integrand.
    scale = np.pi * max(float(np.max(np.abs(in_angle(a)))) for a in _PROBES)
    scale = max(scale, float(np.finfo(float).tiny))
    value, error = quad_vec(
        in_angle, -np.pi / 2, np.pi / 2, epsabs=1e-13 * scale, epsrel=1e-12, limit=2000, norm="max"
    )
    scale = max(scale, float(np.max(np.abs(value))))
    if not error <= 1e-8 * scale:
        raise NumericalError(
            f"Quadrature over [{low:g}, {high:g}] reached an error of {error / scale:.1e} of the "
            "integral's scale only, 1e-8 is required. "
            "The integrand is too rough or not integrable there."
        )
    return value
