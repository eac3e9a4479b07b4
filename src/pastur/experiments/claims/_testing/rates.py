"""Rates of convergence: slopes of logarithms with standard errors, and the findings on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pastur._typing import ArrayLike, FloatArray
from pastur.experiments.claims._testing.claim import Finding, Row
from pastur.figures import Series

# Standard errors that a rate may be off, and what the next order of an expansion may add to a
# slope at the sizes that fit a computer.
SIGMAS = 4.0
PREASYMPTOTIC = 0.15
# Below this a relative error no longer adds weight: the straight line is not that exact.
_LEAST_RELATIVE_ERROR = 0.01


@dataclass(frozen=True)
class Rate:
    """The line log y = intercept + slope · log x.

    Attributes
    ----------
    slope, error : float
        The exponent of y in x, and its standard error.
    intercept : float
    """

    slope: float
    error: float
    intercept: float

    def line(self, x: ArrayLike, label: str = "") -> Series:
        """Return the fitted power of x as a curve."""
        x = np.sort(np.asarray(x, dtype=np.float64))
        return Series(label, x, np.exp(self.intercept + self.slope * np.log(x)), kind="curve")


def fit_rate(x: ArrayLike, y: ArrayLike, error: ArrayLike) -> Rate:
    """Fit the exponent by least squares, weighted by the relative errors of y.

    Where the points scatter about the line by more than their errors, the standard error of the
    slope is that of their scatter.
    """
    x, y, error = (np.asarray(v, dtype=np.float64) for v in (x, y, error))
    noise = np.hypot(error / y, _LEAST_RELATIVE_ERROR)
    design = np.column_stack([np.ones(x.size), np.log(x)])
    normal = (design / noise[:, None] ** 2).T @ design
    solution = np.linalg.solve(normal, (design / noise[:, None] ** 2).T @ np.log(y))
    scatter = (((np.log(y) - design @ solution) / noise) ** 2).sum() / max(x.size - 2, 1)
    covariance = np.linalg.inv(normal) * max(scatter, 1.0)
    return Rate(float(solution[1]), float(np.sqrt(covariance[1, 1])), float(solution[0]))


def root_mean_square(rows: Sequence[Row], name: str) -> tuple[FloatArray, FloatArray]:
    """Return the root of the mean of a recorded square at each row, and its standard error."""
    square = np.array([float(row.mean[name]) for row in rows])
    error = np.array([float(row.error(name)) for row in rows])
    root = np.sqrt(square)
    return root, error / (2 * root)


def means(rows: Sequence[Row], name: str) -> tuple[FloatArray, FloatArray]:
    """Return the mean of a recorded number at each row, and its standard error."""
    return (
        np.array([float(row.mean[name]) for row in rows]),
        np.array([float(row.error(name)) for row in rows]),
    )


def sizes(rows: Sequence[Row]) -> FloatArray:
    """Return N of each row."""
    return np.array([float(row.setting["size"]) for row in rows])


def vanishes(what: str, rate: Rate, expected: float) -> Finding:
    """Judge that a quantity tends to 0, and at least as fast as N to the power `expected`.

    By chance a true claim fails with a probability below 1e-4: four standard errors.
    """
    chance = SIGMAS * rate.error
    falls, fast = -chance, expected + PREASYMPTOTIC + chance
    bound = f"≤ {fast:.3f} = {expected:.2f} + {PREASYMPTOTIC} + {SIGMAS:.0f} se"
    if falls < fast:
        bound = f"< {falls:.3f} = 0 − {SIGMAS:.0f} se"
    passed = rate.slope < falls and rate.slope <= fast
    return Finding(what, rate.slope, rate.error, bound, bool(passed))


def has_slope(what: str, rate: Rate, expected: float, allowance: float = 0.0) -> Finding:
    """Judge that the exponent is `expected`, to four standard errors and an allowance."""
    reach = SIGMAS * rate.error + allowance
    passed = abs(rate.slope - expected) <= reach
    extra = f" + {allowance:g}" if allowance else ""
    bound = f"{expected:.2f} ± {reach:.2g} = {SIGMAS:.0f} se{extra}"
    return Finding(what, rate.slope, rate.error, bound, bool(passed))


def agrees(what: str, value: float, error: float, expected: float) -> Finding:
    """Judge that a mean is `expected`, to four standard errors."""
    passed = abs(value - expected) <= SIGMAS * error
    bound = f"{expected:.4g} ± {SIGMAS * error:.2g} = {SIGMAS:.0f} se"
    return Finding(what, value, error, bound, bool(passed))


def at_most(what: str, value: float, error: float, limit: float) -> Finding:
    """Judge that a quantity is at most `limit`, four standard errors included in its favour."""
    passed = value - SIGMAS * error <= limit
    bound = f"≤ {limit:.4g}"
    if error:
        bound = f"≤ {limit + SIGMAS * error:.4g} = {limit:.4g} + {SIGMAS:.0f} se"
    return Finding(what, value, error, bound, bool(passed))


def overstated(factor: float) -> str:
    """Return the violation in which σ is taken `factor` times as large as it is.

    Examples
    --------
    >>> overstated(1.05)
    'σ overstated by 5 %'
    """
    return f"σ overstated by {100 * (factor - 1):.0f} %"
