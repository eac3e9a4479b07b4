"""The fourth cumulant of the entries of the noise, and how it widens σ's interval."""

from math import sqrt

from pastur._typing import AnyArray
from pastur.estimation._fitting.task import Task

# Standard deviations of the cumulant of Gaussian entries, √(24/entries), that are chance.
_SURE = 4.0
# With so many times the energy of the noise, the signal hides the noise's cumulant.
_DOMINANT = 4.0


def noise_cumulant(task: Task, of_entries: float, sigma: float, theta: AnyArray) -> float:
    """Return the fourth cumulant of the entries of the noise, from that of W.

    That of W is a mean of those of the noise, weighted with the square of its share of the energy,
    and of spikes in no special direction, 6 each. `sigma` and the spikes `theta` are in units of
    the spectrum.
    """
    energy, share = _energy(task, sigma)
    if share * _DOMINANT < 1:
        return 0.0
    return (of_entries - 6 * float((theta**4).sum()) / energy**2) / share**2


def level_z(task: Task, sigma: float, theta: AnyArray) -> float:
    """As `task.z`, for σ: a fourth cumulant κ of the noise multiplies its variance by 1 + κ/2.

    A cumulant below 0 makes σ surer; the interval stays that of Gaussian entries.
    """
    diagnosis = task.spectrum.diagnosis
    if diagnosis is None:
        return task.z
    cumulant, share = diagnosis.excess, 1.0
    if diagnosis.verdict is None:
        # Else spikes may be single entries, of which the noise has the less.
        cumulant = noise_cumulant(task, cumulant, sigma, theta)
        share = min(_energy(task, sigma)[1], 1.0)
    by_chance = _SURE * (24 / (task.kind.size * task.kind.side)) ** 0.5
    return task.z * sqrt(1 + cumulant / 2) if cumulant * share**2 > by_chance else task.z


def _energy(task: Task, sigma: float) -> tuple[float, float]:
    """Return the sum of squares of all values, and the share of it that is noise."""
    energy = float(task.values @ task.values)
    return energy, task.values.size * sigma**2 / energy
