"""The files of one result: which are wanted, and all that can be written."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import click

from pastur.cli._terminal.errors import debug_option

# In the place of a path: standard output.
STDOUT = Path("-")

_FILE = click.Path(path_type=Path)

Page: TypeAlias = Callable[[Any, Path], object]


@dataclass(frozen=True)
class ResultFiles:
    """Where a result goes; None for what is not wanted.

    A page that is to be opened, and has no place, goes to a temporary folder, which is left there.
    """

    report: Path | None
    json: Path | None
    csv: Path | None
    ranks: Path | None = None
    opened: bool = False

    def _wanted(self) -> dict[str, Path]:
        pairs = {_REPORT: self.report, "JSON": self.json, "CSV": self.csv, "Ranks": self.ranks}
        return {word: path for word, path in pairs.items() if path is not None}

    def named(self) -> list[tuple[str, Path]]:
        """Return the wanted files with their names in words, without what goes to stdout."""
        return [(word, path) for word, path in self._wanted().items() if path != STDOUT]

    @property
    def piped(self) -> str:
        """What goes to stdout in the place of the table; empty for nothing."""
        return "".join(word for word, path in self._wanted().items() if path == STDOUT)

    def check_pipe(self, options: str) -> None:
        """Refuse several results, or a page, on stdout, which takes one of `options`."""
        if self.piped not in ("", *_METHODS):
            raise click.UsageError(f"Standard output (-) takes one of {options}.")

    def pipe(self, result: Any) -> None:
        """Print what goes to stdout."""
        if self.piped:
            click.echo(getattr(result, f"{_METHODS[self.piped]}_text")(), nl=False)

    def write(self, result: Any, page: Page) -> tuple[list[tuple[str, Path]], list[Exception]]:
        """Write the wanted files; return those written, and what kept others from it.

        Parameters
        ----------
        result : Analysis or Comparison
        page : callable
            ``page(result, path)`` writes the page.
        """
        written, faults = [], []
        for word, path in [*self._temporary(), *self.named()]:
            try:
                if word in _METHODS:
                    getattr(result, f"to_{_METHODS[word]}")(path)
                else:
                    page(result, path)
            except Exception as error:
                faults.append(error)
            else:
                written.append((word, path))
        return written, faults

    def _temporary(self) -> list[tuple[str, Path]]:
        if not self.opened or self.report is not None:
            return []
        return [(_REPORT, Path(tempfile.mkdtemp(prefix="pastur-"), "report.html"))]

    def open(self, written: list[tuple[str, Path]]) -> None:
        """Open the page in a browser, if it is to be opened and was written."""
        from pastur.cli._terminal.browser import open_page

        for word, path in written if self.opened else []:
            if word == _REPORT:
                open_page(path)


_REPORT = "Report"
# A result is written by ``to_json``, and its text is ``json_text``.
_METHODS = {"JSON": "json", "CSV": "csv", "Ranks": "ranks"}


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command with a result for each matrix."""
    for option in (
        debug_option,
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--open",
            "opened",
            is_flag=True,
            help="Open the report in a browser; without -o it goes to a temporary folder.",
        ),
        click.option("--csv", "csv_path", type=_FILE, help="Write one line for each matrix."),
        click.option(
            "--json",
            "json_path",
            type=_FILE,
            help="Write the whole result as JSON. - is standard output, also for --csv.",
        ),
    ):
        command = option(command)
    return command
