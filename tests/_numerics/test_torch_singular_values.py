"""The route through torch against NumPy's decomposition, on the device that every machine has."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pastur._numerics import torch_singular_values
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


@pytest.mark.parametrize("name", list(MATRICES))
def test_agrees_with_a_decomposition(name: str) -> None:
    matrix = MATRICES[name](np.random.default_rng(5))
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    found = singular_values_on(matrix, torch.device("cpu"))
    assert found.shape == expected.shape and found.dtype == np.float64
    assert np.abs(found - expected).max() <= 1e-10 * expected[0]
    assert (np.diff(found) <= 0).all() and (found >= 0).all()


def test_the_device_computes_what_is_well_conditioned(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(matrix: FloatArray) -> None:
        raise AssertionError("the processor was asked")

    monkeypatch.setattr(torch_singular_values, "singular_values", refuse)
    singular_values_on(np.random.default_rng(6).normal(size=(20, 30)), torch.device("cpu"))
    with pytest.raises(AssertionError, match="the processor was asked"):
        singular_values_on(np.ones((20, 30)), torch.device("cpu"))


def test_a_device_without_room_leaves_it_to_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: FloatArray, **options: Any) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(torch, "tensor", refuse)
    matrix = np.random.default_rng(7).normal(size=(20, 30))
    expected = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(singular_values_on(matrix, torch.device("cpu")), expected)
