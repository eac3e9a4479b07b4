"""The command `compare` and its options; everything heavy is imported inside it."""

from pathlib import Path

import click

from pastur.cli._terminal.gate import gate_option
from pastur.cli._terminal.result_files import ResultFiles, output_options
from pastur.cli._terminal.tensor_options import exclude_option, unfold_option
from pastur.cli._terminal.workers import analysis_workers

CONDITIONS = (
    "missing, added, reshaped, non-finite, unchanged; or with <, <=, >, >= and a number, as in "
    "'overlap < 0.9', relative-change, sigma-change, standing-out-lost, overlap"
)

_FILE = click.Path(path_type=Path)
_MODEL = click.Path()  # or a URL, which is no path


@click.command()
@click.argument("old", type=_MODEL)
@click.argument("new", type=_MODEL)
@click.option("-o", "--output", type=_FILE, help="Write a self-contained HTML report.")
@output_options
@click.option(
    "--include",
    metavar="PATTERN",
    multiple=True,
    help="Compare only tensors whose name matches (* and ? as in a shell). Repeatable.",
)
@exclude_option
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Intervals have the level 1 - alpha.",
)
@unfold_option
@gate_option(CONDITIONS)
@analysis_workers
def compare(
    old: str,
    new: str,
    output: Path | None,
    json_path: Path | None,
    csv_path: Path | None,
    quiet: bool,
    opened: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    alpha: float,
    unfold: str,
    conditions: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    memory: str | None,
    resume: Path | None,
) -> None:
    """Compare every matrix of two models, OLD and NEW.

    Both are what `pastur analyze` takes, of one format or of two, paths or
    URLs. Tensors are matched by name and shape; for each matrix the noise and
    what stands out before and after are listed, and the change with its own
    reading. What only one of the two has is named.
    """
    from pastur.cli._compare.compare_models import run

    files = ResultFiles(report=output, json=json_path, csv=csv_path, opened=opened)
    options = {
        # Without --include all is chosen; an empty list of patterns would choose nothing.
        "include": include or None,
        "exclude": exclude or None,
        "alpha": alpha,
        "unfold": unfold,
        "jobs": jobs,
        "memory": memory,
        "resume": resume,
    }
    run(old, new, files, options, quiet=quiet, scheduler=scheduler, conditions=conditions)
