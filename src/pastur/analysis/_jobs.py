"""Matrices examined one after the other, or several at the same time; their order stays."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from pastur._errors import FileFormatError, InvalidInputError
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

# Workers of a run that was killed finish what they have in hand, and leave soon after.
_IDLE_SECONDS = 10

_T = TypeVar("_T")
_Patterns = str | tuple[str, ...] | None


def examined(
    examine: Callable[[Matrix], _T],
    items: Sequence[Matrix | Skipped],
    places: Sequence[int],
    *,
    source: Any,
    patterns: tuple[Any, Any],
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
        What ``iter_matrices(open_weights(source), include=…, exclude=…)`` yields.
    patterns : pair
        `include` and `exclude`.
    """
    jobs = min(jobs, len(places))
    matrices = [item for place in places if isinstance(item := items[place], Matrix)]
    if jobs <= 1:
        yield from map(examine, matrices)
    elif isinstance(source, (str, os.PathLike)):
        include, exclude = map(_hashable, patterns)
        # A worker may outlive this run, and the file change until the next.
        run = os.urandom(8).hex()
        there = partial(_examine_there, examine, os.getcwd(), source, include, exclude, run)
        calls = [(place, matrix.name) for place, matrix in zip(places, matrices, strict=True)]
        yield from _processes(there, calls, jobs)
    else:
        yield from _threads(examine, matrices, jobs)


def _processes(
    function: Callable[..., _T], calls: Sequence[tuple[Any, ...]], jobs: int
) -> Iterator[_T]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with parallel_config(
        backend="loky", inner_max_num_threads=1, idle_worker_timeout=_IDLE_SECONDS
    ):
        pool = Parallel(n_jobs=jobs, return_as="generator", batch_size=1)
    try:
        yield from pool(delayed(function)(*call) for call in calls)
    except TerminatedWorkerError:
        raise InvalidInputError(
            f"One of {jobs} jobs was ended from outside, most often because memory ran out. "
            "Ask for fewer jobs."
        ) from None


def _threads(function: Callable[[Matrix], _T], matrices: list[Matrix], jobs: int) -> Iterator[_T]:
    import scipy
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    # A BLAS that is not loaded yet cannot be limited.
    _ = scipy.linalg.blas
    with threadpool_limits(1, user_api="blas"):
        pool = Parallel(n_jobs=jobs, return_as="generator", backend="threading", batch_size=1)
        yield from pool(delayed(function)(matrix) for matrix in matrices)


def _examine_there(
    examine: Callable[[Matrix], _T],
    folder: str,
    source: Any,
    include: _Patterns,
    exclude: _Patterns,
    run: str,
    place: int,
    name: str,
) -> _T:
    """Return ``examine`` of one matrix, in a worker."""
    # A worker that was started before keeps the folder of that time.
    os.chdir(folder)
    items = _opened(source, include, exclude, run)
    item = items[place] if place < len(items) else None
    if not isinstance(item, Matrix) or item.name != name:
        raise FileFormatError(f"'{source}' was changed while it was analysed. Analyse it again.")
    return examine(item)


@lru_cache(maxsize=1)
def _opened(
    source: Any, include: _Patterns, exclude: _Patterns, run: str
) -> list[Matrix | Skipped]:
    """Return the items of a source, remembered for the rest of one run."""
    return list(iter_matrices(open_weights(source), include=include, exclude=exclude))


def _hashable(patterns: Any) -> _Patterns:
    return patterns if patterns is None or isinstance(patterns, str) else tuple(patterns)
