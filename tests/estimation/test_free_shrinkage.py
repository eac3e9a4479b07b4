"""Denoising without a law: closed forms, the best that is possible, and what must not be kept."""

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation._free.shrinkage import shrink_without_law
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind


def frame(size: int, count: int, rng: np.random.Generator) -> FloatArray:
    """Orthonormal columns in general position."""
    return np.asarray(np.linalg.qr(rng.normal(size=(size, max(count, 1))))[0][:, :count])


def correlated(n: int, m: int, rho: float, rng: np.random.Generator) -> FloatArray:
    """Noise whose neighbours in a row have the correlation ρ."""
    x = rng.normal(size=(n, m))
    for j in range(1, m):
        x[:, j] = rho * x[:, j - 1] + np.sqrt(1 - rho**2) * x[:, j]
    return np.asarray(x / np.sqrt(m))


def singular_values(w: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(w, compute_uv=False), dtype=np.float64)


def drawn(n: int, m: int, rho: float, count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """W and S; the strengths are 1.5 to 3 times the norm of the noise."""
    rng = np.random.default_rng(seed)
    noise = correlated(n, m, rho, rng)
    theta = float(np.linalg.norm(noise, 2)) * np.linspace(3, 1.5, count)
    signal = (frame(n, count, rng) * theta) @ frame(m, count, rng).T
    return noise + signal, signal


def lowest_error(w: FloatArray, signal: FloatArray) -> float:
    """The least squared error of any values with the vectors of W."""
    u, _, vt = np.linalg.svd(w, full_matrices=False)
    best = np.maximum(np.einsum("ia,ij,aj->a", u, signal, vt, optimize=True), 0)
    return float(np.sum(signal**2) - np.sum(best**2))


def test_kept_values_are_what_the_formulas_written_out_say() -> None:
    rng = np.random.default_rng(0)
    values = np.sort(np.concatenate([rng.uniform(0, 1, 38), [4.0, 3.0]]))[::-1]
    shrunk = shrink_without_law(RectangularKind(40, 70), values)
    assert np.flatnonzero(shrunk).tolist() == [0, 1]
    rest = values[2:]

    def transform(x: float) -> float:
        a = float(sum(x / (x * x - s * s) for s in rest))
        return (a / 38) * ((a + 30 / x) / 68)

    for y, found in zip(values[:2], shrunk[:2], strict=True):
        slope = (transform(y * (1 + 1e-6)) - transform(y * (1 - 1e-6))) / (2e-6 * y)
        assert found == pytest.approx(-2 * transform(y) / slope, rel=1e-8)


def test_in_white_noise_it_is_the_shrinkage_of_white_noise() -> None:
    rng = np.random.default_rng(1)
    n, m = 300, 600
    signal = 3.0 * frame(n, 1, rng) @ frame(m, 1, rng).T
    values = singular_values(rng.normal(size=(n, m)) / np.sqrt(m) + signal)
    shrunk = shrink_without_law(RectangularKind(n, m), values)
    ratio, y = n / m, values[0]
    expected = np.sqrt((y**2 - ratio - 1) ** 2 - 4 * ratio) / y
    # The rest of one draw stands for its limit up to about 1/n.
    assert shrunk[0] == pytest.approx(expected, rel=0.01)
    assert not shrunk[1:].any()


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("count", [3, 5, 30])
def test_correlated_noise_costs_little_more_than_the_least(rho: float, count: int) -> None:
    # In six more times four draws of each cell the ratio was at most 1.021.
    errors, least = 0.0, 0.0
    for seed in range(4):
        w, signal = drawn(150, 300, rho, count, seed)
        estimate = fit_rectangular(w, noise="free").denoise(w)
        errors += float(((estimate - signal) ** 2).sum())
        least += lowest_error(w, signal)
    assert errors < 1.1 * least


def test_the_law_of_white_noise_costs_more_there() -> None:
    w, signal = drawn(150, 300, 0.6, 3, 0)
    values = singular_values(w)
    # What a white fit would keep: all beyond the edge of white noise of this energy.
    edge = np.sqrt((w - signal).var() * 300) * (1 + np.sqrt(0.5))
    assert np.count_nonzero(values > edge) > 10
    assert np.count_nonzero(shrink_without_law(RectangularKind(150, 300), values)) == 3


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_noise_alone_is_not_kept(rho: float) -> None:
    kept = 0
    for seed in range(10):
        w, _ = drawn(150, 300, rho, 0, seed)
        values = singular_values(w)
        kept += int(np.count_nonzero(shrink_without_law(RectangularKind(150, 300), values)))
    # In eight more times ten draws at most 0, 1 and 4 were.
    assert kept <= {0.0: 0, 0.3: 2, 0.6: 6}[rho]


@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_both_ends_of_a_symmetric_spectrum_are_shrunk(shift: float) -> None:
    rng = np.random.default_rng(2)
    n, theta = 200, np.array([12.0, 9.0, -10.0])
    a, q = rng.normal(size=(n, n)), frame(n, 3, rng)
    signal = (q * theta) @ q.T
    w = (a + a.T) / np.sqrt(2 * n) + shift * np.eye(n) + signal
    estimate = fit_symmetric(w, noise="free").denoise(w)
    # With overlaps 1 − 1/θ² the least error is Σ θ²(1 − c²) to first order, 2 for each.
    assert ((estimate - signal) ** 2).sum() < 1.5 * sum(
        t**2 * (1 - (1 - t**-2) ** 2) for t in theta
    )
    assert np.linalg.matrix_rank(estimate, tol=1e-8) == 3


def test_it_scales_and_refuses_nothing() -> None:
    w, _ = drawn(60, 90, 0.3, 3, 3)
    values = singular_values(w)
    kind = RectangularKind(60, 90)
    for factor in (2.0**500, 2.0**-500):
        np.testing.assert_array_equal(
            shrink_without_law(kind, factor * values), factor * shrink_without_law(kind, values)
        )
    for size in range(1, 6):
        assert not shrink_without_law(RectangularKind(size, 9), np.zeros(size)).any()
        assert np.isfinite(shrink_without_law(RectangularKind(size, 9), values[:size])).all()
        eigenvalues = np.linspace(-1, 2, size)
        assert np.isfinite(shrink_without_law(SymmetricKind(size), eigenvalues)).all()
    # Without noise the values are the signal's own.
    low_rank = np.append(values[:3], np.zeros(57))
    np.testing.assert_allclose(shrink_without_law(kind, low_rank), low_rank, rtol=1e-12)
