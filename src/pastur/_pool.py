"""Many calls at the same time, each in a process."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Workers of a run that was killed finish what they have in hand, and leave soon after.
_IDLE_SECONDS = 10


def as_they_finish(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], *, jobs: int
) -> Iterator[Any]:
    """Yield the results of ``function(*call)`` for each call, the first that is done first."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", idle_worker_timeout=_IDLE_SECONDS):
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from pool(delayed(function)(*call) for call in calls)
