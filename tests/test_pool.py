"""Many calls at the same time: results, warnings, memory, and workers that die."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import joblib
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from pastur._errors import InvalidInputError, InvalidTypeError, PasturWarning
from pastur._pool import finished
from pastur._versions import package_versions
from pastur._workers import Cluster, Workers, WorkersGoneError


def functions() -> tuple[Callable[..., Any], ...]:
    """Made inside, so that they travel to a process by what they do and not by their names."""

    def square(number: int) -> int:
        if number == 3:
            warnings.warn("three", PasturWarning, stacklevel=2)
        return number**2

    def die(number: int) -> int:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    def fail(number: int) -> None:
        raise ValueError(f"no {number}")

    return square, die, fail


square, die, fail = functions()


def results(function: Callable[..., Any], calls: list[tuple[Any, ...]], **more: Any) -> list[Any]:
    """Return what the calls return, in their order."""
    return [result for _, result in sorted(finished(function, calls, **more))]


TWO = Workers(jobs=2)


@pytest.mark.lengthy
def test_results_have_their_places_and_warnings_come_out() -> None:
    with pytest.warns(PasturWarning, match="three") as raised:
        found = results(square, [(n,) for n in range(5)], workers=TWO)
    assert found == [0, 1, 4, 9, 16]
    assert len(raised) == 1


@pytest.mark.lengthy
def test_a_process_that_dies_again_and_again_is_a_sentence() -> None:
    with pytest.raises(InvalidInputError, match="A process was ended from outside, and again"):
        results(die, [(1,), (2,)], workers=TWO)
    # The next run has new processes.
    assert results(square, [(1,), (2,)], workers=TWO) == [1, 4]


@pytest.mark.lengthy
def test_what_is_lost_is_named_and_everything_else_is_done() -> None:
    def lost(place: int, death: Exception) -> str:
        return f"{place}: {type(death).__name__}"

    found = results(die, [(n,) for n in range(6)], workers=TWO, lost=lost)
    assert found == [0, "1: WorkerDiedError", 2, 3, 4, 5]


@pytest.mark.lengthy
def test_a_process_that_dies_once_is_a_retry(tmp_path: Path) -> None:
    def die_once(number: int) -> int:
        with (tmp_path / str(number)).open("a") as file:
            file.write("x")
        if number == 2 and (tmp_path / "2").stat().st_size == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    assert results(die_once, [(n,) for n in range(6)], workers=TWO) == list(range(6))
    times = [(tmp_path / str(n)).stat().st_size for n in range(6)]
    assert times[2] == 2
    # What finished is not done again: only itself, what ran with it, and what came next.
    assert sum(times) <= 6 + 3


@pytest.mark.parametrize(
    "kind",
    [ThreadPoolExecutor, pytest.param(ProcessPoolExecutor, marks=pytest.mark.lengthy)],
)
def test_an_executor_of_the_caller_does_it_and_stays_open(kind: Any) -> None:
    context = {"mp_context": get_context("spawn")} if kind is ProcessPoolExecutor else {}
    with kind(2, **context) as executor:
        workers = Workers.of(None, executor)
        assert results(pow, [(n, 2) for n in range(4)], workers=workers) == [0, 1, 4, 9]
        assert executor.submit(abs, -1).result() == 1


class Broken(Executor):
    """An executor of which a worker died, before the call or with it."""

    def __init__(self, *, before: bool) -> None:
        self._before = before

    def submit(self, function: Any, /, *call: Any, **more: Any) -> Future[Any]:
        if self._before:
            raise BrokenProcessPool("a worker died")
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("a worker died"))
        return future


@pytest.mark.parametrize("before", [False, True])
def test_a_broken_executor_of_the_caller_is_a_sentence(before: bool) -> None:
    with pytest.raises(WorkersGoneError, match=r"takes no more calls\. Pass a new one"):
        results(abs, [(1,)], workers=Workers.of(None, Broken(before=before)))


class FirstFails(Executor):
    """An executor in which the first call ends with an error, and the others have not started."""

    def __init__(self, error: Exception) -> None:
        self.error, self.futures = error, list[Future[Any]]()

    def submit(self, function: Any, /, *call: Any, **more: Any) -> Future[Any]:
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_exception(self.error)
        return self.futures[-1]


@pytest.mark.parametrize(
    ("error", "raised", "cancelled"),
    [
        (ValueError("planted"), ValueError, True),
        # Python's own executor loses its manager where a call is cancelled while it marks them as
        # broken: its other processes stay, and this one never ends.
        (BrokenProcessPool("a worker died"), WorkersGoneError, False),
    ],
)
def test_calls_of_a_broken_executor_are_left_to_it(
    error: Exception, raised: type[Exception], cancelled: bool
) -> None:
    executor = FirstFails(error)
    with pytest.raises(raised):
        results(abs, [(1,), (2,), (3,)], workers=Workers.of(None, executor))
    assert [future.cancelled() for future in executor.futures] == [False, cancelled, cancelled]


BACKEND = """
import os, sys
import joblib
from pastur._pool import finished
from pastur._workers import Workers
with joblib.parallel_config(backend=sys.argv[1], n_jobs=2):
    found = {pid for _, pid in finished(os.getpid, [()] * 4, workers=Workers.of(None, None))}
print("here" if os.getpid() in found else "elsewhere")
"""


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("backend", "where"),
    [("threading", "here"), ("multiprocessing", "elsewhere"), ("loky", "elsewhere")],
)
def test_the_backend_that_joblib_was_given_does_it(backend: str, where: str) -> None:
    """In a process of its own: `multiprocessing` forks, which other threads may block for ever."""
    command = [sys.executable, "-c", BACKEND, backend]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == (f"{where}\n", "")


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_the_workers_of_a_backend_of_joblib(backend: str) -> None:
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert Workers.of(None, None) == (TWO if backend == "loky" else Workers(joblib=True))


def test_without_a_word_of_the_caller_it_is_this_process() -> None:
    assert Workers.of(None, None) == Workers(1)
    assert set(results(os.getpid, [(), ()], workers=Workers(1))) == {os.getpid()}
    with joblib.parallel_config(n_jobs=3):
        assert Workers.of(None, None) == Workers(3)
        assert Workers.of(2, None) == TWO


def test_wrong_workers_are_refused() -> None:
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(InvalidInputError, match="not both"):
            Workers.of(2, executor)
    with pytest.raises(InvalidTypeError, match=r"Executor or a distributed\.Client. Got str"):
        Workers.of(None, "tcp://localhost:8786")


def test_memory_decides_how_many_at_a_time() -> None:
    lock, now, most = threading.Lock(), [0], [0]
    needs = [9, 5, 3, 3, 2, 1, 1]
    all_at_once = threading.Barrier(len(needs))

    def work(need: int) -> int:
        with lock:
            now[0] += need
            most[0] = max(most[0], now[0])
        if budget == 100:
            all_at_once.wait(timeout=30)
        else:
            time.sleep(0.01)
        with lock:
            now[0] -= need
        return need

    for budget, most_of_all in ((6, 9), (8, 9), (100, sum(needs))):
        most[0] = 0
        with ThreadPoolExecutor(7) as threads:
            found = results(
                work,
                [(need,) for need in needs],
                workers=Workers(executor=threads),
                needs=needs,
                budget=budget,
            )
        assert found == needs
        # What needs more than all is on its own.
        assert most[0] == most_of_all


def test_threads_that_share_a_process_have_one_blas_thread_until_the_last_is_done() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    def work(seconds: float) -> set[int]:
        time.sleep(seconds)
        return threads()

    assert scipy.linalg.blas
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(3) as executor:
        calls = [(0.2,), (0.01,), (0.1,)]
        found = results(work, calls, workers=Workers(executor=executor))
        assert threads() == {2}
    assert found == [{1}, {1}, {1}]


@pytest.mark.lengthy
def test_a_call_that_an_interrupt_kept_from_being_noted_stops_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that hands calls to the processes has one in hand that the run does not know."""
    from joblib.externals.loky.process_executor import _ExecutorManagerThread

    class Slow:
        def __init__(self, queue: Any) -> None:
            self._queue = queue

        def get(self, block: bool) -> int:
            number: int = self._queue.get(block=block)
            time.sleep(0.2)
            return number

    true = _ExecutorManagerThread.add_call_item_to_queue

    def slowly(thread: Any) -> None:
        queue = thread.work_ids_queue
        thread.work_ids_queue = Slow(queue)
        try:
            true(thread)
        finally:
            thread.work_ids_queue = queue

    raised: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: raised.append(error.exc_type))
    monkeypatch.setattr(_ExecutorManagerThread, "add_call_item_to_queue", slowly)
    for _ in range(4):
        pool = TWO.pool()
        noted = pool.submit(time.sleep, (5,))
        while not noted.running():
            time.sleep(0.001)
        pool.submit(time.sleep, (5,))
        pool.stop([noted])
    assert raised == []


class Waiting(Executor):
    """An executor that never starts anything."""

    def submit(self, function: Any, /, *call: Any, **more: Any) -> Future[Any]:
        return Future()


class Deserted:
    """A client of a cluster that has no workers."""

    def get_executor(self, *, pure: bool) -> Executor:
        return Waiting()

    def nthreads(self) -> dict[str, int]:
        return {}


def test_a_cluster_without_workers_is_waited_for_and_then_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pastur._workers.PATIENCE", 0.05)
    monkeypatch.setattr("pastur._pool._POLL_SECONDS", 0.02)
    monkeypatch.setattr(Workers, "pool", lambda _: Cluster(Deserted()))
    start = time.monotonic()
    with pytest.raises(WorkersGoneError, match="Dask cluster has had no workers for 0 s"):
        results(abs, [(1,)], workers=Workers(executor=Deserted()))
    assert time.monotonic() - start > 0.05


@pytest.mark.lengthy
def test_a_worker_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pastur._pool.package_versions", lambda: package_versions() | OLD)
    with pytest.raises(InvalidInputError, match=r"A worker has numpy .*, not 1\.0: its results"):
        results(square, [(1,), (2,)], workers=TWO)


OLD = {"numpy": "1.0"}


def test_an_error_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match=r"no [12]"):
        results(fail, [(1,), (2,)], workers=TWO)


@pytest.mark.parametrize("command", ["verify", "experiment"])
def test_the_commands_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    from click.testing import CliRunner

    from pastur.cli import main

    place, arguments = {
        "verify": (
            "pastur.experiments.claims._testing.verification._task",
            ["verify", "lemma-4.1", "--jobs", "2"],
        ),
        "experiment": (
            "pastur.experiments.fashion_mnist._study.trainings._train_there",
            ["experiment", "fashion-mnist", "--sizes", "8,9", "--jobs", "2"],
        ),
    }[command]
    if command == "experiment":
        pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
        run = "pastur.experiments.fashion_mnist._study.trainings"
        monkeypatch.setattr(f"{run}.load_fashion_mnist", lambda folder: None)
        monkeypatch.setattr(f"{run}.training_seconds", lambda todo, *_, **__: [1.0] * len(todo))
    monkeypatch.setattr(place, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    *before, last = result.stderr.splitlines()
    assert last.startswith("pastur: A process was ended from outside")
    # How long the trainings take is said first.
    assert len(before) == (command == "experiment")
