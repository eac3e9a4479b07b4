"""What is beyond the doubles is refused, with a sentence."""

from typing import Any

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray

# Lengths of a law in between leave room for its density, and for sums of a few of them.
_LEAST, _MOST = 1e-305, 1e305
_OTHER_UNIT = "is beyond the doubles: take the law in another unit (`scale`)."


def check_scale(name: str, value: float, most: float, least: float) -> None:
    """Raise where a law with this parameter has lengths near the ends of the doubles."""
    if least < _LEAST or most > _MOST:
        raise InvalidInputError(
            f"`{name}` = {value:g} makes a law whose support or density is beyond the doubles. "
            "Use another unit."
        )


def finite_moment(k: int, value: float) -> float:
    """Return a moment, unless it is too large for a double."""
    if not np.isfinite(value):
        raise InvalidInputError(f"The moment of order {k} {_OTHER_UNIT}")
    return value


def finite_transform(z: AnyArray, found: AnyArray) -> AnyArray:
    """Return a transform at points off the support, unless it is too large for a double."""
    wrong = ~np.isfinite(found)
    if wrong.any():
        place: Any = np.asarray(z)[wrong].ravel()[0]
        raise InvalidInputError(f"The transform at `z` = {place:g} {_OTHER_UNIT}")
    return found
