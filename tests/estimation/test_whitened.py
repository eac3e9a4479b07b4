"""Spikes mapped from the whitened metric: closed forms and the best that any weights can do."""

import numpy as np
import pytest

from pastur import fit_rectangular
from pastur._typing import FloatArray
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._whitened.mapping import Side, best_weights, mapped_spikes
from pastur.estimation._whitened.table import mapped_signal, mapped_table
from pastur.estimation._whitened.variances import Variances


def side(n: int, share: float, seed: int) -> tuple[Side, float]:
    """One direction that lies in the signal's but for noise, and |D^(1/2)a|² of the signal's."""
    rng = np.random.default_rng(seed)
    d = rng.uniform(0.2, 3.0, n)
    d /= d.mean()
    a, w = np.linalg.qr(rng.normal(size=(n, 2)))[0].T
    overlap = np.array([1 - share])
    return Side((np.sqrt(1 - share) * a + np.sqrt(share) * w)[:, None], overlap, overlap, d), a @ (
        d * a
    )


def test_a_single_spike_has_the_strength_of_the_formula() -> None:
    rows, alpha = side(100_000, 0.3, 0)
    columns, beta = side(150_000, 0.2, 1)
    mapped = mapped_spikes(np.array([2.0]), rows, columns)
    assert mapped.theta[0] == pytest.approx(2 * np.sqrt(alpha * beta), rel=0.01)
    assert mapped.rows[0] == pytest.approx(0.7 * alpha / rows.observed[0, 0], rel=0.02)
    assert mapped.columns[0] == pytest.approx(0.8 * beta / columns.observed[0, 0], rel=0.02)


def test_weight_of_a_single_spike_is_leebs() -> None:
    rows, _ = side(400, 0.3, 2)
    columns, _ = side(300, 0.2, 3)
    nu, mu = rows.observed[0, 0], columns.observed[0, 0]
    # Off the signal's direction D has a mean of its own: that of all, 1, is (α + (n − 1)κ)/n.
    kappa, lam = (
        (n - v / p) / (n - 1 - (1 - p) / p) for n, v, p in ((400, nu, 0.7), (300, mu, 0.8))
    )
    alpha, beta = (nu - 0.3 * kappa) / 0.7, (mu - 0.2 * lam) / 0.8
    expected = 2 * np.sqrt(0.7 * 0.8) * alpha * beta / (nu * mu)
    assert best_weights(np.array([2.0]), rows, columns)[0, 0] == pytest.approx(expected, rel=1e-12)


def test_white_noise_is_left_as_it_is() -> None:
    rng = np.random.default_rng(4)
    w = rng.normal(size=(200, 400)) / 20
    w[0, 0] += 3
    w[1, 1] += 2
    fit = fit_rectangular(w)
    kind, ones = RectangularKind(200, 400), Variances(np.ones(200), np.ones(400))
    table = mapped_table(fit.spikes, kind, fit.sigma, kind.factors(w), ones, z=1.96)
    for name in ("theta", "low", "high", "overlap_left", "overlap_right"):
        np.testing.assert_allclose(table[name], fit.spikes[name], rtol=1e-9)
    signal = mapped_signal(fit.spikes, kind, fit.sigma, kind.factors(w), ones)
    np.testing.assert_allclose(signal, fit.denoise(w), atol=0.05)


def crowded(seed: int) -> tuple[FloatArray, FloatArray, Variances]:
    rng = np.random.default_rng(seed)
    n, m, k = 200, 400, 12
    d, e = np.exp(rng.normal(size=n)), np.exp(rng.normal(size=m))
    variances = Variances(d / d.mean(), e / e.mean())
    u, v = (np.linalg.qr(rng.normal(size=(side, k)))[0] for side in (n, m))
    signal = (u * np.linspace(2.0, 3.0, k)) @ v.T
    noise = variances.restored(rng.normal(size=(n, m)) / np.sqrt(m))
    return signal + noise, signal, variances


@pytest.mark.parametrize("seed", range(3))
def test_weights_come_close_to_the_best_on_the_same_vectors(seed: int) -> None:
    w, signal, variances = crowded(seed)
    white = variances.whitened(w)
    fit, kind = fit_rectangular(white), RectangularKind(200, 400)
    factors = kind.factors(white)
    found = mapped_signal(fit.spikes, kind, fit.sigma, factors, variances)
    left = np.linalg.qr(np.sqrt(variances.rows)[:, None] * factors.left[:, : fit.rank])[0]
    right = np.linalg.qr(np.sqrt(variances.columns)[:, None] * factors.right[: fit.rank].T)[0]
    best = left @ (left.T @ signal @ right) @ right.T
    least = np.linalg.norm(best - signal)
    assert np.linalg.norm(found - signal) < 1.05 * least
    unweighted = variances.restored(fit.denoise(white))
    assert np.linalg.norm(unweighted - signal) > 1.01 * np.linalg.norm(found - signal)


def test_strengths_of_crowded_spikes_need_the_matrices() -> None:
    w, _, variances = crowded(3)
    white = variances.whitened(w)
    fit, kind = fit_rectangular(white), RectangularKind(200, 400)
    table = mapped_table(fit.spikes, kind, fit.sigma, kind.factors(white), variances, z=1.96)
    theta = np.linspace(3.0, 2.0, 12)
    assert fit.rank == 12
    assert np.abs(np.sort(table["theta"])[::-1] / theta - 1).mean() < 0.03
    assert np.abs(fit.spikes["theta"] / theta - 1).mean() > 0.1


def test_shares_outside_the_span_are_one_less_the_overlap_of_a_single_spike() -> None:
    # Benaych-Georges and Nadakuditi 2012, for a matrix that one spike takes nothing of.
    theta, c = np.array([1.7]), 0.5
    left, right = RectangularKind(10**9, 2 * 10**9).noise_shares(theta, 1.0)
    assert left[0] == pytest.approx(c * (1 + 1.7**2) / (1.7**2 * (1.7**2 + c)))
    assert right[0] == pytest.approx((c + 1.7**2) / (1.7**2 * (1.7**2 + 1)))
    (share,) = SymmetricKind(10**9).noise_shares(theta, 1.0)
    assert share[0] == pytest.approx(1.7**-2)


def test_shares_outside_the_span_of_many_spikes() -> None:
    rng = np.random.default_rng(5)
    n, m, k = 300, 600, 60
    w = rng.normal(size=(n, m)) / np.sqrt(m)
    theta = np.linspace(3.0, 2.0, k)
    w[np.arange(k), np.arange(k)] += theta
    u, _, vt = np.linalg.svd(w)
    left, right = RectangularKind(n, m).noise_shares(theta, 1.0)
    assert np.sum(u[k:, :k] ** 2, axis=0).mean() == pytest.approx(left.mean(), rel=0.05)
    assert np.sum(vt[:k, k:] ** 2, axis=1).mean() == pytest.approx(right.mean(), rel=0.05)


def test_directions_in_sides_of_next_to_no_noise_are_mapped() -> None:
    """Products of 1e-80 next to those of 1 are lost in rounding; what is left is indefinite."""
    rng = np.random.default_rng(7)

    def quiet(n: int) -> Side:
        variances = np.repeat([1e-80, 2.0], n // 2)
        vectors = rng.normal(size=(n, 3))
        vectors[n // 2 :, 2] = 0.0
        basis, turn = np.linalg.qr(vectors[:, ::-1])[0], np.linalg.qr(rng.normal(size=(3, 3)))[0]
        within = np.array([0.5, 0.6, 0.7])
        return Side(basis @ turn, within, within, variances)

    for _ in range(20):
        mapped = mapped_spikes(np.array([3.0, 2.0, 1.5]), quiet(60), quiet(80))
        assert np.isfinite(mapped.theta).all() and np.isfinite(mapped.weights).all()
