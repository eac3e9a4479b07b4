"""Conditions that make a command fail, for continuous integration."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pastur._errors import InvalidInputError
from pastur.cli._terminal.printable import one_line, printable

if TYPE_CHECKING:
    from pastur._conditions import Judgement, Known

# The exit status where a condition holds.
FIRED = 3


def gate_option(names: str) -> Callable[[Any], Any]:
    """Return the option ``--fail-if``, with the names of its conditions."""
    return click.option(
        "--fail-if",
        "conditions",
        metavar="CONDITION",
        multiple=True,
        help=f"End with status 3 where a matrix fulfils it: {names}. Repeatable.",
    )


def check_conditions(conditions: Sequence[str], known: "Known") -> None:
    """Refuse conditions that cannot be read, before the work.

    Raises
    ------
    BadParameter
        With all that are known.
    """
    from pastur._conditions import read_condition

    for text in conditions:
        try:
            read_condition(text, known)
        except InvalidInputError as error:
            raise click.BadParameter(one_line(str(error)), param_hint="'--fail-if'") from None


def close_gate(judgements: Sequence["Judgement"], *, quiet: bool) -> None:
    """Print what became of the conditions, and end the command where one holds.

    Lines are on stderr; with `quiet`, of those that hold, or are not decided for all matrices.

    Raises
    ------
    Exit
        With status 3 where a condition holds, with 1 where one could be judged nowhere.
    """
    for one in judgements:
        reservation = f"; {one.reservation}" if one.reservation else ""
        if one.fired:
            matrices = f"{len(one.fired)} tensor{'s' * (len(one.fired) > 1)}"
            click.echo(f"pastur: {one.text}: holds for {matrices}{reservation}", err=True)
            for name, value in one.fired:
                click.echo(f"  {printable(name)}: {printable(value)}", err=True)
        elif not one.possible:
            click.echo(
                f"pastur: {one.text}: no matrix has it, so that it cannot be judged", err=True
            )
        elif one.reservation or not quiet:
            click.echo(f"{one.text}: holds nowhere{reservation}", err=True)
    if any(one.fired for one in judgements):
        raise click.exceptions.Exit(FIRED)
    if not all(one.possible for one in judgements):
        raise click.exceptions.Exit(1)
