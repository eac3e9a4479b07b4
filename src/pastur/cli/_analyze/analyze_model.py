"""What `demo` and `analyze` share: analyse, write the files, print."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pastur._files import PathLike
from pastur.analysis import Analysis, AnalysisInterrupted, analyze
from pastur.cli._terminal.errors import debugging, report, visible_lines
from pastur.cli._terminal.output_files import check_files
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.workers import connected
from pastur.weights._places.remote_path import is_url

# In the place of a path: standard output.
STDOUT = Path("-")


@dataclass(frozen=True)
class Outputs:
    """Where the results go; None for what is not wanted."""

    report: Path | None
    json: Path | None
    csv: Path | None
    ranks: Path | None = None

    def _wanted(self) -> dict[str, Path]:
        pairs = {"Report": self.report, "JSON": self.json, "CSV": self.csv, "Ranks": self.ranks}
        return {word: path for word, path in pairs.items() if path is not None}

    def named(self) -> list[tuple[str, Path]]:
        """Return the wanted files with their names in words, without what goes to stdout."""
        return [(word, path) for word, path in self._wanted().items() if path != STDOUT]

    @property
    def to_stdout(self) -> str:
        """What goes to stdout in the place of the table; empty for nothing."""
        words = [word for word, path in self._wanted().items() if path == STDOUT]
        if len(words) > 1 or "Report" in words:
            raise click.UsageError("Standard output (-) takes one of --json, --csv and --ranks.")
        return "".join(words)

    def write(self, analysis: Analysis) -> tuple[list[tuple[str, Path]], list[Exception]]:
        """Write the wanted files; return those written, and what kept others from it."""
        written, faults = [], []
        for word, path in self.named():
            try:
                _WRITERS[word](analysis, path)
            except Exception as error:
                faults.append(error)
            else:
                written.append((word, path))
        return written, faults


def _write_report(analysis: Analysis, path: Path) -> None:
    from pastur.report import write_report

    write_report(analysis, path)


_WRITERS: dict[str, Callable[[Analysis, Path], object]] = {
    "Report": _write_report,
    "JSON": Analysis.to_json,
    "CSV": Analysis.to_csv,
    "Ranks": Analysis.to_ranks,
}
_TEXTS: dict[str, Callable[[Analysis], str]] = {
    "JSON": Analysis.json_text,
    "CSV": Analysis.csv_text,
    "Ranks": Analysis.ranks_text,
}


def run(
    source: PathLike,
    outputs: Outputs,
    options: Mapping[str, Any],
    *,
    quiet: bool,
    scheduler: str | None = None,
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
    piped = outputs.to_stdout
    check_files(outputs.named(), here)
    paths = [path for _, path in outputs.named()]
    interrupt = None
    try:
        with connected(scheduler, options.get("jobs")) as client, progress_bar(quiet=quiet) as bar:
            analysis = analyze(source, outputs=paths, executor=client, progress=bar, **options)
    except AnalysisInterrupted as stop:
        analysis, interrupt = stop.analysis, stop.__cause__
    faults = _show(analysis, outputs, quiet=quiet)
    if piped:
        click.echo(_TEXTS[piped](analysis), nl=False)
    if interrupt is not None:
        raise interrupt
    if faults:
        raise click.exceptions.Exit(1)


def _show(analysis: Analysis, outputs: Outputs, *, quiet: bool) -> bool:
    """Write and print; return whether a file could not be written."""
    written, faults = outputs.write(analysis)
    if not quiet:
        from pastur.cli._analyze.print_analysis import print_analysis

        print_analysis(analysis, written, to_stderr=bool(outputs.to_stdout))
    if debugging():
        for tensor in analysis.skipped:
            click.echo(visible_lines(tensor.traceback), err=True, nl=False)
    for fault in faults:
        report(fault)
    return bool(faults)
