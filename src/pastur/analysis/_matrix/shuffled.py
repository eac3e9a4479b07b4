"""A matrix compared with itself with its entries in random order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pastur._stored import check, decoded
from pastur._typing import AnyArray, FloatArray


@dataclass(frozen=True)
class Randomized:
    """What order the entries have: the spectrum against that of the same entries shuffled.

    Shuffled entries keep their values, heavy tails included, and lose everything between rows and
    columns. The comparison needs no law of the noise; but a shuffled matrix holds the signal's
    energy as noise, so that it hides weak spikes.

    Attributes
    ----------
    draws : int
        How often the entries were shuffled.
    spectral_norm : float
        Largest singular value of all shuffled matrices.
    rank : int
        Singular values of the matrix itself above it. For independent entries of one law it is not
        0 with a chance of 1/(draws + 1).
    p_value : float
        (1 + number of shuffled matrices whose largest singular value is no smaller than that of the
        matrix itself)/(draws + 1).
    soft_rank : float
        Ratio of `spectral_norm` squared to the largest squared singular value of the matrix itself.
    distance : float
        Kolmogorov–Smirnov distance between its singular values and those of the shuffled matrices,
        0 to 1; the mean over these.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(60, 90)).cumsum(axis=1)
    >>> found = pastur.analyze({"a": W}, randomize=19)["a"].randomized
    >>> found.draws, found.p_value
    (19, 0.05)
    """

    draws: int
    spectral_norm: float
    rank: int
    p_value: float
    soft_rank: float
    distance: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Randomized:
        """Return the comparison that `to_dict` described."""
        found: Randomized = decoded(cls, values)
        check(found.draws > 0, "draws", "must be positive")
        return found


def randomized(
    matrix: AnyArray,
    values: FloatArray,
    spectrum: Callable[[AnyArray], FloatArray],
    rng: np.random.Generator,
    *,
    draws: int,
) -> Randomized:
    """Return the comparison of a matrix that is not zero.

    Parameters
    ----------
    values : array
        Its singular values, descending.
    spectrum : callable
        Returns the singular values of a matrix, descending.
    """
    tops, distances = [], []
    for _ in range(draws):
        shuffled = spectrum(rng.permuted(matrix))
        both = np.concatenate([values, shuffled])
        own, other = (np.searchsorted(one[::-1], both, side="right") for one in (values, shuffled))
        tops.append(float(shuffled[0]))
        distances.append(float(np.abs(own - other).max() / values.size))
    top = max(tops)
    return Randomized(
        draws=draws,
        spectral_norm=top,
        rank=int(np.count_nonzero(values > top)),
        p_value=(1 + sum(one >= float(values[0]) for one in tops)) / (1 + draws),
        soft_rank=float((top / values[0]) ** 2),
        distance=sum(distances) / draws,
    )
