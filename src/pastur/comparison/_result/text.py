"""A comparison as text, for `print`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pastur._foreign import shortened, visible
from pastur.analysis._result.figures import Column
from pastur.comparison._result.figures import NOISES, comparison_columns

if TYPE_CHECKING:
    from pastur.comparison._matrix.matrix_comparison import MatrixComparison
    from pastur.comparison._result.comparison import Comparison

_LONGEST = 60


def as_text(comparison: Comparison) -> str:
    """Return the table of figures, what is not in it, and the summary."""
    matrices = comparison.matrices
    columns = [_NAME, *comparison_columns(matrices), NOISES]
    return "\n".join([*_aligned(columns, matrices), *_others(comparison), comparison.summary()])


_NAME = Column("layer", lambda matrix: _shown(matrix.name), word=True)


def _aligned(columns: Sequence[Column], matrices: Sequence[MatrixComparison]) -> Iterator[str]:
    rows = [[column.heading for column in columns]]
    rows += [[column.text(matrix) for column in columns] for matrix in matrices]
    widths = [max(map(len, texts)) for texts in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, columns, strict=True)
        line = "   ".join(c.ljust(w) if column.word else c.rjust(w) for c, w, column in cells)
        yield line.rstrip()


def _others(comparison: Comparison) -> Iterator[str]:
    lists = (comparison.only_old, comparison.only_new, comparison.reshaped, comparison.skipped)
    for tensors in lists:
        for tensor in tensors:
            yield f"{_shown(tensor.name)}: {visible(tensor.reason)}"


def _shown(name: str) -> str:
    return shortened(visible(shortened(name, _LONGEST)), _LONGEST)
