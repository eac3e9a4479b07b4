"""Compare, write the files, print."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pastur.cli._terminal.errors import report_faults
from pastur.cli._terminal.gate import check_conditions, close_gate
from pastur.cli._terminal.output_files import check_files
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.result_files import ResultFiles
from pastur.cli._terminal.workers import connected
from pastur.comparison import Comparison, ComparisonInterrupted, compare
from pastur.comparison._result.conditions import CONDITIONS, judge_comparison
from pastur.weights._places.remote_path import is_url


def run(
    old: str,
    new: str,
    files: ResultFiles,
    options: Mapping[str, Any],
    *,
    quiet: bool,
    scheduler: str | None,
    conditions: Sequence[str],
) -> None:
    """Compare two models, write the files, and print the findings unless `quiet`.

    `options` are keywords of `pastur.compare`. After an interrupt, what is finished is written.
    `conditions` are judged last, when all is written.
    """
    check_conditions(conditions, CONDITIONS)
    files.check_pipe("--json and --csv")
    sources = {"OLD": old, "NEW": new}
    check_files(files.named(), {w: Path(one) for w, one in sources.items() if not is_url(one)})
    paths = [path for _, path in files.named()]
    interrupt = None
    try:
        with connected(scheduler, options.get("jobs")) as client, progress_bar(quiet=quiet) as bar:
            found = compare(old, new, outputs=paths, executor=client, progress=bar, **options)
    except ComparisonInterrupted as stop:
        found, interrupt = stop.comparison, stop.__cause__
    faults = _show(found, files, quiet=quiet)
    files.pipe(found)
    if interrupt is not None:
        raise interrupt
    if faults:
        raise click.exceptions.Exit(1)
    close_gate(judge_comparison(found, conditions), quiet=quiet)


def _show(comparison: Comparison, files: ResultFiles, *, quiet: bool) -> bool:
    """Write and print; return whether a file could not be written."""
    written, faults = files.write(comparison, _write_page)
    if not quiet:
        from pastur.cli._compare.print_comparison import print_comparison

        print_comparison(comparison, written, to_stderr=files.piped != "")
    report_faults(comparison.skipped, faults)
    files.open(written)
    return bool(faults)


def _write_page(comparison: Comparison, path: Path) -> None:
    from pastur.report import write_comparison

    write_comparison(comparison, path)
