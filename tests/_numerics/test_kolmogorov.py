"""The tail of Kolmogorov's law against SciPy."""

import numpy as np
import pytest
from scipy.special import kolmogorov

from pastur._numerics.kolmogorov import kolmogorov_tail


@pytest.mark.parametrize("x", [*np.linspace(0, 3, 61), 1 - 1e-12, 1 + 1e-12, 1e-9, 10.0, 15.0, 1e3])
def test_agrees_with_scipy(x: float) -> None:
    assert kolmogorov_tail(x) == pytest.approx(kolmogorov(x), rel=1e-13, abs=1e-300)
