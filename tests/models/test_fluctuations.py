"""Outliers and edges of sampled matrices, 600 draws at N = 200, real noise, fixed seeds.

A variance from 600 draws has a relative standard error of √(2/600) = 5.8 %, and a Tracy–Widom mean
one of 1.268/√600 = 0.052. Four standard errors are allowed, and a bias of 1/N beside them: 39
comparisons, so that true formulas fail with chance 39 · 6e-5 = 0.2 %. The runs with 5000 draws,
complex noise included, are in benchmarks/fluctuations.py.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.measures import Empirical, TracyWidom
from pastur.models import DeformedWigner, EdgeScale, InformationPlusNoise

N, M, DRAWS = 200, 400, 600
VARIANCE_ERROR, MEAN_ERROR = 4 * np.sqrt(2 / DRAWS), 4 * 1.268 / np.sqrt(DRAWS)
SYMMETRIC_SPIKES, SYMMETRIC_SIGMA = (3.0, 0.3, -2.6), 0.8
RECTANGULAR_SPIKES, RECTANGULAR_SIGMA = (5.5, 3.0, 0.8), 0.7
# Places of the outliers among the ascending eigenvalues (singular values).
SYMMETRIC_PLACES, RECTANGULAR_PLACES = (199, 100, 0), (199, 100, 0)
EDGE_PLACES = [0, 99, 100, 199]


def symmetric_spectra(signal: FloatArray, rng: np.random.Generator) -> Iterator[FloatArray]:
    for _ in range(DRAWS):
        a = rng.standard_normal((N, N))
        noise = SYMMETRIC_SIGMA * (a + a.T) / np.sqrt(2 * N)
        yield np.linalg.eigvalsh(np.diag(signal) + noise)


def singular_values(signal: FloatArray, rng: np.random.Generator) -> Iterator[FloatArray]:
    for _ in range(DRAWS):
        w = RECTANGULAR_SIGMA * rng.standard_normal((N, M)) / np.sqrt(M)
        w[np.arange(N), np.arange(N)] += signal
        yield np.linalg.svd(w, compute_uv=False)[::-1]


@pytest.fixture(scope="module")
def symmetric_outliers() -> tuple[FloatArray, FloatArray]:
    signal = np.concatenate([SYMMETRIC_SPIKES, np.full(99, -1.5), np.full(98, 1.5)])
    spectra = symmetric_spectra(signal, np.random.default_rng(1))
    return signal, np.array([values[list(SYMMETRIC_PLACES)] for values in spectra])


@pytest.fixture(scope="module")
def rectangular_outliers() -> tuple[FloatArray, FloatArray]:
    signal = np.concatenate([RECTANGULAR_SPIKES, np.full(99, 2.0), np.full(98, 4.0)])
    spectra = singular_values(signal, np.random.default_rng(2))
    return signal, np.array([values[list(RECTANGULAR_PLACES)] for values in spectra])


@pytest.mark.lengthy
def test_variances_of_outliers_of_the_symmetric_model(
    symmetric_outliers: tuple[FloatArray, FloatArray],
) -> None:
    """Right, in a gap and left, the spike itself left out of the law; the sibling is β = 2."""
    signal, outliers = symmetric_outliers
    for j, theta in enumerate(SYMMETRIC_SPIKES):
        others = Empirical(np.delete(signal, j))
        ratios = [
            outliers[:, j].var(ddof=1)
            / DeformedWigner(others, SYMMETRIC_SIGMA, beta).fluctuation(theta, N) ** 2
            for beta in (1, 2)
        ]
        assert abs(ratios[0] - 1) < VARIANCE_ERROR + 0.02
        assert abs(ratios[1] - 1) > VARIANCE_ERROR + 0.02


@pytest.mark.slow
def test_variances_of_outliers_of_the_rectangular_model(
    rectangular_outliers: tuple[FloatArray, FloatArray],
) -> None:
    """The same for singular values; the other sibling forgets one of the two overlaps."""
    signal, outliers = rectangular_outliers
    for j, theta in enumerate(RECTANGULAR_SPIKES):
        others = Empirical(np.delete(signal, j) ** 2)
        model = InformationPlusNoise(others, RECTANGULAR_SIGMA, N / M)
        variance = outliers[:, j].var(ddof=1)
        assert abs(variance / model.fluctuation(theta**2, N) ** 2 - 1) < VARIANCE_ERROR + 0.02
        left, _ = model.overlap(theta**2)
        alone = RECTANGULAR_SIGMA**2 / (2 * M) * left
        assert abs(variance / alone - 1) > VARIANCE_ERROR + 0.02


@pytest.mark.lengthy
def test_own_term_belongs_out_of_the_mean(
    symmetric_outliers: tuple[FloatArray, FloatArray],
) -> None:
    """Φ_N without the spike itself centres its outlier; with all the others at Φ it does not."""
    signal, outliers = symmetric_outliers
    for j, theta in enumerate(SYMMETRIC_SPIKES):
        others = np.delete(signal, j)
        own_out = theta - SYMMETRIC_SIGMA**2 * np.sum(1 / (others - theta)) / N
        error = outliers[:, j].std(ddof=1) / np.sqrt(DRAWS)
        assert abs(outliers[:, j].mean() - own_out) < 4 * error + 0.5 / N
        assert abs(outliers[:, j].mean() - theta) > 10 * error


@pytest.fixture(scope="module")
def symmetric_extremes() -> tuple[EdgeScale, FloatArray]:
    signal = np.repeat([-1.5, 1.5], N // 2)
    model = DeformedWigner(Empirical(signal), SYMMETRIC_SIGMA)
    spectra = symmetric_spectra(signal, np.random.default_rng(3))
    return model.edge_scale(N), np.array([values[EDGE_PLACES] for values in spectra])


@pytest.fixture(scope="module")
def rectangular_extremes() -> tuple[EdgeScale, FloatArray]:
    signal = np.repeat([2.0, 4.0], N // 2)
    model = InformationPlusNoise(Empirical(signal**2), RECTANGULAR_SIGMA, N / M)
    spectra = singular_values(signal, np.random.default_rng(4))
    return model.edge_scale(N), np.array([values[EDGE_PLACES] for values in spectra])


def assert_tracy_widom(scaled: FloatArray) -> None:
    law = TracyWidom(1)
    variance = law.moment(2) - law.moment(1) ** 2
    assert np.all(np.abs(scaled.mean(axis=0) - law.moment(1)) < MEAN_ERROR + 0.03)
    # The kurtosis of the law, 3.17, makes its variance's error little larger than √(2/draws).
    assert np.all(np.abs(scaled.var(axis=0, ddof=1) / variance - 1) < 1.1 * VARIANCE_ERROR + 0.05)
    # The sibling: the law of complex noise.
    assert np.all(np.abs(scaled.mean(axis=0) - TracyWidom(2).moment(1)) > MEAN_ERROR + 0.03)


@pytest.mark.lengthy
def test_edges_of_the_symmetric_model_are_tracy_widom(
    symmetric_extremes: tuple[EdgeScale, FloatArray],
) -> None:
    (centring, scale), extremes = symmetric_extremes
    assert np.all(np.sign(scale) == [-1, 1, -1, 1])
    assert_tracy_widom((extremes - centring) / scale)


@pytest.mark.slow
def test_edges_of_the_rectangular_model_are_tracy_widom(
    rectangular_extremes: tuple[EdgeScale, FloatArray],
) -> None:
    """For squared values, and for plain ones with √centring and scale/(2√centring)."""
    (centring, scale), extremes = rectangular_extremes
    assert_tracy_widom((extremes**2 - centring) / scale)
    root = np.sqrt(centring)
    assert_tracy_widom((extremes - root) / (scale / (2 * root)))


@pytest.mark.lengthy
def test_overlaps_of_the_rectangular_model_on_both_sides() -> None:
    """80 draws: means within 4 standard errors and 1/N; the sibling is the other side's formula."""
    signal = np.concatenate([RECTANGULAR_SPIKES, np.full(99, 2.0), np.full(98, 4.0)])
    rng = np.random.default_rng(5)
    overlaps = np.empty((80, 3, 2))
    for draw in overlaps:
        w = RECTANGULAR_SIGMA * rng.standard_normal((N, M)) / np.sqrt(M)
        w[np.arange(N), np.arange(N)] += signal
        left, _, right = np.linalg.svd(w, full_matrices=False)
        for j, place in enumerate(RECTANGULAR_PLACES):
            draw[j] = left[j, N - 1 - place] ** 2, right[N - 1 - place, j] ** 2
    error = 4 * overlaps.std(axis=0, ddof=1) / np.sqrt(len(overlaps)) + 1 / N
    for j, theta in enumerate(RECTANGULAR_SPIKES):
        others = Empirical(np.delete(signal, j) ** 2)
        expected = InformationPlusNoise(others, RECTANGULAR_SIGMA, N / M).overlap(theta**2)
        assert np.all(np.abs(overlaps[:, j].mean(axis=0) - expected) < error[j])
    assert np.all(np.abs(overlaps[:, 2].mean(axis=0) - expected[::-1]) > 10 * error[2])


def test_johnstones_scale_where_the_signal_vanishes() -> None:
    """S = 0: κ = 1/(σ³c^(3/4)(1 + √c)²) at the right edge (Johnstone 2001)."""
    sigma, c = 1.4, 0.3
    model = InformationPlusNoise(Empirical(np.zeros(5)), sigma, c)
    kappa = model.edge_scale(1).scale[1] ** -1.5
    assert kappa == pytest.approx(1 / (sigma**3 * c**0.75 * (1 + np.sqrt(c)) ** 2), rel=1e-12)
