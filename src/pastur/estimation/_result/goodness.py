"""Goodness of fit of the bulk: is it noise, once the spikes are accounted for?"""

from dataclasses import dataclass, field

from pastur.estimation._result.schema import stored
from pastur.estimation._result.verdict import Verdict

# A bulk with fewer values than this can hardly contradict any law.
LEAST_BULK = 20
# At a p-value below this the bulk does not follow the law.
REJECTION = 0.01
# Up to this Kolmogorov distance σ and the count are still of use.
SMALL_DISTANCE = 0.05


_WORDS = [f"`{verdict}`" for verdict in Verdict]
_LISTED = f"{', '.join(_WORDS[:-1])} or {_WORDS[-1]}"


@dataclass(frozen=True)
class Goodness:
    """Whether the bulk follows the law of noise.

    Attributes
    ----------
    statistic : float or None
        Kolmogorov distance D between the bulk and the fitted law, in [0, 1]; None without noise.
    p_value : float or None
        Probability that noise deviates as much, from the modes of the bulk (see `mode_deviations`).
        It is not that of D, whose law depends on the fit. None if it is unknown.
    verdict : Verdict
        "noise bulk" from p = 0.01 on, "not the law" below; "too small to tell" with fewer than 20
        values in the bulk; "no noise" for a matrix of low rank to rounding. If the matrix itself
        was given, its entries are checked as well: "heavy tail", "entries with outliers", "row or
        column variances differ".
    reason : str
        The reason for the verdict in a sentence, with the figures.
    entries : tuple of pairs of ints
        Rows and columns of outlying entries, the largest first, 20 at most.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> fit = pastur.fit_rectangular(np.random.default_rng(0).normal(size=(100, 200)))
    >>> fit.goodness.verdict, bool(fit.goodness.p_value > 0.01)
    ('noise bulk', True)
    """

    statistic: float | None = field(
        metadata=stored("Largest distance between the distributions of the bulk and of the law.")
    )
    p_value: float | None = field(
        metadata=stored(
            "Chance that noise deviates from the law as much; null where the bulk is too small."
        )
    )
    verdict: Verdict = field(metadata=stored(f"{_LISTED}."))
    reason: str = field(metadata=stored("What it rests on, in words."))
    entries: tuple[tuple[int, int], ...] = field(
        default=(), metadata=stored("Places of entries too large for noise, row and column.")
    )

    @property
    def fits(self) -> bool:
        """Whether the bulk was tested and is noise, so that σ and the spikes can be relied on.

        False also where it is too small to tell.
        """
        return Verdict(self.verdict).fits
