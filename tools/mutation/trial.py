"""One mutant, and the tests that may notice it.

Each trial is a fork of a process that has imported what the tests need, but not pastur: the child
imports pastur with the changed file, runs the tests until the first fails, and ends. Files on disk
stay as they are, so that a test that starts another interpreter sees the package without change.
"""

import gc
import importlib
import math
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import pytest

# The first of these tests kill most mutants: the files of the others are not collected for them.
_FIRST = 15
# A mutant may also wait for ever, without CPU time: after so many times what it may use of that.
_LOADED = 20


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    killed : bool
        Whether a test failed, or took much longer than it does.
    by : str
        The test that failed, or what happened instead.
    tests : int
        How many tests there were for this mutant.
    seconds : float
        CPU time of the trial.
    """

    killed: bool
    by: str
    tests: int
    seconds: float


class _Loader(SourceFileLoader):
    """Loads a module from the text of the mutant."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        super().__init__(module, str(path))
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds that loader for one module, and nothing for the others."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        if fullname != self._loader.name:
            return None
        file = self._loader.path
        package = [os.path.dirname(file)] if file.endswith("__init__.py") else None
        return spec_from_file_location(
            fullname, file, loader=self._loader, submodule_search_locations=package
        )


class _Chosen:
    """A plugin of pytest that runs the chosen tests, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._place = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._place]
        items[:] = sorted(chosen, key=lambda item: self._place[item.nodeid])

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"{report.nodeid} cannot be imported"


def try_tests(root: Path, file: str, source: str, tests: dict[str, float]) -> Outcome:
    """Run tests with one file changed.

    Parameters
    ----------
    root : Path
        The repository.
    file : str
        The changed file, from the root.
    source : str
        Its text with the change.
    tests : dict
        Names of tests as pytest gives them, in order, with the CPU time that each takes.
    """
    start = os.times()
    # Each child collects garbage again and again: that of the parent takes half a second.
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")
        child = os.fork()
        if not child:
            try:
                _run(root, file, source, tests, answer)
            except BaseException:
                answer.write_text(f"error: {traceback.format_exc()}", "utf-8")
            finally:
                # Never back into the code of the parent.
                os._exit(0)
        status = _wait(child, _LOADED * _allowed(tests.values()))
        said = answer.read_text("utf-8") if answer.exists() else ""
    end = os.times()
    spent = end.children_user + end.children_system - start.children_user - start.children_system
    if os.WIFSIGNALED(status):
        said = f"killed: {signal.Signals(os.WTERMSIG(status)).name}"
    word, _, by = said.partition(": ")
    if word not in ("killed", "survived"):
        raise RuntimeError(f"The tests of {file} could not be run: {said or status}.")
    return Outcome(word == "killed", by, len(tests), round(spent, 2))


def _run(root: Path, file: str, source: str, tests: dict[str, float], answer: Path) -> None:
    """What the child does."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(_allowed([])), resource.RLIM_INFINITY))
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    path = root / file
    parts = path.relative_to(root / "src").with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    sys.meta_path.insert(0, _Finder(_Loader(module, path, source)))
    try:
        importlib.import_module(module)
    except Exception as error:
        answer.write_text(f"killed: import, {error}", "utf-8")
        return
    said = "survived: "
    order = list(tests)
    for some in filter(None, (order[:_FIRST], order[_FIRST:])):
        limit = math.ceil(time.process_time() + _allowed(tests[test] for test in some))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        if failed := _failed(some, answer.parent / f"tests{len(some)}"):
            said = failed
            break
    answer.write_text(said, "utf-8")


def _allowed(seconds: Iterable[float]) -> float:
    """The CPU time after which tests that take so long are stopped.

    A test that comes first here may have to make what another one had made for all.
    """
    return 30 + 3 * sum(seconds)


def _failed(tests: Sequence[str], folder: Path) -> str:
    chosen = _Chosen(tests)
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    # Why a test failed is not read: pytest need not rewrite its assertions.
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", f"--basetemp={folder}"]
    code = pytest.main([*options, *files], plugins=[chosen])
    if chosen.failed:
        return f"killed: {chosen.failed}"
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise RuntimeError(f"There are no such tests: {tests}.")
    # Where what all tests share cannot be imported, pytest calls it wrong usage.
    return "" if code == pytest.ExitCode.OK else f"killed: pytest ended with {code!r}"


def _wait(child: int, seconds: float) -> int:
    """The exit status of the child, which has a wall clock too; its own children end with it."""
    end = time.monotonic() + seconds
    with _group(child):
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            time.sleep(0.02)
    return os.waitpid(child, 0)[1]


@contextmanager
def _group(child: int) -> Iterator[None]:
    try:
        yield
    finally:
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
