"""From outliers back to the spikes behind them: strengths, intervals, overlaps, groups.

The map is ω of the observed spectrum with the outlier's own term left out: so all that the other
values do to an outlier, the bulk as well as other spikes, is in it, for any rank.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.estimation._kinds.contract import Kind, Outliers, span_name
from pastur.estimation._spikes.threshold import Selected, Threshold, interval_given_detection
from pastur.measures import ProbabilityMeasure

# A neighbour at g standard deviations shifts an outlier by 1/(2g) of one: an eighth at 4.
_ISOLATION = 4.0
# Closer than this values are equal to rounding: their inverse squares leave the doubles.
_EQUAL = 1e-150
# Terms handled at once.
_BLOCK = 1 << 17

# Of σ: as good as none at all.
_LEAST = 1e-6

_LENGTHS = ("observed", "theta", "low", "high")


class Detection(NamedTuple):
    """p-values of outliers, and how far from 0 each had to lie to be detected.

    None where the law is rejected: then there is none of an outlier that was detected either.
    """

    p_values: FloatArray
    limits: FloatArray | None


@dataclass(frozen=True, eq=False)
class SpikeContext:
    """A spectrum with its noise level, and where the noise lies in it.

    Attributes
    ----------
    values : array
        All eigenvalues or singular values.
    sigma : float
    kind : Kind
    noise : array, shape (k, 2)
        Intervals of the noise, ascending, in the coordinate of `values`; an end beyond which no
        value can lie is infinite.
    critical : array, shape (k, 2)
        Spike at which an outlier leaves each end.
    scale : array, shape (k, 2)
        Of the Tracy–Widom law of the extreme value at each end.
    sigma_deviation : float
        Standard deviation of σ over itself; 0 where it is known.
    signal_rank : float
        Directions that carry signal, detached or not.
    sigma_at_most : float or None
        Up to which σ may lie anywhere, whatever chance does; None where it is known or certain.
    base : ProbabilityMeasure or None
        Law of the signal without its spikes; None for a point mass at 0.
    """

    values: FloatArray
    sigma: float
    kind: Kind
    noise: FloatArray
    critical: FloatArray
    scale: FloatArray
    sigma_deviation: float
    signal_rank: float
    sigma_at_most: float | None = None
    base: ProbabilityMeasure | None = None

    @property
    def variance(self) -> float:
        """σ²."""
        return self.sigma**2

    @property
    def height(self) -> float:
        """σm^(−1/2), m the longer side: as wide as an outlier strays, at any ratio of the sides."""
        return float(self.sigma * self.kind.side**-0.5)

    def beyond_critical(self, theta: FloatArray, observed: FloatArray) -> FloatArray:
        """Return θ, moved to where an outlier at `observed` can come from."""
        ends = self._critical_around(observed)
        return np.clip(theta, ends[:, 0], ends[:, 1])

    def open_to_noise(
        self, low: FloatArray, high: FloatArray, observed: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return ends of intervals, those at a critical spike moved to what is hidden in the noise.

        That is 0, or where 0 is not among the hidden, of these the one nearest to it.
        """
        below, above = self._critical_around(observed).T
        number = np.searchsorted(self.noise.mean(axis=1), observed)
        nearest = np.concatenate([[-np.inf], np.clip(0.0, *self.critical.T), [np.inf]])
        low = np.where(low <= below, nearest[number], np.minimum(low, above))
        high = np.where(high >= above, nearest[number + 1], np.maximum(high, below))
        return low, high

    def _critical_around(self, observed: FloatArray) -> FloatArray:
        """Return the critical spikes between which an outlier at each value can come from."""
        above = np.searchsorted(self.noise.mean(axis=1), observed)
        ends = np.concatenate([[-np.inf], self.critical.ravel(), [np.inf]]).reshape(-1, 2)
        return np.asarray(ends[above])

    def threshold(self, side: int) -> Threshold:
        """Return the end beyond which nothing but outliers lie, above (1) or below (−1)."""
        at = (-1, 1) if side > 0 else (0, 0)
        return Threshold(side * self.noise[at], side * self.critical[at], float(self.scale[at]))


def spike_table(
    context: SpikeContext, detached: AnyArray, detection: Detection, *, z: float
) -> AnyArray:
    """Return the spikes behind the values that `detached` picks, descending.

    Parameters
    ----------
    detached : array of int
        Positions in ``context.values``.
    detection : Detection
        Of the outliers, in that order.
    z : float
        Standard deviations between an estimate and the ends of its interval.

    Notes
    -----
    An outlier is isolated where its neighbours and the noise are more than four of its standard
    deviations away. The interval is θ̂ ± z·sd with ``Var θ̂ = 2σ²/(N o)`` (symmetric) or
    ``(σ²/2m)(1/o_n + 1/o_m)``, o the overlaps. For the others ω is taken σm^(−1/2) above the
    axis, m the longer side, which averages over neighbours and is narrow next to the bulk, however
    flat the matrix, and the interval of several is that of their group: of the mean
    of its θ (symmetric) or of their root mean square (rectangular), which do not depend on how the
    group's members push each other. Within some deviations of what selected it, the limit of
    detection or, where it is isolated, that of isolation, the interval is that of the law cut off
    there; an end that reaches the critical spike stands for all that noise hides, and is 0. Where σ
    has a range, both ends move as far as θ̂ does from one
    end of it to the other.

    The overlaps, squared cosines with the spike's own direction, are those of isolated spikes. Of
    the others, whose vectors mix, only the share in the span of the signal of their group is known.
    """
    kind, fields = context.kind, context.kind.fields
    if not detached.size:
        return np.zeros(0, dtype=fields)
    rank = np.argsort(-context.values[detached], kind="stable")
    order = detached[rank]
    observed, size = context.values[order], context.values.size
    above = _leave_one_out(context, order, context.height)
    deviation = kind.outlier_deviation(_resolved(above, size), context.sigma, size)
    group = _groups(observed, deviation)
    alone = np.bincount(group)[group] == 1
    isolated = alone & (_to_noise(context, observed) > _ISOLATION * deviation)
    found = _leave_one_out(context, order[isolated], 0.0)
    spike, overlaps = above.spike.real, [o.copy() for o in above.overlaps]
    spike[isolated] = found.spike.real
    for all_of_them, own in zip(overlaps, found.overlaps, strict=True):
        all_of_them[isolated] = own
    outliers = Outliers(spike.astype(np.complex128), tuple(np.clip(o, 0.0, 1.0) for o in overlaps))
    theta = kind.to_matrix(spike)
    width = z * kind.spike_deviation(_resolved(outliers, size), context.sigma, size)
    width = width * np.sqrt(1 + _neighbour_variance(observed, deviation))
    table = np.zeros(order.size, dtype=fields)
    table["theta"], table["low"], table["high"] = theta, theta - width, theta + width
    table["isolated"], table["group"] = isolated, group
    for number in np.flatnonzero(np.bincount(group) > 1):
        members = np.flatnonzero(group == number)
        outside = _outside(context, order[members])
        mean, spread = _mean_of_group(context, outside, context.sigma)
        table["theta"][members] = kind.moved_to_mean(theta[members], mean)
        table["low"][members], table["high"][members] = mean - z * spread, mean + z * spread
    if detection.limits is not None:
        _account_for_selection(table, context, order, deviation, detection.limits[rank], z)
    if context.sigma_at_most is not None:
        _widen(table, context, order, context.sigma_at_most)
    table["low"], table["high"] = context.open_to_noise(table["low"], table["high"], observed)
    table["theta"] = context.beyond_critical(table["theta"], observed)
    spans = _spans(context, order, table)
    for name, overlap, span in zip(kind.overlap_names, outliers.overlaps, spans, strict=True):
        table[name] = np.where(isolated, overlap, np.nan)
        # A lone spike's span is its own direction.
        table[span_name(name)] = np.where(isolated, overlap, span)
    table["observed"], table["p_value"] = observed, detection.p_values[rank]
    return table


def _account_for_selection(
    table: AnyArray,
    context: SpikeContext,
    order: AnyArray,
    deviation: FloatArray,
    limits: FloatArray,
    z: float,
) -> None:
    """Put the intervals of outliers near what selected them right, for a σ that errs by z·sd."""
    observed, tail = context.values[order], NormalDist().cdf(-z)
    for number in range(int(table["group"].max()) + 1):
        members = np.flatnonzero(table["group"] == number)
        side = 1 if observed[members[0]] > context.noise[-1, 1] else -1
        if side < 0 and observed[members[0]] > context.noise[0, 0]:
            # Between two parts of the noise.
            continue
        members = members[::side]
        threshold, last = context.threshold(side), members[-1]
        # Near an edge g away a deviation grows as g^¼: this is where it is a fourth of that.
        gap = side * observed[last] - threshold.edge
        isolation = threshold.edge + gap * float(_ISOLATION * deviation[last] / gap) ** (4 / 3)
        selected = Selected(
            side * observed[members],
            limits[members],
            isolation if table["isolated"][members].all() else None,
            side * np.delete(context.values, order[members]),
            float(deviation[members].max()),
        )
        ends = interval_given_detection(context.kind, context.sigma, threshold, selected, tail=tail)
        if ends is not None:
            low, high = ends
            high = max(high, threshold.critical * (1 + z * context.sigma_deviation))
            low, high = sorted([side * low, side * high])
            # Of one, or of the mean of several; it may lie beyond what is likely after selection.
            centre = (table["low"][members[0]] + table["high"][members[0]]) / 2
            moved = context.kind.moved_to_mean(table["theta"][members], np.clip(centre, low, high))
            table["theta"][members], table["low"][members], table["high"][members] = (
                moved,
                low,
                high,
            )


def _spans(context: SpikeContext, order: AnyArray, table: AnyArray) -> list[FloatArray]:
    """Return the share of each outlier's vectors in the span of the signal of its group.

    What is not in it lies in directions without signal, and in those of other groups. The transform
    is taken as far above the axis as values at an edge are from one another.
    """
    kind, size = context.kind, context.values.size
    height = context.sigma * size ** (-2 / 3)
    z = kind.to_law(np.asarray(context.values[order] + 1j * height, dtype=np.complex128))
    m, _ = _transform(kind.to_law(context.values), z, order)
    levels = (np.arange(size) + 0.5) / size
    rest = np.zeros(1) if context.base is None else np.asarray(context.base.quantile(levels))
    into_rest = kind.strays(z, m, context.variance, rest)
    into_spikes = kind.strays(z, m, context.variance, table["theta"])
    elsewhere = table["group"][:, None] != table["group"]
    return [
        np.clip(
            1
            - (side - context.signal_rank) * of_rest.mean(axis=1)
            - (spikes * elsewhere).sum(axis=1),
            0.0,
            1.0,
        )
        for side, of_rest, spikes in zip(kind.dimensions, into_rest, into_spikes, strict=True)
    ]


def _widen(table: AnyArray, context: SpikeContext, order: AnyArray, most: float) -> None:
    """Move the ends of intervals as far as σ between nothing and `most` moves the estimates."""
    levels = (context.sigma, _LEAST * context.sigma, most)
    kind, estimates = context.kind, np.empty((len(levels), order.size))
    for number in np.flatnonzero(np.bincount(table["group"]) > 1):
        members = np.flatnonzero(table["group"] == number)
        outside = _outside(context, order[members])
        means = [_mean_of_group(context, outside, sigma)[0] for sigma in levels]
        estimates[:, members] = np.array(means)[:, None]
    alone = np.flatnonzero(np.bincount(table["group"])[table["group"]] == 1)
    height = np.where(table["isolated"][alone], 0.0, context.height)
    others = _left_out(context, order[alone], height)
    for estimate, sigma in zip(estimates, levels, strict=True):
        estimate[alone] = kind.to_matrix(kind.outliers(*others, sigma**2).spike.real)
    moved = estimates[1:] - estimates[0]
    table["low"] += np.minimum(moved.min(axis=0), 0.0)
    table["high"] += np.maximum(moved.max(axis=0), 0.0)


def noise_free_spikes(kind: Kind, values: FloatArray) -> AnyArray:
    """Return the spikes of a matrix without noise: the values themselves, known exactly."""
    table = np.zeros(values.size, dtype=kind.fields)
    for name in _LENGTHS:
        table[name] = np.sort(values)[::-1]
    for name in kind.overlap_names:
        table[name] = table[span_name(name)] = 1.0
    table["isolated"], table["group"] = True, np.arange(values.size)
    return table


class _Others(NamedTuple):
    """Places, and the transform of the other values there with its derivative."""

    z: ComplexArray
    m: ComplexArray
    slope: ComplexArray


def _left_out(context: SpikeContext, which: AnyArray, height: float | FloatArray) -> _Others:
    """Return the transform of all but each of some values, `height` above the axis."""
    kind = context.kind
    shifted = np.asarray(context.values[which] + 1j * height, dtype=np.complex128)
    z = kind.to_law(shifted)
    return _Others(z, *_transform(kind.to_law(context.values), z, which))


def _leave_one_out(context: SpikeContext, which: AnyArray, height: float | FloatArray) -> Outliers:
    """Return what ω of the other values says about some, `height` above the axis."""
    return context.kind.outliers(*_left_out(context, which, height), context.variance)


def _transform(
    points: FloatArray, z: ComplexArray, own: AnyArray | None
) -> tuple[ComplexArray, ComplexArray]:
    """Return Σ 1/(y − z)/n and its derivative at each z, without the point of number `own`.

    Points equal to z are left out too; only rank-deficient and hand-made spectra have any.
    """
    m, slope = np.empty_like(z), np.empty_like(z)
    rows = max(_BLOCK // max(points.size, 1), 1)
    # Taken from complex numbers a block costs a third of what it does from real ones.
    points = points.astype(np.complex128)
    for start in range(0, z.size, rows):
        block = slice(start, start + rows)
        apart = points - z[block, None]
        if own is not None:
            apart[np.arange(len(apart)), own[block]] = np.inf
        apart[np.abs(apart) < _EQUAL] = np.inf
        inverse = 1 / apart
        m[block], slope[block] = inverse.sum(axis=1), (inverse**2).sum(axis=1)
    # Of no points the transform is 0.
    return m / max(points.size, 1), slope / max(points.size, 1)


def _resolved(outliers: Outliers, size: int) -> list[FloatArray]:
    """Return overlaps, those within the critical window, which no estimate resolves, at its end."""
    return [np.clip(o, size ** (-1 / 3), 1.0) for o in outliers.overlaps]


def _groups(observed: FloatArray, deviation: FloatArray) -> AnyArray:
    """Return numbers of groups: neighbours within four standard deviations share one."""
    reach = _ISOLATION * np.maximum(deviation[1:], deviation[:-1])
    return np.concatenate([[0], np.cumsum(-np.diff(observed) > reach)])


def _neighbour_variance(observed: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return the variance that moving neighbours add, relative: (sd/distance)² for each of two."""
    gaps = (observed[:-1] - observed[1:]) / ((deviation[1:] + deviation[:-1]) / 2)
    near = np.maximum(gaps, _ISOLATION) ** -2.0
    return np.asarray(np.append(near, 0.0) + np.append(0.0, near))


def _to_noise(context: SpikeContext, observed: FloatArray) -> FloatArray:
    """Return distances to the nearest end of the noise."""
    return np.asarray(np.abs(observed[:, None] - context.noise.ravel()).min(axis=1))


def _outside(context: SpikeContext, members: AnyArray) -> _Others:
    """Return the transform of the values outside a group at its members."""
    kind = context.kind
    y = kind.to_law(context.values[members])
    others = kind.to_law(np.delete(context.values, members))
    share = others.size / context.values.size
    m, slope = _transform(others, y.astype(np.complex128), None)
    return _Others(y.astype(np.complex128), share * m, share * slope)


def _mean_of_group(context: SpikeContext, outside: _Others, sigma: float) -> tuple[float, float]:
    """Return mean (symmetric) or root mean square of a group's θ, with its standard deviation."""
    kind, size, variance = context.kind, context.values.size, sigma**2
    total = kind.pole_sum(outside.z.real, outside.m.real, outside.slope.real, variance, size)
    found = kind.outliers(*outside, variance)
    spread = kind.spike_deviation(_resolved(found, size), sigma, size)
    return kind.group_mean(total, kind.to_matrix(found.spike.real), spread)
