"""The command ``pastur``: parse, call, print."""

from pastur.cli._main import main

__all__ = ["main"]
