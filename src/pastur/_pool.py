"""Many calls at the same time, each in a process."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Workers of a run that was killed finish what they have in hand, and leave soon after.
_IDLE_SECONDS = 10


def in_processes(
    function: Callable[..., Any],
    calls: Iterable[tuple[Any, ...]],
    *,
    jobs: int,
    ordered: bool = False,
    threads: int | None = None,
) -> Iterator[Any]:
    """Yield the results of ``function(*call)`` for each call.

    Parameters
    ----------
    jobs : int
        Processes at the same time.
    ordered : bool, default False
        Whether the results come in the order of the calls; else the first that is done comes first.
    threads : int, optional
        Of the linear algebra library, in each process; by default what it takes by itself.
    """
    from joblib import Parallel, delayed, parallel_config

    order = "generator" if ordered else "generator_unordered"
    with parallel_config(
        backend="loky", inner_max_num_threads=threads, idle_worker_timeout=_IDLE_SECONDS
    ):
        pool = Parallel(n_jobs=jobs, return_as=order, batch_size=1)
    yield from pool(delayed(function)(*call) for call in calls)
