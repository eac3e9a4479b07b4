"""Matrices examined one after the other, or several at the same time; their order stays."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from pastur._errors import FileFormatError
from pastur._numerics.singular_values import load_linear_algebra
from pastur._pool import in_processes
from pastur.analysis._model.selection import Selection
from pastur.weights import Matrix, Skipped

_T = TypeVar("_T")

# Multiplications in the spectrum of a matrix from which the threads of BLAS are worth their while:
# below, they wait for one another, and take several times the CPU time.
_WORTH_THREADS = 5e8


def examined(
    examine: Callable[[Matrix], _T],
    items: Sequence[Matrix | Skipped],
    places: Sequence[int],
    *,
    selection: Selection,
    jobs: int,
) -> Generator[_T, None, None]:
    """Yield ``examine(items[place])`` for each of `places`, in their order.

    With several jobs and a path as source, each job is a process with one BLAS thread, which opens
    the file itself, so that no weights travel. Arrays in memory stay where they are, and the jobs
    are threads.

    Parameters
    ----------
    examine : callable
        It is pickled.
    items : sequence
        Those of the selection.
    selection : Selection
    """
    jobs = min(jobs, len(places))
    matrices = [item for place in places if isinstance(item := items[place], Matrix)]
    if jobs <= 1:
        yield from _one_by_one(examine, matrices)
    elif selection.on_disk:
        # A worker may outlive this run, and the file change until the next.
        run = os.urandom(8).hex()
        there = partial(_examine_there, examine, os.getcwd(), selection, run)
        calls = [(place, matrix.name) for place, matrix in zip(places, matrices, strict=True)]
        yield from in_processes(there, calls, jobs=jobs, ordered=True, threads=1)
    else:
        yield from _threads(examine, matrices, jobs)


def _one_by_one(function: Callable[[Matrix], _T], matrices: list[Matrix]) -> Iterator[_T]:
    blas = _blas(matrices)
    for matrix in matrices:
        n, m = sorted(matrix.shape)
        threads = None if n * n * (n + m) >= _WORTH_THREADS else 1
        with blas.limit(limits=threads, user_api="blas"):
            found = function(matrix)
        yield found


def _threads(function: Callable[[Matrix], _T], matrices: list[Matrix], jobs: int) -> Iterator[_T]:
    from joblib import Parallel, delayed

    with _blas(matrices).limit(limits=1, user_api="blas"):
        pool = Parallel(n_jobs=jobs, return_as="generator", backend="threading", batch_size=1)
        yield from pool(delayed(function)(matrix) for matrix in matrices)


def _blas(matrices: list[Matrix]) -> Any:
    """Return what limits the threads of BLAS while these matrices are worked on."""
    from threadpoolctl import ThreadpoolController

    # A BLAS that is not loaded yet cannot be limited.
    for matrix in matrices:
        load_linear_algebra(matrix.shape)
    return ThreadpoolController()


def _examine_there(
    examine: Callable[[Matrix], _T],
    folder: str,
    selection: Selection,
    run: str,
    place: int,
    name: str,
) -> _T:
    """Return ``examine`` of one matrix, in a worker."""
    # A worker that was started before keeps the folder of that time.
    os.chdir(folder)
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
