"""Fits to draw, and figures closed after each test."""

from collections.abc import Iterator

import numpy as np
import pytest

from pastur._typing import FloatArray


@pytest.fixture(autouse=True)
def headless() -> Iterator[None]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="session")
def spiked() -> FloatArray:
    """An 80 × 120 matrix of noise, σ = 1, and two strong spikes."""
    rng = np.random.default_rng(11)
    noise = rng.standard_normal((80, 120)) / np.sqrt(120)
    left, _ = np.linalg.qr(rng.standard_normal((80, 2)))
    right, _ = np.linalg.qr(rng.standard_normal((120, 2)))
    result: FloatArray = noise + (left * [6.0, 4.0]) @ right.T
    return result
