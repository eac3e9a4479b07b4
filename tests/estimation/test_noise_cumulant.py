"""The fourth cumulant of the entries of the noise beneath spikes."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation._fitting.cumulant import level_z, noise_cumulant
from pastur.estimation._fitting.task import Task
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._observed.spectrum import Settings, rectangular_spectrum

SHAPE, COUNT, LEVEL = (200, 400), 40, 1.959964
THETA = 0.5**0.25 * np.linspace(4.0, 1.5, COUNT)


def beneath_spikes(zeros: float) -> tuple[Task, float, FloatArray]:
    """The task of σ = 1 with a share of zeros beneath spikes, its σ and θ in its units."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=SHAPE) * (rng.random(SHAPE) >= zeros) / np.sqrt((1 - zeros) * SHAPE[1])
    left, right = (np.linalg.qr(rng.normal(size=(side, COUNT)))[0] for side in SHAPE)
    asked = Settings(None, 0.05)
    spectrum = rectangular_spectrum(x + (left * THETA) @ right.T, None, None).spectrum(asked)
    task = Task(spectrum, RectangularKind(*SHAPE), asked)
    return task, 1 / spectrum.unit, THETA / spectrum.unit


@pytest.mark.parametrize("zeros", [0.5, 0.8])
def test_it_is_that_of_the_noise(zeros: float) -> None:
    """Half zeros have 3/½ − 3 = 3, four of five 12; the signal has more than half the energy."""
    task, sigma, theta = beneath_spikes(zeros)
    cumulant = 3 / (1 - zeros) - 3
    assert task.spectrum.diagnosis is not None
    excess = task.spectrum.diagnosis.excess
    # Five standard deviations of a fourth moment.
    assert noise_cumulant(task, excess, sigma, theta) == pytest.approx(cumulant, rel=0.2)
    assert excess < cumulant / 3
    wanted = LEVEL * (1 + cumulant / 2) ** 0.5
    assert level_z(task, sigma, theta) == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize("cumulant", [-1.0, 0.0, 5.0])
def test_cumulants_of_noise_and_spikes_add_up(cumulant: float) -> None:
    """Entries of a spike are θ u v, products of Gaussians: E x⁴ − 3 (E x²)² = 6 (E x²)²."""
    task, sigma, theta = beneath_spikes(0.5)
    size = SHAPE[0] * SHAPE[1]
    square = float(np.sum(task.values**2)) / size
    noise = cumulant * (sigma**2 / SHAPE[1]) ** 2
    spikes = sum(6 * (strength**2 / size) ** 2 for strength in theta.tolist())
    of_entries = (noise + spikes) / square**2
    found = noise_cumulant(task, of_entries, sigma, theta)
    assert found == pytest.approx(cumulant, rel=1e-9, abs=1e-9)


def test_gaussian_noise_leaves_the_interval_as_it_is() -> None:
    assert level_z(*beneath_spikes(0.0)) == pytest.approx(LEVEL)


def test_a_signal_of_four_times_the_energy_hides_it() -> None:
    task, sigma, theta = beneath_spikes(0.5)
    assert noise_cumulant(task, 3.0, sigma / 2, theta) == 0.0
