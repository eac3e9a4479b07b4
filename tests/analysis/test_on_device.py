"""A device of torch, which here is the processor, gives what NumPy gives, whatever is together."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileAccessError
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis, AnalysisInterrupted, analyze
from pastur.analysis._matrix import examine_together, fit_matrix
from pastur.analysis._matrix.fit_matrix import Settings
from pastur.analysis._model import on_device
from pastur.analysis._model.on_device import examined_on_device
from pastur.analysis._model.parallel import Task
from pastur.weights import Matrix

torch = pytest.importorskip("torch")

# "cpu" alone is NumPy.
DEVICE = "cpu:0"
SETTINGS = Settings(
    alpha=0.05, device=DEVICE, baseline=(), randomize=0, seed=0, noise="auto", tests=False
)


@pytest.fixture(scope="module")
def model(planted: dict[str, AnyArray], trained: dict[str, FloatArray]) -> dict[str, AnyArray]:
    """Layers of one shape, and in between all that is special: float32, other shapes, faults."""
    rng = np.random.default_rng(12)
    layers = {f"layer.{k}": rng.normal(size=(40, 60)) + k * np.eye(40, 60) for k in range(4)}
    empty = rng.normal(size=(40, 60))
    empty[[3, 17]] = 0
    return layers | planted | {"empty rows": empty, "low rank": np.ones((40, 60)) + empty} | trained


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, ...]]]:
    """The shapes of what is computed together."""
    shapes: list[list[tuple[int, ...]]] = []
    plain = singular_values_on

    def noting(matrices: Sequence[AnyArray], device: Any) -> list[FloatArray]:
        shapes.append([matrix.shape for matrix in matrices])
        return plain(matrices, device)

    monkeypatch.setattr(examine_together, "singular_values_on", noting)
    return shapes


def check_alike(one: Analysis, other: Analysis) -> None:
    assert [(t.name, t.reason) for t in one.skipped] == [(t.name, t.reason) for t in other.skipped]
    assert [m.name for m in one.matrices] == [m.name for m in other.matrices]
    for a, b in zip(one.matrices, other.matrices, strict=True):
        assert (a.kind, a.fit.rank) == (b.kind, b.fit.rank)
        largest = a.singular_values[0]
        assert np.abs(a.singular_values - b.singular_values).max() <= 1e-10 * largest
        if a.fit.sigma is None:
            assert b.fit.sigma is None
        else:
            assert a.fit.sigma == pytest.approx(b.fit.sigma, rel=1e-9, abs=1e-12 * largest)
    assert [c.name for c in one.initial] == [c.name for c in other.initial]


@pytest.mark.parametrize("together", [1, 5000, 1 << 24])
def test_the_same_result_and_progress_as_without(
    model: dict[str, AnyArray],
    monkeypatch: pytest.MonkeyPatch,
    together: int,
) -> None:
    monkeypatch.setattr(on_device, "_TOGETHER", together)
    calls: dict[str, list[tuple[int, int, str]]] = {"cpu": [], DEVICE: []}
    here, there = (
        analyze(model, device=device, progress=lambda *call, d=device: calls[d].append(call))
        for device in calls
    )
    check_alike(here, there)
    assert calls["cpu"] == calls[DEVICE]
    assert all(matrix.seconds > 0 for matrix in there.matrices)


def test_exchanged_spectra_are_noticed(
    model: dict[str, AnyArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = singular_values_on

    def exchanged(matrices: Sequence[AnyArray], device: Any) -> list[FloatArray]:
        first, second, *others = plain(matrices, device)
        return [second, first, *others]

    monkeypatch.setattr(examine_together, "singular_values_on", exchanged)
    layers = {name: model[name] for name in ("layer.0", "layer.1")}
    with pytest.raises(AssertionError):
        check_alike(analyze(layers), analyze(layers, device=DEVICE))


def test_neighbours_are_computed_together(
    model: dict[str, AnyArray],
    sent: list[list[tuple[int, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(on_device, "_TOGETHER", 3 * 40 * 60)
    names = [name for name in model if name.startswith(("layer", "broken", "empty"))]
    analyze({name: model[name] for name in names}, device=DEVICE)
    # Of the second group one is not finite, and of another two rows are left out.
    assert sent == [[(40, 60)] * 3, [(40, 60), (38, 60)]]


def test_what_is_finished_is_neither_sent_nor_done_again(
    model: dict[str, AnyArray], sent: list[list[tuple[int, ...]]], tmp_path: Path
) -> None:
    layers = {name: model[name] for name in ("layer.0", "layer.1", "layer.2")}
    first = analyze(layers, device=DEVICE, resume=tmp_path)
    again = analyze(layers | {"layer.1": model["layer.3"]}, device=DEVICE, resume=tmp_path)
    assert [len(batch) for batch in sent] == [3, 1]
    for kept in (0, 2):
        assert first.matrices[kept].seconds == again.matrices[kept].seconds


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_one_that_cannot_be_computed_leaves_the_others_as_they_are(
    model: dict[str, AnyArray], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    bad = model["layer.2"]
    for place in (examine_together, fit_matrix):
        plain = place.singular_values_on

        def failing(
            matrices: Sequence[AnyArray], device: Any, plain: Callable[..., Any] = plain
        ) -> Any:
            if any(np.array_equal(matrix, bad) for matrix in matrices):
                raise error
            return plain(matrices, device)

        monkeypatch.setattr(place, "singular_values_on", failing)
    found = analyze(model, device=DEVICE)
    reasons = {one.name: one.reason for one in found.skipped}
    words = "too large for the memory" if isinstance(error, MemoryError) else "cannot be read"
    assert reasons.pop("layer.2").startswith(words)
    without = analyze({name: w for name, w in model.items() if name != "layer.2"})
    assert reasons == {one.name: one.reason for one in without.skipped}
    assert [(m.name, m.fit.rank) for m in found.matrices] == [
        (m.name, m.fit.rank) for m in without.matrices
    ]


class Source:
    """Matrices that note when they are read, and which of them are held."""

    def __init__(self, count: int, shape: tuple[int, int] = (20, 30)) -> None:
        self.shape, self.most = shape, 0
        self.held: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.events: list[str] = []
        self.tasks = [Task(k, self._matrix(k)) for k in range(count)]

    def _matrix(self, number: int) -> Matrix:
        return Matrix(
            f"m{number}", self.shape, "float64", f"m{number}", "", partial(self.load, number)
        )

    def load(self, number: int) -> AnyArray:
        self.events.append(f"read {number}")
        numbers: AnyArray = np.random.default_rng(number).normal(size=self.shape)
        self.held[number] = numbers
        self.most = max(self.most, len(self.held))
        return numbers

    def run(self, **options: Any) -> Iterator[str]:
        """Yield the names as they are finished."""
        progress = options.pop("progress", lambda *_: None)
        memory = options.pop("memory", float("inf"))
        for place, found in examined_on_device(
            self.tasks, settings=SETTINGS, memory=memory, progress=progress
        ):
            assert found.result.name == f"m{place}"
            self.events.append(f"done {place}")
            yield found.result.name


def test_no_more_is_held_than_two_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    source = Source(9)
    monkeypatch.setattr(on_device, "_TOGETHER", 2 * 20 * 30)
    assert len(list(source.run())) == 9
    assert source.most <= 4


def test_memory_for_one_matrix_reads_none_in_advance() -> None:
    source = Source(4)
    assert len(list(source.run(memory=1e8))) == 4
    assert source.most == 1
    assert source.events == [f"{what} {k}" for k in range(4) for what in ("read", "done")]


def test_memory_bounds_what_is_together() -> None:
    """Of the entries that 200 MB and 64 bytes an entry leave, a group has half."""
    source = Source(8)
    assert len(list(source.run(memory=200e6 + 64 * 20 * 30 * 4))) == 8
    assert source.most <= 4


def test_the_next_are_read_while_these_are_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first group is not finished before the second is read; the wait ends in a failure."""
    monkeypatch.setattr(on_device, "_TOGETHER", 20 * 30)
    source, read = Source(3), threading.Event()
    plain = source.load

    def noting(number: int) -> AnyArray:
        if number == 1:
            read.set()
        return plain(number)

    source.load = noting  # type: ignore[method-assign]
    source.tasks = [Task(k, source._matrix(k)) for k in range(3)]

    def wait(done: int, total: int, name: str) -> None:
        if name == "m0":
            assert read.wait(120)

    assert list(source.run(progress=wait)) == ["m0", "m1", "m2"]


def test_a_file_that_is_gone_ends_the_run_when_its_turn_comes() -> None:
    source = Source(4)

    def gone(number: int) -> AnyArray:
        raise FileAccessError("Cannot read it: it is gone.")

    plain = source.load
    source.load = lambda number: gone(number) if number == 2 else plain(number)  # type: ignore[method-assign]
    source.tasks = [Task(k, source._matrix(k)) for k in range(4)]
    running, finished = source.run(), []
    with pytest.raises(FileAccessError, match="it is gone"):
        for name in running:
            finished.append(name)
    assert finished == ["m0", "m1"]


def test_an_interrupt_keeps_what_is_finished(model: dict[str, AnyArray]) -> None:
    def stop(done: int, total: int, name: str) -> None:
        if name == "layer.2":
            raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(AnalysisInterrupted) as caught:
        analyze(model, device=DEVICE, progress=stop)
    assert [m.name for m in caught.value.analysis.matrices] == ["layer.0", "layer.1"]
    assert threading.active_count() == threads


def test_several_jobs_use_the_device_one_by_one(
    model: dict[str, AnyArray], sent: list[list[tuple[int, ...]]]
) -> None:
    layers = {name: model[name] for name in ("layer.0", "layer.1", "layer.2")}
    check_alike(analyze(layers), analyze(layers, device=DEVICE, jobs=2))
    assert not sent
