"""Pieces of a given function: intervals are halved until polynomials resolve it on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._numerics.piecewise.pieces import Pieces
from pastur._numerics.piecewise.tables import POWERS, basis, sampling
from pastur._typing import AnyArray, FloatArray

_ORDER = 32
_MAX_PIECES = 2000
_MAX_HALVINGS = 100
# A piece that holds less mass than this needs no better resolution.
_NEGLIGIBLE = 1e-16
# Coefficients below this share of the largest are rounding errors.
_ROUNDING = 2e-15
# Rounding errors of the function itself make a plateau of coefficients; above this share a plateau
# may as well be a rough function.
_PLATEAU = 1e-9
# A fit that errs by this share of the largest value is none.
_ROUGH = 1e-3
# Places, apart from the nodes, where a piece is compared with the function.
_CHECKS = np.array([0.0213, 0.1391, 0.3127, 0.4883, 0.6619, 0.8317, 0.9561])

Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Resolution:
    """Pieces, an estimate of the integral of |function − pieces| over each, and the least value."""

    pieces: Pieces
    errors: FloatArray
    largest: float
    lowest: float
    lowest_at: float

    @property
    def error(self) -> float:
        """Estimate of the integral of |function − pieces|."""
        return float(self.errors.sum())


@dataclass(frozen=True, eq=False)
class _Batch:
    """Intervals in work, and whether each touches a low or a high end of the given ones."""

    low: FloatArray
    high: FloatArray
    at_low: AnyArray
    at_high: AnyArray

    def chosen(self, rows: AnyArray) -> _Batch:
        return _Batch(self.low[rows], self.high[rows], self.at_low[rows], self.at_high[rows])

    def halved(self) -> _Batch:
        middle = self.low + (self.high - self.low) / 2
        no = np.zeros(middle.size, dtype=bool)
        return _Batch(
            np.column_stack([self.low, middle]).ravel(),
            np.column_stack([middle, self.high]).ravel(),
            np.column_stack([self.at_low, no]).ravel(),
            np.column_stack([no, self.at_high]).ravel(),
        )


@dataclass(frozen=True, eq=False)
class _Fits:
    """The best fit on each interval of a batch: its power, coefficients, error, and success."""

    power: FloatArray
    coefficients: FloatArray
    error: FloatArray
    resolved: AnyArray


def resolve(f: Function, intervals: FloatArray, *, parts: int = 1) -> Resolution:
    """Resolve f on ascending intervals, shape (k, 2), that do not overlap.

    At the ends of the intervals f may be smooth, or a smooth function times √ or 1/√ of the
    distance; elsewhere, or at other ends, pieces crowd. f is called with vectors of points inside
    the intervals and should have an integral of about 1, which sets the tolerance. Features that
    fall between all the points are missed; to begin with more `parts` finds narrower ones.
    """
    level = float(1 / np.sum(intervals[:, 1] - intervals[:, 0]))
    batch = _parted(intervals, parts)
    most = max(_MAX_PIECES, 8 * batch.low.size)
    done: list[tuple[_Batch, _Fits]] = []
    count, largest, lowest, lowest_at = 0, 0.0, np.inf, np.nan
    for halving in range(_MAX_HALVINGS + 1):
        points = _points(batch)
        values = f(points.ravel()).reshape(points.shape)
        largest = max(largest, float(values.max()))
        if values.min() < lowest:
            lowest, lowest_at = float(values.min()), float(points.ravel()[np.argmin(values)])
        width = batch.high - batch.low
        fits = _fit(batch, points, values, level)
        _take_mean(fits, values, width)
        size = np.maximum(np.abs(batch.low), np.abs(batch.high))
        stop = fits.resolved | (width <= 64 * np.finfo(float).eps * size)
        if halving == _MAX_HALVINGS or count + 2 * np.sum(~stop) > most:
            stop[:] = True
        done.append((batch.chosen(stop), _rows(fits, stop)))
        count += int(np.sum(stop))
        if stop.all():
            break
        batch = batch.chosen(~stop).halved()
    return Resolution(*_assembled(done), largest, lowest, lowest_at)


def _parted(intervals: FloatArray, parts: int) -> _Batch:
    """Divide each interval into equal parts."""
    ends = np.linspace(intervals[:, 0], intervals[:, 1], parts + 1, axis=1)
    first = np.tile(np.arange(parts) == 0, len(intervals))
    last = np.tile(np.arange(parts) == parts - 1, len(intervals))
    return _Batch(ends[:, :-1].ravel(), ends[:, 1:].ravel(), first, last)


def _points(batch: _Batch) -> FloatArray:
    """Nodes and places of comparison in each interval, shape (intervals, points)."""
    nodes = np.concatenate([sampling(_ORDER)[0], _CHECKS])
    width = (batch.high - batch.low)[:, None]
    # Each from the nearer end, whose distance then keeps its digits.
    from_low = batch.low[:, None] + width * nodes
    from_high = batch.high[:, None] - width * (1 - nodes)
    return np.asarray(np.where(nodes < 0.5, from_low, from_high))


def _fit(batch: _Batch, points: FloatArray, values: FloatArray, level: float) -> _Fits:
    """Take the first power with which each interval is resolved, or the one that comes nearest."""
    result = _fit_with(0.0, batch, points, values, level)
    # A root at both ends would need a weight of its own; halves have one each.
    ends = (batch.at_low != batch.at_high) & ~result.resolved
    for power in POWERS[1:]:
        rows = np.flatnonzero(ends & ~result.resolved)
        if rows.size:
            fit = _fit_with(power, batch.chosen(rows), points[rows], values[rows], level)
            better = fit.resolved | (fit.error < result.error[rows])
            taken = rows[better]
            result.power[taken] = power
            result.coefficients[taken] = fit.coefficients[better]
            result.error[taken] = fit.error[better]
            result.resolved[taken] = fit.resolved[better]
    return result


def _fit_with(
    power: float, batch: _Batch, points: FloatArray, values: FloatArray, level: float
) -> _Fits:
    width = (batch.high - batch.low)[:, None]
    mirrored = batch.at_high & (power != 0)
    # From the points as they were rounded: next to a root that matters.
    tau = (
        np.where(mirrored[:, None], batch.high[:, None] - points, points - batch.low[:, None])
        / width
    )
    order = np.where(mirrored[:, None], np.arange(_ORDER, -1, -1), np.arange(_ORDER + 1))
    smooth = np.take_along_axis(values[:, : _ORDER + 1], order, axis=1)
    at = np.take_along_axis(tau[:, : _ORDER + 1], order, axis=1)
    smooth = smooth * at**-power
    coefficients = smooth @ sampling(_ORDER)[1].T
    size = np.abs(smooth).max(axis=1)
    coefficients, tail, settled = _chopped(coefficients, size)
    tau, checked = tau[:, _ORDER + 1 :], values[:, _ORDER + 1 :]
    expected = (basis(tau, _ORDER) @ coefficients[:, :, None])[:, :, 0]
    miss = np.abs(expected - checked * tau**-power).max(axis=1)
    error = np.maximum(tail, miss) * width[:, 0] / (1 + power)
    tolerance = _ROUNDING * np.maximum(size, level)
    resolved = settled | (tail <= tolerance)
    # A feature that the nodes missed; next to a root f itself is rounded at the size of its terms.
    resolved &= miss <= np.maximum(1e3 * tolerance, 100 * tail)
    resolved |= error < _NEGLIGIBLE
    return _Fits(np.full(size.shape, power), coefficients, error, resolved)


def _chopped(coefficients: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray, AnyArray]:
    """Cut off the tail of each row where it is mere rounding; return the size of the tail too.

    A tail that no longer falls, below `_PLATEAU`, is the rounding of the function: the row has
    settled.
    """
    absolute = np.abs(coefficients)
    third = coefficients.shape[1] // 3
    middle, last = absolute[:, third:-third].max(axis=1), absolute[:, -third:].max(axis=1)
    settled = (last >= 0.2 * middle) & (last <= _PLATEAU * size)
    tail = np.where(settled, last, absolute[:, -3:].max(axis=1))
    later = np.maximum.accumulate(absolute[:, ::-1], axis=1)[:, ::-1]
    level = np.maximum(np.where(settled, last, 0.0), 0.5 * _ROUNDING * size)
    small = later <= level[:, None]
    return np.where(small, 0.0, coefficients), tail, settled


def _take_mean(fits: _Fits, values: FloatArray, width: FloatArray) -> None:
    """Put the mean where no polynomial makes sense: at a step, or where f grows too fast."""
    coarse = np.abs(values).max(axis=1) * width
    rough = ~fits.resolved & (fits.error > _ROUGH * coarse)
    fits.power[rough] = 0.0
    fits.coefficients[rough] = 0.0
    fits.coefficients[rough, 0] = values[rough].mean(axis=1)
    fits.error[rough] = coarse[rough]


def _rows(fits: _Fits, rows: AnyArray) -> _Fits:
    return _Fits(fits.power[rows], fits.coefficients[rows], fits.error[rows], fits.resolved[rows])


def _assembled(done: list[tuple[_Batch, _Fits]]) -> tuple[Pieces, FloatArray]:
    low, high, at_high = (
        np.concatenate([getattr(batch, name) for batch, _ in done])
        for name in ("low", "high", "at_high")
    )
    power, coefficients, error = (
        np.concatenate([getattr(fits, name) for _, fits in done])
        for name in ("power", "coefficients", "error")
    )
    order = np.argsort(low)
    pieces = Pieces(
        low[order], high[order], power[order], (at_high & (power != 0))[order], coefficients[order]
    )
    return pieces, error[order]
