"""Options that take a measure, written as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pastur._errors import InvalidInputError

if TYPE_CHECKING:
    from pastur.measures import Measure, ProbabilityMeasure

MEASURE_EXAMPLE = "'0.7*atom(-1) + 0.3*uniform(1, 2)'"
_MASS = 1e-9


class MeasureText(NamedTuple):
    """A measure as it was written, and as it was understood."""

    text: str
    measure: Measure


def measure_option(
    name: str, *, help: str, named: str | None = None, required: bool = False
) -> Callable[[Any], Any]:
    """Return an option of a measure; wrong usage where the text cannot be understood.

    Parameters
    ----------
    name, help : str
    named : str, optional
        The option before it whose measure the text may name: "nu0" for ``--nu0``.
    required : bool
    """

    def parse(ctx: click.Context, param: click.Parameter, text: str | None) -> MeasureText | None:
        if text is None:
            return None
        from pastur.measures import parse_measure

        known = _known(ctx.params, named)
        if named and not known and re.search(rf"\b{named}\b", text):
            message = f"'{named}' is the measure of --{named}, which is not given."
            raise click.BadParameter(message, ctx, param)
        try:
            return MeasureText(text, parse_measure(text, known))
        except InvalidInputError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    # One that names no other comes first, wherever it stands.
    return click.option(
        name,
        metavar="MEASURE",
        callback=parse,
        help=help,
        required=required,
        is_eager=named is None,
    )


def _known(params: Mapping[str, Any], named: str | None) -> dict[str, Measure]:
    there = None if named is None else params.get(named)
    return {} if there is None else {str(named): there.measure}


def law_of(given: MeasureText, option: str) -> ProbabilityMeasure:
    """Return a measure that must be a law.

    Raises
    ------
    InvalidInputError
        If it is signed, or its mass is not 1.
    """
    from pastur.measures import ProbabilityMeasure

    measure = given.measure
    if isinstance(measure, ProbabilityMeasure):
        return measure
    if abs(measure.mass - 1) > _MASS:
        raise InvalidInputError(
            f"`{option}` must be a law, of mass 1. '{given.text}' has the mass {measure.mass:.6g}."
        )
    raise InvalidInputError(
        f"`{option}` must be a law. '{given.text}' is signed: write it without a minus."
    )
