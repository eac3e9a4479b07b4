"""Fits to draw, and figures closed after each test."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, fit_rectangular


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


@pytest.fixture(scope="session")
def broad() -> FloatArray:
    """A 120 × 160 product of noise, which no law of independent entries describes."""
    rng = np.random.default_rng(12)
    result: FloatArray = rng.normal(size=(120, 160)) @ rng.normal(size=(160, 160)) / 160
    return result


@pytest.fixture(scope="session")
def lawless(broad: FloatArray) -> RectangularFit:
    """A fit of `broad` without a law, of whose four leading directions the first three stand out.

    The second and the third are neighbours, with one interval, and the third's is open.
    """
    fit = fit_rectangular(broad, noise="free")
    values = np.linalg.svd(broad, compute_uv=False)[:4]
    leading = np.zeros(4, dtype=fit.leading.dtype)
    leading["observed"], leading["readable"], leading["group"] = values, True, [0, 1, 1, 2]
    leading["theta"], leading["low"] = 0.9 * values, 0.8 * values
    leading["high"] = [values[0], np.inf, np.inf, values[3]]
    for name in ("overlap_left", "overlap_right", "span_left", "span_right"):
        leading[name], leading[f"{name}_low"], leading[f"{name}_high"] = 0.8, 0.7, 0.9
        leading[f"{name}_low"][3] = 0.4
    return dataclasses.replace(fit, leading=leading)
