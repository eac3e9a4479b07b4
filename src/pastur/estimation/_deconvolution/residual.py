"""The law of the empirical transform: how far f̂ − f(ω̂) strays at finite size.

Let m̂ be the transform of an observed spectrum of n values and ``e(z) = f̂(z) − f(ω̂(z))`` with the
true f and σ. To first order e = Φ′(w)(m̂ − m), w = ω(z), in both models. The covariance of m̂ is that
of linear statistics of noise (real Gaussian): with ``Δ = (w₁ − w₂)/(z₁ − z₂)``,

    n² Cov(m̂₁, m̂₂) = 2 ∂₁∂₂ log Δ,    so    n² E e₁e₂ = 2/(w₁ − w₂)² − 2Φ′₁Φ′₂/(z₁ − z₂)²,

and n·E e = −Φ″/(2Φ′). At z₁ = z₂ the first is −S/3 with Schwarz's derivative
``S = Φ‴/Φ′ − (3/2)(Φ″/Φ′)²``. All of it depends on Φ alone; docs/deconvolution.md derives it.
"""

import numpy as np

from pastur._typing import ComplexArray, FloatArray
from pastur.estimation._kinds.contract import Curve


def residual_mean(curve: Curve, size: int) -> ComplexArray:
    """Return E e at the points of `curve`, `size` being the number of values."""
    return np.asarray(-curve.second / (2 * size * curve.first))


def residual_covariance(w: ComplexArray, curve: Curve, size: int) -> FloatArray:
    """Return the covariance of (Re e, Im e), shape (2k, 2k), at the k points w of `curve`."""
    schwarz = curve.third / curve.first - 1.5 * (curve.second / curve.first) ** 2
    plain = _kernel(w, w, curve, curve.phi, curve.first, diagonal=-schwarz / 6)
    mixed = _kernel(w, w.conj(), curve, curve.phi.conj(), curve.first.conj(), diagonal=None)
    real, imaginary = (mixed + plain).real, (mixed - plain).real
    # E Re e₁ Im e₂ = Im(E e₁e₂ − E e₁ē₂)/2.
    cross = (plain - mixed).imag
    return np.block([[real, cross], [cross.T, imaginary]]) / size**2


def _kernel(
    w: ComplexArray,
    other: ComplexArray,
    curve: Curve,
    phi: ComplexArray,
    first: ComplexArray,
    *,
    diagonal: ComplexArray | None,
) -> ComplexArray:
    apart, image = w[:, None] - other, curve.phi[:, None] - phi
    if diagonal is not None:
        np.fill_diagonal(apart, 1.0)
        np.fill_diagonal(image, 1.0)
    kernel = 1 / apart**2 - curve.first[:, None] * first / image**2
    if diagonal is not None:
        np.fill_diagonal(kernel, diagonal)
    return kernel
