"""A table where the terminal is too narrow for one line an item."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pastur._format import NOTHING
from pastur.analysis._result.figures import Column

# A width in which every table finds its natural size.
_UNBOUNDED = 100_000


def fits(table: Table, console: Console) -> bool:
    """Return whether a table has room in `console`."""
    unbounded = console.options.update(width=_UNBOUNDED)
    return console.measure(table, options=unbounded).maximum <= console.width


def narrow(
    columns: Sequence[Column], items: Sequence[Any], styles: Sequence[str], room: int
) -> Text:
    """Return name and words on one line, the figures aligned under their headings below.

    They take as many lines as it needs to keep each within `room` letters.

    Parameters
    ----------
    columns : sequence of Column
        The first has names, the last two are words.
    items : sequence
    styles : sequence of str
        That of the words, one for each item.
    room : int
    """
    rows = [[column.text(item) for column in columns] for item in items]
    headings = [column.heading for column in columns]
    figures = [headings[1:-2], *(row[1:-2] for row in rows)]
    widths = [max(map(cell_len, texts)) for texts in zip(*figures, strict=True)]
    blocks = ["\n".join(_aligned(columns[1:-2], line, widths, room)) for line in figures]
    head = f"{headings[0]}: {', '.join(headings[-2:])}\n{blocks[0]}"
    text = Text(overflow="fold").append(head, "bold")
    for style, row, block in zip(styles, rows, blocks[1:], strict=True):
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
