"""The command `check-assumptions` and its options; everything heavy is imported inside it."""

from pathlib import Path

import click

from pastur.cli._terminal.errors import debug_option
from pastur.cli._terminal.measure_options import MeasureText, measure_option

_FILE = click.Path(path_type=Path)
PICTURE = "pastur-assumptions.png"


@click.command("check-assumptions")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@measure_option("--nu0", help="The candidate for ν₀.", required=True)
@measure_option(
    "--nu1", help="The candidate for ν₁, which may name nu0.", named="nu0", required=True
)
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=PICTURE,
    show_default=True,
    help="The picture: .png, .svg or .pdf.",
)
@click.option("--json", "json_path", type=_FILE, help="Write all figures as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
def check_assumptions(
    files: tuple[Path, ...],
    nu0: MeasureText,
    nu1: MeasureText,
    output: Path,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Ask of signals S of growing size whether they meet Assumptions 1 to 3 of the paper.

    Each FILE is one S: a symmetric matrix (.npy), or all its eigenvalues (.npy, or text with one
    number a line); at least three sizes. Measures are written as for `pastur law --nu0`. What is
    judged are rates over these sizes, each with its standard error. The exit status is 1 where an
    assumption does not show.

    \b
    Example:
      pastur check-assumptions s*.npy --nu0 'atom(0)' --nu1 'uniform(2, 3) - nu0'
    """
    from pastur.cli._assumptions.run_check import run_check

    run_check(files, nu0=nu0, nu1=nu1, picture=output, json_path=json_path, quiet=quiet)
