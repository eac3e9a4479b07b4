"""Two states of a small model, with what was done to each matrix."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import pastur
from pastur._typing import AnyArray, FloatArray
from pastur.comparison import Comparison

States = tuple[dict[str, AnyArray], dict[str, AnyArray]]
ROWS, COLUMNS = 100, 140
STRENGTHS = np.array([5.0, 4.0, 3.0])


def orthonormal(rng: np.random.Generator, n: int, k: int) -> FloatArray:
    return np.linalg.qr(rng.normal(size=(n, k)))[0]


def noise(rng: np.random.Generator, n: int = ROWS, m: int = COLUMNS) -> FloatArray:
    result: FloatArray = rng.normal(size=(n, m)) / np.sqrt(max(n, m))
    return result


@pytest.fixture(scope="session")
def states() -> States:
    """OLD and NEW: every kind of change, and everything that cannot be compared."""
    rng = np.random.default_rng(20261130)
    left, right = orthonormal(rng, ROWS, 3), orthonormal(rng, COLUMNS, 3)
    added = np.outer(orthonormal(rng, ROWS, 1), orthonormal(rng, COLUMNS, 1))
    plain = noise(rng)
    spiked = plain + left * STRENGTHS @ right.T
    broken = spiked.copy()
    broken[2, 3], broken[4, 5] = np.nan, np.inf
    old: dict[str, AnyArray] = {
        "kept": spiked,
        "louder": plain,
        "added": spiked,
        "removed": spiked,
        "broken": broken,
        "zero": np.zeros((ROWS, COLUMNS)),
        "reshaped": spiked[:50],
        "gone": spiked,
        "gone.bias": np.zeros(ROWS),
        "bias": np.zeros(ROWS),
    }
    new: dict[str, AnyArray] = {
        "kept": spiked,
        "louder": 1.5 * plain,
        "added": spiked + 3.0 * added,
        "removed": spiked - left[:, :1] * STRENGTHS[0] @ right[:, :1].T,
        "broken": spiked,
        "zero": spiked,
        "reshaped": spiked,
        "fresh": spiked,
        "bias": np.ones(ROWS),
    }
    return old, new


@pytest.fixture(scope="session")
def comparison(states: States) -> Comparison:
    return pastur.compare(*states)


@pytest.fixture(scope="session")
def files(
    states: States,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path]:
    """The two states in files of two formats."""
    folder = tmp_path_factory.mktemp("states")
    np.savez(folder / "old.npz", **states[0])  # type: ignore[arg-type]
    save_file(states[1], folder / "new.safetensors")
    return folder / "old.npz", folder / "new.safetensors"
