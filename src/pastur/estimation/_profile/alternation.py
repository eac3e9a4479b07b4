"""Variances from a signal and the signal from variances, each the other's next step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from pastur._numerics.singular_values import roots_of_gram
from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Factors, Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import Edges, noise_edges
from pastur.estimation._low_rank.modes import mode_deviations, mode_distance, mode_p_value
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._profile.clipped import clipped_means
from pastur.estimation._whitened.variances import Variances

# Spikes that are taken out on the way have to be surer than those of a fit: a row of slightly too
# little variance would else be taken for one, and keep too little.
_ALPHA = 0.01
# A share h of a row or column in the signal leaves 1 − h of its noise to be seen. From about 0.9 on
# the row is taken as it is, by the weight h to this power: else its variance could only fall.
_OWN = 24
# Below this share the weight is nothing.
_HARDLY = 0.4
# Of the noise level, which the next step changes by more.
_LEVEL_TOLERANCE = 1e-3
# What is so far from the law of noise (χ² with seven degrees of freedom: a p-value of 1e-6) after a
# step that leaves more than this share of the distance does not come to follow it: the variances
# would wander, of a trained layer to the last step. Steps of true profiles leave half at most.
FAR, _LEFT = 40.0, 0.6
# From here on no scales make rows equal.
UNEQUAL = 1e-3


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

    def doubt(self, edges: Edges) -> float:
        """Return the chance that noise alone reaches as far as the weakest spike."""
        spikes = np.abs(self.split.spikes)
        return float(edges.p_values(spikes, self.split.tested)[-1]) if spikes.size else 0.0

    def squares(self, w: FloatArray, variances: Variances) -> FloatArray:
        """Return the squares of the entries of w without them, enlarged to what noise had."""
        left, values, right = self.signal
        own = Variances(*(np.sqrt(d) for d in variances))
        rest = (own.rows[:, None] * left * values) @ (right * own.columns)
        np.subtract(w, rest, out=rest)
        np.square(rest, out=rest)
        # Shares of the row and of the column, of which the noise left is 1 − h.
        shares = [np.minimum(h, 1.0) for h in (self.rows, self.columns)]
        apart = [1 - h**_OWN for h in shares]
        seen = [
            np.divide(a, 1 - h, out=np.zeros_like(h), where=h < 1)
            for a, h in zip(apart, shares, strict=True)
        ]
        rest *= seen[0][:, None]
        rest *= seen[1]
        if self.leverage > _HARDLY:
            rest += (1 - np.multiply.outer(*apart)) * w**2
        return rest


def hopeless(distance: float, before: float) -> bool:
    """Return whether a rest at a `distance` from noise is far, as before, and not much nearer."""
    return min(distance, before) > FAR and distance > _LEFT * before


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

    @cached_property
    def squares(self) -> FloatArray:
        """Those of the entries."""
        return self.w**2

    def start(self) -> tuple[Variances, float]:
        """Return the variances that make all rows and columns equal; see `variances`."""
        rows, columns = (self.squares.mean(axis=axis) for axis in (1, 0))
        return self.variances(self.squares, Variances(rows, columns / rows.mean()))

    def variances(self, squares: FloatArray, before: Variances) -> tuple[Variances, float]:
        """Return the variances that the squares of the noise give, from those `before`.

        With them, by how much the mean of a scaled row still differs. Where scales cannot make
        them equal the variances are the means themselves.
        """
        rows, columns, residual = clipped_means(squares, *before)
        if residual >= UNEQUAL:
            rows, columns = (np.mean(squares, axis=axis) for axis in (1, 0))
        if self.symmetric:
            # Rows and columns have the same scales up to one factor.
            rows = columns = np.sqrt(rows * columns)
        return Variances(rows / rows.mean(), columns / columns.mean()), min(residual, 1.0)

    def scaled(self, variances: Variances, *, vectors: bool = True) -> "Scaled":
        """Return the scaled matrix split, its vectors computed now or where they are needed."""
        white = self.w / np.sqrt(variances.rows)[:, None]
        white /= np.sqrt(variances.columns)
        values, factors = self._decomposed(white, vectors=vectors)
        noise = self.kind.noise
        split, _ = split_spectrum(
            values, self.kind, noise, self.edges, sigma=None, tolerance=_LEVEL_TOLERANCE
        )
        return Scaled(split, factors)

    def _decomposed(
        self, white: FloatArray, *, vectors: bool
    ) -> tuple[FloatArray, Callable[[int], Factors]]:
        """Return the values by descending distance from 0, and what gives the first so many.

        The eigenvectors of the Gram matrix of the short side cost a fifth of a singular value
        decomposition.
        """
        if not self.symmetric:
            tall = white.shape[0] > white.shape[1]
            wide = white.T if tall else white
            gram, basis = wide @ wide.T, None
            if vectors:
                squares, basis = np.linalg.eigh(gram)
            else:
                squares = np.linalg.eigvalsh(gram)
            roots = roots_of_gram(np.asarray(squares, dtype=np.float64))
            if roots is not None:
                return roots, partial(_first, wide, gram, basis, roots, tall)
        factors = self.kind.factors(white)
        values = factors.values[np.argsort(-np.abs(factors.values), kind="stable")]
        return values, partial(self.kind.strongest, factors)


@dataclass(frozen=True, eq=False)
class Scaled:
    """A matrix scaled by some variances.

    Attributes
    ----------
    split : Split
        Its spectrum.
    first : callable
        Returns its first so many singular values with their vectors.
    """

    split: Split
    first: Callable[[int], Factors]

    @property
    def p_value(self) -> float:
        """Of the rest as white noise."""
        return mode_p_value(self._deviations, level=1, sigma_known=False)

    @cached_property
    def distance(self) -> float:
        """Of the rest from white noise, χ² with seven degrees of freedom if it is."""
        return mode_distance(self._deviations, level=1, sigma_known=False)[1]

    @cached_property
    def _deviations(self) -> FloatArray:
        return mode_deviations(self.split.bulk, self.split.law, self.split.strengths)

    def removal(self, *, least: int = 0, most: int | None = None) -> Removal:
        """Return the spikes, at least and at most so many."""
        count = max(self.split.spikes.size, least)
        signal = self.first(count if most is None else min(count, most))
        rows, columns = np.sum(signal.left**2, axis=1), np.sum(signal.right**2, axis=0)
        return Removal(self.split, signal, rows, columns)


def _first(
    wide: FloatArray,
    gram: FloatArray,
    basis: FloatArray | None,
    values: FloatArray,
    tall: bool,
    count: int,
) -> Factors:
    """Return the first vectors on both sides from those of the short one."""
    vectors = np.linalg.eigh(gram)[1] if basis is None else basis
    short, first = vectors[:, ::-1][:, :count], values[:count]
    long = (short.T @ wide) / first[:, None]
    return Factors(long.T, first, short.T) if tall else Factors(short, first, long)
