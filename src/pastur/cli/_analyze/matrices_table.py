"""The table of matrices, in two layouts: one line a matrix, or two where the terminal is narrow."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pastur._format import NOTHING
from pastur.analysis import MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._result.figures import NOISE, Column, figure_columns
from pastur.cli._terminal.console import plain_table
from pastur.cli._terminal.printable import printable

# A width in which every table finds its natural size.
_UNBOUNDED = 100_000


def matrices_table(matrices: Sequence[MatrixAnalysis], console: Console) -> RenderableType:
    """Return the table in the layout that fits the width of `console`; no column is dropped."""
    columns = _columns(matrices)
    rows = [[column.text(matrix) for column in columns] for matrix in matrices]
    styles = [FINDINGS[matrix.kind].terminal for matrix in matrices]
    table = _wide(columns, rows, styles)
    unbounded = console.options.update(width=_UNBOUNDED)
    needed = console.measure(table, options=unbounded).maximum
    return table if needed <= console.width else _narrow(columns, rows, styles, console.width)


def _columns(matrices: Sequence[MatrixAnalysis]) -> list[Column]:
    return [
        Column("layer", lambda matrix: printable(matrix.name), word=True),
        *figure_columns(matrices),
        NOISE,
        Column("verdict", _verdict, word=True),
    ]


def _verdict(matrix: MatrixAnalysis) -> str:
    fit = matrix.fit
    return fit.goodness.verdict + ("" if fit.status.converged else ", not converged")


def _wide(columns: Sequence[Column], rows: Sequence[list[str]], styles: Sequence[str]) -> Table:
    words = {column.heading for column in columns if column.word}
    table = plain_table([column.heading for column in columns], words)
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*(Text(cell) for cell in row[:-1]), Text(row[-1], style))
    return table


def _narrow(
    columns: Sequence[Column], rows: Sequence[list[str]], styles: Sequence[str], room: int
) -> Text:
    """Return name, noise and verdict on one line, the figures aligned under their headings below.

    They take as many lines as it needs to keep each within `room` letters.
    """
    headings = [column.heading for column in columns]
    figures = [headings[1:-2], *(row[1:-2] for row in rows)]
    widths = [max(map(cell_len, texts)) for texts in zip(*figures, strict=True)]
    blocks = ["\n".join(_aligned(columns[1:-2], line, widths, room)) for line in figures]
    head = f"{headings[0]}: {', '.join(headings[-2:])}\n{blocks[0]}"
    text = Text(overflow="fold").append(head, "bold")
    for row, block, style in zip(rows, blocks[1:], styles, strict=True):
        words = ", ".join(cell for cell in row[-2:] if cell != NOTHING)
        text.append(f"\n{row[0]}: ").append(words, style)
        text.append(f"\n{block}")
    return text


def _aligned(
    columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int], room: int
) -> list[str]:
    lines, used = [""], 0
    for column, cell, width in zip(columns, cells, widths, strict=True):
        if used and used + 2 + width > room:
            lines, used = [*lines, ""], 0
        lines[-1] += "  " + (cell.ljust(width) if column.word else cell.rjust(width))
        used += 2 + width
    return [line.rstrip() for line in lines]
