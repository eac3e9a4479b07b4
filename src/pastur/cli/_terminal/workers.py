"""Who does the work of a command: the options, and the connection to a running Dask cluster."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

# Seconds in which a scheduler answers, or does not.
_PATIENCE = 10


scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS|FILE",
    help="Let a running Dask cluster do it: tcp://HOST:PORT, or a scheduler file.",
)


def analysis_workers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of who analyses the matrices, ``--jobs`` to ``--resume``."""
    options = (
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Processes, each with a matrix in memory and one BLAS thread. Default 1.",
        ),
        scheduler_option,
        click.option(
            "--memory",
            metavar="SIZE",
            help="Matrices worked on at the same time take at most this, for example 8GB.",
        ),
        click.option(
            "--resume",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            help="Keep finished matrices there, and do not analyse again what it has.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextlib.contextmanager
def connected(scheduler: str | None, jobs: int | None) -> Iterator[Any]:
    """Yield a client of the Dask cluster, or None where none is asked for.

    Parameters
    ----------
    scheduler : str or None
        An address with "://" in it, or a file that the scheduler has written.
    jobs : int or None
        What ``--jobs`` says, which goes with no cluster.

    Raises
    ------
    MissingExtraError
        If distributed is not installed.
    FileAccessError
        If no scheduler answers, or the file cannot be read.
    FileFormatError
        If it is not a scheduler file.
    """
    if scheduler is None:
        yield None
        return
    if jobs is not None:
        raise click.UsageError("Choose --jobs or --scheduler, not both.")
    with _client(scheduler if "://" in scheduler else _address_in(Path(scheduler))) as client:
        yield client


def _address_in(path: Path) -> str:
    from pastur._errors import FileFormatError
    from pastur._stored import Damaged, read_object, taken

    try:
        return str(taken(read_object(path), "address", str))
    except Damaged as error:
        raise FileFormatError(f"'{path}' is not a file of a Dask scheduler: {error}.") from None


def _client(address: str) -> Any:
    from pastur._checks import missing_extra
    from pastur._errors import FileAccessError

    try:
        from distributed import Client
    except ImportError:
        raise missing_extra("--scheduler", "distributed", "dask") from None
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise FileAccessError(
            f"No Dask scheduler answers at {address} ({why}). Start one with `dask scheduler`, and "
            "workers with `dask worker ADDRESS`."
        ) from None
