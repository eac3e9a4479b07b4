"""The one place where an exception becomes a line on stderr and an exit status."""

import contextlib
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from pastur._errors import InternalError, PasturError, PasturWarning
from pastur._foreign import visible
from pastur.cli._terminal.printable import one_line

INTERRUPTED, TERMINATED = 130, 143
_DEBUG = "pastur.debug"
_OUT_OF_MEMORY = "not enough memory. Analyse a part (--include), with fewer jobs, or where more is."


class QuietGroup(click.Group):
    """A group of commands that answer bad input with one line and status 1, never a traceback."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Parse the options of the group itself."""
        with _harmless_usage():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself deals with wrong usage (2) and a closed pipe."""
        try:
            with _harmless_usage(), _own_warnings(), _ended_in_order():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            report(error)
            ctx.exit(1)
        except _Terminated:
            click.echo("pastur: terminated.", err=True)
            ctx.exit(TERMINATED)
        except KeyboardInterrupt:
            click.echo("pastur: interrupted.", err=True)
            ctx.exit(INTERRUPTED)


class _Terminated(KeyboardInterrupt):
    """The system or another user asks the run to end."""


def report(error: Exception) -> None:
    """Write the line of an exception on stderr, below its traceback where that is wanted."""
    if debugging():
        click.echo(visible_lines("".join(traceback.format_exception(error))), err=True, nl=False)
    click.echo(f"pastur: {_sentence(error)}", err=True)


def report_faults(skipped: Iterable[Any], faults: Iterable[Exception]) -> None:
    """Write the line of each fault, below the tracebacks of skipped tensors where wanted."""
    if debugging():
        for tensor in skipped:
            click.echo(visible_lines(tensor.traceback), err=True, nl=False)
    for fault in faults:
        report(fault)


def debug_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option ``--debug``."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_note_debug,
        help="Show the traceback of an error.",
    )(command)


def debugging() -> bool:
    """Return whether tracebacks are wanted."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(_DEBUG))


def visible_lines(text: str) -> str:
    """Return lines with what could drive the terminal as escapes."""
    return "".join(f"{visible(line)}\n" for line in text.splitlines())


def _note_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True


def _sentence(error: Exception) -> str:
    if isinstance(error, PasturError):
        return one_line(str(error))
    if isinstance(error, MemoryError):
        return _OUT_OF_MEMORY
    if isinstance(error, OSError) and error.strerror:
        named = "" if error.filename is None else f": '{error.filename}'"
        return one_line(f"{error.strerror}{named}.")
    if isinstance(error, ImportError):
        return one_line(f"a package that pastur needs cannot be loaded: {error}")
    return one_line(str(InternalError.of(error)))


@contextlib.contextmanager
def _own_warnings() -> Iterator[None]:
    """Write warnings of pastur as a line each."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, PasturWarning):
                click.echo(f"pastur: warning: {one_line(str(message))}", err=True)
            else:
                others(message, category, *place, **more)

        warnings.simplefilter("always", PasturWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM end a run as an interrupt does: with its workers, without part files."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(*_: Any) -> None:
        raise _Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _harmless_usage() -> Iterator[None]:
    """Make the words of wrong usage harmless: a shell's pattern may stand for any file name."""
    try:
        yield
    except click.UsageError as error:
        raise click.UsageError(one_line(error.format_message()), error.ctx) from None
