"""Many calls at the same time, each in a process."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pastur._errors import InvalidInputError

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
    """Yield the results of ``function(*call)`` for each call; warnings come out here too.

    Parameters
    ----------
    jobs : int
        Processes at the same time.
    ordered : bool, default False
        Whether the results come in the order of the calls; else the first that is done comes first.
    threads : int, optional
        BLAS threads in each process; by default the number that BLAS chooses.

    Raises
    ------
    InvalidInputError
        If a process is killed, most often because memory ran out.
    """
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    order = "generator" if ordered else "generator_unordered"
    with parallel_config(
        backend="loky", inner_max_num_threads=threads, idle_worker_timeout=_IDLE_SECONDS
    ):
        pool = Parallel(n_jobs=jobs, return_as=order, batch_size=1)
    try:
        for result, raised in pool(delayed(_recorded)(function, call) for call in calls):
            for message, category in raised:
                warnings.warn(message, category, stacklevel=2)
            yield result
    except TerminatedWorkerError:
        raise InvalidInputError(
            f"One of {jobs} jobs was ended from outside, most often because memory ran out. "
            "Ask for fewer jobs."
        ) from None


def _recorded(
    function: Callable[..., Any], call: tuple[Any, ...]
) -> tuple[Any, list[tuple[str, type[Warning]]]]:
    """Return the result, and the warnings that the parent process is to raise again."""
    with warnings.catch_warnings(record=True) as raised:
        result = function(*call)
    return result, [(str(one.message), one.category) for one in raised]
