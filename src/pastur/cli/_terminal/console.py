"""Lines and tables on stdout, in a terminal or in a pipe."""

import io
import sys
from collections.abc import Container, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

# A pipe or a file has no width: nothing is folded or cut there.
_UNLIMITED = 100_000


def open_console(*, to_stderr: bool = False) -> Console:
    """Return the console on stdout, or on stderr."""
    stream = sys.stderr if to_stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A stream that cannot encode σ shows a question mark instead of stopping.
        stream.reconfigure(errors="replace")
    console = Console(highlight=False, markup=False, emoji=False, stderr=to_stderr)
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console


def say(console: Console, line: str, style: str = "", *, indent: int = 0) -> None:
    """Print a line, folded where the terminal ends."""
    text = Text(line, style=style, overflow="fold")
    console.print(Padding(text, (0, 0, 0, indent), expand=False))


def plain_table(headings: Sequence[str], words: Container[str] = ()) -> Table:
    """Return an empty table in the style of every command: figures right, `words` left."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in words else "right", no_wrap=True)
    return table
