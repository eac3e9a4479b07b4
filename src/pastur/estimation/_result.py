"""The part of a fit's result that does not depend on the model, and its plain form."""

from typing import Any

import numpy as np
import scipy

from pastur._typing import AnyArray
from pastur.estimation._goodness import Goodness
from pastur.estimation._noise_level import relative_deviation
from pastur.estimation._noise_models import NoiseModel
from pastur.estimation._self_consistent import Split
from pastur.estimation._status import Status

EXACT = Status(True, 0.0, 0, "The matrix has no noise: its rank is exact.")


def normal_quantile(alpha: float) -> float:
    """Return z such that a standard Gaussian lies within ±z with chance 1 − alpha."""
    return float(-scipy.special.ndtri(alpha / 2))


def spread(split: Split, noise: NoiseModel, *, z: float) -> float:
    """Return exp(z·sd), sd the relative standard deviation of σ̂ for Gaussian entries."""
    return float(np.exp(z * relative_deviation(split.law) / noise.power))


def read_only(table: AnyArray) -> AnyArray:
    """Return `table`, locked: a fit is a value."""
    table.flags.writeable = False
    return table


def scaled(table: AnyArray, unit: float) -> AnyArray:
    """Return the spikes with their lengths multiplied by `unit`."""
    for name in ("observed", "theta", "low", "high"):
        table[name] *= unit
    return read_only(table)


def plain(fit: Any) -> dict[str, Any]:
    """Return the fields of a fit as numbers, strings, lists and dictionaries, ready for JSON."""
    return {
        "shape": list(fit.shape),
        "alpha": fit.alpha,
        "sigma": fit.sigma,
        "sigma_interval": list(fit.sigma_interval),
        "entry_sd": fit.entry_sd,
        "edge": fit.edge,
        "rank": fit.rank,
        "signal_rank": fit.signal_rank,
        "zeros": fit.zeros,
        "spikes": [
            {name: spike[name].item() for name in fit.spikes.dtype.names} for spike in fit.spikes
        ],
        "goodness": vars(fit.goodness).copy(),
        "status": vars(fit.status).copy(),
    }


def from_plain(values: dict[str, Any], fields: np.dtype[np.void]) -> dict[str, Any]:
    """Return the constructor's arguments from what `plain` gave."""
    rows = [tuple(spike[name] for name in fields.names or ()) for spike in values["spikes"]]
    low, high = values["sigma_interval"]
    n, m = values["shape"]
    return {
        "shape": (int(n), int(m)),
        "alpha": float(values["alpha"]),
        "sigma": float(values["sigma"]),
        "sigma_interval": (float(low), float(high)),
        "edge": float(values["edge"]),
        "zeros": int(values["zeros"]),
        "spikes": read_only(np.array(rows, dtype=fields)),
        "goodness": Goodness(**values["goodness"]),
        "status": Status(**values["status"]),
    }
