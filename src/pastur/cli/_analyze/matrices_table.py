"""The table of matrices in the width there is: one line a matrix, or more where that is too narrow.

Where not all columns fit, names are grouped by block, and the columns that are needed least are
left out, which a line below says. Columns that were requested stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pastur._format import NOTHING, number
from pastur.analysis import MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._result.figures import NOISE, Column, figure_columns
from pastur.analysis._result.places import place_of_name
from pastur.cli._terminal.console import plain_table
from pastur.cli._terminal.narrow_table import fits, narrow
from pastur.cli._terminal.printable import printable

# What is left out where there is no room, the first at first; of a pair, its column is shortened.
_LEFT_OUT = (
    "D",
    "white ≤",
    "edge",
    "shape",
    "stand out",
    "noise",
    ("verdict", "verdicts in full"),
    "p",
    "keeps",
    "σ",
    "spikes",
    ("strongest θ", "intervals of θ"),
)
_NOT_CONVERGED = " *"


@dataclass(frozen=True)
class _Row:
    """A line of the table: a matrix with its name as shown, or the heading of a block."""

    name: str
    matrix: MatrixAnalysis | None = None


def matrices_table(
    matrices: Sequence[MatrixAnalysis], console: Console
) -> tuple[RenderableType, list[Column]]:
    """Return the table that fits the width of `console`, and the columns that it has."""
    columns = _columns(matrices)
    rows = [_Row(printable(matrix.name), matrix) for matrix in matrices]
    table = _wide("layer", columns, rows)
    if fits(table, console):
        return table, columns
    heading, grouped = _grouped(matrices)
    left_out: list[str] = []
    for step in (None, *_LEFT_OUT):
        if step is not None:
            columns = _with_less(columns, step, left_out)
        table = _wide(heading, columns, grouped)
        if fits(table, console):
            return Group(table, *_note(left_out, matrices)), columns
    columns = _columns(matrices)
    layer = Column("layer", lambda matrix: printable(matrix.name), word=True)
    styles = [FINDINGS[matrix.kind].terminal for matrix in matrices]
    return narrow([layer, *columns], matrices, styles, console.width), columns


def _columns(matrices: Sequence[MatrixAnalysis]) -> list[Column]:
    return [*figure_columns(matrices), NOISE, Column("verdict", _verdict, word=True)]


def _verdict(matrix: MatrixAnalysis) -> str:
    fit = matrix.fit
    return fit.goodness.verdict + ("" if fit.status.converged else ", not converged")


def _with_less(
    columns: Sequence[Column], step: str | tuple[str, str], left_out: list[str]
) -> list[Column]:
    """Return the columns without one, or with a short one, and note in `left_out` what is lost."""
    heading, lost = (step, step) if isinstance(step, str) else step
    if heading in [column.heading for column in columns]:
        left_out.append(lost)
    short = {column.heading: column for column in _SHORT}
    return [
        short.get(column.heading, column) if column.heading == heading else column
        for column in columns
        if column.heading != heading or heading in short
    ]


def _finding(matrix: MatrixAnalysis) -> str:
    return matrix.kind.label + ("" if matrix.fit.status.converged else _NOT_CONVERGED)


def _theta(matrix: MatrixAnalysis) -> str:
    best = matrix.leading
    if best is None:
        return NOTHING
    return number(best.theta) + (f" ×{best.together}" if best.together > 1 else "")


_SHORT = (
    Column("verdict", _finding, word=True),
    Column("strongest θ", _theta, word=True),
)


def _note(left_out: Sequence[str], matrices: Sequence[MatrixAnalysis]) -> list[Text]:
    if not left_out:
        return []
    named = ", ".join(left_out)
    marked = any(not matrix.fit.status.converged for matrix in matrices)
    star = " *: not converged." if marked and "verdicts in full" in left_out else ""
    note = f"Too narrow for: {named}. --csv, -o or a wider terminal has all.{star}"
    return [Text(note, style="dim")]


def _grouped(matrices: Sequence[MatrixAnalysis]) -> tuple[str, list[_Row]]:
    """Return the heading of the names, and the rows: a block that has several has one of its own.

    An ending that all names share is in the heading alone.
    """
    names = [matrix.name for matrix in matrices]
    ending = _ending(names)
    places = [place_of_name(name) for name in names]
    blocks = [place.block for place in places]
    rows, open_block = [], ""
    for k, (matrix, place) in enumerate(zip(matrices, places, strict=True), start=1):
        several = place.block and place.block in blocks[k : k + 1]
        if place.block != open_block:
            open_block = place.block if several else ""
            if open_block:
                rows.append(_Row(printable(open_block)))
        shown = f"  {place.rest}" if open_block else matrix.name
        rows.append(_Row(printable(shown).removesuffix(ending) or printable(shown), matrix))
    return f"layer (…{ending})" if ending else "layer", rows


def _ending(names: Sequence[str]) -> str:
    """Return the last piece of the names, with its dot, where several have it in common."""
    pairs = [name.rpartition(".") for name in names]
    before, _, last = pairs[0]
    alike = len(pairs) > 1 and all(start and end == last for start, _, end in pairs)
    return f".{last}" if alike and before else ""


def _wide(heading: str, columns: Sequence[Column], rows: Sequence[_Row]) -> Table:
    words = {heading, *(column.heading for column in columns if column.word)}
    table = plain_table([heading, *(column.heading for column in columns)], words)
    for row in rows:
        if row.matrix is None:
            table.add_row(Text(row.name, "bold"))
            continue
        cells = [Text(column.text(row.matrix)) for column in columns]
        cells[-1].stylize(FINDINGS[row.matrix.kind].terminal)
        table.add_row(Text(row.name), *cells)
    return table
