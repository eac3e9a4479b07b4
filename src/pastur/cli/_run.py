"""What `demo` and `analyze` share: analyse, write the files, print."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pastur.analysis import Analysis, analyze
from pastur.cli._outputs import check_files
from pastur.cli._progress import progress_bar


@dataclass(frozen=True)
class Outputs:
    """Where the results go; None for what is not wanted."""

    report: Path | None
    json: Path | None
    csv: Path | None

    def named(self) -> list[tuple[str, Path]]:
        """Return the wanted files with their names in words."""
        pairs = [("Report", self.report), ("JSON", self.json), ("CSV", self.csv)]
        return [(word, path) for word, path in pairs if path is not None]

    def write(self, analysis: Analysis) -> None:
        """Write the wanted files."""
        if self.json is not None:
            analysis.to_json(self.json)
        if self.csv is not None:
            analysis.to_csv(self.csv)
        if self.report is not None:
            from pastur.report import write_report

            write_report(analysis, self.report)


def run(source: Path, outputs: Outputs, *, quiet: bool, **options: Any) -> None:
    """Analyse `source`, write the outputs, and print the findings unless `quiet`."""
    check_files(outputs.named(), {"the model": source})
    with progress_bar(quiet=quiet) as progress:
        analysis = analyze(source, progress=progress, **options)
    outputs.write(analysis)
    if not quiet:
        from pastur.cli._print import print_analysis

        print_analysis(analysis, outputs.named())
