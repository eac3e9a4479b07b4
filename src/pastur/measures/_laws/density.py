"""A law given by a formula for its density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._checks import real_array
from pastur._errors import InvalidInputError, InvalidTypeError, NumericalError
from pastur._numerics.piecewise.pieces import Pieces
from pastur._numerics.piecewise.resolve import Resolution, resolve
from pastur._typing import ArrayLike, FloatArray
from pastur.measures._laws.piecewise import MASS_TOLERANCE, PiecewiseLaw, normalised

_LARGEST_ERROR = 1e-8
# Parts of each interval in the search for a narrow peak.
_CLOSER = 128
# Values below 0 by less than this share of the largest are rounding errors.
_NEGATIVE = 1e-12


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Density(PiecewiseLaw):
    """Probability measure with the density f.

    f is evaluated once, here, and kept as polynomials, times √ or 1/√ of the distance where an end
    needs it, so that everything else is in closed form: transforms, boundary values, the
    distribution function.

    Parameters
    ----------
    f : callable
        The density, of an array of points or of one point; at least 0, with integral 1. It is
        called inside the intervals only, never at their ends.
    support : array_like, shape (2,) or (k, 2)
        One bounded interval, or several, ascending. Near its ends f may be smooth or a smooth
        function times the square root, or inverse root, of the distance. Intervals may touch: then
        that holds on both sides of the common end. Kinks, steps and other singularities are
        resolved as well, by many small pieces.

    Attributes
    ----------
    approximation_error : float
        Estimate of ∫|f − kept density|, which bounds the error of the distribution function; mostly
        about 1e-15. Transforms at distance d of the support err by this over d.

    Raises
    ------
    InvalidInputError
        If the support is not ascending or not bounded, or f is infinite, NaN or negative somewhere,
        or has an integral that differs from 1 by more than 1e-6. (Less is rescaled.)
    NumericalError
        If f cannot be resolved to an error of 1e-8.

    Examples
    --------
    >>> law = Density(lambda t: 6 * t * (1 - t), (0, 1))
    >>> law.cdf([0.25, 0.5])
    array([0.15625, 0.5    ])

    A square root at one end and an inverse square root at the other:

    >>> law = Density(lambda t: 2 / np.pi * np.sqrt((1 - t) / t), (0, 1))
    >>> print(f"{law.moment(1):.12f} {law.stieltjes(-1.0):.12f}")  # 1/4, 2(√2 − 1)
    0.250000000000 0.828427124746
    """

    _pieces: Pieces
    approximation_error: float

    def __init__(self, f: Callable[[Any], Any], support: ArrayLike) -> None:
        if not callable(f):
            raise InvalidTypeError(
                f"`f` must be a function, the density. Got {f!r} of type {type(f).__name__}. "
                "For values on a grid there is GridDensity(x, density)."
            )
        resolution = _resolved(_checked(f), _intervals(support))
        _check_sign(resolution)
        _check_error(resolution)
        object.__setattr__(self, "_pieces", normalised(resolution.pieces))
        object.__setattr__(self, "approximation_error", resolution.error)


def proportional_density(f: Callable[[Any], Any], support: ArrayLike) -> Density:
    """Return the law whose density is proportional to f, on the intervals of `support`."""
    checked, intervals = _checked(f), _intervals(support)
    resolution = resolve(checked, intervals, parts=_CLOSER)
    _check_sign(resolution)
    mass = float(resolution.pieces.masses.sum())
    if not mass > 0:
        raise InvalidInputError("`f` is 0 everywhere on `support`: it has no mass.")
    return Density(lambda t: checked(t) / mass, intervals)


def _resolved(f: Callable[[FloatArray], FloatArray], intervals: FloatArray) -> Resolution:
    """Resolve again on more parts where mass may have been missed, in a peak between the points."""
    resolution = resolve(f, intervals)
    if _off(resolution) > MASS_TOLERANCE:
        return resolve(f, intervals, parts=_CLOSER)
    return resolution


def _off(resolution: Resolution) -> float:
    """How far the mass is from 1."""
    return abs(float(resolution.pieces.masses.sum()) - 1)


def _intervals(support: ArrayLike) -> FloatArray:
    intervals = np.atleast_2d(real_array("support", support)).astype(np.float64)
    if intervals.ndim != 2 or intervals.shape[1] != 2 or not len(intervals):
        raise InvalidInputError(
            "`support` must be one interval (low, high) or several, of shape (k, 2). "
            f"Got shape {np.shape(support)}."
        )
    ends = intervals.ravel()
    wrong = np.flatnonzero((ends[1:] < ends[:-1]) | ((ends[1:] == ends[:-1]) & _within(ends)))
    if wrong.size:
        first, second = ends[wrong[0]], ends[wrong[0] + 1]
        raise InvalidInputError(
            "`support` must be ascending intervals of positive length that do not overlap. "
            f"Got {first:g} before {second:g}."
        )
    return intervals


def _within(ends: FloatArray) -> Any:
    """Whether each step from an end to the next is an interval, and not a gap."""
    return np.arange(ends.size - 1) % 2 == 0


def _checked(f: Callable[[Any], Any]) -> Callable[[FloatArray], FloatArray]:
    """Return f for vectors, point by point if necessary; refuse values that are not numbers.

    The errors that f itself raises for a single number are the caller's to see.
    """

    def by_points(t: FloatArray) -> Any:
        return np.array([f(float(point)) for point in t])

    route: list[Callable[[FloatArray], Any]] = []

    def evaluate(t: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            if not route:
                route.append(f if _takes_vectors(f, t) else by_points)
            values = np.asarray(route[0](t))
        if values.shape != t.shape or values.dtype.kind not in "fiub":
            raise InvalidTypeError(
                "`f` must return one real number for each point. "
                f"Got type {values.dtype} and shape {values.shape} for {t.size} points."
            )
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InvalidInputError(
                f"`f` is {values[bad[0]]:g} at t = {t[bad[0]]:g}, inside `support`. "
                "A point where the density is infinite must be an end of an interval: "
                "split `support` there."
            )
        return values.astype(np.float64)

    return evaluate


def _takes_vectors(f: Callable[[Any], Any], t: FloatArray) -> bool:
    try:
        return bool(np.shape(f(t)) == t.shape)
    except (TypeError, ValueError):
        return False


def _check_sign(resolution: Resolution) -> None:
    if resolution.lowest < -_NEGATIVE * resolution.largest:
        raise InvalidInputError(
            f"`f` must not be negative. It is {resolution.lowest:.3g} at "
            f"t = {resolution.lowest_at:g}. A signed measure is a difference: "
            "2 * Density(...) - Density(...)."
        )


def _check_error(resolution: Resolution) -> None:
    # A mass that is wrong by more than the resolution explains is the graver error, and the next.
    if resolution.error > max(_LARGEST_ERROR, 0.1 * _off(resolution)):
        worst = resolution.pieces.low[np.argmax(resolution.errors)]
        raise NumericalError(
            f"`f` could be resolved to an error of {resolution.error:.1e} only, "
            f"{_LARGEST_ERROR:g} is required; it is worst near t = {worst:g}. "
            "Where f has a step or is singular, make that point an end of an interval of "
            "`support`; there f may grow like 1/√distance, not much faster. If f is rough "
            "everywhere, use GridDensity(x, density)."
        )
