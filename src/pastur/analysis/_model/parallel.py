"""Matrices examined one after the other, or several at the same time."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import lru_cache, partial
from typing import Any, TypeVar

from pastur._errors import FileFormatError, InvalidInputError
from pastur._numerics.singular_values import load_linear_algebra
from pastur._pool import finished
from pastur._workers import WorkerDiedError, Workers
from pastur.analysis._model.selection import Selection
from pastur.weights import Matrix, Skipped

_T = TypeVar("_T")
_Places = Sequence[tuple[int, Matrix]]

# Multiplications in the spectrum of a matrix from which the threads of BLAS are worth their while:
# below, they wait for one another, and take several times the CPU time.
_WORTH_THREADS = 5e8
# Bytes of memory that an entry takes while its matrix is worked on, at most.
_BYTES = 24


def examined(
    examine: Callable[[Matrix], _T],
    matrices: _Places,
    *,
    selection: Selection,
    workers: Workers,
    memory: float,
    lost: Callable[[Matrix, WorkerDiedError], _T],
    progress: Callable[[int, int, str], None],
) -> Generator[tuple[int, _T], None, None]:
    """Yield place and ``examine(matrix)`` for each of the matrices, as they finish.

    One after the other they keep their order; else the largest start first, each with one BLAS
    thread. Another process opens the file itself, so that no weights travel. Arrays in memory stay
    where they are, and jobs are threads.

    Parameters
    ----------
    examine : callable
        It is pickled.
    matrices : sequence of tuples
        With their places among the items of the selection.
    selection : Selection
    workers : Workers
    memory : float
        Bytes that all matrices worked on at the same time may take.
    lost : callable
        What a matrix comes to whose worker died twice.
    progress : callable
        ``progress(done, total, name)``, before each matrix where they keep their order, else after.

    Raises
    ------
    InvalidInputError
        If arrays in memory are to go to other processes.
    """
    if workers.alone(len(matrices)):
        yield from _one_by_one(examine, matrices, progress)
        return
    matrices = sorted(matrices, key=lambda entry: _multiplications(entry[1]), reverse=True)
    function: Callable[..., _T] = examine
    calls: list[tuple[Any, ...]] = [(matrix,) for _, matrix in matrices]
    able: AbstractContextManager[Workers] = _sharing_memory(workers)
    if selection.on_disk:
        # A worker may outlive this run, and the file change until the next.
        run = os.urandom(8).hex()
        function = partial(_examine_there, examine, selection.absolute(), run)
        calls = [(place, matrix.name) for place, matrix in matrices]
        able = nullcontext(workers)
    with able as those:
        results = finished(
            function,
            calls,
            workers=those,
            needs=[_BYTES * math.prod(matrix.shape) for _, matrix in matrices],
            budget=memory,
            lost=lambda number, death: lost(matrices[number][1], death),
        )
        with closing(results):
            for done, (number, result) in enumerate(results, 1):
                place, matrix = matrices[number]
                yield place, result
                progress(done, len(matrices), matrix.name)


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
    function: Callable[[Matrix], _T],
    matrices: _Places,
    progress: Callable[[int, int, str], None],
) -> Iterator[tuple[int, _T]]:
    blas = _blas(matrices)
    for done, (place, matrix) in enumerate(matrices):
        progress(done, len(matrices), matrix.name)
        threads = None if _multiplications(matrix) >= _WORTH_THREADS else 1
        with blas.limit(limits=threads, user_api="blas"):
            found = function(matrix)
        yield place, found


def _multiplications(matrix: Matrix) -> float:
    n, m = sorted(matrix.shape)
    return float(n) * n * (n + m)


def _blas(matrices: _Places) -> Any:
    """Return what limits the threads of BLAS while these matrices are worked on."""
    from threadpoolctl import ThreadpoolController

    # A BLAS that is not loaded yet cannot be limited.
    for _, matrix in matrices:
        load_linear_algebra(matrix.shape)
    return ThreadpoolController()


def _examine_there(
    examine: Callable[[Matrix], _T], selection: Selection, run: str, place: int, name: str
) -> _T:
    """Return ``examine`` of one matrix, in a worker."""
    items = _opened(selection, run)
    item = items[place] if place < len(items) else None
    if not isinstance(item, Matrix) or item.name != name:
        raise FileFormatError(
            f"'{selection.source}' was changed while it was analysed. Analyse it again."
        )
    return examine(item)


@lru_cache(maxsize=1)
def _opened(selection: Selection, run: str) -> list[Matrix | Skipped]:
    """Return the items of a source, remembered for the rest of one run."""
    return selection.items(selection.open())
