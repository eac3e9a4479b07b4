"""Which law is believed where none was asked for: `noise="auto"`."""

import numpy as np
import pytest

from pastur import Verdict, fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

SHAPE = 200, 400
CRITICAL = (SHAPE[0] / SHAPE[1]) ** 0.25


def noise(rng: np.random.Generator) -> FloatArray:
    """White noise of σ = 1."""
    return np.asarray(rng.normal(size=SHAPE) / np.sqrt(SHAPE[1]))


def signal(theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A signal of these singular values in no special direction."""
    left, right = (np.linalg.qr(rng.normal(size=(side, theta.size)))[0] for side in SHAPE)
    return np.asarray((left * theta) @ right.T)


@pytest.mark.parametrize("seed", range(3))
def test_forty_spikes_clear_of_white_noise_leave_it_white(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fit = fit_rectangular(
        noise(rng) + signal(CRITICAL * rng.uniform(1.5, 4, 40), rng), noise="auto"
    )
    assert fit.noise == "white" and fit.rank == 40


@pytest.mark.parametrize("count", [10, 20])
def test_fewer_spikes_clear_of_white_noise_leave_it_white(count: int) -> None:
    """Of such draws 97 % are read as white: two or more of three fail with a chance of .003."""
    fits = []
    for seed in range(3):
        rng = np.random.default_rng([seed, count])
        theta = CRITICAL * rng.uniform(1.5, 4, count)
        fits.append(fit_rectangular(noise(rng) + signal(theta, rng), noise="auto"))
    assert sum(fit.noise == "white" and fit.sigma_interval[0] > 0 for fit in fits) >= 2


def test_spikes_that_crowd_at_the_threshold_leave_the_level_open() -> None:
    """Others may lie below it, unseen: an honest σ has no lower end."""
    rng = np.random.default_rng(9)
    theta = CRITICAL * np.append(rng.uniform(1.5, 4, 30), np.linspace(1.15, 1.35, 10))
    fit = fit_rectangular(noise(rng) + signal(theta, rng))
    assert fit.growing and fit.sigma_interval[0] == 0
    chosen = fit_rectangular(noise(rng) + signal(theta, rng), noise="auto")
    assert chosen.goodness.verdict == Verdict.BROAD


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_that_falls_off_into_the_noise_leaves_its_level_open(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fit = fit_rectangular(noise(rng) + signal(10 / np.arange(1.0, 201), rng), noise="auto")
    assert fit.noise == "free" and fit.goodness.verdict == Verdict.BROAD
    assert fit.goodness.reason.endswith(
        "Noise and signal cannot be told apart from this matrix alone."
    )
    assert fit.white is not None and fit.white.growing


@pytest.mark.parametrize(("share", "believed"), [(0.3, True), (0.8, False)])
def test_zeros_among_the_entries(share: float, believed: bool) -> None:
    """Excess kurtosis 3/(1 − share) − 3: 1.3 and 12."""
    rng = np.random.default_rng(4)
    kept = rng.random(SHAPE) >= share
    fit = fit_rectangular(noise(rng) * kept / np.sqrt(1 - share), noise="auto")
    assert (fit.noise == "white") is believed
    if not believed:
        assert fit.goodness.verdict == Verdict.HEAVY_TAIL


def test_spikes_raise_the_fourth_cumulant_of_entries_and_are_believed() -> None:
    """Entries of a rank-one signal have an excess kurtosis of 6."""
    rng = np.random.default_rng(5)
    w = noise(rng) + signal(np.array([18.0]), rng)
    assert ((w**4).mean() / (w**2).mean() ** 2) > 4
    assert fit_rectangular(w, noise="auto").noise == "white"


@pytest.mark.parametrize(("spread", "found"), [(0.0, "white"), (0.1, "profile")])
def test_variances_that_differ_a_little_are_a_profile(spread: float, found: str) -> None:
    rng = np.random.default_rng(6)
    rows = np.exp(spread * rng.normal(size=SHAPE[0]))
    w = noise(rng) * np.sqrt(rows / rows.mean())[:, None]
    fit = fit_rectangular(w, noise="auto")
    assert fit.noise == found
    asked = fit_rectangular(w)
    assert asked.goodness.verdict == Verdict.NOISE
    # One variance is asked for, which the rows contradict: σ is at most known.
    assert (asked.sigma_interval[0] > 0) is (spread == 0)


@pytest.mark.parametrize(("spread", "both"), [(0.1, True), (0.5, False)])
def test_where_white_noise_holds_as_well_sigma_may_be_that_of_either(
    spread: float, both: bool
) -> None:
    """With a signal that rows share unequally, its σ is the lower one."""
    rng = np.random.default_rng(12)
    rows = np.exp(spread * rng.normal(size=SHAPE[0]))
    w = noise(rng) * np.sqrt(rows / rows.mean())[:, None]
    w += signal(CRITICAL * np.array([4.0, 3.0, 2.0]), rng)
    chosen, profile = fit_rectangular(w, noise="auto"), fit_rectangular(w, noise="profile")
    assert chosen.noise == "profile" and chosen.sigma == profile.sigma
    assert (fit_rectangular(w).goodness.verdict == Verdict.NOISE) is both
    assert (chosen.sigma_interval == profile.sigma_interval) is not both
    assert chosen.sigma_interval[0] <= profile.sigma_interval[0]
    assert chosen.sigma_interval[1] >= profile.sigma_interval[1]


@pytest.mark.lengthy
@pytest.mark.parametrize(("spread", "found"), [(0.0, "white"), (0.1, "profile")])
def test_variances_that_spikes_hide_show_in_what_they_leave(spread: float, found: str) -> None:
    """All of 30 draws with these variances of columns are read so, and all but a few without."""
    rng = np.random.default_rng(10)
    columns = np.exp(spread * rng.normal(size=SHAPE[1]))
    theta = CRITICAL * rng.uniform(1.5, 4, 40)
    w = noise(rng) * np.sqrt(columns / columns.mean()) + signal(theta, rng)
    assert fit_rectangular(w, noise="auto").noise == found


@pytest.mark.parametrize(("spread", "found"), [(0.0, "white"), (0.4, "profile")])
def test_symmetric_variances(spread: float, found: str) -> None:
    rng = np.random.default_rng(7)
    a = rng.normal(size=(200, 200))
    root = np.exp(0.5 * spread * rng.normal(size=200))
    w = (a + a.T) / 20 * root * root[:, None]
    assert fit_symmetric(w, noise="auto").noise == found


def test_nothing_is_advised_on_figures_that_are_not_given() -> None:
    rng = np.random.default_rng(8)
    w = (
        noise(rng)
        @ np.diag(np.linspace(0.2, 3, SHAPE[1]))
        @ np.linalg.qr(rng.normal(size=(SHAPE[1], SHAPE[1])))[0]
    )
    asked, chosen = fit_rectangular(w), fit_rectangular(w, noise="auto")
    assert "number of spikes" in asked.goodness.reason
    assert chosen.noise == "free" and "number of spikes" not in chosen.goodness.reason


def test_rows_and_columns_of_zeros_stay_zero_where_spikes_are_taken_out() -> None:
    """Rounding in their place would be rows of another variance; a warning is an error here."""
    rng = np.random.default_rng(11)
    w = noise(rng) + signal(CRITICAL * rng.uniform(2, 4, 5), rng)
    w[::10], w[:, ::10] = 0.0, 0.0
    assert fit_rectangular(w, noise="auto").noise == "white"
