"""Variances from a signal and the signal from variances, each the other's next step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pastur._numerics.singular_values import roots_of_gram
from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Factors, Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import Edges, noise_edges
from pastur.estimation._low_rank.modes import mode_deviations, mode_p_value
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._profile.scaling import equalising_scales
from pastur.estimation._whitened.variances import Variances

# Spikes that are taken out on the way have to be surer than those of a fit: a row of slightly too
# little variance would else be taken for one, and keep too little.
_ALPHA = 0.01
# A share h of a row or column in the signal leaves 1 − h of its noise to be seen. From about 0.9 on
# the row is taken as it is, by the weight h to this power: else its variance could only fall.
_OWN = 24
# Entries beyond so many standard deviations count as that many, with the scales found so far.
_CLIP, _CLIPPINGS = 5.0, 6
# Of Sinkhorn's steps within one of ours, and from where on no scales make rows equal.
_INNER, UNEQUAL = 1e-6, 1e-3


@dataclass(frozen=True, eq=False)
class Removal:
    """The spikes of a scaled matrix, as they are observed.

    Attributes
    ----------
    split : Split
        The spectrum of the scaled matrix.
    signal : Factors
        The spikes.
    rows, columns : array
        Leverages: the share of each row and column in the span of the spikes.
    """

    split: Split
    signal: Factors
    rows: FloatArray
    columns: FloatArray

    @property
    def count(self) -> int:
        """Number of spikes."""
        return int(self.signal.values.size)

    @property
    def leverage(self) -> float:
        """The largest share."""
        return float(max(self.rows.max(), self.columns.max()))

    @property
    def p_value(self) -> float:
        """Of the rest as white noise."""
        found = mode_deviations(self.split.bulk, self.split.law, self.split.strengths)
        return mode_p_value(found, level=1, sigma_known=False)

    def doubt(self, edges: Edges) -> float:
        """Return the chance that noise alone reaches as far as the weakest spike."""
        spikes = np.abs(self.split.spikes)
        return float(edges.p_values(spikes, self.split.sigma)[-1]) if spikes.size else 0.0

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
class Alternation:
    """A matrix, and what stays the same from step to step.

    Attributes
    ----------
    w : array
        Without rows and columns of zeros, its largest entry about one.
    kind : Kind
    edges : Edges
    symmetric : bool
    """

    w: FloatArray
    kind: Kind
    edges: Edges
    symmetric: bool

    @classmethod
    def of(cls, w: FloatArray, *, symmetric: bool) -> "Alternation":
        """Return that of a matrix without rows and columns of zeros."""
        n, m = w.shape
        kind: Kind = SymmetricKind(n) if symmetric else RectangularKind(min(n, m), max(n, m))
        unit = np.frexp(np.abs(w).max())[1]
        return cls(np.ldexp(w, -unit), kind, noise_edges(kind.noise, _ALPHA), symmetric)

    def variances(self, spread: FloatArray) -> tuple[Variances, float]:
        """Return the variances that mean squares of rows and columns give.

        A single huge entry is not the variance of its row: those beyond count as five deviations.

        With them, by how much the mean of a scaled row still differs. Where scales cannot make
        them equal the variances are the means themselves.
        """
        found = equalising_scales(spread, goal=1.0, tolerance=_INNER)
        for _ in range(_CLIPPINGS):
            limit = _CLIP / np.multiply.outer(found.rows, found.columns)
            if not (spread > limit).any():
                break
            spread = np.minimum(spread, limit)
            found = equalising_scales(spread, goal=1.0, tolerance=_INNER)
        rows, columns = found.rows**-2.0, found.columns**-2.0
        if found.residual >= UNEQUAL:
            rows, columns = (np.mean(spread**2, axis=axis) for axis in (1, 0))
        if self.symmetric:
            # Rows and columns have the same scales up to one factor.
            rows = columns = np.sqrt(rows * columns)
        return Variances(rows / rows.mean(), columns / columns.mean()), min(found.residual, 1.0)

    def removal(self, variances: Variances, *, least: int = 0, most: int | None = None) -> Removal:
        """Return the spikes of the scaled matrix, at least and at most so many."""
        white = variances.whitened(self.w)
        values, factors = self._decomposed(white)
        split, _ = split_spectrum(values, self.kind, self.kind.noise, self.edges, sigma=None)
        count = max(split.spikes.size, least)
        signal = factors(count if most is None else min(count, most))
        rows, columns = np.sum(signal.left**2, axis=1), np.sum(signal.right**2, axis=0)
        return Removal(split, signal, rows, columns)

    def _decomposed(self, white: FloatArray) -> tuple[FloatArray, Callable[[int], Factors]]:
        """Return the values by descending distance from 0, and what gives the first so many.

        The eigenvectors of the Gram matrix of the short side cost a fifth of a singular value
        decomposition.
        """
        if not self.symmetric:
            tall = white.shape[0] > white.shape[1]
            wide = white.T if tall else white
            squares, basis = np.linalg.eigh(wide @ wide.T)
            roots = roots_of_gram(squares)
            if roots is not None:
                return roots, partial(_first, wide, basis[:, ::-1], roots, tall)
        factors = self.kind.factors(white)
        values = factors.values[np.argsort(-np.abs(factors.values), kind="stable")]
        return values, partial(self.kind.strongest, factors)


def _first(
    wide: FloatArray, basis: FloatArray, values: FloatArray, tall: bool, count: int
) -> Factors:
    """Return the first vectors on both sides from those of the short one."""
    short, first = basis[:, :count], values[:count]
    long = (short.T @ wide) / first[:, None]
    return Factors(long.T, first, short.T) if tall else Factors(short, first, long)
