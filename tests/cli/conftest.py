import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from pastur._typing import FloatArray
from pastur.cli import main


def noise(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    result: FloatArray = rng.normal(size=(n, m)) / np.sqrt(max(n, m))
    return result


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint: noise, two spikes, an initial value, heavy tails, tensors to skip."""
    rng = np.random.default_rng(11)
    left = np.linalg.qr(rng.normal(size=(150, 2)))[0]
    right = np.linalg.qr(rng.normal(size=(200, 2)))[0]
    initial = noise(rng, 150, 200)
    broken = noise(rng, 30, 40)
    broken[0, 0] = np.inf
    tensors = {
        "layers.0.weight": noise(rng, 150, 200),
        "layers.1.weight": initial + 4.0 * left @ right.T,
        "layers.1.weight.initial": initial,
        "layers.2.weight": rng.standard_t(1.5, size=(150, 200)),
        "layers.3.weight": broken,
        **{f"layers.{i}.bias": np.zeros(150) for i in range(20)},
    }
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file({name: array.astype(np.float32) for name, array in tensors.items()}, path)
    return path


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: Path | str) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return call


@pytest.fixture(scope="session")
def spawn(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a process of its own, in an empty folder."""

    def call(*arguments: Path | str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pastur", *(str(argument) for argument in arguments)]
        settings: dict[str, Any] = {
            "capture_output": True,
            "text": True,
            "encoding": "utf-8",
            "timeout": 60,
            "cwd": tmp_path_factory.mktemp("empty"),
            "env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        }
        result: subprocess.CompletedProcess[str] = subprocess.run(
            command, check=False, **settings | options
        )
        return result

    return call
