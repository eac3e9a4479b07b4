"""Many calls at the same time: the next as soon as there is room, one more try after a death."""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

from pastur._errors import InvalidInputError
from pastur._versions import package_versions
from pastur._workers import Pool, WorkerDiedError, Workers, killed_by_dask

# Between two checks that some worker is left.
_POLL_SECONDS = 2.0

# Of `package_versions`, those that results depend on.
_MATTER = ("pastur", "numpy", "scipy")

Call = tuple[Any, ...]


def finished(
    function: Callable[..., Any],
    calls: Sequence[Call],
    *,
    workers: Workers,
    needs: Sequence[int] | None = None,
    budget: float = math.inf,
    lost: Callable[[int, WorkerDiedError], Any] | None = None,
) -> Generator[tuple[int, Any], None, None]:
    """Yield the place and the result of ``function(*call)`` for each call, as they finish.

    In a worker a call has one BLAS thread. Its warnings come out here, where the worker is a
    process. A call whose worker dies is carried out once more, with no other call at the same time.

    Parameters
    ----------
    function : callable
        It is pickled, as are the calls and the results, unless the workers share memory.
    calls : sequence of tuples
        In the order in which they are to start.
    workers : Workers
    needs : sequence of int, optional
        The bytes of memory that each call takes.
    budget : float
        Memory of all calls at the same time. One that needs more is carried out on its own. With a
        backend of joblib, the largest call decides how many there are at the same time.
    lost : callable, optional
        ``lost(place, error)``: the result of a call whose worker died again.

    Raises
    ------
    WorkerDiedError
        If a worker died again, and `lost` is not given.
    InvalidInputError
        If no workers are left, or they have other versions than this process.
    """
    needs = [0] * len(calls) if needs is None else needs
    if workers.alone(len(calls)):
        for place, call in enumerate(calls):
            yield place, function(*call)
        return
    task = partial(_carried_out, function, package_versions())
    if workers.joblib:
        done = _by_joblib(task, calls, _at_once(needs, budget))
    else:
        done = _by_pool(workers.pool(), task, calls, _Queue(needs, budget), lost)
    for place, (result, raised) in done:
        for message, category in raised:
            warnings.warn(message, category, stacklevel=2)
        yield place, result


class _Queue:
    """Which call may start next, with those under way."""

    def __init__(self, needs: Sequence[int], budget: float) -> None:
        self._needs, self._budget = needs, budget
        self._waiting = deque(range(len(needs)))
        self._again: deque[int] = deque()
        self._dead: set[int] = set()
        self._taken = 0
        self.flying: dict[Future[Any], int] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._again or self.flying)

    def next(self, at_once: float) -> int | None:
        """Take the next call that there is room for."""
        if not self.flying and self._again:
            return self._again.popleft()
        alone = bool(self._dead) and not self._dead.isdisjoint(self.flying.values())
        if self._again or alone or len(self.flying) >= at_once:
            return None
        room = self._budget - self._taken
        for place in self._waiting:
            if self._needs[place] <= room or not self.flying:
                self._waiting.remove(place)
                return place
        return None

    def start(self, place: int, future: Future[Any]) -> None:
        """Note that a call is under way."""
        self.flying[future] = place
        self._taken += self._needs[place]

    def land(self, future: Future[Any]) -> int:
        """Note that a call has ended; return its place."""
        place = self.flying.pop(future)
        self._taken -= self._needs[place]
        return place

    def put_back(self, place: int) -> None:
        """Take back a call that could not start."""
        (self._again if place in self._dead else self._waiting).appendleft(place)

    def bury(self, place: int) -> bool:
        """Note that the worker of a call died; return whether it is to be carried out again."""
        if place in self._dead:
            return False
        self._dead.add(place)
        self._again.append(place)
        return True


def _by_pool(
    pool: Pool,
    task: Callable[..., Any],
    calls: Sequence[Call],
    queue: _Queue,
    lost: Callable[[int, WorkerDiedError], Any] | None,
) -> Iterator[tuple[int, Any]]:
    try:
        while queue:
            _start(pool, task, calls, queue)
            done, _ = wait(queue.flying, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            if not done:
                pool.check()
            for future in done:
                place = queue.land(future)
                try:
                    result = future.result()
                except Exception as error:
                    death = pool.death(error)
                    if death is None:
                        raise
                    if pool.renewed and queue.bury(place):
                        continue
                    if lost is None:
                        raise death from None
                    result = lost(place, death), []
                yield place, result
    finally:
        pool.stop(queue.flying)


def _start(pool: Pool, task: Callable[..., Any], calls: Sequence[Call], queue: _Queue) -> None:
    """Submit calls as long as there is room."""
    while (place := queue.next(pool.at_once)) is not None:
        try:
            queue.start(place, pool.submit(task, calls[place]))
        except BrokenExecutor as error:
            pool.death(error)
            queue.put_back(place)
            return


def _at_once(needs: Sequence[int], budget: float) -> int | None:
    """Return how many of the largest calls there is memory for; None where all fit."""
    largest = max(needs, default=0)
    return None if largest * len(needs) <= budget else max(1, int(budget / largest))


def _by_joblib(
    task: Callable[..., Any], calls: Sequence[Call], at_once: int | None
) -> Iterator[tuple[int, Any]]:
    from joblib import Parallel, delayed, effective_n_jobs
    from joblib.parallel import get_active_backend

    backend, number = get_active_backend()
    if at_once is not None:
        number = min(at_once, effective_n_jobs(number))
    order = "generator_unordered" if backend.supports_return_generator else "list"
    pool = Parallel(n_jobs=number, return_as=order, batch_size=1)
    try:
        yield from pool(delayed(_placed)(place, task, call) for place, call in enumerate(calls))
    except Exception as error:
        raise killed_by_dask(error) or error from None


def _placed(place: int, task: Callable[..., Any], call: Call) -> tuple[int, Any]:
    return place, task(*call)


# --- in a worker ---


def _carried_out(
    function: Callable[..., Any], versions: dict[str, str], *call: Any
) -> tuple[Any, list[tuple[str, type[Warning]]]]:
    """Return the result, and the warnings that the other process is to raise again."""
    there = package_versions()
    differ = [f"{k} {there[k]}, not {versions[k]}" for k in _MATTER if there[k] != versions[k]]
    if differ:
        raise InvalidInputError(
            f"A worker has {'; '.join(differ)}: its results may differ. Install the same versions."
        )
    with _BLAS.one_thread():
        # Filters of warnings belong to the process: threads that set them disturb each other.
        if threading.current_thread() is not threading.main_thread():
            return function(*call), []
        with warnings.catch_warnings(record=True) as raised:
            result = function(*call)
    return result, [(str(one.message), one.category) for one in raised]


class _SharedLimit:
    """One BLAS thread as long as any thread of this process asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking = 0
        self._modules = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """Limit BLAS within the block."""
        with self._lock:
            if not self._asking:
                self._limit = _free_for_all(self._blas()).limit(limits=1)
            self._asking += 1
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                if not self._asking:
                    _free_for_all(self._controller)
                    self._limit.restore_original_limits()
                    _free_for_all(self._controller)

    def _blas(self) -> Any:
        """Return what sets the number of BLAS threads."""
        # What is not loaded yet cannot be limited.
        import scipy.linalg

        assert scipy.linalg.blas
        # Finding the libraries takes longer than a small call; a new one comes with a module.
        if self._modules != len(sys.modules):
            from threadpoolctl import ThreadpoolController

            self._controller = ThreadpoolController()
            self._modules = len(sys.modules)
        return self._controller


def _free_for_all(controller: Any) -> Any:
    """Let any thread set the limit: threadpoolctl 3.8 reserves it for the one that did it first."""
    for library in controller.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)
    return controller


_BLAS = _SharedLimit()
