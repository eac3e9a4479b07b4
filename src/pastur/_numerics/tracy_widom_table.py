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
    return _inverted(np.where(lower, q, 1 - q), ~lower, beta)


def upper_quantile(p: FloatArray, *, beta: int) -> FloatArray:
    """The x with 1 − F(x) = p: as good at p = 1e-300 as at p = 1/2."""
    upper = p < 1 - _middle_probability(beta)
    return _inverted(np.where(upper, p, 1 - p), upper, beta)


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


def _solve(target: FloatArray, beta: int, *, upper: bool) -> FloatArray:
    """Find x with the logarithm of its side at `target`: interpolation, then Newton's method.

    Both logarithms are concave, so Newton's method cannot go astray.
    """
    points, logs = _grid(beta, upper)
    x = np.interp(target, logs, points)
    for _ in range(4):
        log, slope = _side(x, np.full(x.shape, upper), _table(beta))
        x = x - (log - target) / slope
    return np.asarray(x)


# Panels of the inverse in r, −r² being the logarithm of a side: beyond r = 27.3 no float is left.
_PANELS, _END, _DEGREE = 560, 27.4, 7
_ROUNDING = 1e-15
# Farther out than this, at masses below 1e-13, one step of Newton's method is taken.
_DEEP = 5.5


@dataclass(frozen=True, eq=False)
class _Inverse:
    """The x of both sides by r = √(−log p), p being the side's mass, in panels of equal width."""

    start: float
    width: float
    centres: FloatArray
    panels: FloatArray  # (power of t, panel), those of the upper side behind those of the lower


@cache
def _inverse(beta: int) -> _Inverse:
    """Make the table: x is smooth in r, like −r^(2/3) at −∞ and r^(4/3) at ∞."""
    middle = _middle_probability(beta)
    start = math.sqrt(-math.log(max(middle, 1 - middle)))
    width = (_END - start) / _PANELS
    centres = start + width * (np.arange(_PANELS) + 0.5)
    nodes = chebyshev.chebpts1(_DEGREE + 1)
    r = centres[:, None] + nodes * width / 2
    modes = np.linalg.inv(chebyshev.chebvander(nodes, _DEGREE))
    powers = np.zeros((_DEGREE + 1, _DEGREE + 1))
    for k, mode in enumerate(np.eye(_DEGREE + 1)):
        powers[k, : k + 1] = chebyshev.cheb2poly(mode)
    panels = []
    for upper in (False, True):
        x = _solve(-(r.ravel() ** 2), beta, upper=upper).reshape(r.shape)
        found = x @ modes.T
        # Powers would magnify what is rounding.
        found[np.abs(found) < _ROUNDING * np.abs(x).max(axis=1, keepdims=True)] = 0.0
        panels.append(found @ powers)
    return _Inverse(
        start, width, np.tile(centres, 2), np.ascontiguousarray(np.concatenate(panels).T)
    )


def _inverted(mass: FloatArray, upper: AnyArray, beta: int) -> FloatArray:
    """Return the x whose side has this mass, at most about a half; ∓∞ for none."""
    table = _inverse(beta)
    with np.errstate(divide="ignore"):
        r = np.sqrt(-np.log(mass))
    finite = np.isfinite(r)
    if not finite.all():
        r = np.where(finite, r, table.start)
    panel = ((r - table.start) * (1 / table.width)).astype(np.intp)
    np.clip(panel, 0, _PANELS - 1, out=panel)
    panel += _PANELS * upper
    t = (r - table.centres.take(panel)) * (2 / table.width)
    x = table.panels[-1].take(panel)
    for row in table.panels[-2::-1]:
        x *= t
        x += row.take(panel)
    deep = r > _DEEP
    if deep.any():
        log, slope = _side(x[deep], upper[deep], _table(beta))
        x[deep] += (-(r[deep] ** 2) - log) / slope
    return x if finite.all() else np.where(finite, x, np.where(upper, np.inf, -np.inf))
