"""Outliers, overlaps and fluctuations of DeformedWigner: identities, errors, sampled matrices."""

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.measures import Atoms, Empirical, ProbabilityMeasure, Semicircle, Uniform
from pastur.models import DeformedWigner

TWO = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8)


def goe(n: int, sigma: float, rng: np.random.Generator) -> FloatArray:
    """A direct transcription of the definition: off-diagonal variance σ²/n, diagonal 2σ²/n."""
    a = rng.standard_normal((n, n))
    result: FloatArray = sigma * (a + a.T) / np.sqrt(2 * n)
    return result


def test_finite_rank_formula_of_the_paper() -> None:
    """(1.8): θ + σ²/θ for θ ≥ σ, else the edge 2σ; mirrored below the bulk."""
    model = DeformedWigner(Atoms([0.0]), sigma=2.0)
    np.testing.assert_allclose(model.outlier([5.0, 3.0, 1.0, -0.5, -4.0]), [5.8, 13 / 3, 4, -4, -5])
    np.testing.assert_allclose(model.critical_spikes, [-2, 2])
    np.testing.assert_allclose(model.overlap([4.0, 1.0]), [0.75, 0.0])
    np.testing.assert_array_equal(model.is_supercritical([1.999, 2.001, -2.001]), [0, 1, 1])


def test_spike_inverts_outlier_above_criticality_in_gaps_and_beyond() -> None:
    theta = np.array([-3.0, -2.2, -0.8, 0.0, 0.6, 2.2, 4.0])
    assert TWO.is_supercritical(theta).all()
    np.testing.assert_allclose(TWO.spike(TWO.outlier(theta)), theta, rtol=0, atol=1e-12)


def test_outlier_is_continuous_at_criticality() -> None:
    for w, edge in zip(TWO.critical_spikes, TWO.law.support.ravel(), strict=True):
        near = TWO.outlier([w - 1e-7, w + 1e-7])
        np.testing.assert_allclose(near, edge, rtol=0, atol=1e-9)


def test_subcritical_spikes_stick_to_the_edge_on_their_own_side() -> None:
    low, high = TWO.law.support
    np.testing.assert_allclose(
        TWO.outlier([-1.9, -1.2, 1.2, 1.9]), [low[0], low[1], high[0], high[1]], atol=1e-12
    )


def test_a_closed_gap_swallows_a_spike_to_the_quantile_of_its_level() -> None:
    model = DeformedWigner(Atoms([-1.0, 1.0], [0.7, 0.3]), sigma=1.2)
    assert len(model.law.support) == 1
    expected = model.law.quantile(0.7)
    np.testing.assert_allclose(model.outlier([0.0, 0.7]), expected)
    n, rng = 500, np.random.default_rng(11)
    s = np.diag(np.r_[-np.ones(349), 1 * np.ones(150), 0.0])
    draws = [np.linalg.eigvalsh(s + goe(n, 1.2, rng))[349] for _ in range(20)]
    # The rank-350 eigenvalue of 500 is within a few spacings (about 0.01 each) of that quantile.
    assert np.mean(draws) == pytest.approx(expected, abs=0.02)


def test_spike_on_the_support_and_other_misuse_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"theta = 1.5 lies on the support of the signal"):
        TWO.outlier(1.5)
    with pytest.raises(InvalidInputError, match="lies on the support"):
        TWO.spike(2.0)
    with pytest.raises(InvalidInputError, match=r"`sigma` must be positive\. Got 0"):
        DeformedWigner(Atoms([0.0]), sigma=0)
    with pytest.raises(InvalidTypeError, match="`nu0` must be a probability measure"):
        DeformedWigner([0.0])  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="`nu0` must be a probability measure"):
        DeformedWigner(Atoms([0.0]) - Atoms([1.0]))
    with pytest.raises(InvalidInputError, match=r"`beta` must be one of 1, 2\. Got 4"):
        DeformedWigner(Atoms([0.0]), beta=4)
    with pytest.raises(InvalidInputError, match=r"`n` must be at least 1\. Got 0"):
        TWO.fluctuation(3.0, 0)


def test_edge_scale_of_the_semicircle_in_closed_form() -> None:
    """κ = 1/σ^(3/2) and centring ±(2σ − σ/(2n)) for real noise, ±2σ for complex noise."""
    for beta, shift in [(1, 1.5 / 800), (2, 0.0)]:
        scale = DeformedWigner(Atoms([0.0]), sigma=1.5, beta=beta).edge_scale(400)
        np.testing.assert_allclose(scale.centring, [-3 + shift, 3 - shift], rtol=1e-12)
        np.testing.assert_allclose(scale.scale, [-1.5 * 400 ** (-2 / 3), 1.5 * 400 ** (-2 / 3)])


def test_edge_scale_matches_the_density_at_every_edge() -> None:
    """density ≈ (κ/π)√|E − x| close to the edge E, with (κn)^(−2/3) = |scale|."""
    mixture = 0.5 * Atoms([-3.0]) + 0.5 * Uniform(0, 1)
    assert isinstance(mixture, ProbabilityMeasure)
    model = DeformedWigner(mixture, sigma=0.5)
    kappa = np.abs(model.edge_scale(1).scale) ** -1.5
    inward = np.array([1, -1, 1, -1])
    edges = model.law.support.ravel()
    density = model.law.density(edges + inward * 1e-7)
    np.testing.assert_allclose(np.pi * density / np.sqrt(1e-7), kappa, rtol=1e-3)


def test_fluctuation_is_nan_below_criticality_and_halved_for_complex_noise() -> None:
    one, two = (DeformedWigner(Atoms([0.0]), beta=b) for b in (1, 2))
    assert one.fluctuation(2.0, 100) == pytest.approx(np.sqrt(2 * 0.75 / 100))
    assert two.fluctuation(2.0, 100) == pytest.approx(np.sqrt(0.75 / 100))
    assert np.isnan(one.fluctuation(0.5, 100))


@pytest.mark.slow
def test_outliers_and_overlaps_of_sampled_matrices() -> None:
    """N = 1000, 50 draws: means within 3 standard errors of Φ_N and Φ′_N, a spike in the gap too.

    Six comparisons at 3 standard errors: false alarm below 2 %, fixed seed. The siblings:
    Φ without σ² and the overlap of a wrong σ lie far outside.
    """
    n, sigma, draws = 1000, 0.8, 50
    spikes = np.array([3.0, 0.3, -2.6])
    rest = np.r_[np.full(498, -1.5), np.full(499, 1.5)]
    s = np.r_[spikes, rest]
    rng = np.random.default_rng(20)
    outliers, overlaps = np.empty((draws, 3)), np.empty((draws, 3))
    for k in range(draws):
        values, vectors = np.linalg.eigh(np.diag(s) + goe(n, sigma, rng))
        for j in range(3):
            i = int(np.argmax(vectors[j] ** 2))
            outliers[k, j], overlaps[k, j] = values[i], vectors[j, i] ** 2
    for j, theta in enumerate(spikes):
        own_out = DeformedWigner(Empirical(np.delete(s, j)), sigma=sigma)
        # The 1/N in the mean of the law over the other N − 1 eigenvalues is kept: mass (N − 1)/N.
        phi = theta + (own_out.phi(theta) - theta) * (n - 1) / n
        slope = 1 - (1 - own_out.overlap(theta)) * (n - 1) / n
        error = outliers[:, j].std(ddof=1) / np.sqrt(draws)
        assert abs(outliers[:, j].mean() - phi) < 3 * error
        assert abs(outliers[:, j].mean() - theta) > 10 * error
        error = overlaps[:, j].std(ddof=1) / np.sqrt(draws)
        assert abs(overlaps[:, j].mean() - slope) < 3 * error
        wrong = DeformedWigner(Atoms([-1.5, 1.5]), sigma=1.2 * sigma).overlap(theta)
        assert abs(overlaps[:, j].mean() - wrong) > 10 * error


@pytest.mark.lengthy
def test_a_subcritical_spike_makes_no_outlier() -> None:
    """θ = 0.6σ: the top eigenvalue follows the Tracy–Widom law of the edge that `outlier` names."""
    n, sigma = 400, 1.0
    model = DeformedWigner(Atoms([0.0]), sigma=sigma)
    assert not model.is_supercritical(0.6)
    assert model.outlier(0.6) == 2.0
    rng = np.random.default_rng(21)
    s = np.zeros(n)
    s[0] = 0.6
    tops = np.array([np.linalg.eigvalsh(np.diag(s) + goe(n, sigma, rng))[-1] for _ in range(60)])
    scale = model.edge_scale(n)
    standard = (tops - scale.centring[1]) / scale.scale[1]
    # Mean −1.2065, standard deviation 1.268; the weak spike lifts it at order n^(−1/3).
    assert abs(standard.mean() + 1.2065) < 4 * 1.268 / np.sqrt(60)
    # The sibling: Φ(0.6) = 2.27 is where Theorem 2.2, as printed, would put it.
    assert tops.max() < 2.1


def test_measures_that_are_not_bounded_or_not_positive_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="probability measure"):
        DeformedWigner(2 * Semicircle(1.0) - Atoms([0.0]))
