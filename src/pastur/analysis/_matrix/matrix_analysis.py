"""What is known of one matrix of a model."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pastur._format import words
from pastur._stored import check, made, taken, within
from pastur._typing import FloatArray
from pastur.analysis._matrix.finding import Finding
from pastur.analysis._matrix.leading import Leading, strongest_of
from pastur.analysis._matrix.metrics import Metrics
from pastur.analysis._matrix.published import baselines_from_dict, baselines_to_dict
from pastur.analysis._matrix.sentences import sentences
from pastur.analysis._matrix.shuffled import Randomized
from pastur.analysis._matrix.stored_fit import check_reach, read_fit
from pastur.analysis._matrix.suggested_rank import SuggestedRank
from pastur.estimation import RectangularFit
from pastur.estimation._curves import DrawnSpectrum
from pastur.estimation._law_free_tests.result import LawFreeTests
from pastur.estimation._notebook import spectrum_html
from pastur.estimation.baselines import Baseline


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
        All of them, descending, in the matrix's own units. Where ``fit.partial`` is not None only
        the first ``fit.partial.known`` are known one by one, and the others are quantiles of their
        distribution.
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
    tests : LawFreeTests or None
        Tests that need no law of noise, where they were requested.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> analysis = pastur.analyze({"a": rng.normal(size=(60, 90)), "b": np.ones((60, 90))})
    >>> for matrix in analysis:
    ...     print(f"{matrix.name}: {matrix.kind}")
    a: noise only
    b: signal
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
    tests: LawFreeTests | None = None

    def __repr__(self) -> str:
        n, m = self.shape
        return f"MatrixAnalysis({self.name!r}, {n} × {m}, {self.kind})"

    def _repr_html_(self) -> str:
        return spectrum_html(self.name, self.drawn, self.summary())

    @property
    def kind(self) -> Finding:
        """Return the finding in a few words.

        ``"signal"``: noise of a known law, and signal detached from it or hidden in it (or a matrix
        without noise); ``"noise only"``; ``"no law of noise"``: none is claimed, and only what
        stands out from the rest is read; ``"does not fit"``: the bulk or the entries are not those
        of the noise asked for, and spikes are not counted; ``"too small to tell"``.
        """
        return Finding.of(self.fit)

    def summary(self) -> str:
        """Return the finding in a few sentences: which noise, how much, what stands out from it."""
        return " ".join([sentences(self.fit), *([] if self.tests is None else [str(self.tests)])])

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
    def strongest_spikes(self) -> Leading | None:
        """Return strength and interval of the strongest spike, or of its group together."""
        return strongest_of(self.fit.spikes, group_interval=True)

    @property
    def first_standing(self) -> Leading | None:
        """Return the same of the first direction that stands out, against the rest."""
        return strongest_of(self.fit.standing_out, group_interval=False)

    @property
    def leading(self) -> Leading | None:
        """Return strength and interval of the strongest spike, or of its group together.

        Where spikes cannot be counted, those of the first direction that stands out from the rest,
        against that rest. None where nothing does.
        """
        return self.strongest_spikes if self.counted else self.first_standing

    @property
    def counted(self) -> bool:
        """Return whether the number of spikes counts: a law of noise is claimed, and holds.

        False as well where the matrix is too small to test one.
        """
        return self.kind in (Finding.SIGNAL, Finding.NOISE_ONLY)

    @property
    def spikes_text(self) -> str:
        """Return the number of spikes, "≥" before it where no more can be counted.

        A rule for few spikes leaves half of the values to the noise.
        """
        fit, size = self.fit, self.fit.kind.size
        capped = bool(fit.rank) and not fit.growing and fit.sigma > 0 and fit.rank >= size // 2
        return f"≥ {fit.rank}" if capped else str(fit.rank)

    @property
    def suggested_rank(self) -> SuggestedRank:
        """Return how many leading directions carry signal, and what these keep of the matrix."""
        return SuggestedRank.of(self.fit, self.singular_values)

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
    def signal_energy(self) -> float | None:
        """Return the share of the sum of squared singular values that the spikes carry, 0 to 1.

        None where no law of noise is claimed. With a profile of variances it is a share of the
        matrix that they scale to one.
        """
        if self.fit.rank is None:
            return None
        profile = self.fit.profile
        values = self.singular_values if profile is None else profile.values
        # Relative to the largest one: the squares of values near 1e300 do not fit a double.
        carried = float(np.sum((self.fit.spikes["observed"] / values[0]) ** 2))
        return min(1.0, carried / float(np.sum((values / values[0]) ** 2)))

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
            "tests": None if self.tests is None else self.tests.to_dict(),
            "singular_values": self.singular_values.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatrixAnalysis":
        """Return the matrix that `to_dict` described."""
        plain = {key: taken(values, key, str) for key in ("name", "dtype", "tensor", "part")}
        shape = taken(values, "shape", tuple[int, int])
        spectrum = taken(values, "singular_values", FloatArray)
        fit = made(values, "fit", read_fit)
        check(fit.shape == shape, "fit.shape", "differs from that of the matrix")
        with within("singular_values"):
            check(
                spectrum.size == min(shape),
                "",
                f"must be {min(shape)} numbers. Got {spectrum.size}",
            )
            check(bool(spectrum[0] > 0 and (spectrum >= 0).all()), "", "must be positive")
            check(bool((np.diff(spectrum) <= 0).all()), "", "must descend")
        with within("fit"):
            check_reach(fit, float(spectrum[0]))
        values = {
            "baselines": {},
            "randomized": None,
            "step_variance": None,
            "tests": None,
        } | values
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
            tests=made(values, "tests", _tests_or_none),
            **plain,
        )


def _tests_or_none(values: Any) -> LawFreeTests | None:
    return None if values is None else LawFreeTests.from_dict(values)


def _randomized_or_none(values: Any) -> Randomized | None:
    return None if values is None else Randomized.from_dict(values)
