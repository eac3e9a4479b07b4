"""A matrix beside itself with its entries in random order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pastur._typing import AnyArray, FloatArray


@dataclass(frozen=True)
class Randomized:
    """What order the entries have: the spectrum against that of the same entries shuffled, once.

    Shuffled entries keep their values, heavy tails included, and lose everything between rows and
    columns. The comparison needs no law of the noise; but the shuffled matrix holds the signal's
    energy as noise, so that it hides weak spikes, and its largest singular value is one draw, with
    a relative deviation of about min(n, m)^(−2/3).

    Attributes
    ----------
    spectral_norm : float
        Largest singular value after shuffling.
    rank : int
        Singular values of the matrix itself above it.
    soft_rank : float
        Ratio of its square to the square of the largest singular value of the matrix itself.
    distance : float
        Kolmogorov–Smirnov distance between the two sets of singular values, 0 to 1.
    """

    spectral_norm: float
    rank: int
    soft_rank: float
    distance: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Randomized:
        """Return the comparison that `to_dict` described."""
        norm, soft_rank, distance = (
            float(values[key]) for key in ("spectral_norm", "soft_rank", "distance")
        )
        return cls(norm, int(values["rank"]), soft_rank, distance)


def randomized(
    matrix: AnyArray,
    values: FloatArray,
    spectrum: Callable[[AnyArray], FloatArray],
    rng: np.random.Generator,
) -> Randomized:
    """Return the comparison of a matrix that is not zero.

    Parameters
    ----------
    values : array
        Its singular values, descending.
    spectrum : callable
        Returns the singular values of a matrix, descending.
    """
    shuffled = spectrum(rng.permuted(matrix))
    both = np.concatenate([values, shuffled])
    own, other = (np.searchsorted(one[::-1], both, side="right") for one in (values, shuffled))
    return Randomized(
        spectral_norm=float(shuffled[0]),
        rank=int(np.count_nonzero(values > shuffled[0])),
        soft_rank=float((shuffled[0] / values[0]) ** 2),
        distance=float(np.abs(own - other).max() / values.size),
    )
