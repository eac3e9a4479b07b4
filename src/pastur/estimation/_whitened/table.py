"""The table of spikes of a matrix from that of the whitened one."""

from itertools import pairwise

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._kinds.contract import Factors, Kind, in_unit, span_name
from pastur.estimation._whitened.mapping import Mapped, Side, best_weights, mapped_spikes
from pastur.estimation._whitened.variances import Variances

# Strengths within so many standard deviations of the map's own error are one group.
_APART = 4.0
_FEW = 4
_TINY = 1e-300


def mapped_table(
    spikes: AnyArray, kind: Kind, sigma: float, factors: Factors, variances: Variances, *, z: float
) -> AnyArray:
    """Return the spikes of a matrix: strengths, intervals and overlaps, in the order of `spikes`.

    Parameters
    ----------
    spikes : structured array
        Of the whitened matrix; ``observed`` stays as it is.
    kind : Kind
        Of the whitened matrix.
    sigma : float
        The noise level of that kind.
    factors : Factors
        The whitened matrix in its own vectors, rows and columns as given.
    z : float
        Standard deviations between an estimate and the ends of its interval.

    Notes
    -----
    An interval holds the whitened one, by how the strength follows it, and the error of the map. A
    group, of whitened spikes or of strengths that the map cannot keep apart, has one interval for
    the root mean square of its members.
    """
    table = spikes.copy()
    if not len(spikes):
        return table
    sides = _sides(spikes, kind, sigma, factors, variances)
    # In units of σ, whose squares neither overflow nor vanish.
    spikes = in_unit(spikes, 1 / sigma)
    mapped = mapped_spikes(spikes["theta"], *sides)
    table["theta"] = sigma * mapped.theta
    group = _merged(mapped, spikes["group"])
    inwards, outwards = _widths(mapped, spikes, group, z=z)
    size = _group_size(mapped.theta, group)
    ends = (
        sigma
        * np.sign(mapped.theta)
        * np.array([size * np.maximum(1 - inwards, 0.0), size * (1 + outwards)])
    )
    table["low"], table["high"] = ends.min(axis=0), ends.max(axis=0)
    table["group"] = np.unique(group, return_inverse=True)[1]
    table["isolated"] = spikes["isolated"] & (np.bincount(group)[group] == 1)
    shares = zip(_names(kind), sides, (mapped.rows, mapped.columns), strict=False)
    for name, side, whole in shares:
        found = np.clip(whole * _kept(mapped, side, spikes, group), 0.0, 1.0)
        table[span_name(name)] = found
        table[name] = np.where(table["isolated"], found, np.nan)
    return table


def mapped_signal(
    spikes: AnyArray, kind: Kind, sigma: float, factors: Factors, variances: Variances
) -> FloatArray:
    """Return the part of the signal that the spikes of the whitened matrix make, closest to it."""
    if not len(spikes):
        return np.zeros((factors.left.shape[0], factors.right.shape[1]))
    sides = _sides(spikes, kind, sigma, factors, variances)
    at = places_of(spikes["observed"], factors.values)
    core = best_weights(spikes["theta"], *sides)
    return variances.restored(factors.left[:, at] @ core @ factors.right[at])


def places_of(observed: FloatArray, values: FloatArray) -> AnyArray:
    """Return which of `values` are those `observed`: the nearest, and no two the same."""
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(np.abs(values - observed[:, None]))[1])


def _names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the overlaps of rows and columns as given."""
    return tuple(sorted(kind.overlap_names))


def _sides(
    spikes: AnyArray, kind: Kind, sigma: float, factors: Factors, variances: Variances
) -> tuple[Side, Side]:
    """Return both sides of the whitened spikes, the same one twice for a symmetric matrix."""
    at = places_of(spikes["observed"], factors.values)
    shares = kind.noise_shares(spikes["theta"], sigma)
    # Within the critical window no estimate resolves an overlap.
    least = kind.size ** (-1 / 3)
    within = {
        name: np.clip(1 - share, least, 1.0)
        for name, share in zip(kind.overlap_names, shares, strict=True)
    }
    vectors = factors.left[:, at], factors.right[at].T
    sides = [
        Side(own, within[name], np.minimum(spikes[span_name(name)], within[name]), d)
        for name, own, d in zip(_names(kind), vectors, variances, strict=False)
    ]
    return sides[0], sides[-1]


def _merged(mapped: Mapped, group: AnyArray) -> AnyArray:
    """Return groups joined where strengths lie within four errors of the map of each other."""
    joined = group.copy()
    order = np.argsort(-mapped.theta, kind="stable")
    # Every other spike adds an error off the diagonal.
    crowding = max(mapped.theta.size / _FEW, 1.0) ** 0.5
    error = crowding * np.abs(mapped.theta) * mapped.deviation
    for first, second in pairwise(order):
        reach = _APART * max(error[first], error[second])
        same_side = mapped.theta[first] * mapped.theta[second] > 0
        if same_side and mapped.theta[first] - mapped.theta[second] < reach:
            joined[joined == joined[second]] = joined[first]
    return joined


def _kept(mapped: Mapped, side: Side, spikes: AnyArray, group: AnyArray) -> FloatArray:
    """Return the share that each one's best estimate has within its group, of that within all.

    A whitened vector lies in part in directions of other whitened groups, the more the closer
    these are; some of them may be of the same group once they are mapped.
    """
    lost = 1 - side.spans / side.within
    apart = np.subtract.outer(spikes["theta"], spikes["theta"])
    other = np.not_equal.outer(spikes["group"], spikes["group"])
    near = (1 / np.where(other & (apart != 0), apart, np.inf)) ** 2
    into = lost[:, None] * near / np.maximum(near.sum(axis=1, keepdims=True), _TINY)
    outside = into @ np.not_equal.outer(group, group)
    return np.asarray(np.sum(mapped.weights * (1 - outside.T), axis=1))


def _group_size(theta: FloatArray, group: AnyArray) -> FloatArray:
    """Return the root mean square of each one's group."""
    total, count = np.bincount(group, theta**2), np.bincount(group)
    return np.asarray(np.sqrt(total[group] / count[group]))


def _widths(
    mapped: Mapped, spikes: AnyArray, group: AnyArray, *, z: float
) -> tuple[FloatArray, FloatArray]:
    """Return by how much of a group's strength its interval reaches inwards and outwards."""
    own = np.equal.outer(np.unique(spikes["group"]), spikes["group"]).astype(np.float64)
    members = np.equal.outer(group, group).astype(np.float64)
    share = members * mapped.theta**2
    share /= share.sum(axis=1, keepdims=True)
    exponents = share @ mapped.exponents @ own.T
    error = z**2 * (share**2 @ mapped.deviation**2)
    size = _group_size(spikes["theta"], spikes["group"])
    ends = np.abs(np.array([spikes["low"], spikes["high"]])) / size
    first = np.unique(spikes["group"], return_index=True)[1]
    widths = (1 - ends.min(axis=0))[first], (ends.max(axis=0) - 1)[first]
    inwards, outwards = (np.sqrt(exponents**2 @ width**2 + error) for width in widths)
    # What noise may hide there, it may hide in the matrix.
    hidden = members @ (ends.min(axis=0) == 0.0) > 0
    return np.where(hidden, 1.0, inwards), np.asarray(outwards)
