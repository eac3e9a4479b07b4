"""What `check-assumptions` does: read the signals, check, draw, print."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from pastur._errors import InvalidInputError
from pastur._files import write_whole
from pastur._format import number
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.measure_options import MeasureText, law_of
from pastur.cli._terminal.numbers import read_values
from pastur.cli._terminal.output_files import check_files, picture_bytes, replaced
from pastur.cli._terminal.printable import printable
from pastur.experiments import AssumptionReport, assumption_panels, check_assumptions
from pastur.figures import panels_figure

_KINDS = (".png", ".svg", ".pdf")
_TRENDS = ("distance", "rank", "rank_share", "distance_1", "second_moment")


def run_check(
    files: Sequence[Path],
    *,
    nu0: MeasureText,
    nu1: MeasureText,
    picture: Path,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Check the sequence of signals; the exit status is 1 where an assumption does not show."""
    if picture.suffix.lower() not in _KINDS:
        raise InvalidInputError(f"The picture '{picture}' must end in .png, .svg or .pdf.")
    outputs = [("Picture", picture)] + ([("JSON", json_path)] if json_path is not None else [])
    check_files(outputs, {f"signal {i}": path for i, path in enumerate(files, 1)})
    law = law_of(nu0, "--nu0")
    report = check_assumptions([read_values(path) for path in files], law, nu1=nu1.measure)
    title = f"ν₀ = {printable(nu0.text)}, ν₁ = {printable(nu1.text)}"
    figure = panels_figure(assumption_panels(report), title=title)
    note = replaced(picture)
    write_whole(picture, picture_bytes(figure, kind=picture.suffix.lower().removeprefix(".")))
    if json_path is not None:
        text = json.dumps(_document(report, nu0, nu1), allow_nan=False, indent=1)
        write_whole(json_path, text + "\n")
    if not quiet:
        _print(report, outputs, note)
    if not report.holds:
        click.echo("pastur: the signals do not show all three assumptions.", err=True)
        raise click.exceptions.Exit(1)


def _print(report: AssumptionReport, outputs: Sequence[tuple[str, Path]], note: str) -> None:
    console = open_console()
    table = plain_table(("N", "r", "r/N", "ν − ν₀", "(N/r)(ν − ν₀) − ν₁", "∫t², error"))
    order = np.argsort(report.sizes, kind="stable")
    for i in order:
        values = [getattr(report, name).values[i] for name in _TRENDS]
        distance, rank, share, distance_1, second = values
        cells = (number(share), number(distance), number(distance_1), number(second))
        table.add_row(f"{report.sizes[i]:.0f}", f"{rank:.0f}", *cells)
    console.print(table)
    console.print()
    for sentence in report.sentences():
        say(console, sentence)
    say(console, report.rule, "dim")
    console.print()
    for place, (word, path) in enumerate(outputs):
        say(console, f"{word}: {printable(str(path))}{'' if place else note}")


def _document(report: AssumptionReport, nu0: MeasureText, nu1: MeasureText) -> dict[str, Any]:
    def trend(name: str) -> dict[str, Any]:
        found = getattr(report, name)
        rate = {"exponent": found.exponent, "error": found.error}
        known = {key: value if np.isfinite(value) else None for key, value in rate.items()}
        return {"values": found.values.tolist(), **known}

    return {
        "schema": 1,
        "nu0": nu0.text,
        "nu1": nu1.text,
        "sizes": report.sizes.tolist(),
        **{name: trend(name) for name in _TRENDS},
        "outside_mass": report.outside_mass,
        "inside_mass": report.inside_mass,
        "assumption_1": report.assumption_1,
        "assumption_2": report.assumption_2,
        "assumption_3": report.assumption_3,
    }
