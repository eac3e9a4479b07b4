"""A choice carried out on one matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression._inputs.inputs_used import output_factors
from pastur.compression._matrix.blocks import row_blocks, rows_of
from pastur.compression._matrix.codes import Codes, rounded, split_rounded
from pastur.compression._matrix.low_rank import Factors, denoised_low_rank, low_rank
from pastur.compression._plan.matrix_plan import Action, Choice


@dataclass(frozen=True, eq=False)
class Pruned:
    """The entries of a matrix of at least some size, the others zero.

    Attributes
    ----------
    matrix : array
    threshold : float
    """

    matrix: AnyArray
    threshold: float

    def rows(self, part: slice) -> FloatArray:
        """Return some rows, in float64."""
        found = rows_of(self.matrix)(part)
        found[np.abs(found) < self.threshold] = 0.0
        return found


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a choice makes of a matrix: the sum of its parts.

    Attributes
    ----------
    entries : Pruned or None
        The matrix itself, or its large entries.
    factors : Factors or None
        Leading directions.
    codes : Codes or None
        Rounded entries; of what the factors leave, where there are some.
    """

    entries: Pruned | None = None
    factors: Factors | None = None
    codes: Codes | None = None

    def dense(self) -> FloatArray:
        """Return the matrix, in float64."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> FloatArray:
        """Return some rows of the matrix, in float64."""
        parts = (self.entries, self.factors, self.codes)
        found = [one.rows(part) for one in parts if one is not None]
        return np.asarray(sum(found[1:], found[0]))


def carried_out(choice: Choice, w: AnyArray, *, dtype: Any = np.float64) -> Outcome:
    """Return what a choice makes of a matrix, its factors in the type `dtype`.

    The matrix may be of any type; it is turned into float64 by blocks, but for denoising.
    """
    match choice.action:
        case Action.LOW_RANK:
            assert choice.rank is not None
            if choice.fit is not None:
                return Outcome(factors=denoised_low_rank(w, choice.rank, choice.fit, dtype=dtype))
            if choice.inputs is not None:
                factors = output_factors(w, choice.rank, choice.inputs, dtype=dtype)
                return Outcome(factors=factors)
            return Outcome(factors=low_rank(w, choice.rank, choice.values, dtype=dtype))
        case Action.PRUNE:
            assert choice.threshold is not None
            return Outcome(entries=Pruned(w, choice.threshold))
        case Action.ROUND:
            assert choice.bits is not None
            return Outcome(codes=rounded(w, choice.bits))
        case Action.SPLIT:
            assert choice.rank is not None and choice.bits is not None
            # What the rounding of the factors leaves is a part of the rest.
            factors = low_rank(w, choice.rank, dtype=np.float16)
            return Outcome(factors=factors, codes=split_rounded(rest_of(w, factors), choice.bits))
    return Outcome(entries=Pruned(w, 0.0))


def rest_of(w: AnyArray, factors: Factors) -> AnyArray:
    """Return what factors leave of a matrix, computed in float32 unless that is of float64."""
    rest = np.empty(w.shape, dtype=np.float64 if w.dtype.itemsize > 4 else np.float32)
    right = factors.right.astype(rest.dtype)
    for part in row_blocks(w.shape):
        rest[part] = w[part].astype(rest.dtype) - factors.left[part].astype(rest.dtype) @ right
    return rest
