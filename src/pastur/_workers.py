"""Who carries out many calls: this process, local processes, an executor, or joblib's backend."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pastur._checks import positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError

# Workers of a run that was killed finish what they have in hand, and leave soon after.
_IDLE_SECONDS = 10
# How long a cluster may have no worker: a queue may take a while to start the next.
PATIENCE = 300.0


class WorkerDiedError(InvalidInputError):
    """The worker of a call died, and another one would."""


class WorkersGoneError(InvalidInputError):
    """Nothing is left that could carry out a call."""


@dataclass(frozen=True)
class Workers:
    """What `jobs` and `executor` come to.

    Attributes
    ----------
    jobs : int
        Calls at the same time in processes of this machine; 1 is this process.
    executor : Executor, distributed.Client or None
        What the caller passed.
    joblib : bool
        Whether the backend of the caller's ``joblib.parallel_config`` does the work.
    """

    jobs: int = 1
    executor: Any = None
    joblib: bool = False

    @classmethod
    def of(cls, jobs: int | None, executor: Any) -> Workers:
        """Return the workers that the arguments `jobs` and `executor` ask for.

        Without either it is what the caller's ``joblib.parallel_config`` says, or this process.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If an argument is wrong, or both are given.
        """
        jobs = None if jobs is None else positive_integer("jobs", jobs)
        if executor is None:
            return _configured(jobs)
        if jobs is not None:
            raise InvalidInputError(
                "Pass `jobs`, processes of this machine, or `executor`, which has its own number "
                "of workers, not both."
            )
        if not isinstance(executor, Executor) and not _is_client(executor):
            raise InvalidTypeError(
                "`executor` must be a concurrent.futures.Executor or a distributed.Client. Got "
                f"{type(executor).__name__}."
            )
        return cls(executor=executor)

    def alone(self, calls: int) -> bool:
        """Whether this process carries out so many calls, one after the other."""
        return self.local and min(self.jobs, calls) <= 1

    @property
    def local(self) -> bool:
        """Whether the caller left it to pastur who does the work."""
        return self.executor is None and not self.joblib

    @property
    def share_memory(self) -> bool:
        """Whether the workers are threads of this process."""
        if self.joblib:
            return bool(getattr(_active_backend()[0], "supports_sharedmem", False))
        return isinstance(self.executor, ThreadPoolExecutor)

    def pool(self) -> Pool:
        """Return what calls are submitted to."""
        if self.executor is None:
            return Processes(self.jobs)
        if _is_client(self.executor):
            return Cluster(self.executor)
        return Pool(self.executor)


class Pool:
    """An executor that the caller owns: a broken one stays broken, and it is not shut down."""

    at_once: float = math.inf
    renewed = False

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._broken = False

    def submit(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Future[Any]:
        """Start a call."""
        return self._executor.submit(function, *call)

    def death(self, error: Exception) -> WorkerDiedError | None:
        """Return what to say where the error of a call is that its worker died.

        Raises
        ------
        WorkersGoneError
            If all workers are gone.
        """
        if isinstance(error, (BrokenExecutor, CancelledError)):
            self._broken = True
            raise WorkersGoneError(
                "A worker of the executor was ended from outside, most often because memory ran "
                "out, and the executor takes no more calls. Pass a new one."
            ) from None
        return None

    def check(self) -> None:
        """Raise where all workers are gone; called while nothing finishes."""

    def stop(self, flying: Collection[Future[Any]]) -> None:
        """End the run; what has not started will not."""
        if self._broken:
            # It marks all its calls itself. Python's own stumbles over one that is cancelled
            # meanwhile, leaves its other processes alive, and waits for them at the end, forever.
            return
        for future in flying:
            future.cancel()


class Processes(Pool):
    """Processes of this machine, kept for the next run; where one dies, all are new."""

    renewed = True

    def __init__(self, jobs: int) -> None:
        # One more than can run: a process that has finished finds the next call waiting.
        self.at_once = jobs + 1
        self._jobs = jobs

    def submit(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Future[Any]:
        """Start a call, in new processes where the last ones died."""
        with _interrupts_held():
            future: Future[Any] = self._now().submit(function, *call)
        return future

    def death(self, error: Exception) -> WorkerDiedError | None:
        """Return what to say where the process of a call died; the next one has new processes."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        if not isinstance(error, TerminatedWorkerError):
            return None
        return WorkerDiedError(
            "A process was ended from outside, and again when nothing else was under way, most "
            "often because memory ran out."
        )

    def stop(self, flying: Collection[Future[Any]]) -> None:
        """End the processes that still have something to do."""
        if not flying:
            return
        executor = self._now()
        # loky stumbles over calls that it has not taken in hand yet, which takes it a moment. It
        # takes them in their order; the last may be one that an interrupt kept from being noted.
        with suppress(BrokenExecutor):
            last = executor.submit(int)
            end = time.monotonic() + _IDLE_SECONDS
            while not (last.running() or last.done()) and time.monotonic() < end:
                time.sleep(0.001)
        executor.shutdown(wait=True, kill_workers=True)

    def _now(self) -> Any:
        from joblib.externals.loky import get_reusable_executor

        return get_reusable_executor(
            max_workers=self._jobs, timeout=_IDLE_SECONDS, initializer=_ignore_interrupts
        )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends; processes that start in it never receive it.

    A terminal sends it to them too, and one that is still starting would print a traceback. This
    process ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one, also where it could not be held."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Cluster(Pool):
    """A Dask cluster. Its scheduler repeats the calls of workers that die, and gives up in time."""

    def __init__(self, client: Any) -> None:
        super().__init__(client.get_executor(pure=False))
        self._client = client
        self._seen = time.monotonic()

    def death(self, error: Exception) -> WorkerDiedError | None:
        """Return what to say where the scheduler has given a call up."""
        return killed_by_dask(error)

    def check(self) -> None:
        """Raise where the cluster has had no workers for long."""
        now = time.monotonic()
        if self._client.nthreads():
            self._seen = now
        elif now - self._seen > PATIENCE:
            raise WorkersGoneError(
                f"The Dask cluster has had no workers for {PATIENCE:.0f} s. Start some, and run "
                "this again."
            )


def killed_by_dask(error: Exception) -> WorkerDiedError | None:
    """Return what to say where a Dask scheduler has given a call up.

    Raises
    ------
    WorkersGoneError
        If the scheduler itself is gone.
    """
    if isinstance(error, CancelledError):
        raise WorkersGoneError(
            "The connection to the Dask scheduler was lost, or someone else cancelled its tasks."
        ) from None
    distributed = sys.modules.get("distributed")
    if distributed is None or not isinstance(error, distributed.KilledWorker):
        return None
    return WorkerDiedError(
        "Several workers of the Dask cluster died of the same task, most often because memory ran "
        "out."
    )


def _configured(jobs: int | None) -> Workers:
    """Return what the caller's ``joblib.parallel_config`` says where `jobs` does not."""
    # A configuration can only be there where joblib is loaded.
    if jobs is not None or "joblib" not in sys.modules:
        return Workers(jobs or 1)
    from joblib.parallel import LokyBackend, SequentialBackend

    backend, number = _active_backend()
    if isinstance(backend, SequentialBackend):
        return Workers()
    if isinstance(backend, LokyBackend):
        return Workers(backend.effective_n_jobs(number or 1))
    return Workers(joblib=True)


def _active_backend() -> tuple[Any, int | None]:
    from joblib.parallel import get_active_backend

    backend, number = get_active_backend()
    return backend, number


def _is_client(executor: Any) -> bool:
    # A client can only be there where distributed is loaded.
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(executor, distributed.Client)
