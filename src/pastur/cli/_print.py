"""The findings on stdout."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from pastur.analysis import Analysis, InitialComparison
from pastur.cli._skipped import skipped_lines
from pastur.cli._table import matrices_table
from pastur.cli._text import interval, number, plural, printable
from pastur.estimation import RectangularFit

# A pipe or a file has no width: nothing is folded or cut there.
_UNLIMITED = 100_000

_LEGEND = (
    "σ: the noise; an entry's standard deviation is σ/√max(rows, columns). edge: noise alone stays "
    "below it. spikes: singular values beyond it. θ: the strongest one before the noise, with its "
    "{level:g} % interval. D: distance of the bulk from the noise law. p: chance that noise "
    "deviates as much."
)
_DOUBT = "?: the bulk is not the noise law, so this count of spikes is in doubt."


def print_analysis(analysis: Analysis, files: Sequence[tuple[str, Path]]) -> None:
    """Print the table, what the initial matrices tell, the skipped tensors and the summary."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A stream that cannot encode σ shows a question mark instead of stopping.
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    console.print(matrices_table(analysis.matrices, console))
    console.print()
    _say(console, _LEGEND.format(level=100 * (1 - analysis.alpha)), "dim")
    if any(matrix.kind == "does not fit" for matrix in analysis.matrices):
        _say(console, _DOUBT, "yellow")
    estimates = {matrix.name: matrix.fit for matrix in analysis.matrices}
    for comparison in analysis.initial:
        console.print()
        _print_initial(console, comparison, estimates[comparison.name])
    if analysis.skipped:
        console.print()
        _say(console, f"Skipped: {plural(len(analysis.skipped), 'tensor', 'tensors')}", "bold")
        for indent, line in skipped_lines(analysis.skipped):
            _say(console, line, indent=indent)
    console.print()
    _say(console, analysis.summary())
    for word, path in files:
        _say(console, f"{word}: {printable(str(path))}")


def _print_initial(console: Console, told: InitialComparison, fit: RectangularFit) -> None:
    values = plural(told.above_critical, "singular value", "singular values")
    sigma = f"{number(told.sigma)} {interval(*fit.sigma_interval)}"
    critical, edge = number(told.critical), number(told.edge)
    _say(console, f"{printable(told.name)} beside its initial value", "bold")
    for line in (
        f"W = {number(told.coefficient)} · W_initial + rest",
        f"σ: {sigma} estimated from W alone, {number(told.sigma_initial)} told by W_initial",
        f"spikes: {fit.rank} found in W alone; the rest has {values} above the critical "
        f"{critical}, {told.residual_rank} of them beyond the edge {edge}",
    ):
        _say(console, line, indent=2)
    _say(console, "The rest is evidence about the signal, not the signal itself.", "dim", indent=2)


def _say(console: Console, line: str, style: str = "", *, indent: int = 0) -> None:
    text = Text(line, style=style, overflow="fold")
    console.print(Padding(text, (0, 0, 0, indent), expand=False))
