"""Variances of rows and columns, estimated together with the signal."""

from dataclasses import dataclass

import numpy as np

from pastur._numerics.sides import filled_sides
from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Factors, Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import Edges, noise_edges
from pastur.estimation._low_rank.split import split_spectrum
from pastur.estimation._profile.scaling import equalising_scales
from pastur.estimation._result.status import Status
from pastur.estimation._whitened.variances import Variances

# The variances are a few per cent uncertain: relative changes below this are none.
_TOLERANCE = 1e-3
_MOST_STEPS = 100
# From this step on the number of spikes may only rise, so that it settles.
_SETTLING = 20
# Spikes that are taken out on the way have to be surer than those of a fit: a row of slightly too
# little variance would else be taken for one, and keep too little.
_ALPHA = 0.01
# A share h of a row or column in the signal leaves 1 − h of its noise to be seen. From about 0.9 on
# the row is taken as it is, by the weight h to this power: else its variance could only fall.
_OWN = 24
# Of Sinkhorn's steps within one of ours.
_INNER = 1e-6


@dataclass(frozen=True, eq=False)
class ProfileEstimate:
    """Variances of rows and columns, and how their estimate ended.

    Attributes
    ----------
    variances : Variances
    removed : int
        Directions that were taken for signal.
    leverage : float
        The largest share that a single row or column has in them: near 1 it is as well a row of
        larger variance as a signal.
    status : Status
        Its residual is the largest relative change of a variance at the last step.
    """

    variances: Variances
    removed: int
    leverage: float
    status: Status


def estimate_profile(w: FloatArray, *, symmetric: bool = False) -> ProfileEstimate:
    """Return the variances of rows and columns of ``D_r^(1/2) R D_c^(1/2)/√m + S``.

    From variances the spikes of the scaled matrix follow. Without them (as they are observed: what
    a shrinker leaves of them would count as noise, and the next shrinkage leave more) a residual of
    k directions is left, whose entry i, j has the variance ``(1 − h_i)(1 − g_j)`` of noise, h and g
    being the diagonals of the projections on the directions. With that put right, mean squares of
    rows and columns give the variances again, by Sinkhorn's and Knopp's scaling; for Gaussian noise
    they have the greatest likelihood. Steps end when no variance moves by more than 1e-5 of itself.

    A row of great variance and a signal in that row alone are the same matrix: what is found in one
    row or column counts as variance.

    Raises
    ------
    InvalidInputError
        Where rows or columns are too far apart in size.
    """
    sides = filled_sides(w)
    if symmetric:
        filled = np.logical_or(*sides)
        sides = sides._replace(rows=filled, columns=filled)
    inner = np.ix_(*sides)
    state = _State.of(w[inner], symmetric=symmetric)
    variances, unequal = state.from_squares(np.abs(state.w))
    removal = state.removal(variances, least=0)
    change, steps = np.inf, 0
    while change > _TOLERANCE > unequal and steps < _MOST_STEPS:
        following, unequal = state.from_squares(removal.residual(state.w, variances))
        change = _largest_change(variances, following)
        variances, steps = following, steps + 1
        least = removal.count if steps >= _SETTLING else 0
        removal = state.removal(variances, least=least)
    whole = Variances(np.zeros(w.shape[0]), np.zeros(w.shape[1]))
    for all_of_them, found, kept in zip(whole, variances, sides, strict=True):
        all_of_them[kept] = found
    status = _status(change, unequal, steps)
    return ProfileEstimate(whole, removal.count, removal.leverage, status)


@dataclass(frozen=True, eq=False)
class _Removal:
    """The spikes of a scaled matrix, as they are observed."""

    signal: Factors
    rows: FloatArray
    columns: FloatArray

    @property
    def count(self) -> int:
        return int(self.signal.values.size)

    @property
    def leverage(self) -> float:
        return float(max(self.rows.max(), self.columns.max()))

    def residual(self, w: FloatArray, variances: Variances) -> FloatArray:
        """Return the size of the entries of w without them, enlarged to what noise had."""
        left, values, right = self.signal
        rest = np.abs(w - variances.restored((left * values) @ right))
        rows, columns = (np.minimum(h, 1.0) for h in (self.rows, self.columns))
        apart = np.multiply.outer(1 - rows**_OWN, 1 - columns**_OWN)
        seen = np.multiply.outer(1 - rows, 1 - columns)
        noise = np.divide(rest**2, seen, out=np.zeros_like(rest), where=seen > 0)
        return np.asarray(np.sqrt(apart * noise + (1 - apart) * w**2))


@dataclass(frozen=True, eq=False)
class _State:
    """What stays the same from step to step."""

    w: FloatArray
    kind: Kind
    edges: Edges
    symmetric: bool

    @classmethod
    def of(cls, w: FloatArray, *, symmetric: bool) -> "_State":
        n, m = w.shape
        kind: Kind = SymmetricKind(n) if symmetric else RectangularKind(min(n, m), max(n, m))
        unit = np.frexp(np.abs(w).max())[1]
        return cls(np.ldexp(w, -unit), kind, noise_edges(kind.noise, _ALPHA), symmetric)

    def from_squares(self, spread: FloatArray) -> tuple[Variances, float]:
        """Return the variances that mean squares of rows and columns give.

        With them, by how much the mean of a scaled row still differs. Where scales cannot make
        them equal the variances are the means themselves.
        """
        found = equalising_scales(spread, goal=1.0, tolerance=_INNER)
        rows, columns = found.rows**-2.0, found.columns**-2.0
        if found.residual >= _TOLERANCE:
            rows, columns = (np.mean(spread**2, axis=axis) for axis in (1, 0))
        if self.symmetric:
            # Rows and columns have the same scales up to one factor.
            rows = columns = np.sqrt(rows * columns)
        return Variances(rows / rows.mean(), columns / columns.mean()), min(found.residual, 1.0)

    def removal(self, variances: Variances, *, least: int) -> _Removal:
        """Return the spikes of the scaled matrix, at least so many."""
        factors = self.kind.factors(variances.whitened(self.w))
        values = factors.values[np.argsort(-np.abs(factors.values), kind="stable")]
        split, _ = split_spectrum(values, self.kind, self.kind.noise, self.edges, sigma=None)
        signal = self.kind.strongest(factors, max(split.spikes.size, least))
        rows = np.sum(signal.left**2, axis=1)
        return _Removal(signal, rows, np.sum(signal.right**2, axis=0))


def _largest_change(before: Variances, after: Variances) -> float:
    return max(float(np.abs(a / b - 1).max()) for a, b in zip(after, before, strict=True))


def _status(change: float, unequal: float, steps: int) -> Status:
    if unequal >= _TOLERANCE:
        message = (
            "No variances of rows and columns explain the entries: too many are zero, or far from "
            "the others."
        )
        return Status(False, unequal, steps, message)
    if change <= _TOLERANCE:
        message = "Variances of rows and columns agree with the signal taken out."
        return Status(True, change, steps, message)
    message = f"Variances of rows and columns still moved by {change:.1e} after {steps} steps."
    return Status(False, change, steps, message)
