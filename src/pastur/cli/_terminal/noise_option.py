"""Which noise the commands ask for."""

from collections.abc import Callable
from typing import Any

import click

# Those of the fits, which are too heavy to be imported to print help.
NOISES = ("white", "profile", "free", "auto")


def noise_option(*, help: str, default: str | None = "auto") -> Callable[[Any], Any]:
    """Return the option ``--noise``; its default is None where the command chooses."""
    return click.option(
        "--noise", type=click.Choice(NOISES), default=default, show_default=True, help=help
    )
