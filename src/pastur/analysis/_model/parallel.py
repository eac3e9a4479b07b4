"""Matrices examined one after the other, or several at the same time."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from pastur._errors import FileFormatError, InvalidInputError
from pastur._numerics.singular_values import load_linear_algebra
from pastur._pool import finished
from pastur._workers import WorkerDiedError, Workers
from pastur.weights import Skipped

_T = TypeVar("_T")
_Examine = Callable[[Any, str | None], _T]
_Progress = Callable[[int, int, str], None]

# Multiplications in the spectrum of a matrix from which the threads of BLAS are worth their while:
# below, they wait for one another, and take several times the CPU time.
_WORTH_THREADS = 5e8
# Bytes of memory that a process takes, and an entry while its matrix is worked on: the most that
# was measured for matrices of 2 to 8 million entries.
_PROCESS_BYTES, _ENTRY_BYTES = 200_000_000, 64


class Item(Protocol):
    """A matrix to examine, or several under one name."""

    @property
    def name(self) -> str:
        """No two of a choice are alike."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""


class Choice(Protocol):
    """What is chosen of one source or several, as a value that other processes can take."""

    @property
    def on_disk(self) -> bool:
        """Whether another process can open it."""

    @property
    def words(self) -> str:
        """What it is of, for an error."""

    def __hash__(self) -> int:
        """Equal choices list the same."""

    def absolute(self) -> Self:
        """Return the same for a process in another folder."""

    def listed(self) -> Sequence[Any]:
        """Open it and return an `Item` or a `Skipped` for each tensor, always in one order."""


class Task(NamedTuple):
    """A matrix to examine.

    Attributes
    ----------
    place : int
        Where it is among what is listed.
    matrix : Item
    known : str or None
        What is known of it from an earlier run; see `examine_anew`.
    held : int
        Bytes an entry of what is held apart from the matrix that is worked on.
    """

    place: int
    matrix: Item
    known: str | None = None
    held: int = 0

    @property
    def multiplications(self) -> float:
        """Those of its spectrum."""
        n, m = sorted(self.matrix.shape)
        return float(n) * n * (n + m)

    @property
    def entries(self) -> int:
        """Those of its matrix."""
        return math.prod(self.matrix.shape)

    @property
    def memory(self) -> int:
        """About the bytes that it takes to examine it."""
        return _PROCESS_BYTES + (_ENTRY_BYTES + self.held) * self.entries


def entries_within(memory: float) -> float:
    """Return how many entries one process may hold in so many bytes."""
    return (memory - _PROCESS_BYTES) / _ENTRY_BYTES


def examined(
    examine: _Examine[_T],
    tasks: Sequence[Task],
    *,
    choice: Choice,
    workers: Workers,
    memory: float,
    lost: Callable[[Any, WorkerDiedError], _T],
    progress: _Progress,
) -> Generator[tuple[int, _T], None, None]:
    """Yield place and ``examine(matrix, known)`` for each of the tasks, as they finish.

    One after the other they keep their order; else the largest start first, each with one BLAS
    thread. Another process opens the file itself, so that no weights travel. Arrays in memory stay
    where they are, and jobs are threads.

    Parameters
    ----------
    examine : callable
        It is pickled.
    tasks : sequence of Task
    choice : Choice
    workers : Workers
    memory : float
        Bytes that all matrices worked on at the same time may take.
    lost : callable
        What a matrix comes to whose worker died twice.
    progress : callable
        ``progress(done, total, name)``, before each matrix where they keep their order, else after;
        and at the end.

    Raises
    ------
    InvalidInputError
        If arrays in memory are to go to other processes.
    """
    if workers.alone(len(tasks)):
        yield from _one_by_one(examine, tasks, progress)
    else:
        yield from _side_by_side(examine, tasks, choice, workers, memory, lost, progress)
    progress(len(tasks), len(tasks), "")


def _side_by_side(
    examine: _Examine[_T],
    tasks: Sequence[Task],
    choice: Choice,
    workers: Workers,
    memory: float,
    lost: Callable[[Any, WorkerDiedError], _T],
    progress: _Progress,
) -> Iterator[tuple[int, _T]]:
    tasks = sorted(tasks, key=lambda task: task.multiplications, reverse=True)
    function: Callable[..., _T] = examine
    calls: list[tuple[Any, ...]] = [(task.matrix, task.known) for task in tasks]
    able: AbstractContextManager[Workers] = _sharing_memory(workers)
    if choice.on_disk:
        # A worker may outlive this run, and the file change until the next.
        run = os.urandom(8).hex()
        function = partial(_examine_there, examine, choice.absolute(), run)
        calls = [(task.place, task.matrix.name, task.known) for task in tasks]
        able = nullcontext(workers)
    with able as those:
        results = finished(
            function,
            calls,
            workers=those,
            needs=[task.memory for task in tasks],
            budget=memory,
            lost=lambda number, death: lost(tasks[number].matrix, death),
        )
        with closing(results):
            for done, (number, result) in enumerate(results, 1):
                yield tasks[number].place, result
                progress(done, len(tasks), tasks[number].matrix.name)


@contextmanager
def _sharing_memory(workers: Workers) -> Iterator[Workers]:
    """Yield workers that see the arrays of this process."""
    if workers.share_memory:
        yield workers
    elif workers.local:
        with ThreadPoolExecutor(workers.jobs) as threads:
            yield Workers(executor=threads)
    else:
        raise InvalidInputError(
            "Arrays in memory are not sent to other processes. Save the model, for example as "
            "safetensors, and pass its path; or pass `jobs`, which are threads for arrays."
        )


def _one_by_one(
    examine: _Examine[_T], tasks: Sequence[Task], progress: _Progress
) -> Iterator[tuple[int, _T]]:
    limited = blas_threads(tasks)
    for done, task in enumerate(tasks):
        progress(done, len(tasks), task.matrix.name)
        with limited(task):
            found = examine(task.matrix, task.known)
        yield task.place, found


def blas_threads(tasks: Sequence[Task]) -> Callable[[Task], AbstractContextManager[Any]]:
    """Return what limits the threads of BLAS while one of these matrices is worked on."""
    from threadpoolctl import ThreadpoolController

    # A BLAS that is not loaded yet cannot be limited.
    for task in tasks:
        load_linear_algebra(task.matrix.shape)
    blas = ThreadpoolController()

    def limited(task: Task) -> AbstractContextManager[Any]:
        threads = None if task.multiplications >= _WORTH_THREADS else 1
        found: AbstractContextManager[Any] = blas.limit(limits=threads, user_api="blas")
        return found

    return limited


def _examine_there(
    examine: _Examine[_T],
    choice: Choice,
    run: str,
    place: int,
    name: str,
    known: str | None,
) -> _T:
    """Return ``examine`` of one matrix, in a worker."""
    items = _opened(choice, run)
    item = items[place] if place < len(items) else None
    if item is None or isinstance(item, Skipped) or item.name != name:
        raise FileFormatError(
            f"{choice.words} was changed while it was analysed. Analyse it again."
        )
    return examine(item, known)


@lru_cache(maxsize=1)
def _opened(choice: Choice, run: str) -> Sequence[Any]:
    """Return what is listed of a source, remembered for the rest of one run."""
    return choice.listed()
