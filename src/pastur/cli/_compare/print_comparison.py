"""A comparison on stdout."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from pastur.analysis._result.figures import Column, legend
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.narrow_table import fits, narrow
from pastur.cli._terminal.printable import printable
from pastur.cli._terminal.tensor_lines import say_tensors
from pastur.comparison import Comparison, MatrixComparison
from pastur.comparison._result.figures import FINDINGS_OF_BOTH, NOISES, comparison_columns

_GROUP = "×k: k neighbours that push each other; of spikes, their root mean square."


def print_comparison(
    comparison: Comparison, files: Sequence[tuple[str, Path]], *, to_stderr: bool
) -> None:
    """Print the table, what is not in it, and the summary."""
    console = open_console(to_stderr=to_stderr)
    matrices = comparison.matrices
    figures = [*comparison_columns(matrices), NOISES, FINDINGS_OF_BOTH]
    console.print(_table(figures, matrices, console))
    console.print()
    say(console, legend(figures, comparison.alpha), "dim")
    leading = (matrix.change.leading for matrix in matrices if matrix.change is not None)
    if any(one is not None and one.together > 1 for one in leading):
        say(console, _GROUP, "dim")
    say_tensors(console, "In OLD only", comparison.only_old)
    say_tensors(console, "In NEW only", comparison.only_new)
    say_tensors(console, "Of two shapes", comparison.reshaped)
    say_tensors(console, "Skipped", comparison.skipped)
    console.print()
    say(console, comparison.summary())
    for word, path in files:
        say(console, f"{word}: {printable(str(path))}")


def _table(
    figures: Sequence[Column], matrices: Sequence[MatrixComparison], console: Console
) -> RenderableType:
    """Return one line for each matrix, or several where the terminal is too narrow for that."""
    columns = [Column("layer", lambda matrix: printable(matrix.name), word=True), *figures]
    words = {column.heading for column in columns if column.word}
    table = plain_table([column.heading for column in columns], words)
    styles = [_style(matrix) for matrix in matrices]
    for matrix, style in zip(matrices, styles, strict=True):
        *cells, last = (column.text(matrix) for column in columns)
        table.add_row(*map(Text, cells), Text(last, style))
    return table if fits(table, console) else narrow(columns, matrices, styles, console.width)


def _style(matrix: MatrixComparison) -> str:
    if matrix.unchanged:
        return "cyan"
    return "yellow" if matrix.directions.lost else ""
