"""The one place where an exception becomes a line on stderr and an exit status."""

from typing import Any

import click

from pastur._errors import PasturError
from pastur.cli._text import one_line

INTERRUPTED = 130


class QuietGroup(click.Group):
    """A group of commands that answer bad input with one line and status 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself deals with wrong usage (2) and a closed pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (PasturError, OSError) as error:
            click.echo(f"pastur: {_sentence(error)}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("pastur: interrupted.", err=True)
            ctx.exit(INTERRUPTED)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return one_line(f"{error.strerror}: '{error.filename}'.")
    return one_line(str(error) or type(error).__name__)
