"""The law of f̂ − f(ω̂) against samples: mean and covariance, with siblings that must be rejected."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import ComplexArray, FloatArray
from pastur.estimation._deconvolution.residual import residual_covariance, residual_mean
from pastur.estimation._kinds.contract import Curve, Kind
from pastur.estimation._kinds.masses import Masses
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind

DRAWS, SIZE = 600, 120
Sampled = tuple[ComplexArray, ComplexArray, Curve]
# Spikes, some below criticality, 20 % of the values.
STRENGTHS = np.linspace(0.9, 2.4, 24)
KINDS: dict[str, Kind] = {
    "symmetric": SymmetricKind(SIZE),
    "rectangular": RectangularKind(SIZE, 2 * SIZE),
}


@pytest.fixture(scope="module", params=list(KINDS))
def sampled(request: pytest.FixtureRequest, make: dict[str, Callable[..., FloatArray]]) -> Sampled:
    """Residuals of draws at ten points, their mean and covariance by theory, and Φ."""
    kind, rng = KINDS[request.param], np.random.default_rng(50)
    shape = (SIZE, kind.side)
    theta = STRENGTHS * kind.critical
    signal = Masses(kind.to_law(theta), np.full(theta.size, 1 / SIZE))
    start = -2.0 if kind.sides == 2 else 0.3
    z = kind.to_law(np.asarray(np.linspace(start, 2.4, 10) + 0.35j, dtype=np.complex128))
    residuals = []
    for _ in range(DRAWS):
        if kind.sides == 2:
            y = np.linalg.eigvalsh(make["plant"](make["symmetric"](SIZE, rng), theta))
        else:
            w = make["plant"](make["rectangular"](shape, rng), theta)
            y = np.linalg.eigvalsh(w @ w.T)
        observed = kind.observe(z, (1 / (y - z[:, None])).mean(axis=1), 1.0)
        residuals.append(observed.transform - signal.transforms(observed.omega).value)
    at = omega(kind, signal, z)
    return np.array(residuals), at, kind.curve(at, signal.transforms(at), 1.0)


def omega(kind: Kind, signal: Masses, z: ComplexArray) -> ComplexArray:
    """ω(z) by Newton's method with a step that is halved, from far up."""
    w = z + 3j
    for height in np.linspace(3.0, 0.0, 60):
        target = z + 1j * height
        for _ in range(20):
            curve = kind.curve(w, signal.transforms(w), 1.0)
            w = w - (curve.phi - target) / curve.first
    return w


def stacked(residuals: ComplexArray) -> FloatArray:
    return np.concatenate([residuals.real, residuals.imag], axis=-1)


def misfit(covariance: FloatArray, sample: FloatArray) -> FloatArray:
    """Weighted square of a mean deviation, about χ² if `covariance` is right."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-4 * values[-1]
    squares = np.sum((sample @ vectors[:, kept]) ** 2 / values[kept], axis=-1)
    return np.asarray(squares / kept.sum())


@pytest.mark.lengthy
def test_the_covariance_is_that_of_the_sample(sampled: Sampled) -> None:
    residuals, w, curve = sampled
    sample = stacked(residuals - residuals.mean(axis=0))
    covariance = residual_covariance(w, curve, SIZE)
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-9, atol=1e-12)
    ratio = misfit(covariance, sample).mean()
    # The mean of 600 χ²/k has the standard deviation √(2/600k) = 0.02; 0.1 for the size of 120.
    assert abs(ratio - 1) < 0.15
    # Complex noise has half of it, and Φ taken for the identity another.
    assert abs(misfit(covariance / 2, sample).mean() - 1) > 0.5
    flat = curve._replace(first=np.ones_like(w), second=0 * w, third=0 * w)
    wrong = residual_covariance(w, flat, SIZE)
    assert abs(misfit(wrong, sample).mean() - 1) > 0.25


@pytest.mark.lengthy
def test_the_mean_is_that_of_the_sample(sampled: Sampled) -> None:
    residuals, w, curve = sampled
    covariance = residual_covariance(w, curve, SIZE) / DRAWS
    mean = residual_mean(curve, SIZE)
    # χ²/k with k about 10: beyond 3 with chance 1e-3.
    assert misfit(covariance, stacked(residuals.mean(axis=0) - mean)) < 3
    assert misfit(covariance, stacked(residuals.mean(axis=0) + mean)) > 3
