"""Signal below the threshold, where some is seen above it: the lower end of σ's interval."""

from unittest import mock

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation._fitting import fitting, many
from pastur.estimation._fitting.task import Level, Task

SIZE, ABOVE, SEEDS = 200, 10, range(6)
SPIKES = np.linspace(4.0, 1.6, ABOVE)
# As an update of training has it: no value near the threshold, and six times its square in all.
TAIL = 0.8 * np.arange(1.0, SIZE - ABOVE + 1) ** -0.4


def haar(rng: np.random.Generator, count: int) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(SIZE, count)))[0])


def drawn(theta: FloatArray, seed: int) -> FloatArray:
    """White noise of σ = 1, whose critical strength is 1, and a signal of these values."""
    rng = np.random.default_rng([seed, theta.size])
    noise = rng.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
    return np.asarray(noise + (haar(rng, theta.size) * theta) @ haar(rng, theta.size).T)


def intervals(theta: FloatArray) -> FloatArray:
    """The intervals of σ, in rows."""
    return np.array([fit_rectangular(drawn(theta, seed)).sigma_interval for seed in SEEDS])


def unchanged(task: Task, level: Level, *counts: float) -> Level:
    return level


@pytest.mark.lengthy
def test_the_interval_of_sigma_holds_above_a_tail_that_nothing_shows() -> None:
    """σ̂ is 1.6 % too high, four standard deviations: that the upper end fails has no chance."""
    low, high = intervals(np.append(SPIKES, TAIL)).T
    assert np.all((low <= 1) & (high >= 1))
    # Open in few of them: the tail is allowed for, not found.
    assert np.count_nonzero(low > 0) >= 4 and np.all(low[low > 0] > 0.9)


@pytest.mark.lengthy
def test_without_the_allowance_it_would_not_hold() -> None:
    with (
        mock.patch.object(many, "with_tail", unchanged),
        mock.patch.object(fitting, "with_tail", unchanged),
    ):
        low, _ = intervals(np.append(SPIKES, TAIL)).T
    assert np.count_nonzero(low > 1) >= 4


def test_with_few_spikes_too() -> None:
    """Of three above, three critical ones below: 3/400 of σ."""
    w = drawn(np.array([4.0, 3.0, 2.0]), 0)
    fit = fit_rectangular(w)
    with mock.patch.object(fitting, "with_tail", unchanged):
        narrow = fit_rectangular(w)
    assert fit.rank == 3 and not fit.growing
    assert fit.sigma_interval[0] == pytest.approx(narrow.sigma_interval[0] * np.exp(-3 / 400))
    assert fit.sigma_interval[1] == narrow.sigma_interval[1]


def test_pure_noise_and_a_level_that_is_known_stay_as_they_are() -> None:
    noise, spiked = drawn(np.empty(0), 0), drawn(SPIKES[:3], 0)
    for w, sigma in ((noise, None), (spiked, 1.0)):
        fit = fit_rectangular(w, sigma=sigma)
        with mock.patch.object(fitting, "with_tail", unchanged):
            assert fit.sigma_interval == fit_rectangular(w, sigma=sigma).sigma_interval


def test_spikes_clear_of_white_noise_leave_sigma_two_ends() -> None:
    """Below 30 of 200 no 30 can go unseen, but 19 by the bulk's second mode: 5 % of σ."""
    theta, rng = np.linspace(4.0, 1.8, 30), np.random.default_rng(0)
    x, q = rng.normal(size=(SIZE, SIZE)), haar(rng, theta.size)
    symmetric = (x + x.T) / np.sqrt(2 * SIZE) + (q * theta) @ q.T
    for found in (fit_rectangular(drawn(theta, 0)), fit_symmetric(symmetric)):
        low, high = found.sigma_interval
        assert found.growing and 0.9 < low < 1 < high < 1.03
