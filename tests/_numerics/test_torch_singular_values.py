"""The route through torch against NumPy's decomposition, on the device that every machine has."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pastur._numerics import torch_singular_values
from pastur._numerics.singular_values import singular_values
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray

torch = pytest.importorskip("torch")


def low_rank(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    return rng.normal(size=(n, 3)) @ rng.normal(size=(3, m))


MATRICES: dict[str, Callable[[np.random.Generator], AnyArray]] = {
    "square": lambda rng: rng.normal(size=(60, 60)),
    "wide": lambda rng: rng.normal(size=(40, 90)),
    "tall": lambda rng: rng.normal(size=(90, 40)),
    "one row": lambda rng: rng.normal(size=(1, 7)),
    "low rank": lambda rng: low_rank(rng, 50, 30),
    "zero": lambda rng: np.zeros((3, 5)),
    "graded": lambda rng: rng.normal(size=(50, 50)) * np.geomspace(1, 1e-9, 50),
    "tiny": lambda rng: 1e-300 * rng.normal(size=(20, 30)),
    "huge": lambda rng: 1e300 * rng.normal(size=(20, 30)),
    "float32": lambda rng: rng.normal(size=(30, 40)).astype(np.float32),
    "transposed in memory": lambda rng: rng.normal(size=(30, 20)).T,
    "read-only": lambda rng: np.broadcast_to(rng.normal(size=30), (20, 30)),
}


CPU = torch.device("cpu")


@pytest.mark.parametrize("name", list(MATRICES))
def test_agrees_with_a_decomposition(name: str) -> None:
    matrix = MATRICES[name](np.random.default_rng(5))
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    (found,) = singular_values_on([matrix], CPU)
    assert found.shape == expected.shape and found.dtype == np.float64
    assert np.abs(found - expected).max() <= 1e-10 * expected[0]
    assert (np.diff(found) <= 0).all() and (found >= 0).all()


def test_all_at_once_are_what_each_is_alone() -> None:
    rng = np.random.default_rng(9)
    # Every matrix three times, and in an order that brings shapes and types apart.
    matrices = [make(rng) for _ in range(3) for make in MATRICES.values()]
    together = singular_values_on(matrices, CPU)
    assert len(together) == len(matrices)
    for matrix, found in zip(matrices, together, strict=True):
        (alone,) = singular_values_on([matrix], CPU)
        assert np.abs(found - alone).max() <= 1e-10 * alone[0]


def test_nothing_is_nothing() -> None:
    assert singular_values_on([], CPU) == []


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many matrices each batch has, as they come."""
    sizes: list[int] = []
    plain = torch_singular_values._on_device

    def noting(batch: Sequence[AnyArray], device: Any) -> FloatArray:
        sizes.append(len(batch))
        return plain(batch, device)

    monkeypatch.setattr(torch_singular_values, "_on_device", noting)
    return sizes


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> list[AnyArray]:
    """The matrices that are left to the processor."""
    asked: list[AnyArray] = []

    def noting(matrix: AnyArray) -> FloatArray:
        asked.append(matrix)
        return singular_values(matrix)

    monkeypatch.setattr(torch_singular_values, "singular_values", noting)
    return asked


def test_a_batch_is_of_one_shape_and_type(sent: list[int], processor: list[AnyArray]) -> None:
    rng = np.random.default_rng(6)
    shapes = [(20, 30), (30, 20), (20, 30), (20, 30), (30, 20)]
    matrices: list[AnyArray] = [rng.normal(size=shape) for shape in shapes]
    singular_values_on([*matrices, matrices[0].astype(np.float32), np.ones((20, 30))], CPU)
    assert sent == [4, 2, 1]
    # Not even the one whose Gram matrix is singular.
    assert not processor


@pytest.mark.parametrize("room", [1, 3, 0])
def test_a_device_without_room_takes_fewer_or_leaves_it_to_the_processor(
    monkeypatch: pytest.MonkeyPatch, sent: list[int], processor: list[AnyArray], room: int
) -> None:
    plain = torch.linalg.eigvalsh

    def limited(gram: Any) -> Any:
        if len(gram) > room:
            raise torch.OutOfMemoryError("no room")
        return plain(gram)

    monkeypatch.setattr(torch.linalg, "eigvalsh", limited)
    matrices = list(np.random.default_rng(7).normal(size=(5, 20, 30)))
    found = singular_values_on(matrices, CPU)
    for matrix, values in zip(matrices, found, strict=True):
        np.testing.assert_allclose(values, np.linalg.svd(matrix, compute_uv=False))
    assert len(processor) == (0 if room else 5)
    assert sent == {1: [5, 2, 1, 1, 3, 1, 2, 1, 1], 3: [5, 2, 3]}.get(room, sent)


@pytest.mark.parametrize("fault", ["raises", "nan"])
def test_what_a_device_does_not_solve_is_left_to_the_processor_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, processor: list[AnyArray], fault: str
) -> None:
    matrices = list(np.random.default_rng(8).normal(size=(7, 20, 30)))
    trace = float(np.square(matrices[4]).sum())
    plain = torch.linalg.eigvalsh

    def failing(gram: Any) -> Any:
        found = plain(gram)
        bad = (gram.diagonal(dim1=1, dim2=2).sum(1) / trace - 1).abs() < 1e-12
        if fault == "raises" and bad.any():
            raise torch.linalg.LinAlgError("did not converge")
        found[bad] = np.nan
        return found

    monkeypatch.setattr(torch.linalg, "eigvalsh", failing)
    monkeypatch.setattr(torch.linalg, "svdvals", lambda w: w[:, 0, :20] * np.nan)
    found = singular_values_on(matrices, CPU)
    assert [one is matrices[4] for one in processor] == [True]
    for matrix, values in zip(matrices, found, strict=True):
        np.testing.assert_allclose(values, np.linalg.svd(matrix, compute_uv=False))
