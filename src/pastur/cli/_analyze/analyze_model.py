"""What `demo` and `analyze` share: analyse, write the files, print."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pastur._files import PathLike
from pastur.analysis import Analysis, AnalysisInterrupted, analyze
from pastur.analysis._result.conditions import CONDITIONS, judge_analysis
from pastur.cli._terminal.errors import report_faults
from pastur.cli._terminal.gate import check_conditions, close_gate
from pastur.cli._terminal.output_files import check_files
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.result_files import ResultFiles
from pastur.cli._terminal.workers import connected
from pastur.weights._places.remote_path import is_url


def run(
    source: PathLike,
    outputs: ResultFiles,
    options: Mapping[str, Any],
    *,
    quiet: bool,
    scheduler: str | None = None,
    conditions: Sequence[str] = (),
) -> None:
    """Analyse `source`, write the outputs, and print the findings unless `quiet`.

    `options` are keywords of `pastur.analyze`.

    What goes to stdout (``-``) has it to itself: the findings are on stderr then.

    A file that cannot be written costs neither the others nor the table. After an interrupt, what
    is finished is written.
    """
    words = {"the base": options.get("base"), "the initial values": options.get("initial")}
    sources = {"the model": source, **words}
    here = {word: Path(one) for word, one in sources.items() if one and not is_url(one)}
    check_conditions(conditions, CONDITIONS)
    outputs.check_pipe("--json, --csv and --ranks")
    check_files(outputs.named(), here)
    paths = [path for _, path in outputs.named()]
    interrupt = None
    try:
        with connected(scheduler, options.get("jobs")) as client, progress_bar(quiet=quiet) as bar:
            analysis = analyze(source, outputs=paths, executor=client, progress=bar, **options)
    except AnalysisInterrupted as stop:
        analysis, interrupt = stop.analysis, stop.__cause__
    faults = _show(analysis, outputs, quiet=quiet)
    outputs.pipe(analysis)
    if interrupt is not None:
        raise interrupt
    if faults:
        raise click.exceptions.Exit(1)
    close_gate(judge_analysis(analysis, conditions), quiet=quiet)


def _write_report(analysis: Analysis, path: Path) -> None:
    from pastur.report import write_report

    write_report(analysis, path)


def _show(analysis: Analysis, outputs: ResultFiles, *, quiet: bool) -> bool:
    """Write and print; return whether a file could not be written."""
    written, faults = outputs.write(analysis, _write_report)
    if not quiet:
        from pastur.cli._analyze.print_analysis import print_analysis

        print_analysis(analysis, written, to_stderr=outputs.piped != "")
    report_faults(analysis.skipped, faults)
    outputs.open(written)
    return bool(faults)
