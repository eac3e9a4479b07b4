"""The findings on stdout."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from pastur._format import words
from pastur.analysis import Analysis, InitialComparison
from pastur.analysis._matrix.initial_words import CAVEAT, comparison_lines
from pastur.analysis._result.figures import legend
from pastur.cli._analyze.matrices_table import matrices_table
from pastur.cli._terminal.console import open_console, say
from pastur.cli._terminal.printable import printable
from pastur.cli._terminal.tensor_lines import say_tensors
from pastur.estimation import RectangularFit

_GROUP = "×k: k neighbours that push each other; of spikes, their root mean square."
_METHODS = "{methods}: the counts of published estimators, which take every bulk for noise."
_SHUFFLED = (
    "shuffled: singular values above the largest one after the entries are shuffled {draws}; for "
    "noise alone, above 0 with chance {chance:.2g}."
)


def print_analysis(
    analysis: Analysis, files: Sequence[tuple[str, Path]], *, to_stderr: bool = False
) -> None:
    """Print the table, comparisons with initial values, the skipped tensors and the summary."""
    console = open_console(to_stderr=to_stderr)
    table, columns = matrices_table(analysis.matrices, console)
    console.print(table)
    console.print()
    say(console, legend(columns, analysis.alpha), "dim")
    if any(m.leading is not None and m.leading.together > 1 for m in analysis.matrices):
        say(console, _GROUP, "dim")
    methods = dict.fromkeys(name for matrix in analysis.matrices for name in matrix.baselines)
    if methods:
        named = ", ".join(words(name) for name in methods)
        say(console, _METHODS.format(methods=named), "dim")
    shuffled = next((m.randomized for m in analysis.matrices if m.randomized is not None), None)
    if shuffled is not None:
        draws = "once" if shuffled.draws == 1 else f"{shuffled.draws} times"
        say(console, _SHUFFLED.format(draws=draws, chance=1 / (shuffled.draws + 1)), "dim")
    estimates = {matrix.name: matrix.fit for matrix in analysis.matrices}
    for comparison in analysis.initial:
        console.print()
        _print_initial(console, comparison, estimates[comparison.name])
    if analysis.initial:
        console.print()
        say(console, CAVEAT, "dim")
    say_tensors(console, "Skipped", analysis.skipped)
    console.print()
    say(console, analysis.summary())
    if advice := analysis.next_step():
        say(console, advice, "bold")
    for word, path in files:
        say(console, f"{word}: {printable(str(path))}")


def _print_initial(console: Console, comparison: InitialComparison, fit: RectangularFit) -> None:
    say(console, f"{printable(comparison.name)} compared with its initial value", "bold")
    for line in comparison_lines(comparison, fit):
        say(console, line, indent=2)
