"""Which inputs a choice rests on, and the factors that follow from them."""

import ntpath
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pastur._errors import FileAccessError, InvalidInputError
from pastur._foreign import shown
from pastur._numerics.leading_eigenvectors import leading_eigenvectors
from pastur._typing import AnyArray
from pastur._vocabulary import Word
from pastur.compression._inputs.moments import InputMoments
from pastur.compression._inputs.output_forms import OutputForms
from pastur.compression._matrix.blocks import held
from pastur.compression._matrix.low_rank import Factors


class Side(Word):
    """Which side of a matrix is multiplied with inputs."""

    COLUMNS = "columns"
    ROWS = "rows"


@dataclass(frozen=True)
class InputsUsed:
    """Inputs that chose the directions of a matrix.

    Attributes
    ----------
    path : str
        The file of `pastur.compression.InputMoments`. A plan that is read looks next to itself as
        well.
    digest : str
        `InputMoments.digest`: no other file will do.
    tensor : str
        Whose moments in that file.
    side : Side
    shrinkage : float
        Of the moments, 0 for none, at most 1.
    """

    path: str
    digest: str
    tensor: str
    side: Side
    shrinkage: float

    def __post_init__(self) -> None:
        if not 0 <= self.shrinkage <= 1:
            raise InvalidInputError(f"`shrinkage` must be from 0 to 1. Got {self.shrinkage}.")

    def moments(self) -> InputMoments:
        """Return what the file has.

        Raises
        ------
        FileAccessError, FileFormatError
            When it cannot be read.
        InvalidInputError
            When it is another one.
        """
        if not os.path.exists(self.path):
            raise FileAccessError(
                f"The plan rests on the inputs in {shown(self.path)}, which is not there. Put the "
                "file back, or next to the stored plan, and read the plan again."
            )
        found = _opened(self.path, _stamp(self.path))
        if found.digest != self.digest:
            raise InvalidInputError(
                f"{shown(self.path)} has other inputs than those of the plan. Plan again with it."
            )
        return found

    def near(self, folder: Path) -> "InputsUsed":
        """Return the same with the file of that name in a folder, where it is not in its place."""
        moved = folder / ntpath.basename(self.path)
        if os.path.exists(self.path) or not moved.exists():
            return self
        return replace(self, path=str(moved.absolute()))


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=1)
def _opened(path: str, stamp: tuple[int, ...]) -> InputMoments:
    # One plan has one file, which is not opened anew for each of its matrices.
    return InputMoments.from_file(path)


def output_factors(
    w: AnyArray, rank: int, inputs: InputsUsed, *, dtype: Any = np.float64
) -> Factors:
    """Return V and VᵀW, V the leading directions of the outputs; on the other side for rows."""
    turned = inputs.side == Side.ROWS
    found = inputs.moments()
    tall = np.asarray(w.T if turned else w, dtype=np.float64)
    if tall.shape[1] != found[inputs.tensor].size:
        raise InvalidInputError(
            f"The inputs of {shown(inputs.tensor)} have {found[inputs.tensor].size} numbers, and "
            f"the matrix has {tall.shape[1]}."
        )
    # Outputs of more rows than columns lie in a span of as many dimensions as there are columns.
    basis, rows = (None, tall) if len(tall) <= tall.shape[1] else np.linalg.qr(tall)
    forms = OutputForms.of(
        rows,
        [found.half(inputs.tensor)],
        background=found.half_behind(inputs.tensor) if inputs.shrinkage else None,
        counts=[sum(found[inputs.tensor].rows)],
    )
    vectors = leading_eigenvectors(forms.shrunk(inputs.shrinkage), rank)
    left = vectors if basis is None else basis @ vectors
    sides = held(left, dtype), held(left.T @ tall, dtype)
    return Factors(sides[1].T, sides[0].T) if turned else Factors(*sides)
