"""How far long work is: what a caller passes as `progress`, and the bar for `True`."""

import sys
import time
from collections.abc import Callable
from html import escape
from typing import Any

from pastur._errors import InvalidTypeError
from pastur._foreign import shortened, visible
from pastur._html import NOTE
from pastur._typing import Progress

_LONGEST = 60
_STEPS = 30
# Seconds between two pictures.
_PAUSE = 0.1


def reporter(progress: Progress | bool | None) -> Progress:
    """Return what long work calls with (done, total, what).

    Parameters
    ----------
    progress : callable, bool or None
        True is a bar: in a notebook, or on stderr where that is a terminal.
    """
    if progress is None or progress is False:
        return _silent
    if progress is True:
        return _bar()
    if not callable(progress):
        raise InvalidTypeError(
            "`progress` must be True, for a bar, or a function of (done, total, what). Got "
            f"{type(progress).__name__}."
        )
    return progress


def _silent(done: int, total: int, what: str) -> None:
    """Report no progress."""


def _bar() -> Progress:
    if _in_notebook():
        return _Bar(_NotebookLine())
    return _Bar(_write_line) if sys.stderr.isatty() else _silent


def _in_notebook() -> bool:
    """Return whether this is a kernel, which shows HTML; IPython in a terminal is not."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class _Bar:
    """Draws a few times a second, and goes when all is done."""

    def __init__(self, draw: Callable[[int, int, str], None]) -> None:
        self._draw = draw
        self._next = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if done < total and now < self._next:
            return
        self._next = now + _PAUSE
        self._draw(done, total, visible(shortened(str(what), _LONGEST)))


class _NotebookLine:
    """A bar below the cell, drawn again in its place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, done: int, total: int, what: str) -> None:
        from IPython.display import HTML, display

        shown = HTML("" if done >= total else bar_html(done, total, what))
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)


def bar_html(done: int, total: int, what: str) -> str:
    """Return the bar as HTML.

    Examples
    --------
    >>> bar_html(3, 12, "a<b").count("&lt;"), "3 of 12" in bar_html(3, 12, "")
    (1, True)
    """
    return (
        f'<div><progress value="{done}" max="{total}" style="width:18em;vertical-align:middle">'
        f'</progress> <span style="{NOTE}">{done} of {total} {escape(what)}</span></div>'
    )


def _write_line(done: int, total: int, what: str) -> None:
    full = _STEPS * done // max(total, 1)
    line = "" if done >= total else f"[{'#' * full:{_STEPS}}] {done} of {total} {what}"
    # The line is written over, and cleared to its end.
    sys.stderr.write(f"\r{line}\x1b[K")
    sys.stderr.flush()
