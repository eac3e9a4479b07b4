"""A plan on stdout."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.narrow_table import fits
from pastur.cli._terminal.printable import printable
from pastur.compression import CompressionPlan
from pastur.compression._plan.plan_rows import OUTPUTS, WORDS, headings, rows, whole

_NOTE = ""
# What is left out where there is no room, the first at first; notes then stand below.
_LEFT_OUT = (_NOTE, "bytes", "energy", "parameters", "shape", OUTPUTS[-1])


def print_plan(plan: CompressionPlan, last: str, *, assumed: Sequence[str] = ()) -> None:
    """Print the table, what becomes of the whole model, and what was written."""
    console = open_console()
    table, left_out = _table(plan, console)
    console.print(table)
    if named := ", ".join(filter(None, left_out)):
        say(
            console,
            f"Too narrow for: {named}. A page of the plan or a wider terminal has all.",
            "dim",
        )
    console.print()
    if _NOTE in left_out:
        for line in _notes(plan):
            say(console, line, "dim")
        console.print()
    for name, reason in plan.left_out.items():
        say(console, f"{printable(name)} stays as it is: it {printable(reason)}.", "dim")
    say(console, whole(plan))
    for line in assumed:
        say(console, line)
    say(console, plan.assumption, "dim")
    say(console, printable(last))


def _table(plan: CompressionPlan, console: Console) -> tuple[Table, tuple[str, ...]]:
    """Return the table with as many columns as there is room for, and those it lacks."""
    lines, columns = rows(plan), headings(plan)
    spared = [heading for heading in _LEFT_OUT if heading in columns]
    for number in range(len(spared) + 1):
        left_out = tuple(spared[:number])
        shown = [k for k, heading in enumerate(columns) if heading not in left_out]
        table = plain_table([columns[k] for k in shown], WORDS)
        for cells in lines:
            table.add_row(*(printable(cells[k]) for k in shown))
        if fits(table, console):
            break
    return table, left_out


def _notes(plan: CompressionPlan) -> list[str]:
    """Return each note with the matrices that have it."""
    found: dict[str, list[str]] = {}
    for matrix in plan.matrices:
        if matrix.note:
            found.setdefault(matrix.note, []).append(matrix.name)
    return [
        f"{printable(names[0]) if len(names) == 1 else f'{len(names)} matrices'}: {printable(note)}"
        for note, names in found.items()
    ]
