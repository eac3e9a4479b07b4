"""Fits with noise that has a variance for each row and column."""

import json
import warnings

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit
from pastur.estimation._result.profile import Profile

N, M = 200, 400


def profile_of(fit: RectangularFit | SymmetricFit) -> Profile:
    assert fit.profile is not None
    return fit.profile


def planted(seed: int, strengths: FloatArray, spread: float) -> tuple[FloatArray, ...]:
    """A matrix, its signal, and the variances of its rows and columns, of mean one."""
    rng = np.random.default_rng(seed)
    d, e = (np.exp(2 * spread * rng.normal(size=side)) for side in (N, M))
    d, e = d / d.mean(), e / e.mean()
    u, v = (np.linalg.qr(rng.normal(size=(side, strengths.size)))[0] for side in (N, M))
    signal = (u * strengths) @ v.T
    noise = np.sqrt(d)[:, None] * rng.normal(size=(N, M)) / np.sqrt(M) * np.sqrt(e)
    return noise + signal, signal, d, e


STRENGTHS = np.array([4.0, 3.0, 2.2])


def test_what_was_planted_is_found() -> None:
    held, better = 0, 0
    for seed in range(12):
        w, signal, *_ = planted(seed, STRENGTHS, 0.4)
        fit = fit_rectangular(w, noise="profile")
        assert fit.noise == "profile"
        assert fit.rank == 3
        assert fit.goodness.verdict == "noise bulk"
        assert fit.sigma == pytest.approx(1.0, abs=0.04)
        for theta in STRENGTHS:
            row = fit.spikes[np.argmin(np.abs(fit.spikes["theta"] - theta))]
            held += bool(row["low"] <= theta <= row["high"])
            assert row["theta"] == pytest.approx(theta, rel=0.12)
        white = fit_rectangular(w)
        assert white.goodness.verdict != "noise bulk"
        error = np.linalg.norm(fit.denoise(w) - signal)
        whitened = profile_of(fit).whiten(w)
        naive = profile_of(fit).variances.restored(fit_rectangular(whitened).denoise(whitened))
        better += bool(error < np.linalg.norm(naive - signal))
        assert error < np.linalg.norm(white.denoise(w) - signal)
    assert better >= 10
    # 36 intervals of 95 %: fewer than 30 hold in one of ten thousand trials.
    assert held >= 30


def test_interval_of_sigma_holds_the_mean_variance() -> None:
    held = narrow = 0
    for seed in range(30):
        w, *_ = planted(seed, np.empty(0), 0.5)
        fit = fit_rectangular(w, noise="profile")
        held += fit.sigma_interval[0] <= 1.0 <= fit.sigma_interval[1]
        white = fit_rectangular(profile_of(fit).whiten(w))
        # Without what its lower end allows for hidden spikes.
        high = white.sigma_interval[1]
        narrow += white.sigma**2 / high <= 1.0 <= high
    assert held >= 25
    # That of the scaled matrix alone is too narrow: the mean of the variances has its own error.
    assert narrow < 25


def test_known_variances_give_what_white_noise_gives() -> None:
    w, _, d, e = planted(3, np.empty(0), 0.5)
    fit = fit_rectangular(w, noise="profile", variances=(7 * d, e / 5))
    white = fit_rectangular(w / np.sqrt(d[:, None] * e))
    assert profile_of(fit).given
    assert fit.sigma == pytest.approx(white.sigma, rel=1e-9)
    assert fit.sigma_interval == pytest.approx(white.sigma_interval, rel=1e-9)
    assert "as given" in str(fit.noise)
    wrong = fit_rectangular(w, noise="profile", variances=(np.ones(N), np.ones(M)))
    assert wrong.goodness.verdict != "noise bulk"


@pytest.mark.parametrize("variances", [None, "known"])
def test_transposing_swaps_sides(variances: str | None) -> None:
    w, signal, d, e = planted(5, STRENGTHS, 0.5)
    given = (None, None) if variances is None else ((d, e), (e, d))
    fit = fit_rectangular(w, noise="profile", variances=given[0])
    turned = fit_rectangular(w.T, noise="profile", variances=given[1])
    np.testing.assert_allclose(turned.spikes["theta"], fit.spikes["theta"], rtol=1e-4)
    for name, other in (("overlap_left", "overlap_right"), ("overlap_right", "overlap_left")):
        np.testing.assert_allclose(turned.spikes[other], fit.spikes[name], rtol=1e-4)
    np.testing.assert_allclose(turned.denoise(w.T).T, fit.denoise(w), atol=1e-3)
    assert np.linalg.norm(turned.denoise(w.T).T - signal) < 0.6 * np.linalg.norm(signal)


def test_overlaps_are_those_of_the_best_combination_of_mapped_vectors() -> None:
    differences = []
    for seed in range(10):
        w, signal, *_ = planted(seed, np.array([4.0, 2.5]), 0.5)
        fit = fit_rectangular(w, noise="profile")
        u, _, vt = np.linalg.svd(profile_of(fit).whiten(w))
        left = np.linalg.qr(np.sqrt(profile_of(fit).rows)[:, None] * u[:, :2])[0]
        right = np.linalg.qr(np.sqrt(profile_of(fit).columns)[:, None] * vt[:2].T)[0]
        true_u, _, true_vt = np.linalg.svd(signal)
        for k in range(2):
            row = fit.spikes[np.argsort(-fit.spikes["theta"])[k]]
            differences.append(row["overlap_left"] - np.sum((left.T @ true_u[:, k]) ** 2))
            differences.append(row["overlap_right"] - np.sum((true_vt[k] @ right) ** 2))
    assert abs(np.mean(differences)) < 0.01
    assert np.std(differences) < 0.04


def test_rows_and_columns_of_zeros_are_left_out() -> None:
    w, _, d, e = planted(7, STRENGTHS, 0.3)
    w[[4, 5]] = 0.0
    w[:, 9] = 0.0
    for variances in (None, (d, e)):
        fit = fit_rectangular(w, noise="profile", variances=variances)
        assert fit.zero_sides == (2, 1)
        assert fit.rank == 3
        assert profile_of(fit).rows[4] == profile_of(fit).columns[9] == 0.0
        assert profile_of(fit).rows[profile_of(fit).rows > 0].mean() == pytest.approx(1.0)
        assert not fit.denoise(w)[4].any()


def symmetric(seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    d = np.exp(0.8 * rng.normal(size=300))
    d /= d.mean()
    g = rng.normal(size=(300, 300))
    u = np.linalg.qr(rng.normal(size=(300, 2)))[0]
    signal = (u * [3.0, -2.5]) @ u.T
    return np.sqrt(d)[:, None] * (g + g.T) / np.sqrt(600) * np.sqrt(d) + signal, signal, d


@pytest.mark.parametrize("known", [False, True])
def test_symmetric(known: bool) -> None:
    held = false = 0
    for seed in range(10):
        w, signal, d = symmetric(seed)
        fit = fit_symmetric(w, noise="profile", variances=d if known else None)
        assert fit.goodness.verdict == "noise bulk"
        false += fit.rank - 2
        assert fit.sigma == pytest.approx(1.0, abs=0.05)
        for theta, place in ((3.0, 0), (-2.5, -1)):
            row = fit.spikes[place]
            held += bool(row["low"] <= theta <= row["high"])
        assert np.array_equal(profile_of(fit).rows, profile_of(fit).columns)
        error = np.linalg.norm(fit.denoise(w) - signal)
        assert error < 0.9 * np.linalg.norm(fit_symmetric(w).denoise(w) - signal)
    assert held >= 15
    assert 0 <= false <= 2


def test_a_row_that_is_mostly_signal_is_named() -> None:
    rng = np.random.default_rng(11)
    w, *_ = planted(11, np.array([3.0]), 0.1)
    assert "cannot be distinguished" not in str(fit_rectangular(w, noise="profile").noise)
    u = np.zeros((N, 2))
    u[:4] = np.linalg.qr(rng.normal(size=(4, 2)))[0]
    v = np.linalg.qr(rng.normal(size=(M, 2)))[0]
    local = rng.normal(size=(N, M)) / np.sqrt(M) + (u * 9.0) @ v.T
    assert "cannot be distinguished" in str(fit_rectangular(local, noise="profile").noise)


def test_stored_fits_come_back() -> None:
    w, *_ = planted(13, STRENGTHS, 0.4)
    fit = fit_rectangular(w, noise="profile")
    back = RectangularFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert back == fit
    np.testing.assert_array_equal(back.denoise(w), fit.denoise(w))
    s, *_ = symmetric(1)
    other = fit_symmetric(s, noise="profile")
    assert SymmetricFit.from_dict(json.loads(json.dumps(other.to_dict()))) == other


@pytest.mark.parametrize(
    "w",
    [
        np.eye(30),
        np.triu(np.random.default_rng(0).normal(size=(40, 40))),
        np.where(np.random.default_rng(1).random((60, 80)) < 0.03, 1.0, 0.0),
    ],
    ids=["identity", "triangle", "sparse"],
)
def test_what_no_variances_explain_is_said(w: FloatArray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = fit_rectangular(w, noise="profile")
    assert fit.goodness.verdict != "noise bulk" or not fit.status.converged
    json.dumps(fit.to_dict(), allow_nan=False)


def test_a_matrix_without_noise_keeps_its_rank() -> None:
    w = np.outer(np.arange(1.0, 20), np.arange(1.0, 50))
    fit = fit_rectangular(w, noise="profile")
    assert (fit.sigma, fit.rank) == (0.0, 1)
    assert fit.noise == "profile"
    np.testing.assert_allclose(fit.denoise(w), w)


def test_equal_values_are_kept_apart() -> None:
    fit = fit_symmetric(np.eye(50), noise="profile")
    assert np.isfinite(fit.denoise(np.eye(50))).all()


def test_entries_are_judged_without_the_signal_that_scaling_enlarges() -> None:
    # Where the noise is small the signal is large after scaling, and has a heavy tail.
    w, _, d, e = planted(23, np.array([4.0, 3.5, 3.0, 2.5]), 0.7)
    fit = fit_rectangular(w, noise="profile")
    assert fit.goodness.verdict == "noise bulk"
    assert fit.rank == 4
    scaled = w / np.sqrt(np.outer(d, e))
    assert fit_rectangular(scaled).goodness.verdict != "noise bulk"
    w[3, 5] += 60.0
    assert fit_rectangular(w, noise="profile").goodness.verdict.of_entries


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale_is_carried_through(scale: float) -> None:
    w, *_ = planted(17, STRENGTHS, 0.4)
    fit, other = (fit_rectangular(x, noise="profile") for x in (w, scale * w))
    assert other.sigma == pytest.approx(scale * fit.sigma, rel=1e-4)
    np.testing.assert_allclose(other.spikes["theta"], scale * fit.spikes["theta"], rtol=1e-4)


def test_what_does_not_go_together_is_refused() -> None:
    w, _, d, e = planted(19, STRENGTHS, 0.4)
    with pytest.raises(InvalidInputError, match="needs the matrix itself"):
        fit_rectangular(singular_values=np.ones(5), shape=(5, 9), noise="profile")
    with pytest.raises(InvalidInputError, match="go with"):
        fit_rectangular(w, variances=(d, e))
    with pytest.raises(InvalidInputError, match="each of 200 rows"):
        fit_rectangular(w, noise="profile", variances=(e, d))
