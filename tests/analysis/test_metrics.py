"""Norms, ranks and tails: closed forms, a slow transcription, and weightwatcher's own figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pastur import analyze
from pastur._numerics.power_law import fit_power_law
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis
from pastur.analysis._matrix.metrics import metrics


@pytest.mark.parametrize("size", [8, 9, 30, 150])
@pytest.mark.parametrize("kind", ["normal", "pareto", "ties"])
def test_the_tail_is_that_of_a_slow_search(
    size: int,
    kind: str,
    slow_fit: Callable[[FloatArray | Sequence[float]], tuple[float, float, int]],
) -> None:
    rng = np.random.default_rng(size)
    values = {
        "normal": rng.standard_normal(size) ** 2,
        "pareto": rng.pareto(1.5, size) + 1,
        "ties": rng.integers(1, 6, size).astype(float),
    }[kind]
    values.sort()
    found = fit_power_law(np.log(values))
    alpha, distance, start = slow_fit(values)
    assert found is not None
    assert found.start == start
    assert found.alpha == pytest.approx(alpha, rel=1e-10)
    assert found.distance == pytest.approx(distance, abs=1e-12)


def test_an_exponent_is_recovered_and_noise_has_another() -> None:
    """P(x > t) = t^−1.5 has a density of exponent 2.5: within 5 standard errors."""
    rng = np.random.default_rng(0)
    x = np.sort((rng.uniform(size=5000)) ** (-1 / 1.5))
    found = fit_power_law(np.log(x))
    assert found is not None
    error = (found.alpha - 1) / (x.size - found.start) ** 0.5
    assert abs(found.alpha - 2.5) < 5 * error < 0.5
    other = fit_power_law(np.log(np.sort(rng.exponential(size=5000) + 1)))
    assert other is not None
    assert abs(other.alpha - 2.5) > 10 * error


def test_no_tail_where_all_values_are_one() -> None:
    assert fit_power_law(np.zeros(20)) is None
    assert fit_power_law(np.zeros(0)) is None


@pytest.mark.parametrize("name", ["noise", "spiked", "heavy"])
def test_figures_are_those_of_weightwatcher(
    watched: tuple[dict[str, AnyArray], dict[str, dict[str, float]]], name: str
) -> None:
    matrices, told = watched
    theirs = told[name]
    (matrix,) = analyze({name: matrices[name]}).matrices
    ours = matrix.metrics
    pairs = {
        "alpha": ours.alpha,
        "D": ours.alpha_distance,
        "sigma": ours.alpha_error,
        "xmin": ours.tail_start,
        "num_pl_spikes": ours.tail_count,
        "alpha_weighted": ours.alpha_hat,
        "log_alpha_norm": ours.log_alpha_norm,
        "stable_rank": ours.stable_rank,
        "norm": ours.frobenius_norm**2,
        "log_norm": ours.log_norm,
        "spectral_norm": ours.spectral_norm**2,
        "log_spectral_norm": ours.log_spectral_norm,
        "entropy": ours.entropy,
        "matrix_rank": ours.matrix_rank,
    }
    for figure, value in pairs.items():
        assert value == pytest.approx(theirs[figure], rel=2e-3), figure


def test_closed_forms() -> None:
    s = np.array([4.0, 2.0, 2.0, 1.0, 0.0])
    found = metrics(s, rank=4, reach=1 / 4, noise_norm=0.5 * 5**0.5)
    assert found.frobenius_norm == 5
    assert found.spectral_norm == 4
    assert found.stable_rank == 25 / 16
    assert found.noise_energy == pytest.approx(0.25 * 5 / 25)
    assert found.matrix_rank == 4
    p = np.array([4, 2, 2, 1]) / 9
    assert found.effective_rank == pytest.approx(np.prod(p**-p))
    q = np.array([16, 4, 4, 1]) / 25
    assert found.entropy == pytest.approx(-np.sum(q * np.log(q)) / np.log(5))
    assert found.mp_soft_rank == pytest.approx(1 / 16)
    assert found.log_norm == pytest.approx(np.log10(25))
    assert found.alpha is None and found.tail_count is None


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1.0, 1e160, 1e200])
def test_any_scale(scale: float) -> None:
    s = np.sort(np.random.default_rng(1).pareto(2, 50) + 1)[::-1]
    plain = metrics(s, rank=50, reach=1 / s[0], noise_norm=0.1)
    found = metrics(scale * s, rank=50, reach=1 / s[0], noise_norm=0.1 * scale)
    for figure in ("stable_rank", "effective_rank", "alpha", "mp_soft_rank", "noise_energy"):
        assert getattr(found, figure) == pytest.approx(getattr(plain, figure))
    assert found.log_norm == pytest.approx(plain.log_norm + 2 * np.log10(scale))
    assert all(v is None or np.isfinite(v) for v in found.to_dict().values())


def test_equal_values_and_no_noise() -> None:
    found = metrics(np.ones(20), rank=20, reach=0.0, noise_norm=0.0)
    assert found.alpha is None
    assert found.mp_soft_rank is None
    assert (found.stable_rank, found.effective_rank) == pytest.approx((20, 20))


def test_they_go_to_disk_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    analysis = analyze({"w": rng.standard_normal((30, 40))})
    again = Analysis.from_json(analysis.to_json(tmp_path / "a.json"))
    assert again.matrices[0].metrics == analysis.matrices[0].metrics
    line = analysis.to_csv(tmp_path / "a.csv").read_text("utf-8").splitlines()[0]
    assert "stable_rank" in line and "alpha_hat" in line


def test_with_a_profile_the_soft_rank_is_that_of_the_scaled_matrix() -> None:
    rng = np.random.default_rng(9)
    w = rng.normal(size=(100, 200)) * np.exp(0.6 * rng.normal(size=200)) / 14
    w += 2 * np.outer(np.ones(100), rng.normal(size=200)) / 14
    (matrix,) = analyze({"w": w}, noise="profile").matrices
    profile = matrix.fit.profile
    assert profile is not None
    largest = np.linalg.svd(profile.whiten(w), compute_uv=False)[0]
    assert matrix.metrics.mp_soft_rank == pytest.approx((matrix.fit.edge / largest) ** 2)
    other = (matrix.fit.edge / matrix.metrics.spectral_norm) ** 2
    assert matrix.metrics.mp_soft_rank != pytest.approx(other, rel=0.05)
