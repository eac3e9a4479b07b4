"""What a fit is made from: one of two routes, checked, ordered and brought to order one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pastur._arrays import numeric_array
from pastur._checks import (
    matrix,
    positive_integer,
    positive_number,
    single_or_double_matrix,
    vector,
)
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.rounding import (
    DOUBLE,
    SINGLE,
    Precision,
    Tolerance,
    precision_of,
    rounding_noise,
)
from pastur._numerics.sides import Sides, filled_sides
from pastur._numerics.singular_values import singular_values as _singular_values
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._kinds.symmetric import ASYMMETRY, symmetric_part
from pastur.estimation._observed.entries import EntryDiagnosis, diagnose_entries
from pastur.estimation._result.goodness import LEAST_BULK
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._whitened.variances import Variances
from pastur.measures import ProbabilityMeasure

# Beyond this ratio of the largest value to σ, either way, the units cannot be the same: one of the
# two is lost in the rounding of the other.
_LARGEST_RATIO = 1e15
# Below this the largest value leaves no room for a relative rounding of 2^−52.
_LEAST = 1e-303
# Over the largest value: rounding to 16 bits makes no zero larger, and parts no equal ones more.
_MOST_ROUNDING = 0.03
# The largest singular value of noise on a square is twice the root of its side; with room to spare.
_REACH = 4.0


@dataclass(frozen=True)
class Settings:
    """What is given with a matrix, in its units.

    Attributes
    ----------
    sigma : float or None
        Noise level, where it is known.
    alpha : float
        Chance that pure noise gives rank > 0.
    bulk : ProbabilityMeasure or None
        Law of the signal without its spikes; None for a point mass at 0.
    noise : str
        "white", "profile", "free" or "auto".
    variances : Variances or None
        Of rows and columns, where they are known.
    """

    sigma: float | None
    alpha: float
    bulk: ProbabilityMeasure | None = None
    noise: str = NoiseName.WHITE
    variances: Variances | None = None


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The part of an observed spectrum that is fitted.

    Attributes
    ----------
    shape : tuple of two ints
        Of the matrix, as given.
    values : array
        By descending distance from 0, divided by `unit`.
    unit : float
        The largest distance from 0.
    zeros : int
        How many values were left out.
    zeros_inside : int
        Of these, the ones that no rows and columns of zeros made.
    zero_sides : tuple of two ints
        Rows and columns of zeros.
    diagnosis : EntryDiagnosis or None
        Of the entries, where the matrix itself was given.
    matrix : array or None
        The matrix, 0 in what is left out, where it was given.
    noise_free : bool
        Whether at least half of the values were zero to rounding.
    may_be_noise : bool
        Whether there are enough others to distinguish noise in a part of the space from a product.
    rounding, least_sigma : float
        In multiples of `unit`: the most that a value which is zero to rounding can be, and the
        level of noise that is rounding.
    streamed : bool
        Whether the matrix was read in parts, or multiplied, and is not at hand.
    partial : PartialSpectrum or None
        How much of the spectrum is known, where that is not all of it: values after these are
        quantiles of a distribution that was sampled.
    """

    shape: tuple[int, int]
    values: FloatArray
    unit: float
    zeros: int
    zeros_inside: int
    zero_sides: tuple[int, int]
    diagnosis: EntryDiagnosis | None
    matrix: AnyArray | None
    noise_free: bool
    may_be_noise: bool
    rounding: float
    least_sigma: float
    streamed: bool = False
    partial: PartialSpectrum | None = None

    @property
    def inner(self) -> AnyArray | None:
        """The matrix without its rows and columns of zeros, where it was given."""
        if self.matrix is None or not any(self.zero_sides):
            return self.matrix
        return filled_sides(self.matrix).inner(self.matrix)


@dataclass(frozen=True, eq=False)
class Observation:
    """An observed spectrum, all of it.

    Attributes
    ----------
    shape : tuple of two ints
        Of the matrix, as given.
    inner : tuple of two ints
        Of what its rows and columns of zeros leave.
    values : array
        Singular values or eigenvalues of the matrix as given by descending distance from 0,
        divided by `unit`.
    unit : float
        The largest distance from 0.
    tolerance : Tolerance
        Up to which values are zero to rounding, in multiples of `unit`.
    diagnosis : EntryDiagnosis or None
        Of the entries, where the matrix itself was given.
    matrix : array or None
        The matrix, 0 in what is left out, where it was given.
    streamed, partial
        As in `Spectrum`.
    """

    shape: tuple[int, int]
    inner: tuple[int, int]
    values: FloatArray
    unit: float
    tolerance: Tolerance
    diagnosis: EntryDiagnosis | None = None
    matrix: AnyArray | None = None
    streamed: bool = False
    partial: PartialSpectrum | None = None

    @property
    def inside(self) -> FloatArray:
        """The values that rows and columns of zeros leave."""
        return self.values[: min(self.inner)]

    @property
    def nonzero(self) -> FloatArray:
        """The values that are not zero to rounding."""
        return self.inside[: self.inside.size - self._zeros]

    @property
    def noise_free(self) -> bool:
        """Whether at least half of the values inside are zero to rounding."""
        return 2 * self._zeros >= self.inside.size

    @property
    def may_be_noise(self) -> bool:
        """Whether noise in the part of the space that is not zero would differ from a product.

        Those of two matrices of noise spread more, from a rank of about a quarter of the size on.
        """
        count = self.nonzero.size
        return count >= LEAST_BULK and 4 * count >= self.inside.size

    @property
    def rounding(self) -> float:
        """The most that a value which is zero to rounding can be, in multiples of `unit`."""
        return float(self.tolerance.largest(max(self._zeros, 1)))

    @property
    def least_sigma(self) -> float:
        """Noise of this level, in multiples of `unit`, is rounding."""
        tolerance = self.tolerance
        return tolerance.noise * float(np.sqrt(max(self.inner))) + tolerance.arithmetic

    @property
    def zero_sides(self) -> tuple[int, int]:
        """How many rows and columns are zero."""
        return self.shape[0] - self.inner[0], self.shape[1] - self.inner[1]

    def spectrum(self, asked: Settings) -> Spectrum:
        """Return the part to be fitted.

        Zeros are left out, unless a given σ or bulk contradicts them: then they stay in the bulk,
        where the verdict sees them.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            Unless the given σ is a positive number in proportion to the largest value.
        """
        _check_sigma(asked.sigma, self.unit)
        if asked.bulk is not None:
            values = self.values
        else:
            values = self.inside if asked.sigma and self.noise_free else self.nonzero
        return Spectrum(
            shape=self.shape,
            values=values,
            unit=self.unit,
            zeros=self.values.size - values.size,
            zeros_inside=self.inside.size - values.size,
            zero_sides=self.zero_sides,
            # A bulk may well live on rows and columns of its own.
            diagnosis=self.diagnosis if asked.bulk is None else None,
            matrix=self.matrix,
            noise_free=self.noise_free,
            may_be_noise=self.may_be_noise,
            rounding=self.rounding,
            least_sigma=self.least_sigma,
            streamed=self.streamed,
            partial=self.partial,
        )

    @property
    def _zeros(self) -> int:
        return self.tolerance.zeros(np.abs(self.inside))


def rectangular_spectrum(
    matrix_given: ArrayLike | None, values_given: ArrayLike | None, shape: Any
) -> Observation:
    """Return the spectrum of `W`, or of a matrix of `shape` with the singular values given."""
    _some_route("fit_rectangular", matrix_given, "singular_values", values_given)
    if matrix_given is None:
        assert values_given is not None
        values = vector("singular_values", values_given)
        checked = _checked_shape(shape, values.size)
        return _of_values(checked, _not_negative(values), values_given)
    if shape is not None:
        raise InvalidInputError(
            "`shape` goes with `singular_values` alone; W has its own. Drop it."
        )
    w = single_or_double_matrix("W", matrix_given)
    _at_least_two(w.shape)
    _refuse_correlations(w)
    sides = filled_sides(w)
    if values_given is None:
        found = _singular_values(sides.inner(w))
        values = np.append(found, np.zeros(min(w.shape) - found.size))
    else:
        values = _not_negative(vector("singular_values", values_given))
        _checked_shape(w.shape, values.size)
    return _of_matrix(w, sides, values)


def streamed_spectrum(
    shape: tuple[int, int],
    inner: tuple[int, int],
    values: FloatArray,
    partial: PartialSpectrum | None = None,
) -> Observation:
    """Return the spectrum of a matrix that is not at hand, without its rows and columns of zeros.

    Parameters
    ----------
    inner : tuple of two ints
        Rows and columns that are not zero.
    values : array, shape (min(shape),)
        Descending; 0 where they are zero to rounding.
    partial : PartialSpectrum or None
        How many of the values are known one by one, where the others only have their distribution.
    """
    found = _settled(_spectrum(shape, inner, values), 0.0, DOUBLE)
    return replace(found, streamed=True, partial=partial)


def _not_negative(values: FloatArray) -> FloatArray:
    if (values < 0).any():
        raise InvalidInputError(
            f"`singular_values` must not be negative. Got {values.min():g}; "
            "for eigenvalues of a symmetric matrix use `fit_symmetric`."
        )
    return values


def _of_matrix(w: AnyArray, sides: Sides, values: FloatArray) -> Observation:
    """Return the spectrum of a matrix that is at hand, with what its entries say."""
    found = _spectrum((w.shape[0], w.shape[1]), sides.shape, values)
    found = _settled(found, _rounding(sides.inner(w), found), DOUBLE)
    blanked = sides.blanked(w)
    return replace(found, diagnosis=diagnose_entries(blanked, values), matrix=blanked)


def _rounding(inner: AnyArray, spectrum: Observation) -> float:
    """Return the standard deviation of the rounding of an entry, over the spectrum's unit."""
    sizes = np.abs(spectrum.inside)
    if min(sizes[-1], np.ptp(sizes)) > _MOST_ROUNDING:
        return 0.0
    precision = precision_of(inner)
    # No entry exceeds the unit: rounding that cannot come near the values takes no pass over them.
    reach = precision.slack * precision.epsilon * _REACH * max(inner.shape) ** 0.5
    if precision is DOUBLE or min(sizes[-1], np.ptp(sizes)) > reach:
        return 0.0
    return precision.slack * rounding_noise(inner, precision) / spectrum.unit


def centred_spectrum(data: FloatArray, centred: FloatArray, values: FloatArray) -> Observation:
    """Return the spectrum of data less the mean of each column, given its singular values.

    It is that of a matrix with a row less, and without the columns that are constant, which must
    be 0 in `centred`. How far the entries were rounded shows in `data`.
    """
    varying = np.ptp(data, axis=0) > 0
    kept = varying if np.count_nonzero(varying) > 2 else np.ones_like(varying)
    shape = (data.shape[0] - 1, data.shape[1])
    inner = (shape[0], int(np.count_nonzero(kept)))
    found = _spectrum(shape, inner, values[: min(shape)])
    found = _settled(found, _rounding(data[:, kept], found), DOUBLE)
    return replace(found, diagnosis=diagnose_entries(centred, values), matrix=centred)


def symmetric_spectrum(
    matrix_given: ArrayLike | None, values_given: ArrayLike | None, *, centred: bool
) -> Observation:
    """Return the spectrum of `W`, or of a matrix with the eigenvalues given.

    `centred`: whether it is noise about 0, so that it cannot have a diagonal of ones.
    """
    _some_route("fit_symmetric", matrix_given, "eigenvalues", values_given)
    if matrix_given is None:
        assert values_given is not None
        values = vector("eigenvalues", values_given)
        _at_least_two((values.size, values.size))
        return _of_values((values.size, values.size), values, values_given)
    w = matrix("W", matrix_given)
    _at_least_two(w.shape)
    if centred:
        _refuse_correlations(w)
    if values_given is None:
        values = _eigenvalues(w)
    else:
        symmetric_part(w)
        values = vector("eigenvalues", values_given)
        _checked_count(w.shape, values.size, "eigenvalues")
    rows, columns = filled_sides(w)
    # A row stays if it is more than zero, or its column is.
    filled = np.logical_or(rows, columns)
    return _of_matrix(w, Sides(filled, filled), values)


def _check_sigma(sigma: Any, unit: float) -> None:
    """Raise unless σ is None or a positive number in proportion to the largest value, `unit`."""
    if sigma is None:
        return
    number = positive_number("sigma", sigma)
    if not 1 / _LARGEST_RATIO < number / unit < _LARGEST_RATIO:
        raise InvalidInputError(
            f"`sigma` = {number:g} is out of all proportion to the largest value of the spectrum, "
            f"{unit:g}. Check their units."
        )


def _eigenvalues(w: FloatArray) -> FloatArray:
    exponent = int(np.frexp(np.abs(w).max())[1])
    values = np.linalg.eigvalsh(symmetric_part(np.ldexp(w, -exponent)))
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent), dtype=np.float64)


def _of_values(shape: tuple[int, int], values: FloatArray, given: Any) -> Observation:
    """Return a spectrum of which no matrix is known, with the rounding of its own type."""
    found, precision = _spectrum(shape, shape, values), _precision(given, values)
    if precision is DOUBLE:
        return _settled(found, 0.0, DOUBLE)
    # The matrix was rounded to the type of its values, and decomposed in float32 at best.
    scale = float(np.sqrt(np.sum(found.values**2) / (shape[0] * shape[1])))
    return _settled(found, precision.slack * precision.epsilon * scale / 12**0.5, SINGLE)


def _precision(given: Any, values: FloatArray) -> Precision:
    """Return the rounding of a spectrum: that of its type, or of the coarsest that holds it."""
    kind = numeric_array(given).dtype
    single = kind.kind not in "biu" and kind.itemsize <= 4
    return precision_of(values.astype(np.float32) if single else values)


def _spectrum(shape: tuple[int, int], inner: tuple[int, int], values: FloatArray) -> Observation:
    unit = float(np.abs(values).max())
    if unit == 0.0:
        raise InvalidInputError("The matrix is zero: it has neither noise nor signal to fit.")
    if not np.isfinite(unit):
        raise InvalidInputError(
            "The spectrum reaches beyond the largest double. Divide the matrix by a large number."
        )
    if unit < _LEAST:
        raise InvalidInputError(
            f"The largest value of the spectrum is {unit:.3g}, where doubles have few digits left. "
            "Multiply the matrix by a large number."
        )
    ordered = values[np.argsort(-np.abs(values), kind="stable")] / unit
    return Observation(shape, inner, ordered, unit, Tolerance(0.0, 0.0, abs(inner[0] - inner[1])))


def _settled(spectrum: Observation, noise: float, decomposed: Precision) -> Observation:
    """Return the spectrum with its tolerance.

    Values that differ by rounding alone, as those of an orthogonal matrix, are made equal.
    """
    arithmetic = max(spectrum.inner) * decomposed.epsilon
    tolerance = replace(spectrum.tolerance, noise=noise, arithmetic=arithmetic)
    found = replace(spectrum, tolerance=tolerance)
    size = found.nonzero.size
    sizes = np.abs(found.nonzero)
    if size < 2 or np.ptp(sizes) > tolerance.spread(size):
        return found
    equal = np.sign(found.nonzero) * sizes.mean()
    return replace(found, values=np.append(equal, found.values[size:]))


def _some_route(name: str, w: object, other_name: str, other: object) -> None:
    if w is None and other is None:
        raise InvalidInputError(f"{name} takes a matrix `W` or its `{other_name}`. Got neither.")


def _refuse_correlations(w: AnyArray) -> None:
    """Raise where `w` is a table of correlations: symmetric, ones on the diagonal, less off it."""
    if w.shape[0] != w.shape[1] or not np.allclose(np.diagonal(w), 1.0, rtol=0, atol=ASYMMETRY):
        return
    size = np.abs(w)
    partly = bool(((size > ASYMMETRY) & (size < 1 - ASYMMETRY)).any())
    within = bool((size <= 1 + ASYMMETRY).all())
    if partly and within and np.allclose(w, w.T, rtol=0, atol=ASYMMETRY):
        raise InvalidInputError(
            "`W` is a matrix of correlations: it is symmetric, with ones on its diagonal. Its "
            "noise is not that of the model W = R/√N + S. Give the data from which they were "
            "computed, each variable standardised, to `fit_rectangular`."
        )


def _checked_shape(shape: Any, count: int) -> tuple[int, int]:
    if shape is None:
        raise InvalidInputError(
            "`singular_values` need the matrix's `shape`, a pair (rows, columns). Got None."
        )
    try:
        rows, columns = shape
    except (TypeError, ValueError):
        raise InvalidTypeError(f"`shape` must be a pair (rows, columns). Got {shape!r}.") from None
    checked = positive_integer("shape[0]", rows), positive_integer("shape[1]", columns)
    _checked_count(checked, count, "singular values")
    _at_least_two(checked)
    return checked


def _checked_count(shape: tuple[int, ...], count: int, what: str) -> None:
    if min(shape) != count:
        raise InvalidInputError(f"A matrix of shape {shape} has {min(shape)} {what}. Got {count}.")


def _at_least_two(shape: tuple[int, ...]) -> None:
    if min(shape) < 2:
        raise InvalidInputError(
            f"A fit needs at least two rows and two columns, to separate signal from noise. "
            f"Got shape {shape}."
        )
