"""The browser of whoever runs a command."""

import webbrowser
from pathlib import Path

import click

from pastur.cli._terminal.printable import printable


def open_page(path: Path) -> None:
    """Open a page in the browser, the one of ``BROWSER`` first; say so where there is none."""
    try:
        opened = webbrowser.open(path.absolute().as_uri())
    # What BROWSER holds is anyone's guess.
    except (OSError, ValueError, webbrowser.Error):
        opened = False
    if not opened:
        place = printable(str(path))
        click.echo(f"pastur: no browser could be opened. The report is {place}", err=True)
