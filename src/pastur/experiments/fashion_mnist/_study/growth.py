"""How the number of spikes grows with N, and the panels of Figures 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments.fashion_mnist._study.findings import LayerFindings
from pastur.experiments.fashion_mnist._study.network_record import NetworkRecord
from pastur.figures import Panel, Series

MIDDLE = "fc2.weight"
# Through two sizes any power passes exactly.
FEWEST_SIZES = 3

# What can be counted in a matrix.
COUNTS: dict[str, Callable[[LayerFindings], float | None]] = {
    "detached spikes": lambda layer: layer.rank,
    "spikes, detached or not": lambda layer: layer.signal_rank,
    "BEMA": lambda layer: layer.bema_rank,
    "W − b·W_initial above critical": lambda layer: layer.above_critical,
    "stand out from the rest": lambda layer: layer.standing_out,
}


class PowerLaw(NamedTuple):
    """The line log value = a + exponent · log size.

    Attributes
    ----------
    exponent : float
    low, high : float
        95 % interval of Student's law, from the scatter about the line.
    scatter : float
        Standard deviation of log value about the line.
    """

    exponent: float
    low: float
    high: float
    scatter: float


def power_law(size: ArrayLike, value: ArrayLike, *, least_variance: float = 0.0) -> PowerLaw:
    """Fit a power of the size to at least three positive values at two sizes or more.

    `least_variance` is that of log value by itself: the interval has this width where all values
    happen to lie on a line.
    """
    from scipy.special import stdtrit

    x, y = np.log(np.asarray(size, np.float64)), np.log(np.asarray(value, np.float64))
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    scatter = float(((y - y.mean() - slope * x) ** 2).sum()) / (x.size - 2)
    variance = max(scatter, least_variance)
    reach = float(stdtrit(x.size - 2, 0.975) * np.sqrt(variance / float(x @ x)))
    return PowerLaw(slope, slope - reach, slope + reach, variance**0.5)


@dataclass(frozen=True)
class Growth:
    """A count against N: log count = a + exponent · log N.

    Attributes
    ----------
    count : str
        Which count, a key of `COUNTS`.
    exponent : float
    low, high : float
        95 % interval, from the scatter about the line.
    networks : int
    fitting : int
        Networks whose bulk fits, so that the count means something.
    """

    count: str
    exponent: float
    low: float
    high: float
    networks: int
    fitting: int


def growth(
    records: Sequence[NetworkRecord], *, count: str = "detached spikes", layer: str = MIDDLE
) -> Growth | None:
    """Fit the exponent with which a count grows with N.

    Networks with a count of 0, and records that do not have it, are left out; None where those left
    are of fewer than three sizes, which say nothing about a power.

    Examples
    --------
    >>> growth([]) is None
    True
    """
    pairs = []
    for record in records:
        found = record.layer(layer)
        if found is not None and (value := COUNTS[count](found)):
            pairs.append((record.config.size, value, found.fits))
    if len({size for size, _, _ in pairs}) < FEWEST_SIZES:
        return None
    size, value, fits = np.array(pairs, dtype=np.float64).T
    # A count is rounded to the next whole number: uniform within ½ of it.
    law = power_law(size, value, least_variance=float(np.mean(value**-2)) / 12)
    return Growth(count, law.exponent, law.low, law.high, size.size, int(fits.sum()))


def spike_panels(records: Sequence[NetworkRecord], *, layer: str = MIDDLE) -> list[Panel]:
    """Return a panel for each realisation, counts against N, and one of the test accuracies.

    Networks whose bulk does not fit the model are drawn as grey crosses, whatever their count.

    Examples
    --------
    >>> spike_panels([])
    []
    """
    panels = []
    for seed in sorted({record.config.seed for record in records}):
        chosen = sorted(
            (r for r in records if r.config.seed == seed and r.layer(layer) is not None),
            key=lambda r: r.config.size,
        )
        if chosen:
            title = f"{layer}, realisation {seed + 1}"
            panels.append(Panel(title, "N", "spikes", _counts(chosen, layer), "linear", "linear"))
    trained = [r for r in records if r.last.test_accuracy is not None]
    if trained:
        size, accuracy = np.array([(r.config.size, r.last.test_accuracy) for r in trained]).T
        points = [Series("", size, 100 * accuracy)]
        panels.append(Panel("networks", "N", "test accuracy, %", points, "linear", "linear"))
    return panels


def _counts(records: Sequence[NetworkRecord], layer: str) -> list[Series]:
    series = []
    layers = [(r.config.size, found) for r in records if (found := r.layer(layer)) is not None]
    for name, count in COUNTS.items():
        counted = [(n, count(found)) for n, found in layers if count(found) is not None]
        if counted:
            size, value = np.array(counted, dtype=np.float64).T
            series.append(Series(name, size, value))
    doubtful = [(n, found.rank) for n, found in layers if not found.fits]
    if doubtful:
        size, value = np.array(doubtful, dtype=np.float64).T
        series.append(Series("bulk does not fit", size, value, kind="contrast"))
    return series


def without_size_and_seed(config: TrainingConfig) -> TrainingConfig:
    """Return what the networks of one line of the study share."""
    return replace(config, size=1, seed=0)
