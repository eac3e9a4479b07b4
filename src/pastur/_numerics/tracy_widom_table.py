"""The Tracy–Widom laws from a table: distribution function, both tails, density, inverse.

`tracy_widom.npz` holds, for each β and for the argument s of the determinants (x itself for β = 1
and 2, √2·x for β = 4), log F left of a joint near the median and log(1 − F) right of it, on three
ranges: an expansion at −∞, panels with a polynomial each, and a series at +∞.
`tools/tracy_widom_table.py` writes it, and says there how.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev

from pastur._typing import AnyArray, FloatArray

_ROW = {1: 0, 2: 1, 4: 2}

# Arguments are kept where s³ does not overflow; F and 1 − F are 0 or 1 long before.
_LIMIT = 1e90


@dataclass(frozen=True, eq=False)
class _Table:
    """The part of the file that belongs to one β."""

    unit: float  # s over x
    start: float
    width: float
    joint: int  # the first panel that holds log(1 − F)
    panels: FloatArray  # (power of t, panel), t ∈ [−1, 1] across the panel
    left: FloatArray  # a, b, c, d₀, d₁, …
    right: FloatArray  # Chebyshev coefficients of log(1 − F) + γ s^(3/2) + p log s
    growth: FloatArray  # γ, p

    centres: FloatArray

    @property
    def stop(self) -> float:
        """The s at which the series at ∞ takes over."""
        return float(self.start + self.width * self.panels.shape[1])

    @property
    def middle(self) -> float:
        """The s at which the tabulated side changes."""
        return self.start + self.width * self.joint


@cache
def _table(beta: int) -> _Table:
    from importlib.resources import as_file, files

    row = _ROW[beta]
    with as_file(files("pastur._numerics") / "tracy_widom.npz") as path, np.load(path) as data:
        start, width = float(data["start"]), float(data["width"])
        return _Table(
            unit=math.sqrt(2.0) if beta == 4 else 1.0,
            start=start,
            width=width,
            joint=round((float(data["joints"][row]) - start) / width),
            panels=np.ascontiguousarray(data["panels"][row].T),
            left=data["left"][row],
            right=data["right"][row],
            growth=data["right_growth"][row],
            centres=start + width * (np.arange(data["panels"].shape[1]) + 0.5),
        )


def cdf(x: FloatArray, *, beta: int) -> FloatArray:
    """F(x), with a small relative error where it is small."""
    log, upper = _logs(x, _table(beta))
    small = np.exp(log, out=log)
    return np.where(upper, 1 - small, small)


def sf(x: FloatArray, *, beta: int) -> FloatArray:
    """1 − F(x), with a small relative error where it is small."""
    log, upper = _logs(x, _table(beta))
    small = np.exp(log, out=log)
    return np.where(upper, small, 1 - small)


def log_cdf(x: FloatArray, *, beta: int) -> FloatArray:
    """log F(x), far below the smallest float F too."""
    log, upper = _logs(x, _table(beta))
    result = log.copy()
    result[upper] = np.log1p(-np.exp(log[upper]))
    return np.where(x == -np.inf, -np.inf, result)


def log_sf(x: FloatArray, *, beta: int) -> FloatArray:
    """log(1 − F(x)), far below the smallest float 1 − F too."""
    log, upper = _logs(x, _table(beta))
    result = log.copy()
    result[~upper] = np.log1p(-np.exp(log[~upper]))
    return np.where(x == np.inf, -np.inf, result)


def density(x: FloatArray, *, beta: int) -> FloatArray:
    """F′(x), with a small relative error in both tails."""
    log, slope, upper = _logs_and_slopes(x, _table(beta))
    return np.where(upper, -slope, slope) * np.exp(log)


def quantile(q: FloatArray, *, beta: int) -> FloatArray:
    """The x with F(x) = q, −∞ and ∞ at 0 and 1."""
    lower = q < _middle_probability(beta)
    with np.errstate(divide="ignore"):
        target = np.where(lower, np.log(q), np.log1p(-q))
    return _solve(target, ~lower, beta)


def upper_quantile(p: FloatArray, *, beta: int) -> FloatArray:
    """The x with 1 − F(x) = p: as good at p = 1e-300 as at p = 1/2."""
    upper = p < 1 - _middle_probability(beta)
    with np.errstate(divide="ignore"):
        target = np.where(upper, np.log(p), np.log1p(-p))
    return _solve(target, upper, beta)


def _logs(x: FloatArray, table: _Table) -> tuple[FloatArray, AnyArray]:
    """Return the tabulated logarithm, and whether it is that of 1 − F."""
    s, panel, t, inside = _locate(x, table)
    log = table.panels[-1].take(panel)
    for row in table.panels[-2::-1]:
        log *= t
        log += row.take(panel)
    if not inside.all():
        for far, tail in ((s < table.start, _left), (s >= table.stop, _right)):
            log[far] = tail(s[far], table)[0]
    return log, panel >= table.joint


def _logs_and_slopes(x: FloatArray, table: _Table) -> tuple[FloatArray, FloatArray, AnyArray]:
    """Return also the derivative of the logarithm in x."""
    s, panel, t, inside = _locate(x, table)
    log, slope = table.panels[-1].take(panel), np.zeros(s.shape)
    for row in table.panels[-2::-1]:
        slope *= t
        slope += log
        log *= t
        log += row.take(panel)
    slope *= 2 / table.width
    if not inside.all():
        for far, tail in ((s < table.start, _left), (s >= table.stop, _right)):
            log[far], slope[far] = tail(s[far], table)
    return log, slope * table.unit, panel >= table.joint


def _locate(x: FloatArray, table: _Table) -> tuple[FloatArray, AnyArray, FloatArray, AnyArray]:
    """Return s, the number of its panel, its place in [−1, 1] there, and whether it is in one."""
    s = np.clip(np.asarray(x, dtype=np.float64) * table.unit, -_LIMIT, _LIMIT)
    inside = (s >= table.start) & (s < table.stop)
    position = (s - table.start) / table.width
    panel = np.clip(position, 0, table.panels.shape[1] - 1).astype(np.intp)
    # The difference from the nearby centre is exact, and zero stands where a tail takes over.
    t = (s - table.centres.take(panel)) * inside * (2 / table.width)
    return s, panel, t, inside


def _left(s: FloatArray, table: _Table) -> tuple[FloatArray, FloatArray]:
    """Expansion of log F at −∞ in t = −s, and its derivative in s."""
    a, b, c, *rest = table.left.tolist()
    t = -s
    root = t * np.sqrt(t)
    series = np.polynomial.Polynomial(rest)
    log = a * t**3 + b * root + c * np.log(t) + series(1 / root)
    slope = (
        3 * a * t**2 + 1.5 * b * np.sqrt(t) + c / t - 1.5 / (root * t) * series.deriv()(1 / root)
    )
    return log, -slope


def _right(s: FloatArray, table: _Table) -> tuple[FloatArray, FloatArray]:
    """Series of log(1 − F) at ∞, and its derivative in s."""
    gamma, power = table.growth
    v, end = 1 / (s * np.sqrt(s)), table.stop**-1.5
    y = 2 * v / end - 1
    log = chebyshev.chebval(y, table.right) - gamma / v - power * np.log(s)
    rest = chebyshev.chebval(y, chebyshev.chebder(table.right)) * (2 / end)
    return log, -1.5 * rest * v / s - 1.5 * gamma * np.sqrt(s) - power / s


def _side(x: FloatArray, upper: AnyArray, table: _Table) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the wanted side and its derivative, next to the joint on either side of it."""
    log, slope, tabulated = _logs_and_slopes(x, table)
    other = upper != tabulated
    small = np.exp(log[other])
    log[other] = np.log1p(-small)
    slope[other] *= -small / (1 - small)
    return log, slope


@cache
def _middle_probability(beta: int) -> float:
    table = _table(beta)
    return float(cdf(np.array([table.middle / table.unit]), beta=beta)[0])


@cache
def _grid(beta: int, upper: bool) -> tuple[FloatArray, FloatArray]:
    """Points x, and the logarithm of the wanted side there, ascending in the logarithm."""
    table = _table(beta)
    # The smallest float is reached at s = −26.9 (β = 4) and s = 106 (β = 1).
    if upper:
        far = np.linspace(110.0, table.stop, 500, endpoint=False)
        s = np.concatenate([far, np.linspace(table.stop, table.middle, 1500)])
    else:
        s = np.linspace(-28.0, table.middle, 1500)
    x = s / table.unit
    return x, _side(x, np.full(x.shape, upper), table)[0]


def _solve(target: FloatArray, upper: AnyArray, beta: int) -> FloatArray:
    """Find x with the logarithm of its side at `target`: interpolation, then Newton's method.

    Both logarithms are concave, so Newton's method cannot go astray, and the grid is fine enough
    for two steps to reach rounding errors.
    """
    x = np.empty(target.shape)
    for side in (False, True):
        points, logs = _grid(beta, side)
        chosen = upper == side
        x[chosen] = np.interp(target[chosen], logs, points)
    finite = np.isfinite(target)
    for _ in range(2):
        log, slope = _side(x[finite], upper[finite], _table(beta))
        x[finite] -= (log - target[finite]) / slope
    return np.where(finite, x, np.where(upper, np.inf, -np.inf))
