"""What the fits of both models have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._stored import built, check, each, made, taken
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._fitting.steps import SpectrumFit
from pastur.estimation._result.goodness import Goodness
from pastur.estimation._result.signal import Signal
from pastur.estimation._result.status import Status
from pastur.estimation._result.verdict import Verdict
from pastur.measures import ProbabilityMeasure

EXACT = Status(True, 0.0, 0, "The matrix has no noise: its rank is exact.")


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What a spectrum says of noise and signal; see `SymmetricFit` and `RectangularFit`."""

    shape: tuple[int, int]
    alpha: float
    sigma: float
    sigma_interval: tuple[float, float]
    edge: float
    spikes: AnyArray
    signal: Signal
    signal_rank: float
    signal_rank_interval: tuple[float, float]
    growing: bool
    goodness: Goodness
    status: Status
    zeros: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.shape, self.sigma, self.edge, self.rank))

    def __repr__(self) -> str:
        n, m = self.shape
        return (
            f"{type(self).__name__}({n} × {m}, sigma={self.sigma:.4g}, edge={self.edge:.4g}, "
            f"rank={self.rank}, {self.goodness.verdict!r})"
        )

    @property
    def entry_sd(self) -> float:
        """Standard deviation of an entry of the noise (off the diagonal): σ/√max(shape)."""
        return float(self.sigma / np.sqrt(max(self.shape)))

    @property
    def rank(self) -> int:
        """Number of detached spikes."""
        return len(self.spikes)

    @property
    def signal_measure(self) -> ProbabilityMeasure:
        """Law of the signal, over all values: mass `signal_rank`/size is away from 0.

        Where spikes are few, they as they were found, 1/size each; where they are not, the result
        of the deconvolution, detached or not (see `growing`).
        """
        kept = (min(self.shape) - self.zeros) / min(self.shape)
        signal = self._law_signal
        return Signal(signal.points, kept * signal.weights, signal.base).measure

    @property
    def _law_signal(self) -> Signal:
        """`signal` in the coordinate of the law."""
        return self.signal

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return {
            "shape": list(self.shape),
            "alpha": self.alpha,
            "sigma": self.sigma,
            "sigma_interval": list(self.sigma_interval),
            "entry_sd": self.entry_sd,
            "edge": self.edge,
            "rank": self.rank,
            "signal_rank": self.signal_rank,
            "signal_rank_interval": list(self.signal_rank_interval),
            "growing": self.growing,
            "zeros": self.zeros,
            "spikes": [
                dict(zip(self.spikes.dtype.names or (), spike, strict=True))
                for spike in self.spikes.tolist()
            ],
            "signal": {
                "points": self.signal.points.tolist(),
                "weights": self.signal.weights.tolist(),
                "bulk": repr(self.signal.base) if self.signal.base is not None else None,
            },
            "goodness": vars(self.goodness)
            | {
                "verdict": str(self.goodness.verdict),
                "entries": [list(place) for place in self.goodness.entries],
            },
            "status": vars(self.status).copy(),
        }

    @classmethod
    def _from_dict(
        cls,
        values: dict[str, Any],
        fields: np.dtype[np.void],
        bulk: ProbabilityMeasure | None = None,
    ) -> Self:
        spikes = made(values, "spikes", partial(_spikes, fields))
        signal = made(values, "signal", partial(_signal, bulk))
        found: Self = built(cls, values, spikes=read_only(spikes), signal=signal)
        check(min(found.shape) > 0, "shape", "must be positive")
        check(0 < found.alpha < 1, "alpha", "must lie between 0 and 1")
        check(found.sigma >= 0, "sigma", "must not be negative")
        check(0 <= found.zeros <= min(found.shape), "zeros", "must be a number of values")
        check(found.rank <= min(found.shape) - found.zeros, "spikes", "are more than values")
        return found


def common_fields(
    found: SpectrumFit, unit: float, power: int, bulk: ProbabilityMeasure | None = None
) -> dict[str, Any]:
    """Return the fields that do not depend on the model, lengths multiplied by `unit`.

    The noise level is the model's affair, because of values left out.
    """
    return {
        "edge": unit * found.edges[1],
        "spikes": scaled(found.spikes, unit),
        "signal": Signal(unit * found.signal.points ** (1 / power), found.signal.weights, bulk),
        "signal_rank": found.signal_rank,
        "signal_rank_interval": found.signal_rank_interval,
        "growing": found.growing,
        "goodness": found.goodness,
        "status": found.status,
    }


def is_noise(fit: Fit) -> bool:
    """Return whether the values of a matrix of incomplete rank are noise with a few spikes."""
    return fit.goodness.verdict == Verdict.NOISE and not fit.growing


def read_only(table: AnyArray) -> AnyArray:
    """Return `table`, locked: a fit is a value."""
    table.flags.writeable = False
    return table


def scaled(table: AnyArray, unit: float) -> AnyArray:
    """Return the spikes with their lengths multiplied by `unit`."""
    for name in ("observed", "theta", "low", "high"):
        table[name] *= unit
    return read_only(table)


def _signal(bulk: ProbabilityMeasure | None, values: Any) -> Signal:
    stored = taken(values, "bulk", str | None)
    if (stored is None) != (bulk is None):
        raise InvalidInputError(
            "A fit made with `bulk` is read with the same `bulk`, others without. "
            f"This one was made with {stored and shown(stored)}. Got {bulk!r}."
        )
    points, weights = (taken(values, key, FloatArray) for key in ("points", "weights"))
    check(points.size == weights.size, "weights", "must be as many as points")
    sound = bool((weights >= 0).all()) and weights.sum() <= 1 + 1e-9
    check(sound, "weights", "must be positive and add up to at most 1")
    return Signal(points, weights, bulk)


def _spikes(fields: np.dtype[np.void], values: Any) -> AnyArray:
    kinds = {"b": bool, "i": int, "f": float}
    wanted = [(name, kinds[fields[name].kind]) for name in fields.names or ()]
    rows = each(lambda spike: tuple(taken(spike, name, kind) for name, kind in wanted), values)
    spikes = np.array(list(rows), dtype=fields)
    groups = spikes["group"]
    check(bool(((groups >= 0) & (groups < len(rows))).all()), "group", "must count the groups")
    return spikes
