"""What the steps of a fit ask of a kind of matrix: one contract, with an answer for each kind.

Values of a matrix (eigenvalues, singular values) are in its units everywhere. Laws are those of
eigenvalues and of *squared* singular values: `Kind.to_law` is the only place that squares, and
`Kind.to_matrix` the only one that takes roots.

With m(z) the Stieltjes transform of the spectrum of W in the coordinate of the law and f that of S,
all kinds say ``f(ω(z)) = f̂(z)`` with ω and f̂ known functions of z, m(z) and v = σ²:

    symmetric     ω = z + v m,                    f̂ = m                       (1.6)
    rectangular   ω = z A² − v(1 − c) A,          f̂ = m/A,   A = 1 + v c m

(Dozier, Silverstein 2007). The inverse of ω is Φ, a function of f at w alone.

The noise is a value of its own next to the kind: a kind makes the one that is white, and the steps
take any other that has its law, its edge and its modes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.estimation._kinds.free_reading import Readings, Rest
from pastur.estimation._kinds.masses import Masses, Transforms
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.measures import ProbabilityMeasure
from pastur.models import SpikedModel

Number = TypeVar("Number", float, FloatArray, ComplexArray)
Real = TypeVar("Real", float, FloatArray)


class Observed(NamedTuple):
    """ω and f̂ at the points where m was taken, and their derivatives by σ²."""

    omega: ComplexArray
    transform: ComplexArray
    omega_by_variance: ComplexArray
    transform_by_variance: ComplexArray


class Curve(NamedTuple):
    """Φ and its first three derivatives."""

    phi: ComplexArray
    first: ComplexArray
    second: ComplexArray
    third: ComplexArray


class Outliers(NamedTuple):
    """What outliers at y say of the spikes behind them, from the transform of the other values.

    `spike` is where ω puts y (complex where y is); `overlaps` are those of the vectors, in the
    order of `Kind.overlap_names`.
    """

    spike: ComplexArray
    overlaps: tuple[FloatArray, ...]


class Slopes(NamedTuple):
    """The log density of an outlier at y, as slopes along y.

    `outlier` is that of the strength read off at y, from the transform of the other values, and
    `place` that of y itself: noise alone has the slope ``place − 2·outlier``, an outlier far from
    the threshold ``Kind.spike_slope − outlier``.
    """

    outlier: FloatArray
    place: FloatArray


class Ends(NamedTuple):
    """Ends of intervals of noise, shape (k, 2) each, and what belongs to them.

    `critical` is the spike at which an outlier leaves an end, `centring` and `scale` those of the
    Tracy–Widom law of the extreme value there.
    """

    ends: FloatArray
    critical: FloatArray
    centring: FloatArray
    scale: FloatArray


class Factors(NamedTuple):
    """A matrix as ``left · diag(values) · right``."""

    left: FloatArray
    values: FloatArray
    right: FloatArray


class Noise(Protocol):
    """Noise of σ = 1, with any number of spikes taken out; equal ones have equal hashes.

    Strong spikes take one row and one column of noise each with them: what is left after k of them
    is noise of n − k by m − k, with the entries it had. Their finite strength is the part of
    `count_shift`.

    Attributes
    ----------
    size : int
        Number of values.
    sides : int
        Edges of the noise that are watched.
    level_mode : int
        The lowest mode of the bulk that an error of σ moves; a fourth cumulant of the entries moves
        the one of twice that number.
    """

    @property
    def size(self) -> int: ...
    @property
    def sides(self) -> int: ...
    @property
    def level_mode(self) -> int: ...

    def __hash__(self) -> int: ...

    def law(self, removed: int) -> NoiseLaw:
        """Law of what is left after `removed` spikes."""

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Centring and scale of the Tracy–Widom law of the largest value left."""


class Kind(Protocol):
    """A kind of matrix, of one size, without the rows and columns that are left out.

    Attributes
    ----------
    size, side : int
        Number of values; the longer side.
    value_name : str
        What one of its values is called.
    squared : bool
        Whether the law is one of squares.
    sides : int
        Edges of the noise: 2 where values lie on both sides of 0.
    overlap_names : tuple of str
        Names of the overlaps of an outlier's vectors, as `outliers` returns them.
    dimensions : tuple of int
        Of the spaces in which these vectors lie, in that order.
    fields : dtype
        Of the table of spikes.
    leading_fields : dtype
        Of the table of leading directions.
    critical : float
        Least spike that makes an outlier where S has nothing else, for σ = 1.
    height : float
        Distance from the axis at which the transform is taken, times √size, for σ = 1.
    noise : Noise
        The one that is white.
    """

    @property
    def size(self) -> int: ...
    @property
    def side(self) -> int: ...
    @property
    def value_name(self) -> str: ...
    @property
    def squared(self) -> bool: ...
    @property
    def sides(self) -> int: ...
    @property
    def overlap_names(self) -> tuple[str, ...]: ...
    @property
    def dimensions(self) -> tuple[int, ...]: ...
    @property
    def fields(self) -> np.dtype[np.void]: ...
    @property
    def leading_fields(self) -> np.dtype[np.void]: ...
    @property
    def critical(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def noise(self) -> Noise: ...

    def to_law(self, x: Number) -> Number:
        """Return values of the matrix in the coordinate of the law."""

    def to_matrix(self, x: Real) -> Real:
        """Return what `to_law` took there."""

    def relative_to_matrix(self, change: float) -> float:
        """Return the small relative change of a value whose image under `to_law` has `change`."""

    def without(self, removed: int) -> Kind:
        """Return the kind with so many rows and columns less."""

    def of_shape(self, shape: tuple[int, int]) -> Kind:
        """Return the kind for matrices of another shape."""

    def masses(
        self, points: FloatArray, weights: FloatArray, base: ProbabilityMeasure | None
    ) -> Masses:
        """Return a signal with its points, given as values of the matrix, where the law has them.

        Raises
        ------
        InvalidInputError
            Where doubles do not hold them.
        """

    def model(self, signal: Masses, sigma: float) -> SpikedModel:
        """Return the model of a signal and a noise level."""

    def noise_measure(self, sigma: float) -> ProbabilityMeasure:
        """Return the law of noise alone."""

    def noise_ends(self, found: Ends, base: ProbabilityMeasure | None) -> Ends:
        """Return, of all intervals of a law, those of the noise, as values of the matrix.

        An end beyond which no value can lie is infinite.
        """

    def observe(self, z: ComplexArray, m: ComplexArray, variance: float) -> Observed:
        """Return ω and f̂ from m at z."""

    def curve(self, w: ComplexArray, signal: Transforms, variance: float) -> Curve:
        """Return Φ at w from the transform of the signal there."""

    def cumulant_shift(self, signal: Transforms, curve: Curve, variance: float) -> ComplexArray:
        """Return the direction in which a fourth cumulant of the entries moves f̂ − f(ω̂)."""

    def candidates(self, sizes: FloatArray) -> FloatArray:
        """Return where spikes of these sizes, ascending, may lie in the coordinate of the law."""

    def outliers(
        self, y: ComplexArray, m: ComplexArray, slope: ComplexArray, variance: float
    ) -> Outliers:
        """Return what outliers at y say, m and `slope` = m′ being those of the other values."""

    def noise_shares(self, theta: FloatArray, sigma: float) -> tuple[FloatArray, ...]:
        """Return the share of each outlier's vectors that lies outside the span of all spikes θ.

        It is the residue of the resolvent there. For a single spike it is 1 less the overlap; where
        spikes are crowded their vectors mix, and the overlap is less than the share within.
        """

    def strays(
        self, z: ComplexArray, m: ComplexArray, variance: float, theta: FloatArray
    ) -> tuple[FloatArray, ...]:
        """Return the share of each outlier's vectors on one direction of S for each strength θ.

        It is what noise turns into directions other than the outlier's own, 0 among them. m is the
        transform of the other values at the outliers z, a little above the axis. One array for each
        of `overlap_names`, with a row for each outlier.
        """

    def spike_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return the standard deviation of an isolated spike's estimate θ̂."""

    def outlier_deviation(
        self, overlaps: Sequence[FloatArray], sigma: float, size: int
    ) -> FloatArray:
        """Return the standard deviation of an isolated outlier."""

    def slopes(self, y: FloatArray, m: FloatArray, variance: float) -> Slopes:
        """Return the slopes at y, given as values of the matrix, m the transform of the others."""

    def spike_slope(self, theta: float, y: FloatArray, variance: float) -> FloatArray:
        """Return the slope that a spike θ adds to the log density at y."""

    def pole_sum(
        self, y: FloatArray, h: FloatArray, slope: FloatArray, variance: float, size: int
    ) -> float:
        """Return the sum of the spikes behind all the outliers y together.

        It is ``−(n/2πi)∮ ω̂f̂ dω̂`` around them, by residues. h and `slope` = h′ are the transform
        of the other values at y.
        """

    def group_mean(
        self, total: float, theta: FloatArray, spread: FloatArray
    ) -> tuple[float, float]:
        """Return the mean of a group's θ from their `pole_sum`, with its standard deviation.

        Parameters
        ----------
        theta, spread : array
            Each θ by itself, and its standard deviation.
        """

    def moved_to_mean(self, theta: FloatArray, mean: float) -> FloatArray:
        """Return a group's θ, moved together so that they have this mean."""

    def read_free(self, y: FloatArray, rest: Rest) -> Readings:
        """Return the readings of some values without a law, each against its rest."""

    def factors(self, w: FloatArray) -> Factors:
        """Return a matrix in its own vectors."""

    def law_values(self, w: AnyArray) -> FloatArray:
        """Return the values of a matrix in the coordinate of the law, descending, in its digits."""

    def permuted(self, w: AnyArray, rng: np.random.Generator) -> Iterator[AnyArray]:
        """Yield matrices with the entries of `w` in random places, which do not depend on theirs.

        Of a symmetric matrix also those on the diagonal leave it: signal may lie there.
        """

    def strongest(self, factors: Factors, count: int) -> Factors:
        """Return the part of so many values, those farthest from 0."""

    def shrink(self, values: FloatArray, sigma: float) -> FloatArray:
        """Return the best values for a signal of low rank, given those beyond the noise."""

    def denoised(self, values: FloatArray, law: ProbabilityMeasure) -> FloatArray:
        """Return the best values for a signal of any rank, for σ = 1; `law` is that of all."""


def spike_fields(*overlaps: str) -> Any:
    """Return the fields of a table of spikes whose overlaps have these names."""
    lengths = ("observed", "theta", "low", "high")
    last = [("p_value", "f8"), ("isolated", "?"), ("group", "i8")]
    spans = [(span_name(name), "f8") for name in overlaps]
    return np.dtype([*((name, "f8") for name in (*lengths, *overlaps)), *last, *spans])


def span_name(overlap: str) -> str:
    """Return the field of the share in the span of a group, next to that of an overlap."""
    return overlap.replace("overlap", "span")


def leading_fields(*overlaps: str) -> Any:
    """Return the fields of a table of leading directions whose overlaps have these names."""
    lengths = ("observed", "theta", "low", "high")
    ends = [name + end for name in overlaps for end in ("", "_low", "_high")]
    last = [("readable", "?"), ("group", "i8")]
    spans = [(span_name(name), "f8") for name in ends]
    return np.dtype([*((name, "f8") for name in (*lengths, *ends)), *last, *spans])


def in_unit(spikes: AnyArray, unit: float) -> AnyArray:
    """Return a table of spikes or of leading directions, its lengths multiplied by `unit`."""
    table = spikes.copy()
    for name in ("observed", "theta", "low", "high"):
        table[name] = unit * spikes[name]
    return table
