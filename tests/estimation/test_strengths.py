"""Two readings of a strength: against everything else, and of the whole signal."""

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

READINGS = ("against_rest", "of_signal")


def orthonormal(n: int, r: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(n, r)))[0])


def in_noise(sizes: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Signal of 200 × 400 in no special direction, and noise of σ = 1."""
    r = sizes.size
    s = (orthonormal(200, r, rng) * sizes) @ orthonormal(400, r, rng).T
    return np.asarray(s + rng.normal(size=(200, 400)) / 20)


def test_they_agree_on_a_lone_spike_in_white_noise() -> None:
    rng, agreed = np.random.default_rng(0), []
    for _ in range(10):
        fit = fit_rectangular(in_noise(np.array([5.0]), rng))
        (row,) = fit.strengths
        assert row["observed"] == fit.spikes["observed"][0]
        assert row["of_signal"] == fit.spikes["theta"][0]
        assert row["against_rest"] == fit.leading["theta"][0]
        agreed.append(row["agree"])
    assert all(agreed)


def test_they_differ_where_the_rest_is_a_signal_orthogonal_to_the_direction() -> None:
    # Ninety equal directions: none is in general position to the others, which cannot push it.
    rng = np.random.default_rng(1)
    sizes = np.concatenate([[9.0], np.full(90, 6.0)])
    fit = fit_rectangular(in_noise(sizes, rng), sigma=1.0)
    row = fit.strengths[0]
    assert row["of_signal_low"] < 9.0 < row["of_signal_high"]
    assert row["against_rest"] < 0.9 * 9.0 and not row["agree"]


@pytest.mark.parametrize("noise", ["free", "auto", "white"])
def test_the_white_reading_is_there_where_white_noise_was_tried(noise: str) -> None:
    rng = np.random.default_rng(2)
    w = in_noise(10 / np.sqrt(np.arange(1.0, 201)), rng)
    table = fit_rectangular(w, noise=noise).strengths
    assert table.size and np.isfinite(table["against_rest"][0])
    assert np.isfinite(table["of_signal"][0]) == (noise != "free")
    assert (np.diff(table["observed"]) < 0).all()
    if noise == "free":
        assert not table["agree"].any()


def test_eigenvalues_of_both_signs_are_listed_by_size() -> None:
    rng, n = np.random.default_rng(3), 200
    a, q = rng.normal(size=(n, n)), orthonormal(n, 3, rng)
    w = (a + a.T) / np.sqrt(2 * n) + (q * np.array([4.0, -6.0, 3.0])) @ q.T
    table = fit_symmetric((w + w.T) / 2).strengths
    assert np.sign(table["observed"]).tolist() == [-1, 1, 1]
    for reading in READINGS:
        assert (table[f"{reading}_low"] < [-6, 4, 3]).all()
        assert (table[f"{reading}_high"] > [-6, 4, 3]).all()


def test_pure_noise_and_exact_ranks_have_a_table_too() -> None:
    assert fit_rectangular(np.random.default_rng(4).normal(size=(60, 90))).strengths.size <= 1
    (row,) = fit_rectangular(np.ones((9, 9))).strengths
    assert row["of_signal"] == pytest.approx(9) and np.isnan(row["against_rest"])


def test_members_of_a_group_share_an_interval_and_do_not_agree() -> None:
    rng = np.random.default_rng(5)
    fit = fit_rectangular(in_noise(np.array([6.0, 3.02, 3.01, 3.0]), rng))
    alone = np.bincount(fit.spikes["group"])[fit.spikes["group"]] == 1
    assert alone.tolist() == [True, False, False, False]
    assert fit.strengths["agree"].tolist() == alone.tolist()


def test_a_group_has_the_strength_that_its_interval_is_for() -> None:
    rng = np.random.default_rng(5)
    fit = fit_rectangular(in_noise(np.array([5.0, 4.9, 4.8, 2.5]), rng))
    assert len(set(fit.spikes["group"][:3])) == 1
    table = fit.strengths
    mean = np.sqrt(np.mean(fit.spikes["theta"][:3] ** 2))
    np.testing.assert_allclose(table["of_signal"][:3], mean)
    assert table["together"].tolist() == [3, 3, 3, 1]
    assert not table["agree"][:3].any()
    known = table[np.isfinite(table["of_signal"])]
    assert (known["of_signal_low"] <= known["of_signal"]).all()
    assert (known["of_signal"] <= known["of_signal_high"]).all()
    # Each for itself they are not all in it.
    theta = fit.spikes["theta"]
    assert not ((fit.spikes["low"] <= theta) & (theta <= fit.spikes["high"])).all()


def test_eigenvalues_of_a_group_have_their_mean() -> None:
    rng, n = np.random.default_rng(6), 200
    a, q = rng.normal(size=(n, n)), orthonormal(n, 3, rng)
    w = (a + a.T) / np.sqrt(2 * n) + (q * np.array([4.0, 3.9, 3.8])) @ q.T
    fit = fit_symmetric(w)
    np.testing.assert_allclose(fit.strengths["of_signal"][:3], fit.spikes["theta"].mean())
