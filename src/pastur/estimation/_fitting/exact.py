"""A matrix without noise: its values are its spikes, known exactly."""

import numpy as np

from pastur.estimation._fitting.sentences import left_out, without_noise
from pastur.estimation._fitting.task import Assessment, Found, Level, Rank, Task, result
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._spikes.table import noise_free_spikes

_EXACT = Status(True, 0.0, 0, "The matrix has no noise: its rank is exact.")


def fit_exact(task: Task) -> Found:
    """Return the fit of a matrix of low rank to rounding."""
    values, spectrum = task.values, task.spectrum
    size, rounding = values.size, spectrum.rounding
    remark = left_out(spectrum.zero_sides, 0)
    return result(
        task,
        Level(0.0, 0.0, 0.0, -rounding, rounding, -rounding, rounding),
        noise_free_spikes(task.kind, values),
        Signal(values, np.full(size, 1 / size)),
        Rank(float(size), float(size), float(size)),
        Assessment(without_noise(size, size + spectrum.zeros, remark), _EXACT),
        growing=False,
    )
