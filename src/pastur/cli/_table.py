"""The table of matrices, in two layouts: one line a matrix, or two where the terminal is narrow."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pastur.analysis import MatrixAnalysis
from pastur.cli._console import plain_table
from pastur.cli._text import distance, interval, number, p_value, printable, size

HEADINGS = ("layer", "shape", "σ", "edge", "spikes", "strongest θ", "D", "p", "verdict")

# A width in which every table finds its natural size.
_UNBOUNDED = 100_000

_WORDS = frozenset(("layer", "strongest θ", "verdict"))
_STYLES = {"signal": "green", "noise only": "cyan", "does not fit": "yellow"}


def matrices_table(matrices: Sequence[MatrixAnalysis], console: Console) -> RenderableType:
    """Return the table in the layout that fits the width of `console`; no column is dropped."""
    table = _wide(matrices)
    unbounded = console.options.update(width=_UNBOUNDED)
    needed = console.measure(table, options=unbounded).maximum
    return table if needed <= console.width else _narrow(matrices)


def cells(matrix: MatrixAnalysis) -> tuple[str, ...]:
    """Return one text for each heading; a count in doubt carries a question mark."""
    fit, leading = matrix.fit, matrix.leading
    theta = "–"
    if leading is not None:
        theta = f"{number(leading.theta)} {interval(leading.low, leading.high)}"
        theta += f" ×{leading.together}" if leading.together > 1 else ""
    return (
        printable(matrix.name),
        size(matrix.shape),
        number(fit.sigma),
        number(fit.edge),
        f"{fit.rank}{'?' if matrix.kind == 'does not fit' else ' '}",
        theta,
        distance(fit.goodness.statistic),
        p_value(fit.goodness.p_value),
        fit.goodness.verdict + ("" if fit.status.converged else ", not converged"),
    )


def _wide(matrices: Sequence[MatrixAnalysis]) -> Table:
    table = plain_table(HEADINGS, _WORDS)
    for matrix in matrices:
        *figures, verdict = (Text(cell) for cell in cells(matrix))
        verdict.stylize(_STYLES.get(matrix.kind, ""))
        table.add_row(*figures, verdict)
    return table


def _narrow(matrices: Sequence[MatrixAnalysis]) -> Text:
    """Return name and verdict on one line, the figures aligned under their headings below."""
    rows = [cells(matrix) for matrix in matrices]
    figures = [HEADINGS[1:-1], *(row[1:-1] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*figures, strict=True)]
    lines = [_aligned(line, widths) for line in figures]
    text = Text(overflow="fold").append(f"{HEADINGS[0]}: {HEADINGS[-1]}\n{lines[0]}", "bold")
    for matrix, row, line in zip(matrices, rows, lines[1:], strict=True):
        text.append(f"\n{row[0]}: ").append(row[-1], _STYLES.get(matrix.kind, ""))
        text.append(f"\n{line}")
    return text


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        cell.ljust(width) if heading in _WORDS else cell.rjust(width)
        for heading, cell, width in zip(HEADINGS[1:-1], line, widths, strict=True)
    ]
    return "  " + "  ".join(parts).rstrip()
