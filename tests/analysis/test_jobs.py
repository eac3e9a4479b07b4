"""Several jobs give what one gives, in the same order."""

import math
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from safetensors.numpy import save_file
from threadpoolctl import threadpool_info, threadpool_limits

from pastur._errors import (
    FileAccessError,
    FileFormatError,
    InvalidInputError,
    InvalidTypeError,
    MissingExtraError,
)
from pastur._typing import AnyArray, FloatArray
from pastur._workers import Workers
from pastur.analysis import Analysis, analyze
from pastur.analysis._model.parallel import Task, _examine_there, examined
from pastur.analysis._model.selection import Selection
from pastur.weights import Matrix, Skipped


@pytest.fixture(scope="module")
def path(
    planted: dict[str, AnyArray],
    trained: dict[str, FloatArray],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file(planted | trained, path)
    return path


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The number of BLAS threads may change the last bits: as many here as a job has."""
    assert scipy.linalg.blas  # loaded, so that it can be limited
    with threadpool_limits(1):
        yield


def told(analysis: Analysis) -> dict[str, Any]:
    """All that an analysis says, the times left out."""
    result = analysis.to_dict()
    for matrix in result["matrices"]:
        del matrix["seconds"]
    return result


@pytest.mark.parametrize("jobs", [2, 5])
def test_processes_give_the_same_result_and_progress(
    path: Path, jobs: int, one_thread: None
) -> None:
    progress: dict[int, list[tuple[int, int, str]]] = {1: [], jobs: []}
    analyses = [
        analyze(path, jobs=n, progress=lambda *call, n=n: progress[n].append(call))
        for n in (1, jobs)
    ]
    assert told(analyses[0]) == told(analyses[1])
    before, after = progress[1][:-1], progress[jobs][:-1]
    assert progress[1][-1] == progress[jobs][-1] == (len(before), len(before), "")
    assert sorted(name for _, _, name in before) == sorted(name for _, _, name in after)
    assert [done for done, _, _ in after] == [done + 1 for done, _, _ in before]


@pytest.mark.lengthy
def test_patterns_hold_in_processes(path: Path, one_thread: None) -> None:
    chosen: dict[str, Any] = {"include": ["noise", "sp*", "constant"], "exclude": "constant"}
    analysis = analyze(path, jobs=2, **chosen)
    assert [m.name for m in analysis.matrices] == ["noise", "spiked"]
    assert told(analysis) == told(analyze(path, **chosen))


def test_a_file_written_anew_is_read_anew(planted: dict[str, AnyArray], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for scale in (1.0, 2.0):
        save_file({name: scale * planted[name] for name in ("noise", "spiked")}, path)
        analysis = analyze(path, jobs=2)
        found = {m.name: m.fit.sigma for m in analysis.matrices}
        assert found["noise"] == pytest.approx(0.5 * scale, rel=0.03)


def test_a_relative_path_is_taken_from_the_folder_of_the_call(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(path, jobs=2)  # the workers stay
    monkeypatch.chdir(path.parent)
    assert len(analyze(path.name, jobs=2).matrices) == 4
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileAccessError):
        analyze(path.name, jobs=2)


def selected(source: Mapping[str, AnyArray] | Path) -> tuple[list[Matrix | Skipped], Selection]:
    """Return the items of a source, and the selection of them all."""
    options = Selection.of(source, include=None, exclude=None, unfold="outputs")
    return options.items(options.open()), options


def test_threads_give_the_same_result_for_arrays(
    planted: dict[str, AnyArray], trained: dict[str, FloatArray], one_thread: None
) -> None:
    source = planted | trained
    assert told(analyze(source, jobs=3)) == told(analyze(source))


def results_of(
    function: Callable[..., Any],
    items: list[Matrix | Skipped],
    names: Collection[str],
    selection: Selection,
    workers: Workers,
) -> Iterator[Any]:
    """Yield the results of a function of some matrices, as they are finished."""
    chosen = [
        Task(place, item)
        for place, item in enumerate(items)
        if isinstance(item, Matrix) and item.name in names
    ]
    found = examined(
        function,
        chosen,
        choice=selection,
        workers=workers,
        memory=math.inf,
        lost=lambda matrix, death: f"{matrix.name}: {death}",
        progress=lambda *_: None,
    )
    for place, result in found:
        assert items[place].name in names
        yield result


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_each_job_has_one_blas_thread_and_the_rest_gets_its_own_back(
    planted: dict[str, AnyArray], path: Path, kind: str
) -> None:
    def blas_threads(matrix: Matrix | None = None, known: str | None = None) -> list[int]:
        np.linalg.eigvalsh(np.eye(3))
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    source = path if kind == "processes" else planted
    items, options = selected(source)
    before = blas_threads()
    chosen = ("noise", "spiked")
    found = list(
        results_of(blas_threads, items, chosen, selection=options, workers=Workers(jobs=2))
    )
    assert len(found) == 2
    assert all(counts and set(counts) == {1} for counts in found)
    assert blas_threads()[: len(before)] == before


def test_a_file_that_changes_meanwhile_is_told(path: Path) -> None:
    items, options = selected(path)
    place = [item.name for item in items].index("noise")
    there = (options, "run")
    assert _examine_there(lambda m, _: m.name, *there, place, "noise", None) == "noise"
    for number, name in ((place, "spiked"), (99, "noise")):
        with pytest.raises(FileFormatError, match="changed while it was analysed"):
            _examine_there(lambda m, _: m.name, *there, number, name, None)


@pytest.mark.lengthy
def test_a_matrix_whose_process_ends_twice_is_skipped_and_the_others_are_not(path: Path) -> None:
    def die_of_noise(matrix: Matrix, known: str | None) -> str:
        if matrix.name == "noise":
            os.kill(os.getpid(), signal.SIGKILL)
        return matrix.name

    items, options = selected(path)
    chosen = ("noise", "spiked")
    run = results_of(die_of_noise, items, chosen, selection=options, workers=Workers(jobs=2))
    noise, spiked = sorted(run)
    assert noise.startswith("noise: A process was ended from outside, and again when nothing else")
    assert spiked == "spiked"


def test_arrays_are_not_sent_away(planted: dict[str, AnyArray]) -> None:
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(1) as processes:
        assert told(analyze(planted, executor=threads)) == told(analyze(planted))
        with pytest.raises(InvalidInputError, match="Arrays in memory are not sent to other"):
            analyze(planted, executor=processes)


@pytest.mark.lengthy
def test_an_executor_gives_the_same_result(path: Path, one_thread: None) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        by_executor = analyze(path, executor=executor, memory="300 MB")
    assert told(by_executor) == told(analyze(path))


def test_a_relative_path_is_found_by_workers_elsewhere(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    options = Selection.of(path.name, base="old", include=None, exclude=None, unfold="x").absolute()
    assert (options.source, options.base) == (path, path.parent / "old")


@pytest.mark.parametrize("jobs", [0, -1])
def test_jobs_below_one_are_refused(planted: dict[str, AnyArray], jobs: int) -> None:
    with pytest.raises(InvalidInputError, match="`jobs` must be at least 1"):
        analyze(planted, jobs=jobs)


def test_jobs_that_are_no_number_are_refused(planted: dict[str, AnyArray]) -> None:
    with pytest.raises(InvalidTypeError, match="`jobs` must be an integer"):
        analyze(planted, jobs="all")  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_refused(planted: dict[str, AnyArray]) -> None:
    pytest.importorskip("torch")
    with pytest.raises(InvalidInputError, match="no device 'cuda:99'"):
        analyze(planted, device="cuda:99")


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:x", "cuda:-1", "", "CPU"])
def test_what_names_no_device_is_refused_with_and_without_torch(
    planted: dict[str, AnyArray], monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    for without in (False, True):
        if without:
            monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(InvalidInputError, match="`device` must be 'cpu', 'cuda' or 'cuda:1'"):
            analyze(planted, device=device)


def test_a_device_without_torch_says_what_to_install(
    planted: dict[str, AnyArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install pastur\[torch\]"):
        analyze(planted, device="cuda")


def test_threads_of_blas_are_for_large_matrices() -> None:
    """Whatever the number is outside, which is left as it was."""
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads(matrix: Matrix | None = None, known: str | None = None) -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    arrays = {
        "small": np.ones((300, 400)),
        "large": np.ones((640, 700)),
        "long": np.ones((90, 70000)),
    }
    selection = Selection.of(arrays, include=None, exclude=None, unfold="outputs")
    items = selection.items(selection.open())
    assert all(isinstance(item, Matrix) for item in items)
    with threadpool_limits(2, user_api="blas"):
        run = results_of(threads, items, list(arrays), selection=selection, workers=Workers())
        found = [(one, threads()) for one in run]
    assert found == [({1}, {2}), ({2}, {2}), ({2}, {2})]
