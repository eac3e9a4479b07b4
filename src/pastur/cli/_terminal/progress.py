"""A bar on stderr for long work: nothing in a pipe, nothing with --quiet."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from pastur.cli._terminal.printable import printable

Report = Callable[[int, int, str], None]


@contextlib.contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Report | None]:
    """Yield what to call with (done, total, what), or None where no bar is wanted."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeftColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeLeftColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(what))

        yield show
