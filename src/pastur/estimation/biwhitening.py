"""Bringing rows and columns of different variances back to one."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from pastur._checks import matrix
from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._kinds.shrinkage import check_shape
from pastur.estimation._profile.scaling import equalising_scales
from pastur.estimation._result.status import Status
from pastur.estimation._whitened.variances import scaled

_NAMED = 5
# What the flow is counted in.
_LARGEST_FLOW = 2**31 - 1


@dataclass(frozen=True, eq=False, repr=False)
class Biwhitened:
    """A matrix with its rows and columns scaled to one variance.

    Attributes
    ----------
    matrix : array, shape (n, m)
        ``W′ = diag(rows) W diag(columns)``: in every row and column the variances have the mean
        1/max(n, m), so that its noise level σ is 1, or a little less where they were estimated from
        entries with signal in them.
    rows, columns : array
        The scales, positive.
    status : Status
        How the scaling ended; its residual is the largest relative error of a mean.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(80, 160)) * rng.uniform(0.5, 2, size=(80, 1))
    >>> found = pastur.biwhiten(W)
    >>> fits = [pastur.fit_rectangular(matrix) for matrix in (W, found.matrix)]
    >>> [str(fit.goodness.verdict) for fit in fits]
    ['row or column variances differ', 'noise bulk']
    """

    matrix: FloatArray
    rows: FloatArray
    columns: FloatArray
    status: Status

    def __repr__(self) -> str:
        n, m = self.matrix.shape
        spans = (
            f"{side} scaled by {scales.min():.3g} to {scales.max():.3g}"
            for side, scales in (("rows", self.rows), ("columns", self.columns))
        )
        end = "converged" if self.status.converged else f"not converged: {self.status.message}"
        return f"Biwhitened({n} × {m}, {', '.join(spans)}; {end})"

    def restore(self, signal: ArrayLike) -> FloatArray:
        """Return an estimate made from `matrix`, such as ``fit.denoise``'s, in the units of W."""
        s = matrix("signal", signal)
        check_shape(s, self.matrix.shape)
        (rows, up), (columns, more) = np.frexp(self.rows), np.frexp(self.columns)
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(s / (rows[:, None] * columns), -up[:, None] - more))


def biwhiten(W: ArrayLike, *, variances: ArrayLike | None = None) -> Biwhitened:
    """Scale rows and columns of a matrix so that all have noise of the same variance.

    For noise of variances ``V_ij = a_i b_j``, or any that row and column scales r, c make regular:
    ``Σ_j r_i²V_ij c_j²/m = Σ_i r_i²V_ij c_j²/n = 1/max(n, m)``. The singular values of the scaled
    noise then follow the Marchenko–Pastur law (Landa, Zhang, Kluger 2022, theorem 2.2), and spikes
    stay spikes. The scales are Sinkhorn's and Knopp's.

    Parameters
    ----------
    W : array_like, shape (n, m)
        Finite and real. Rows and columns of zeros stay, with the scale 1.
    variances : array_like, shape (n, m), optional
        V, not negative, where it is known or estimated better: for counts of Poisson noise W
        itself. Default: the squares of the entries, right up to the share of the signal in each
        row and column.

    Returns
    -------
    Biwhitened

    Raises
    ------
    InvalidInputError
        For a row or column with entries but no variance, negative variances, another shape, or a
        pattern of zeros that no scales make regular: entries of some rows are in too few columns.

    References
    ----------
    B. Landa, T. T. C. K. Zhang, Y. Kluger, SIAM J. Math. Data Sci. 4 (2022), algorithm 1.
    R. Sinkhorn, P. Knopp, Pacific J. Math. 21 (1967).

    Examples
    --------
    >>> import numpy as np
    >>> from pastur import fit_rectangular
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(200, 300)) * rng.uniform(1, 3, size=(200, 1))
    >>> fit_rectangular(W).goodness.verdict
    'row or column variances differ'
    >>> fit_rectangular(biwhiten(W).matrix).goodness.verdict
    'noise bulk'
    """
    w = matrix("W", W)
    spread = np.abs(w) if variances is None else _deviations(variances, (w.shape[0], w.shape[1]))
    filled = np.asarray(spread.any(axis=1)), np.asarray(spread.any(axis=0))
    _check_sides(w, filled)
    inner = np.ix_(*filled)
    found = equalising_scales(spread[inner], goal=1 / max(w.shape))
    rows, columns = (np.ones(side) for side in w.shape)
    rows[filled[0]] = found.rows
    columns[filled[1]] = found.columns
    if found.converged:
        message = "All rows and columns have the same variance."
    else:
        _check_pattern(found.squares > 0, np.flatnonzero(filled[0]))
        message = (
            f"After {found.steps} steps variances of rows still differ by {found.residual:.1e}: "
            "too many entries are zero for scales to make them equal."
        )
    status = Status(found.converged, found.residual, found.steps, message)
    return Biwhitened(scaled(w, rows, columns), rows, columns, status)


def _deviations(variances: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Return the roots of the variances given."""
    checked = matrix("variances", variances)
    check_shape(checked, shape)
    if (checked < 0).any():
        raise InvalidInputError(f"`variances` must not be negative. Got {checked.min():g}.")
    return np.sqrt(checked)


def _check_sides(w: FloatArray, filled: tuple[AnyArray, AnyArray]) -> None:
    """Raise where an entry has a row or column without variance, or nothing is left to scale."""
    few = min(np.count_nonzero(side) for side in filled) < 2
    for axis, name in enumerate(("row", "column")):
        empty = np.flatnonzero(~filled[axis] & (few | w.any(axis=1 - axis)))
        if empty.size:
            raise InvalidInputError(
                f"{name.capitalize()} {empty[0]} has no variance: no scale gives it any. "
                f"Leave it out ({empty.size} such {name}{'s' if empty.size > 1 else ''})."
            )


def _check_pattern(positive: AnyArray, places: AnyArray) -> None:
    """Raise where no scales of rows and columns, nor limits of them, make a pattern regular.

    `places` are the numbers of its rows.

    Every row of n × m is to have m/(nm) of the sum and every column n/(nm). By the theorem of the
    maximal flow and the least cut that can be if the columns which a set of rows reaches always
    have room for it (Rothblum, Schneider 1989).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n, m = positive.shape
    source, sink, common = n + m, n + m + 1, gcd(n, m)
    if n * m // common > _LARGEST_FLOW:
        return
    row, column = np.nonzero(positive)
    # SciPy before 1.14 takes no other indices than these for a flow.
    tails = np.concatenate([np.full(n, source), row, n + np.arange(m)]).astype(np.int32)
    heads = np.concatenate([np.arange(n), n + column, np.full(m, sink)]).astype(np.int32)
    room = np.repeat([m // common, max(n, m) // common, n // common], [n, row.size, m])
    graph = csr_array((room.astype(np.int32), (tails, heads)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink)
    if flow.flow_value == n * m // common:
        return
    # What the source still reaches is the side of the least cut that has too little room.
    open_edges = (graph - flow.flow > 0).astype(np.int32)
    reached = breadth_first_order(open_edges, source, return_predecessors=False)
    rows = places[np.sort(reached[reached < n])]
    columns = int(np.count_nonzero((reached >= n) & (reached < source)))
    raise InvalidInputError(
        f"{_count(rows.size, 'row')} ({_listed(rows)}) {'has' if rows.size == 1 else 'have'} "
        f"entries in {_count(columns, 'column')} only, too few for any scales: "
        f"{rows.size} of {n} rows need {rows.size}/{n} of {m} columns. Leave out rows and columns "
        "with few entries, or fit the matrix as it is."
    )


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _listed(places: AnyArray) -> str:
    shown = ", ".join(str(place) for place in places[:_NAMED])
    return f"{shown}, …" if places.size > _NAMED else shown
