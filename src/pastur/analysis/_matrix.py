"""What is known of one matrix of a model."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pastur._typing import FloatArray
from pastur.analysis._baselines import baselines_from_dict, baselines_to_dict
from pastur.analysis._metrics import Metrics
from pastur.analysis._randomized import Randomized
from pastur.estimation import RectangularFit
from pastur.estimation._goodness import TOO_SMALL
from pastur.estimation.baselines import Baseline


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
    """One matrix of a model: its singular values and what the fit says of them.

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
        What the published estimators that were asked for say.
    randomized : Randomized or None
        The comparison with its shuffled entries, where it was asked for.
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

    def __repr__(self) -> str:
        n, m = self.shape
        return f"MatrixAnalysis({self.name!r}, {n} × {m}, {self.kind})"

    @property
    def kind(self) -> str:
        """Return the finding in two words, the goodness of fit and the count taken together.

        ``"does not fit"``: the bulk or the entries are not those of noise, so that the count of
        spikes is in doubt; ``"too small to tell"``; ``"signal"``: spikes above a bulk of noise (or
        a matrix without noise); ``"noise only"``.
        """
        verdict = self.fit.goodness.verdict
        if verdict == TOO_SMALL:
            return verdict
        if not self.fit.goodness.fits:
            return "does not fit"
        return "signal" if self.fit.rank else "noise only"

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
    def counts_beside(self) -> dict[str, int]:
        """Return the other counts of spikes that were asked for, by name in words.

        Those of the published estimators, and under ``"shuffled"`` the singular values above the
        largest one of the shuffled entries.
        """
        counts = {method.replace("_", " "): said.rank for method, said in self.baselines.items()}
        if self.randomized is not None:
            counts["shuffled"] = self.randomized.rank
        return counts

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
            "kind": self.kind,
            "signal_energy": self.signal_energy,
            "seconds": self.seconds,
            "fit": self.fit.to_dict(),
            "metrics": self.metrics.to_dict(),
            "baselines": baselines_to_dict(self.baselines),
            "randomized": None if self.randomized is None else self.randomized.to_dict(),
            "singular_values": self.singular_values.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatrixAnalysis":
        """Return the matrix that `to_dict` described."""
        n, m = values["shape"]
        shuffled = values.get("randomized")
        return cls(
            name=values["name"],
            shape=(int(n), int(m)),
            dtype=values["dtype"],
            tensor=values["tensor"],
            part=values["part"],
            singular_values=np.array(values["singular_values"], dtype=np.float64),
            fit=RectangularFit.from_dict(values["fit"]),
            metrics=Metrics.from_dict(values["metrics"]),
            seconds=float(values["seconds"]),
            baselines=baselines_from_dict(values.get("baselines", {})),
            randomized=None if shuffled is None else Randomized.from_dict(shuffled),
        )
