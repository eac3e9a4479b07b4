"""ω just above the real line: as good as on it, next to edges too."""

import numpy as np
import pytest

from pastur.measures import Atoms, Empirical
from pastur.models import DeformedWigner, InformationPlusNoise

SIGNAL = np.concatenate([np.zeros(1560), np.linspace(1.8, 3.0, 40)])
MODELS = {
    "many spikes": DeformedWigner(Empirical(SIGNAL)),
    "two intervals": DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8),
    "rectangular": InformationPlusNoise(Empirical(SIGNAL**2)),
    "hard edge": InformationPlusNoise(Atoms([0.0, 4.0]), sigma=0.7, ratio=1.0),
}


@pytest.mark.parametrize("height", [1e-5, 1e-8, 1e-12])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_omega_is_found_next_to_every_edge(model: DeformedWigner, height: float) -> None:
    """Φ is one to one above the curve, so the residual and Im ω > 0 certify ω."""
    edges = model.law.support.ravel()
    distance = np.concatenate([-np.geomspace(1e-10, 0.05, 200), np.geomspace(1e-10, 0.05, 200)])
    z = (edges[:, None] + distance).ravel() + 1j * height
    z = z[z.real > edges[0] - 0.01]
    w = model._map.omega(z)
    assert (w.imag > 0).all()
    np.testing.assert_allclose(model._map.phi(w), z, rtol=0, atol=1e-12)
    density = model.law.stieltjes(z).imag / np.pi
    inner = np.abs(z.real[:, None] - edges).min(axis=1) > 0.01
    np.testing.assert_allclose(
        density[inner], model.law.density(z.real[inner]), rtol=0, atol=1e4 * height
    )
