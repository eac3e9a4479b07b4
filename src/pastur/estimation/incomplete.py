"""Fitting a matrix with missing entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pastur._checks import numeric
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._format import percent
from pastur._html import block, note
from pastur._typing import ArrayLike, FloatArray
from pastur.estimation._notebook import fit_html
from pastur.estimation.rectangular import RectangularFit, fit_rectangular

# Of the signal that fills the gaps: after the first the count no longer changes.
_ROUNDS = 2
_STEPS = 12
# Below this share of the largest strength a component is nothing.
_LEAST = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class IncompleteFit:
    """Noise and signal of a matrix with missing entries.

    Attributes
    ----------
    fit : RectangularFit
        Of `filled`, with the variances that weights give to rows and columns: spikes, intervals and
        overlaps are those of the complete signal. σ is the level of the weighted noise; `entry_sd`
        here is that of the noise itself.
    filled : array, shape (n, m)
        The matrix that was fitted, without gaps: unbiased for the signal, entry by entry.
    rows, columns : array
        Share of the entries observed in each.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation import fit_incomplete
    >>> W = np.random.default_rng(0).normal(size=(60, 90))
    >>> W[0, :20] = np.nan
    >>> found = fit_incomplete(W)
    >>> round(found.entry_sd, 1)
    1.0
    """

    fit: RectangularFit
    filled: FloatArray
    rows: FloatArray
    columns: FloatArray

    @property
    def observed(self) -> float:
        """Share of all entries that are observed."""
        return float(self.rows.mean())

    @property
    def entry_sd(self) -> float:
        """Standard deviation of the noise in an entry, with what the gaps add taken off."""
        added = np.mean(1 / self.rows) * np.mean(1 / self.columns) * self.observed
        return float(self.fit.entry_sd / np.sqrt(added))

    @property
    def assumption(self) -> str:
        """What the figures rest on, besides those of `fit.noise`."""
        return (
            "which entries are missing does not depend on their values; each row and each column "
            "has a rate of its own"
        )

    def denoise(self) -> FloatArray:
        """Return the estimate of the complete signal, gaps included."""
        return self.fit.denoise(self.filled)

    def _repr_html_(self) -> str:
        return block(repr(self), fit_html(self.fit), note(f"This assumes that {self.assumption}."))

    def __repr__(self) -> str:
        n, m = self.filled.shape
        return (
            f"IncompleteFit({n} × {m}, {percent(1 - self.observed)} missing, rank={self.fit.rank}, "
            f"{str(self.fit.goodness.verdict)!r})"
        )


def fit_incomplete(W: ArrayLike, *, alpha: float = 0.05) -> IncompleteFit:
    """Separate noise from signal in a matrix with missing entries.

    Each observed entry less a first estimate Ŝ of the signal is weighted by the inverse of the
    chance p_ij that it is observed, and Ŝ is added back:

        Ŝ + M (W − Ŝ)/p,   M = 1 where observed, else 0,

    which has the mean S whatever Ŝ is, and noise of variance σ²/p_ij: a product of one for the row
    and one for the column, which are given to `fit_rectangular`. With Ŝ = 0 this is plain
    inverse-probability weighting, whose noise also has S²(1 − p)/p and hides weak components behind
    strong ones; the better Ŝ, the less is left of that. Ŝ is the low-rank matrix with the greatest
    posterior density given the observed entries, found by alternating least squares from the
    components of the plain fit.

    Parameters
    ----------
    W : array_like, shape (n, m)
        NaN where an entry is missing, or a mask (NumPy), or NA (pandas), or None.
    alpha : float, between 0 and 1
        Probability that pure noise gives a spike; intervals have level 1 − alpha. Default 0.05.

    Returns
    -------
    IncompleteFit

    Raises
    ------
    InvalidInputError
        Where a row or a column has no entry, or an entry is infinite.

    Notes
    -----
    A column of its own mean is a component like any other; subtract means before where they are
    known. An imputed matrix has no noise in its gaps, and its intervals are too narrow.

    References
    ----------
    Y. Chen, J. Fan, C. Ma, Y. Yan, Proc. Natl. Acad. Sci. 116 (2019) (the weighting).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) + 4 * np.outer(rng.normal(size=100), rng.normal(size=200))
    >>> W[rng.random(W.shape) < 0.3] = np.nan
    >>> found = fit_incomplete(W)
    >>> found
    IncompleteFit(100 × 200, 30 % missing, rank=1, 'noise bulk')
    >>> round(found.entry_sd, 1)
    1.0
    """
    w, mask = _checked(W)
    rows, columns = mask.mean(axis=1), mask.mean(axis=0)
    chance = np.minimum(np.multiply.outer(rows, columns) / mask.mean(), 1.0)
    weights = mask / chance
    variances = 1 / rows, 1 / columns
    signal = np.zeros_like(w)
    for _ in range(_ROUNDS):
        filled = signal + weights * (w - signal)
        fit = fit_rectangular(filled, alpha=alpha, noise="profile", variances=variances)
        if not fit.rank or mask.all():
            break
        level = float(fit.entry_sd) ** 2 * float(mask.mean())
        signal = _low_rank(w, mask, fit.rank, level, start=fit.denoise(filled))
    filled = signal + weights * (w - signal)
    fit = fit_rectangular(filled, alpha=alpha, noise="profile", variances=variances)
    return IncompleteFit(fit, filled, rows, columns)


def _checked(given: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the matrix, 0 where an entry is missing, and 1 where one is observed, else 0."""
    w = numeric("W", given, gaps=True)
    if w.dtype.kind == "c":
        raise InvalidTypeError(f"`W` must be real. Got the complex type {w.dtype}.")
    w = w.astype(np.float64)
    if w.ndim != 2 or min(w.shape) < 2:
        raise InvalidInputError(
            f"`W` must be a matrix of two rows and two columns or more. Got shape {w.shape}."
        )
    if np.isinf(w).any():
        raise InvalidInputError("`W` must be finite, or NaN where an entry is missing.")
    observed = ~np.isnan(w)
    for axis, name in enumerate(("row", "column")):
        empty = np.flatnonzero(~observed.any(axis=1 - axis))
        if empty.size:
            raise InvalidInputError(
                f"{name.capitalize()} {empty[0]} has no entry: leave it out "
                f"({empty.size} such {name}{'s' if empty.size > 1 else ''})."
            )
    return np.where(observed, w, 0.0), observed.astype(np.float64)


def _low_rank(
    w: FloatArray, mask: FloatArray, rank: int, level: float, *, start: FloatArray
) -> FloatArray:
    """Return the matrix UV' of greatest posterior density given the observed entries.

    Noise has the variance `level`, and the entries of a component on either side Gaussian ones of
    mean square 1/n and 1/m times its strength, which follows from the step before.
    """
    left, values, right = np.linalg.svd(start, full_matrices=False)
    u, v = left[:, :rank] * values[:rank], right[:rank].T
    for _ in range(_STEPS):
        u, v = _turned(u, v)
        u = _solved(w, mask, v, level * len(u) / _squares(u))
        v, u = _turned(v, u)
        v = _solved(w.T, mask.T, u, level * len(v) / _squares(v))
    return np.asarray(u @ v.T)


def _turned(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return factors of the same product, the second orthonormal, the first orthogonal."""
    basis, triangle = np.linalg.qr(v)
    left, values, turn = np.linalg.svd(u @ triangle.T, full_matrices=False)
    return np.asarray(left * values), np.asarray(basis @ turn.T)


def _squares(u: FloatArray) -> FloatArray:
    squares = np.sum(u**2, axis=0)
    return np.asarray(np.maximum(squares, _LEAST * squares.max()))


def _solved(w: FloatArray, mask: FloatArray, v: FloatArray, ridge: FloatArray) -> FloatArray:
    """Return for each row of `w` the loadings of the columns of `v`, from what is observed."""
    rank = v.shape[1]
    products = (v[:, :, None] * v[:, None, :]).reshape(len(v), rank * rank)
    normal = (mask @ products).reshape(-1, rank, rank)
    # Without noise there is no ridge, and a row of few entries leaves loadings open.
    least = _LEAST * np.trace(normal, axis1=1, axis2=2).max()
    normal = normal + np.diag(ridge + least)
    return np.asarray(np.linalg.solve(normal, (w @ v)[:, :, None])[:, :, 0])
