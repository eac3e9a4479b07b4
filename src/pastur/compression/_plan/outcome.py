"""A choice carried out on one matrix."""

from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression._matrix.codes import Codes, rounded, split_rounded
from pastur.compression._matrix.low_rank import Factors, denoised_low_rank, low_rank
from pastur.compression._plan.matrix_plan import Action, Choice


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a choice makes of a matrix: the sum of its parts.

    Attributes
    ----------
    entries : array or None
        The matrix itself.
    factors : Factors or None
        Leading directions.
    codes : Codes or None
        Rounded entries; of what the factors leave, where there are some.
    """

    entries: FloatArray | None = None
    factors: Factors | None = None
    codes: Codes | None = None

    def dense(self) -> FloatArray:
        """Return the matrix."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> FloatArray:
        """Return some rows of the matrix."""
        parts = [one.rows(part) for one in (self.factors, self.codes) if one is not None]
        if self.entries is not None:
            parts.append(self.entries[part])
        return np.asarray(sum(parts[1:], parts[0]))


def carried_out(choice: Choice, w: AnyArray) -> Outcome:
    """Return what a choice makes of a matrix, in float64."""
    matrix = np.asarray(w, dtype=np.float64)
    match choice.action:
        case Action.LOW_RANK:
            assert choice.rank is not None
            if choice.fit is not None:
                return Outcome(factors=denoised_low_rank(matrix, choice.rank, choice.fit))
            return Outcome(factors=low_rank(matrix, choice.rank, choice.values))
        case Action.PRUNE:
            assert choice.threshold is not None
            return Outcome(entries=np.where(np.abs(matrix) >= choice.threshold, matrix, 0.0))
        case Action.ROUND:
            assert choice.bits is not None
            return Outcome(codes=rounded(matrix, choice.bits))
        case Action.SPLIT:
            assert choice.rank is not None and choice.bits is not None
            return _split(matrix, choice.rank, choice.bits)
    return Outcome(entries=matrix)


def _split(matrix: FloatArray, rank: int, bits: int) -> Outcome:
    exact = low_rank(matrix, rank)
    # What the rounding of the factors to 16 bits leaves is a part of the rest.
    factors = Factors(sixteen_bits(exact.left), sixteen_bits(exact.right))
    return Outcome(factors=factors, codes=split_rounded(matrix - factors.dense(), bits))


def sixteen_bits(numbers: FloatArray) -> FloatArray:
    """Return numbers that float16 holds, in float64."""
    largest = float(np.finfo(np.float16).max)
    return np.clip(numbers, -largest, largest).astype(np.float16).astype(np.float64)
