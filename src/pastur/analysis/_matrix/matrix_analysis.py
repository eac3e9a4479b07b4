"""What is known of one matrix of a model."""

import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pastur._format import words
from pastur._stored import check, made, taken, within
from pastur._typing import FloatArray
from pastur.analysis._matrix.finding import Finding
from pastur.analysis._matrix.metrics import Metrics
from pastur.analysis._matrix.published import baselines_from_dict, baselines_to_dict
from pastur.analysis._matrix.shuffled import Randomized
from pastur.estimation import RectangularFit
from pastur.estimation._curves import DrawnSpectrum
from pastur.estimation.baselines import Baseline

# Times the largest singular value: beyond, nothing of a fit can lie.
_FARTHEST = 1e6


class Leading(NamedTuple):
    """The strongest θ of a matrix with its interval; of `together` neighbours that push each other,
    their root mean square.
    """

    theta: float
    low: float
    high: float
    together: int


@dataclass(frozen=True, eq=False)
class MatrixAnalysis:
    """One matrix of a model: its singular values and their fit.

    Attributes
    ----------
    name : str
        The tensor's name in its file; with its part behind a colon where the tensor is several
        matrices.
    shape : tuple of two ints
        Rows and columns.
    dtype : str
        The type in which the file holds it; its packing where it is quantised.
    tensor, part : str
        The two of which the name is made; the part is empty where the tensor is one matrix.
    singular_values : array, shape (min(n, m),)
        All of them, descending, in the matrix's own units.
    fit : RectangularFit
        Noise level, edge, spikes and goodness of fit.
    metrics : Metrics
        Norms, ranks and the tail of the spectrum.
    seconds : float
        Wall-clock time of reading, decomposing and fitting.
    baselines : dict of str to Baseline
        Results of the published estimators that were requested.
    randomized : Randomized or None
        The comparison with its shuffled entries, where it was requested.
    step_variance : float or None
        Variance of rounding an entry to the steps of a quantised file, step²/12 on average: what of
        the noise is the packing's. None where the file is not quantised, or does not say.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    tensor: str
    part: str
    singular_values: FloatArray
    fit: RectangularFit
    metrics: Metrics
    seconds: float
    baselines: dict[str, Baseline] = field(default_factory=dict)
    randomized: Randomized | None = None
    step_variance: float | None = None

    def __repr__(self) -> str:
        n, m = self.shape
        return f"MatrixAnalysis({self.name!r}, {n} × {m}, {self.kind})"

    @property
    def kind(self) -> Finding:
        """Return the finding in two words, the goodness of fit and the count taken together.

        ``"does not fit"``: the bulk or the entries are not those of noise, so that the count of
        spikes is in doubt; ``"too small to tell"``; ``"signal"``: spikes above a bulk of noise (or
        a matrix without noise); ``"noise only"``.
        """
        return Finding.of(self.fit.goodness, self.fit.rank)

    @property
    def drawn(self) -> DrawnSpectrum:
        """Return what every picture of its spectrum shows."""
        return DrawnSpectrum(self.fit, self.singular_values)

    @property
    def strongest(self) -> np.void | None:
        """Return the row of ``fit.spikes`` with the largest theta; None where there is no spike."""
        spikes = self.fit.spikes
        return spikes[int(np.argmax(spikes["theta"]))] if len(spikes) else None

    @property
    def leading(self) -> Leading | None:
        """Return strength and interval of the strongest spike, or of its group together."""
        strongest = self.strongest
        if strongest is None:
            return None
        count = int(np.sum(self.fit.spikes["group"] == strongest["group"]))
        low, high = float(strongest["low"]), float(strongest["high"])
        theta = float(strongest["theta"]) if count == 1 else (low + high) / 2
        return Leading(theta, low, high, count)

    @property
    def other_counts(self) -> dict[str, int]:
        """Return the other counts of spikes that were requested, by name in words.

        Those of the published estimators, and under ``"shuffled"`` the singular values above the
        largest one of the shuffled entries.
        """
        counts = {words(method): found.rank for method, found in self.baselines.items()}
        if self.randomized is not None:
            counts["shuffled"] = self.randomized.rank
        return counts

    @property
    def counts_beside(self) -> dict[str, int]:
        """Return `other_counts`, under the name that it had before."""
        warnings.warn(
            "`MatrixAnalysis.counts_beside` is deprecated: use `other_counts`.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.other_counts

    @property
    def signal_energy(self) -> float:
        """Return the share of the sum of squared singular values that the spikes carry, 0 to 1."""
        top = self.singular_values[0]
        # Relative to the largest one: the squares of values near 1e300 do not fit a double.
        carried = float(np.sum((self.fit.spikes["observed"] / top) ** 2))
        return min(1.0, carried / float(np.sum((self.singular_values / top) ** 2)))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "tensor": self.tensor,
            "part": self.part,
            "kind": str(self.kind),
            "signal_energy": self.signal_energy,
            "seconds": self.seconds,
            "fit": self.fit.to_dict(),
            "metrics": self.metrics.to_dict(),
            "baselines": baselines_to_dict(self.baselines),
            "randomized": None if self.randomized is None else self.randomized.to_dict(),
            "step_variance": self.step_variance,
            "singular_values": self.singular_values.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatrixAnalysis":
        """Return the matrix that `to_dict` described."""
        plain = {key: taken(values, key, str) for key in ("name", "dtype", "tensor", "part")}
        shape = taken(values, "shape", tuple[int, int])
        spectrum = taken(values, "singular_values", FloatArray)
        fit = made(values, "fit", _fit)
        check(fit.shape == shape, "fit.shape", "differs from that of the matrix")
        with within("singular_values"):
            check(
                spectrum.size == min(shape),
                "",
                f"must be {min(shape)} numbers. Got {spectrum.size}",
            )
            check(bool(spectrum[0] > 0 and (spectrum >= 0).all()), "", "must be positive")
            check(bool((np.diff(spectrum) <= 0).all()), "", "must descend")
        reach = _FARTHEST * float(spectrum[0])
        check(fit.sigma <= reach, "fit.sigma", "is far from the singular values")
        inside = 0 <= fit.edge <= reach and (fit.edge > 0 or fit.sigma == 0)
        check(inside, "fit.edge", "is far from the singular values")
        for name in ("observed", "theta"):
            inside = bool(((fit.spikes[name] > 0) & (fit.spikes[name] <= reach)).all())
            check(inside, f"fit.spikes.{name}", "is far from the singular values")
        inside = bool(((fit.signal.points >= 0) & (fit.signal.points <= reach)).all())
        check(inside, "fit.signal.points", "are far from the singular values")
        values = {"baselines": {}, "randomized": None, "step_variance": None} | values
        step = taken(values, "step_variance", float | None)
        check(step is None or step >= 0, "step_variance", "must not be negative")
        return cls(
            shape=shape,
            singular_values=spectrum,
            fit=fit,
            metrics=made(values, "metrics", Metrics.from_dict),
            seconds=taken(values, "seconds", float),
            baselines=made(values, "baselines", baselines_from_dict),
            randomized=made(values, "randomized", _randomized_or_none),
            step_variance=step,
            **plain,
        )


def _fit(values: Any) -> RectangularFit:
    signal = taken(values, "signal", dict[str, Any])
    check(signal.get("bulk") is None, "signal.bulk", "must be null")
    return RectangularFit.from_dict(values)


def _randomized_or_none(values: Any) -> Randomized | None:
    return None if values is None else Randomized.from_dict(values)
