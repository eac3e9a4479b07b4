"""Outliers at any size for any bulk: against exact samplers, dense matrices and closed forms."""

import sys
from typing import Any

import numpy as np
import pytest

from pastur import Atoms, DeformedWigner, Empirical, Semicircle, Uniform, sample_goe
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.ensembles import sample_spiked_outliers
from pastur.models import InformationPlusNoise, sample_outliers
from pastur.models.sample_outliers import Secular, _rule

ZERO = DeformedWigner(Atoms([0.0]))
PAIR = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.6)
SPIKES = [2.6, 1.9, 1.88, 1.5, 1.42]
DRAWS = 400


def z_of_means(one: FloatArray, other: FloatArray) -> FloatArray:
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    return np.asarray((one.mean(axis=0) - other.mean(axis=0)) / error)


def z_of_variances(one: FloatArray, other: FloatArray) -> FloatArray:
    """Logarithms of sample variances have the variance 2/(k − 1), for normal draws."""
    error = np.sqrt(2 / (len(one) - 1) + 2 / (len(other) - 1))
    return np.asarray(np.log(one.var(axis=0) / other.var(axis=0)) / error)


def largest(*z: FloatArray) -> float:
    return float(np.abs(np.concatenate(z)).max())


# Ten figures, normal: by chance one of a right sampler exceeds 4.5 with a probability of 7e-5.
MOST = 4.5


@pytest.fixture(scope="module")
def exact() -> FloatArray:
    """By the block tridiagonal form, which is exact in law and knows no theory."""
    return np.array(
        [
            sample_spiked_outliers(10**6, SPIKES, tolerance=1e-6, rng=i).outliers
            for i in range(DRAWS)
        ]
    )


def drawn(model: DeformedWigner, size: int, spikes: Any, draws: int = DRAWS) -> FloatArray:
    return sample_outliers(model, size, spikes=spikes, draws=draws, rng=1)


def test_the_law_is_that_of_the_exact_sampler(exact: FloatArray) -> None:
    """Neighbours that repel included: their distance is compared too."""
    found = drawn(ZERO, 10**6, SPIKES)
    assert largest(z_of_means(found, exact), z_of_variances(found, exact)) < MOST
    apart = [values[:, 1:2] - values[:, 2:3] for values in (found, exact)]
    assert largest(z_of_means(*apart), z_of_variances(*apart)) < MOST


def test_without_the_noise_between_spikes_and_bulk_it_is_another_law(
    exact: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B's part replaced by its mean: the same places, but too small variances."""

    def calm(rng: np.random.Generator, r: int, count: float, beta: int) -> FloatArray:
        return np.asarray(np.sqrt(count) * np.eye(r))

    # The name of the module in its package is that of the function.
    module = sys.modules["pastur.models.sample_outliers"]
    monkeypatch.setattr(module, "_wishart_factor", calm)
    found = drawn(ZERO, 10**6, SPIKES)
    assert largest(z_of_variances(found, exact)) > 6


@pytest.mark.lengthy
def test_the_law_is_that_of_dense_matrices_with_two_atoms() -> None:
    """Spikes beyond the bulk and in its gap, N = 240."""
    spikes = np.array([3.3, 3.0, 0.1])
    signal = np.concatenate([spikes[:2], np.full(118, 1.5), spikes[2:], np.full(119, -1.5)])
    dense = []
    for i in range(200):
        values = np.linalg.eigvalsh(np.diag(signal) + sample_goe(240, 0.6, rng=i))[::-1]
        dense.append(values[[0, 1, 120]])
    found = drawn(PAIR, 240, spikes, 400)
    assert (
        largest(z_of_means(found, np.array(dense)), z_of_variances(found, np.array(dense))) < MOST
    )


@pytest.mark.parametrize("beta", [1, 2])
@pytest.mark.parametrize(
    ("bulk", "spike"),
    [
        (Atoms([-1.0, 0.0, 2.0], [0.2, 0.5, 0.3]), 1.0),
        (0.5 * Semicircle(0.4) + 0.5 * Uniform(1.0, 2.0), -2.0),
    ],
)
def test_a_single_outlier_has_the_variance_of_the_formula(
    bulk: Any, spike: float, beta: int
) -> None:
    """2σ²Φ′/(βN), at N = 10⁸, for any bulk; and the mean Φ(θ)."""
    model = DeformedWigner(bulk, sigma=0.3, beta=beta)
    found = drawn(model, 10**8, [spike], 500)[:, 0]
    sd = float(model.fluctuation(spike, 10**8))
    assert abs(found.mean() - model.outlier(spike)) < MOST * sd / np.sqrt(500)
    assert abs(np.log(found.var() / sd**2)) < MOST * np.sqrt(2 / 499)
    assert abs(np.log(found.var() / sd**2) + np.log(2)) > MOST * np.sqrt(2 / 499)


def test_the_rule_stands_for_the_bulk() -> None:
    places = np.array([3.16, 0.17])
    rule = _rule(PAIR, 10**6 - 2, places)
    assert rule.counts.sum() == 10**6 - 2 and (rule.counts == np.floor(rule.counts)).all()
    found = (rule.counts / (rule.points - places[:, None])).sum(axis=1) / (10**6 - 2)
    # Whole numbers are off by one at most, at each of the points.
    np.testing.assert_allclose(found, PAIR.law.stieltjes(places), atol=len(rule.points) * 3e-6)


def test_roots_are_those_of_the_whole_matrix() -> None:
    """Of [[corner, F], [Fᴴ, points]], naively; in the gap as well."""
    rng = np.random.default_rng(4)
    r, points = 3, np.array([-1.5, -1.0, 1.0, 1.4])
    factors = 0.3 * rng.normal(size=(4, r, r))
    corner = np.diag([3.0, 2.5, 0.1])
    secular = Secular(corner, factors @ factors.swapaxes(1, 2), points)
    rest = np.kron(np.diag(points), np.eye(r))
    across = np.concatenate(list(factors), axis=1)
    whole = np.linalg.eigvalsh(np.block([[corner, across], [across.T, rest]]))[::-1]
    found = [
        secular.solve(j, x, *ends)
        for j, x, ends in ((0, 3.0, (1.5, 9)), (1, 2.5, (1.5, 9)), (2, 0.1, (-0.9, 0.9)))
    ]
    np.testing.assert_allclose(found, whole[[0, 1, 8]], rtol=1e-12)


def test_the_same_seed_gives_the_same_draw_and_progress_is_reported() -> None:
    seen: list[tuple[int, int, str]] = []
    first = sample_outliers(
        PAIR, 10**12, spikes=[3.0, 0.2], rng=7, progress=lambda *done: seen.append(done)
    )
    assert (first == sample_outliers(PAIR, 10**12, spikes=[0.2, 3.0], rng=7)).all()
    assert seen == [(1, 2, "outliers"), (2, 2, "outliers")]
    several = sample_outliers(PAIR, 10**12, spikes=[3.0, 0.2], draws=3, rng=7)
    assert (several[0] == first).all() and several.shape == (3, 2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sample_outliers(ZERO, 100, spikes=[0.5]), "contains 0.5, which at N = 100 with 1"),
        (lambda: sample_outliers(ZERO, 1000, spikes=[1.1]), "is not clear of the bulk"),
        (lambda: sample_outliers(ZERO, 19, spikes=[3.0, 2.0]), "ten times the number of spikes, 2"),
        (lambda: sample_outliers(PAIR, 1000, spikes=[1.5]), "lies on the support"),
        (
            lambda: sample_outliers(InformationPlusNoise(Atoms([0.0])), 9, spikes=[2.0]),  # type: ignore[arg-type]
            "`model` must be a DeformedWigner. Got a InformationPlusNoise",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises((InvalidInputError, InvalidTypeError)) as caught:
        call()
    assert sentence in str(caught.value)


def test_a_spectrum_of_a_matrix_is_a_bulk_too() -> None:
    values = np.linspace(-1, 1, 30)
    model = DeformedWigner(Empirical(values), sigma=0.5)
    found = sample_outliers(model, 10**10, spikes=[2.0], rng=1)
    assert found[0] == pytest.approx(2 + 0.25 * np.mean(1 / (2 - values)), abs=1e-4)
