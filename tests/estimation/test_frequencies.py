"""Denoising where neighbours are correlated: variances of frequencies."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation._free.shrinkage import shrink_without_law
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._whitened.frequencies import (
    _autoregression,
    consecutive,
    cosines,
    frequency_variances,
    from_cosines,
)

SHAPE = 200, 400
KIND = RectangularKind(200, 400, tall=False)
CRITICAL = (SHAPE[0] / SHAPE[1]) ** 0.25


def autoregressive(rng: np.random.Generator, rho: float, shape: tuple[int, int]) -> FloatArray:
    """Noise of mean variance 1/columns, correlated by ρ^k between rows, and columns, k apart."""
    x = rng.normal(size=shape)
    for lines in (x, x.T):
        for before, line in pairwise(lines):
            line[:] = rho * before + (1 - rho**2) ** 0.5 * line
    return np.asarray(x / np.sqrt(shape[1]))


def signal(rng: np.random.Generator, count: int) -> FloatArray:
    """Spikes of 1.5 to 4 times the critical strength in no special direction."""
    left, right = (np.linalg.qr(rng.normal(size=(side, count)))[0] for side in SHAPE)
    return np.asarray((left * CRITICAL * rng.uniform(1.5, 4, count)) @ right.T)


def least(w: FloatArray, s: FloatArray) -> float:
    """The least squared error of any values with the singular vectors of w."""
    u, _, vt = np.linalg.svd(w, full_matrices=False)
    best = np.maximum(np.diag(u.T @ s @ vt.T), 0)
    return float(np.sum(s**2) - np.sum(best**2))


def by_values_alone(w: FloatArray) -> FloatArray:
    u, values, vt = np.linalg.svd(w, full_matrices=False)
    return np.asarray((u * shrink_without_law(KIND, values)) @ vt)


def test_cosines_are_orthogonal_and_come_back() -> None:
    w = np.random.default_rng(0).normal(size=(7, 11))
    assert np.linalg.norm(cosines(w)) == pytest.approx(np.linalg.norm(w), rel=1e-13)
    np.testing.assert_allclose(from_cosines(cosines(w)), w, atol=1e-13)


def test_the_autoregression_solves_the_equations_of_yule_and_walker() -> None:
    products = np.array([2.0, 1.1, 0.7, 0.2, -0.1])
    expected = solve_toeplitz(products[:-1], products[1:])
    np.testing.assert_allclose(_autoregression(products), expected, rtol=1e-12)


def test_variances_are_the_spectral_density_of_the_noise() -> None:
    """(1 − ρ²)/(1 − 2ρ cos ω + ρ²): four coefficients move its log by √8/√(nm) each way, 5 sd."""
    rng, rho = np.random.default_rng(1), 0.5
    found = frequency_variances(autoregressive(rng, rho, SHAPE), KIND)
    assert found is not None
    for variances in found:
        omega = np.pi * np.arange(variances.size) / variances.size
        expected = (1 - rho**2) / (1 - 2 * rho * np.cos(omega) + rho**2)
        np.testing.assert_allclose(variances, expected / expected.mean(), rtol=0.06)


@pytest.mark.parametrize("noise", ["white", "product"])
def test_no_frequencies_are_found_where_neighbours_are_not_correlated(noise: str) -> None:
    rng = np.random.default_rng(2)
    w = rng.normal(size=SHAPE) / 20
    if noise == "product":
        w = rng.normal(size=(200, 200)) @ w / 200**0.5
    w = w + signal(rng, 3)
    assert frequency_variances(w, KIND) is None
    fit = fit_rectangular(w, noise="free")
    np.testing.assert_allclose(fit.denoise(w), by_values_alone(w), atol=1e-12)


@pytest.mark.lengthy
@pytest.mark.parametrize("noise", ["auto", "free", "white"])
@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_forty_spikes_in_correlated_noise_are_found(noise: str, scale: float) -> None:
    """They are not where the values alone decide: these lose most of the signal."""
    rng = np.random.default_rng(3)
    s = signal(rng, 40)
    w = autoregressive(rng, 0.6, SHAPE) + s
    found = fit_rectangular(scale * w, noise=noise).denoise(scale * w) / scale
    assert np.sum((found - s) ** 2) < 0.5 * least(w, s)
    assert np.sum((by_values_alone(w) - s) ** 2) > 2 * least(w, s)


def test_nothing_is_kept_of_correlated_noise() -> None:
    rng = np.random.default_rng(4)
    w = autoregressive(rng, 0.6, SHAPE)
    assert not fit_rectangular(w, noise="auto").denoise(w).any()


def test_a_signal_of_one_frequency_is_no_noise() -> None:
    rng = np.random.default_rng(5)
    s = np.full(SHAPE, 3 / np.sqrt(SHAPE[0] * SHAPE[1]))
    w = autoregressive(rng, 0.3, SHAPE) + s
    found = fit_rectangular(w, noise="auto").denoise(w)
    assert np.sum((found - s) ** 2) < 1.2 * least(w, s)


def test_symmetric_matrices() -> None:
    rng = np.random.default_rng(6)
    x = autoregressive(rng, 0.6, (200, 200))
    axes = np.linalg.qr(rng.normal(size=(200, 10)))[0]
    s = (axes * np.linspace(2, 6, 10) * np.tile([1, -1], 5)) @ axes.T
    w = (x + x.T) / 2**0.5 + s
    found = fit_symmetric(w, noise="auto").denoise(w)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert np.sum((found - s) ** 2) < 0.1 * np.sum(s**2)


def test_rows_of_zeros_are_left_to_the_values() -> None:
    rng = np.random.default_rng(7)
    w = autoregressive(rng, 0.4, SHAPE) + signal(rng, 3)
    w[5] = 0
    found = fit_rectangular(w, noise="auto").denoise(w)
    assert np.isfinite(found).all() and not np.abs(found[5]).max() > 1e-12


@pytest.mark.lengthy
@pytest.mark.parametrize("tall", [True, False])
def test_some_rows_of_a_long_matrix_are_asked_first(
    tall: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They answer as all of them do: three draws each, where 1 in 10⁴ may be refused wrongly."""
    rng = np.random.default_rng(8)
    for _ in range(3):
        noise = autoregressive(rng, 0.5, (600, 60))
        mixed = noise @ rng.normal(size=(60, 60))
        for w, holds in ((noise, True), (mixed, False)):
            turned = w if tall else w.T
            fit = fit_rectangular(turned, noise="free")
            part = consecutive(turned)
            assert part is not None and sorted(part.shape) == [60, 120]
            assert fit._contradicted(part) != holds
            assert (fit.turned(turned) is not None) == holds
            with monkeypatch.context() as patched:
                patched.setattr("pastur.estimation._result.fit.consecutive", lambda w: None)
                assert (fit.turned(turned) is not None) == holds


def test_nearly_square_matrices_are_asked_as_a_whole() -> None:
    assert consecutive(np.zeros((60, 239))) is None
    assert consecutive(np.zeros((60, 60))) is None
