"""The law of the squares of singular values, in which a rectangular model takes its signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.measures import Atoms, Density, ProbabilityMeasure

_SMALLEST, _LARGEST = 1e-50, 1e50


def law_of_squares(law: ProbabilityMeasure) -> ProbabilityMeasure:
    """Return the law of t², t a singular value of the given law.

    It is the `h` of `InformationPlusNoise`.

    Parameters
    ----------
    law : ProbabilityMeasure
        A law on [0, ∞) that consists of atoms, or has none.

    Raises
    ------
    InvalidInputError
        If the law reaches below 0, has both atoms and a density, or has values whose squares are
        too large for floating point numbers.

    Examples
    --------
    >>> law_of_squares(Atoms([0.0, 3.0]))
    Atoms([0.0, 9.0], [0.5, 0.5])
    """
    low, high = law.support[0, 0], law.support[-1, 1]
    # Small values are fine next to noise of ordinary size.
    check_order(max(float(high), 1.0))
    if low < 0:
        raise InvalidInputError(
            "The law of the signal is one of singular values, which are not negative. "
            f"Got a law on [{low:g}, {high:g}]."
        )
    if isinstance(law, Atoms):
        points, weights = law.atoms.T
        return Atoms(points**2, weights)
    if len(law.atoms):
        raise InvalidInputError(
            f"The law of squares is known for atoms alone or a density alone. Got {law!r}, which "
            "has both: add up the squares of its parts."
        )
    return Density(_of_squares(law.density), law.support**2)


def check_order(*values: float) -> None:
    """Refuse values whose squares floating point numbers cannot hold."""
    largest = max(values)
    if not _SMALLEST < largest < _LARGEST:
        raise InvalidInputError(
            f"The values are of the order {largest:g}, too large or too small to compute with. "
            "Give them in other units."
        )


def _of_squares(density: Callable[[Any], Any]) -> Callable[[FloatArray], FloatArray]:
    return lambda t: density(np.sqrt(t)) / (2 * np.sqrt(t))
