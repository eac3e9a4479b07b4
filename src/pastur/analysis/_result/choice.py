"""Some matrices of an analysis, and another order of them."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, suggestion
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.rows import columns, row
from pastur.weights import Skipped

Matrices = Sequence[MatrixAnalysis]
FILTERED = "left out by a filter of the analysis"


def named(matrices: Matrices, name: Any) -> MatrixAnalysis:
    """Return the matrix of that name.

    Raises
    ------
    InvalidInputError
        Where there is none.
    """
    for matrix in matrices:
        if matrix.name == name:
            return matrix
    hint = suggestion(str(name), (matrix.name for matrix in matrices))
    raise InvalidInputError(f"No matrix {shown(name)} in the analysis.{hint}")


def filtered(
    matrices: Matrices, patterns: Sequence[str], where: Callable[[MatrixAnalysis], Any] | None
) -> tuple[tuple[MatrixAnalysis, ...], tuple[Skipped, ...]]:
    """Return those that match a pattern and for which `where` holds, and the others as skipped.

    Raises
    ------
    InvalidInputError
        Where none is left.
    """
    kept = tuple(
        matrix
        for matrix in matrices
        if (not patterns or any(fnmatchcase(matrix.name, one) for one in patterns))
        and (where is None or where(matrix))
    )
    if not kept:
        listed = f" matches {', '.join(map(shown, patterns))}" if patterns else ""
        also = (" and" if listed else "") + " is one for which `where` holds" if where else ""
        raise InvalidInputError(f"No matrix of the analysis{listed}{also}.")
    left = {matrix.name for matrix in matrices} - {matrix.name for matrix in kept}
    skipped = tuple(
        Skipped(matrix.name, matrix.shape, matrix.dtype, FILTERED)
        for matrix in matrices
        if matrix.name in left
    )
    return kept, skipped


def in_order(
    matrices: Matrices, by: str | Callable[[MatrixAnalysis], Any], *, descending: bool
) -> tuple[MatrixAnalysis, ...]:
    """Return them by a column of `Analysis.to_dataframe` or a function, None last in either order.

    Raises
    ------
    InvalidInputError
        Where there is no such column.
    InvalidTypeError
        Where `by` is neither.
    """
    if isinstance(by, str):
        known = columns(matrices)
        if by not in known:
            raise InvalidInputError(
                f"`by` must be a column of `to_dataframe`, or a function of a matrix. Got "
                f"{shown(by)}.{suggestion(by, known)}"
            )
        keys = [row(matrix)[by] for matrix in matrices]
    elif callable(by):
        keys = [by(matrix) for matrix in matrices]
    else:
        raise InvalidTypeError(
            f"`by` must be the name of a column, or a function of a matrix. Got {shown(by)}."
        )
    pairs = [(key, matrix) for key, matrix in zip(keys, matrices, strict=True) if key is not None]
    pairs.sort(key=lambda pair: pair[0], reverse=descending)
    rest = [matrix for key, matrix in zip(keys, matrices, strict=True) if key is None]
    return (*(matrix for _, matrix in pairs), *rest)
