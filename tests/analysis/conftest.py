import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import weightwatcher_figures

from pastur._typing import AnyArray, FloatArray

THETAS = (4.0, 3.0, 2.5)


def noise(rng: np.random.Generator, n: int, m: int, sigma: float = 1.0) -> FloatArray:
    result: FloatArray = rng.normal(size=(n, m)) * sigma / np.sqrt(max(n, m))
    return result


def orthonormal(rng: np.random.Generator, n: int, k: int) -> FloatArray:
    return np.linalg.qr(rng.normal(size=(n, k)))[0]


@pytest.fixture(scope="session")
def planted() -> dict[str, AnyArray]:
    """A small model: two good matrices, a constant one, and tensors that cannot be analysed."""
    rng = np.random.default_rng(20261123)
    left, right = orthonormal(rng, 200, 3), orthonormal(rng, 300, 3)
    broken = noise(rng, 30, 40)
    broken[3, 4] = np.nan
    return {
        "noise": noise(rng, 150, 200, sigma=0.5),
        "spiked": (noise(rng, 200, 300) + left * THETAS @ right.T).astype(np.float32),
        "constant": np.full((40, 60), 0.25),
        "zero": np.zeros((20, 30)),
        "broken": broken,
        "bias": np.zeros(200),
    }


@pytest.fixture(scope="session")
def trained() -> dict[str, FloatArray]:
    """A matrix W = 0.9·W₀ + two directions of strength 3, with W₀ beside it."""
    rng = np.random.default_rng(5)
    initial = noise(rng, 200, 250)
    left, right = orthonormal(rng, 200, 2), orthonormal(rng, 250, 2)
    return {"w": 0.9 * initial + 3.0 * left @ right.T, "w.initial": initial}


@pytest.fixture(scope="session")
def thetas() -> tuple[float, ...]:
    return THETAS


@pytest.fixture(scope="session")
def watched() -> tuple[dict[str, AnyArray], dict[str, dict[str, float]]]:
    """Matrices, and what weightwatcher says of them."""
    told = Path(__file__).parent / "data" / "weightwatcher.json"
    return weightwatcher_figures.matrices(), json.loads(told.read_text("utf-8"))["matrices"]


@pytest.fixture(scope="session")
def slow_fit() -> Callable[[FloatArray | Sequence[float]], tuple[float, float, int]]:
    """The tail of a sample as Clauset, Shalizi and Newman look for it, all starts in turn."""

    def slow_fit(values: FloatArray | Sequence[float]) -> tuple[float, float, int]:
        """Clauset, Shalizi and Newman, step by step; ascending values."""
        best: tuple[float, float, int] | None = None
        for start in range(len(values) - 1):
            tail = [v / values[start] for v in values[start:]]
            total = sum(np.log(v) for v in tail)
            if total < 1e-9:
                continue
            alpha = 1 + len(tail) / total
            distance = max(abs(1 - v ** (1 - alpha) - j / len(tail)) for j, v in enumerate(tail))
            if best is None or distance < best[1]:
                best = (alpha, distance, start)
        assert best is not None
        return best

    return slow_fit
