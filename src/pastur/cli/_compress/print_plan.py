"""A plan on stdout."""

from collections.abc import Sequence

from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.printable import printable
from pastur.compression import CompressionPlan
from pastur.compression._plan.plan_rows import HEADINGS, WORDS, row, whole


def print_plan(plan: CompressionPlan, last: str, *, assumed: Sequence[str] = ()) -> None:
    """Print the table, what becomes of the whole model, and what was written."""
    console = open_console()
    table = plain_table(HEADINGS, WORDS)
    for matrix in plan.matrices:
        table.add_row(*map(printable, row(matrix, plan.form)))
    console.print(table)
    console.print()
    for name, reason in plan.left_out.items():
        say(console, f"{printable(name)} stays as it is: it {printable(reason)}.", "dim")
    say(console, whole(plan))
    for line in assumed:
        say(console, line)
    say(console, plan.assumption, "dim")
    say(console, printable(last))
