"""Where a matrix comes from that is not in memory: parts of an array, a sparse matrix, products.

Each is turned so that it has n lines of m numbers, n ≤ m; its Gram matrix is n × n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pastur._checks import numeric
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.scaling import largest_magnitude
from pastur._numerics.singular_values import gram_of_parts
from pastur._typing import AnyArray, FloatArray

# Bytes of a part in double precision: a part and what becomes of it stay small next to a matrix.
_PART_BYTES = 1 << 25
# Vectors that an operator is given at once.
_VECTORS = 64
# Entries beyond these, or all below, have fourth powers that may leave the doubles: those are what
# errors of squared singular values are measured by.
_LARGEST, _LEAST = 1e62, 1e-62
# Of the largest entry: beyond these products with the Gram matrix may leave single precision.
_LARGEST_SINGLE, _LEAST_SINGLE = 1e12, 1e-12
# By so much of ‖Ax‖‖y‖ an operator in single precision may miss its adjoint.
_ADJOINT = 1e-3


class Survey:
    """What one reading of all entries shows.

    Attributes
    ----------
    energy : float
        Sum of squares.
    largest : float
        The largest distance of an entry from 0.
    lines : array of bool, shape (n,)
        Which lines hold anything but zeros.
    across : int
        How many of the m places along a line hold anything but zeros.
    """

    def __init__(self, size: int) -> None:
        self.energy, self.largest, self.across = 0.0, 0.0, 0
        self.lines = np.zeros(size, dtype=bool)

    def add(self, part: AnyArray) -> None:
        """Count the entries of a part in."""
        filled = part != 0
        self.lines |= filled.any(axis=1)
        self.across += int(np.count_nonzero(filled.any(axis=0)))
        self.largest = max(self.largest, largest_magnitude(part))
        self.energy += float(np.einsum("ij,ij->", part, part, dtype=np.float64))

    @property
    def single(self) -> bool:
        """Whether products in single precision are finite, and lose no digits of small ones."""
        return _LEAST_SINGLE < self.largest < _LARGEST_SINGLE

    def checked(self, name: str) -> Survey:
        """Return the survey.

        Raises
        ------
        InvalidInputError
            Where all entries are zero, or so large or small that their powers are lost.
        """
        if self.largest == 0.0:
            raise InvalidInputError("The matrix is zero: it has neither noise nor signal to fit.")
        if not _LEAST < self.largest < _LARGEST:
            raise _powers_lost(f"The largest entry of `{name}` is {self.largest:.3g}")
        return self


def _powers_lost(number: str) -> InvalidInputError:
    """Return the error for what leaves the doubles in a fourth power."""
    return InvalidInputError(
        f"{number}, and powers of such numbers are lost in float64. Divide the matrix by that "
        "number."
    )


class Source(Protocol):
    """A matrix of n lines with m numbers each, n ≤ m.

    Attributes
    ----------
    shape : tuple of two ints
        As given: m × n where the matrix is taller than wide.
    """

    @property
    def shape(self) -> tuple[int, int]: ...

    def survey(self) -> Survey | None:
        """Return what one reading shows, its faults as errors; None where entries are not known."""

    def gram(self) -> FloatArray:
        """Return the lower triangle of the n × n Gram matrix, in float64."""

    def gram_product(self, vectors: FloatArray, *, double: bool) -> FloatArray:
        """Return the Gram matrix times vectors, one column each.

        In single precision unless `double`, where the entries have no more.
        """


def source_of(name: str, given: Any) -> Source:
    """Return `given` as a source.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless it is a real matrix that can be read in parts, or multiplied from both sides.
    """
    shape = _shape_of(name, given)
    if hasattr(given, "tocsc") and hasattr(given, "nnz"):
        return _sparse(name, given, shape)
    if hasattr(given, "matmat") and hasattr(given, "rmatmat"):
        return _operator(name, given, shape)
    if hasattr(given, "__getitem__"):
        # A table is in memory already, and its parts are not `table[rows, columns]`.
        parts = numeric(name, given) if hasattr(given, "iloc") else given
        _check_real(name, getattr(parts, "dtype", None))
        return ReadInParts(name, shape, parts)
    raise InvalidTypeError(
        f"`{name}` must be an array that can be read in parts, a sparse matrix, or an operator "
        f"with `matmat` and `rmatmat`. Got a {type(given).__name__}."
    )


def _shape_of(name: str, given: Any) -> tuple[int, int]:
    found = getattr(given, "shape", None)
    if found is None:
        raise InvalidTypeError(
            f"`{name}` must have a shape: pass an array, a sparse matrix or an operator. Got a "
            f"{type(given).__name__}."
        )
    if len(found) != 2:
        raise InvalidInputError(f"`{name}` must be a matrix. Got shape {tuple(found)}.")
    if not all(isinstance(side, (int, np.integer)) for side in found):
        raise InvalidInputError(
            f"The shape of `{name}` is not known yet: {tuple(found)}. For a Dask array call "
            "`compute_chunk_sizes()` first."
        )
    shape = int(found[0]), int(found[1])
    if min(shape) < 2:
        raise InvalidInputError(
            "A fit needs at least two rows and two columns, to separate signal from noise. "
            f"Got shape {shape}."
        )
    return shape


def _check_real(name: str, dtype: Any) -> None:
    if getattr(dtype, "kind", "f") == "c":
        raise InvalidTypeError(f"`{name}` must be real. Got the complex type {dtype}.")


@dataclass(frozen=True, eq=False)
class ReadInParts:
    """An array of any library that gives parts of itself as `array[rows, columns]`."""

    name: str
    shape: tuple[int, int]
    array: Any
    dense: Callable[[Any], Any] = lambda part: part

    def survey(self) -> Survey:
        """Return what one reading shows."""
        found = Survey(min(self.shape))
        for start, part in self._parts():
            # NaN passes through both.
            if not np.isfinite([part.max(), part.min()]).all():
                raise self._not_finite(start, part)
            found.add(part)
        return found.checked(self.name)

    def gram(self) -> FloatArray:
        """Return the lower triangle of the Gram matrix."""
        parts = (np.asarray(part, dtype=np.float64) for _, part in self._parts())
        return gram_of_parts(parts, min(self.shape))

    def gram_product(self, vectors: FloatArray, *, double: bool) -> FloatArray:
        """Return the Gram matrix times vectors."""
        found, single = np.zeros_like(vectors), vectors.astype(np.float32)
        for _, part in self._parts():
            if part.dtype == np.float32 and not double:
                found += part @ (part.T @ single)
            else:
                exact = np.asarray(part, dtype=np.float64)
                found += exact @ (exact.T @ vectors)
        return found

    @property
    def _wide(self) -> bool:
        return self.shape[0] <= self.shape[1]

    def _parts(self) -> Iterator[tuple[int, AnyArray]]:
        """Yield parts of all n lines, in single or double precision, with where they start."""
        short, long = sorted(self.shape)
        step = max(_PART_BYTES // (8 * short), 1)
        for start in range(0, long, step):
            part = slice(start, min(start + step, long))
            lines = _in_float(self.name, self._read(part))
            if lines.shape != self._shape_of(part):
                raise InvalidInputError(
                    f"`{self.name}` must be a matrix of shape {self.shape}. {self._block(part)} "
                    f"came as {lines.shape}."
                )
            yield start, lines if self._wide else lines.T

    def _read(self, part: slice) -> Any:
        try:
            return self.dense(self.array[:, part] if self._wide else self.array[part])
        except Exception as error:
            text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise InvalidInputError(
                f"`{self.name}` could not be read: {text}. ({self._block(part)}.)"
            ) from error

    def _shape_of(self, part: slice) -> tuple[int, int]:
        count = part.stop - part.start
        return (self.shape[0], count) if self._wide else (count, self.shape[1])

    def _block(self, part: slice) -> str:
        """Return the name of a part as the beginning of a sentence."""
        return f"{'Columns' if self._wide else 'Rows'} {part.start} to {part.stop - 1}"

    def _not_finite(self, start: int, part: AnyArray) -> InvalidInputError:
        line, place = (int(i) for i in np.argwhere(~np.isfinite(part))[0])
        row, column = (line, start + place) if self._wide else (start + place, line)
        block = self._block(slice(start, start + part.shape[1]))
        return InvalidInputError(
            f"`{self.name}` must be finite. Found {part[line, place]} at index {(row, column)}. "
            f"({block}.)"
        )


def _in_float(name: str, part: Any) -> AnyArray:
    """Return a part in float32 where that holds its numbers, else in float64."""
    found = numeric(name, part)
    _check_real(name, found.dtype)
    single = found.dtype.itemsize <= (4 if found.dtype.kind == "f" else 2)
    return found.astype(np.float32 if single else np.float64, copy=False)


def _sparse(name: str, given: Any, shape: tuple[int, int]) -> ReadInParts:
    _check_real(name, given.dtype)
    by_long_side = given.tocsc() if shape[0] <= shape[1] else given.tocsr()
    return ReadInParts(name, shape, by_long_side, lambda part: part.toarray())


@dataclass(frozen=True, eq=False)
class Multiplied:
    """A matrix of which only products with vectors are known.

    Attributes
    ----------
    times, times_transposed : callable
        Products with vectors, one column each.
    """

    name: str
    shape: tuple[int, int]
    times: Callable[[FloatArray], Any]
    times_transposed: Callable[[FloatArray], Any]

    def survey(self) -> None:
        """Return nothing: the entries are not known."""

    def gram(self) -> FloatArray:
        """Return the lower triangle of the Gram matrix, from its products with unit vectors."""
        size = min(self.shape)
        found = np.zeros((size, size), order="F")
        for start in range(0, size, _VECTORS):
            count = min(_VECTORS, size - start)
            found[:, start : start + count] = self.gram_product(
                np.eye(size, count, -start), double=True
            )
        if not found.any():
            raise InvalidInputError("The matrix is zero: it has neither noise nor signal to fit.")
        return found

    def gram_product(self, vectors: FloatArray, *, double: bool) -> FloatArray:
        """Return the Gram matrix times vectors."""
        wide = self.shape[0] <= self.shape[1]
        inner, outer = self.times_transposed, self.times
        steps = ("rmatmat", inner, "matmat", outer) if wide else ("matmat", outer, "rmatmat", inner)
        along = self._checked(steps[0], steps[1](vectors), (max(self.shape), vectors.shape[1]))
        return self._checked(steps[2], steps[3](along), vectors.shape)

    def _checked(self, method: str, product: Any, shape: tuple[int, ...]) -> FloatArray:
        found = numeric(f"{self.name}.{method}(…)", product)
        _check_real(f"{self.name}.{method}(…)", found.dtype)
        if found.shape != shape:
            raise InvalidInputError(
                f"`{self.name}.{method}` must return an array of shape {shape} here. "
                f"Got {found.shape}."
            )
        if not np.isfinite(found).all():
            raise InvalidInputError(f"`{self.name}.{method}` returned numbers that are not finite.")
        return np.asarray(found, dtype=np.float64)


def _operator(name: str, given: Any, shape: tuple[int, int]) -> Multiplied:
    _check_real(name, getattr(given, "dtype", None))
    found = Multiplied(name, shape, given.matmat, given.rmatmat)
    try:
        given.rmatmat(np.zeros((shape[0], 1)))
    except (NotImplementedError, TypeError, AttributeError, RecursionError):
        raise InvalidInputError(
            f"`{name}` has no adjoint: singular values need products with its transpose as well. "
            "Define `rmatvec` or `rmatmat`."
        ) from None
    _check_products(found)
    return found


def _check_products(found: Multiplied) -> None:
    """Raise unless ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for a pair of random vectors, and powers of Ax are safe."""
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((side, 1)) for side in found.shape[::-1])
    forward = found._checked("matmat", found.times(x), y.shape)
    back = found._checked("rmatmat", found.times_transposed(y), x.shape)
    largest = float(np.abs(forward).max())
    if largest and not _LEAST < largest < _LARGEST:
        raise _powers_lost(f"`{found.name}` times a random vector has an entry of {largest:.3g}")
    scale = float(np.linalg.norm(forward) * np.linalg.norm(y)) or 1.0
    if abs(float(np.vdot(forward, y) - np.vdot(x, back))) > _ADJOINT * scale:
        raise InvalidInputError(
            f"`{found.name}.rmatmat` is not the adjoint of `{found.name}.matmat`: ⟨Ax, y⟩ and "
            "⟨x, Aᵀy⟩ differ for random x and y."
        )
