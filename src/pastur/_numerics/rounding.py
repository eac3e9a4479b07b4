"""How much of a matrix is rounding: the type that its entries were rounded to, and its noise.

What counts is not the array's own type but the coarsest that holds every entry: weights of bfloat16
are handed on as float32, and data of float32 as float64, with the rounding that they have.
"""

from dataclasses import dataclass

import numpy as np

from pastur._numerics.entry_sums import clipped_squares
from pastur._typing import AnyArray, FloatArray

# Of entries that were rounded the last bit is set in half, and in few of small integers or signs.
_LEAST_ODD = 1 / 8
_BLOCK = 1 << 16
# Gaussian noise of k × l has singular values up to √k + √l + t with chance 1 − exp(−t²/2).
_REACH = 3.0
# Entries beyond so many standard deviations do not stand for the rounding of the others.
_CLIP = 25.0


@dataclass(frozen=True)
class Precision:
    """A floating-point type.

    Attributes
    ----------
    name : str
    epsilon : float
        Distance from 1 to the next number.
    least : float
        Smallest positive number.
    slack : float
        What arithmetic in that type adds to one rounding, as a factor. Types of 16 bits are for
        storage: sums are taken in float32 and rounded once.
    """

    name: str
    epsilon: float
    least: float
    slack: float


DOUBLE = Precision("float64", 2.0**-52, 2.0**-1074, 1.0)
SINGLE = Precision("float32", 2.0**-23, 2.0**-149, 12.0)
_HALF = Precision("float16", 2.0**-10, 2.0**-24, 1.0)
_BRAIN = Precision("bfloat16", 2.0**-7, 2.0**-133, 1.0)


def precision_of(values: AnyArray) -> Precision:
    """Return the coarsest type that holds all `values`, an array of float64 or float32.

    Only where their last bits are used: integers and signs are exact in any type.
    """
    own = SINGLE if values.dtype == np.float32 else DOUBLE
    left = [_BRAIN, _HALF] + [SINGLE] * (own is DOUBLE)
    odd, total = dict.fromkeys(left, 0), 0
    flat = values.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        total += int(np.count_nonzero(block))
        for kind in tuple(left):
            last = _last_bits(block, kind)
            if last is None:
                left.remove(kind)
            else:
                odd[kind] += int(np.count_nonzero(last))
        if not left:
            return own
    return next((kind for kind in left if odd[kind] > _LEAST_ODD * total), own)


def _last_bits(values: AnyArray, kind: Precision) -> AnyArray | None:
    """Return the last bit of each value in that type, None where it does not hold all of them."""
    with np.errstate(over="ignore", under="ignore"):
        single = np.asarray(values, dtype=np.float32)
        if kind is _HALF:
            half = single.astype(np.float16)
            held, last = half == values, half.view(np.uint16) & 1
        else:
            bits = single.view(np.uint32)
            shift = 16 if kind is _BRAIN else 0
            held = single == values
            if shift:
                held &= (bits & 0xFFFF) == 0
            last = (bits >> shift) & 1
    return last if held.all() else None


@dataclass(frozen=True)
class Tolerance:
    """Up to what size the least singular values of a matrix are zero to rounding.

    Attributes
    ----------
    noise : float
        Standard deviation of the rounding of an entry, with the slack of its type.
    arithmetic : float
        Error of the decomposition itself.
    apart : int
        By how much one side is longer than the other.
    """

    noise: float
    arithmetic: float
    apart: int

    def largest(self, count: int | FloatArray) -> FloatArray:
        """Return the most that rounding makes of `count` singular values that are zero.

        Next to the space of the others, rounding is noise of count × (count + apart): its largest
        singular value is below √count + √(count + apart) + 3 (Davidson, Szarek 2001).
        """
        sides = np.sqrt(count) + np.sqrt(np.add(count, self.apart))
        return np.asarray(self.noise * (sides + _REACH) + self.arithmetic)

    def spread(self, count: int) -> float:
        """Return by how much rounding parts `count` equal singular values, all there are.

        To first order that is noise of count × count.
        """
        return 2 * float(self.noise * (2 * np.sqrt(count) + _REACH) + self.arithmetic)

    def zeros(self, sizes: FloatArray) -> int:
        """Return how many of the descending `sizes` are zero to rounding."""
        within = np.flatnonzero(sizes[::-1] <= self.largest(np.arange(1.0, sizes.size + 1)))
        return int(within[-1]) + 1 if within.size else 0


def rounding_noise(matrix: AnyArray, precision: Precision) -> float:
    """Return the standard deviation of rounding, in the row or column that has most of it.

    Rounding moves an entry w by up to ε|w|/2, evenly: by ε|w|/√12 at most, a fourth less on average
    over w. Single huge entries are clipped.
    """
    # In float64: squares of what float32 holds may be zero in float32.
    guess = float(np.einsum("ij,ij->", matrix, matrix, dtype=np.float64) / matrix.size)
    clipped = clipped_squares(matrix, _CLIP, guess=guess, steps=1)
    rows, columns = matrix.shape
    square = max(clipped.of_rows.max() / columns, clipped.of_columns.max() / rows)
    return float(np.sqrt((precision.epsilon**2 * square + precision.least**2) / 12))
