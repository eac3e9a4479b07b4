"""Models of matrices whose signal and noise are known, and images to train on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
from pastur._typing import FloatArray
from pastur.compression import CompressionPlan


def planted(shape: tuple[int, int], rank: int, seed: int, strength: float = 6.0) -> FloatArray:
    """Noise of standard deviation 0.1 with `rank` directions far beyond its edge."""
    rng = np.random.default_rng(seed)
    n, m = shape
    u, v = (np.linalg.qr(rng.normal(size=(side, rank)))[0] for side in (n, m))
    theta = strength * 0.1 * np.sqrt(max(n, m)) * np.linspace(1, 2, rank)
    return np.asarray(0.1 * rng.normal(size=shape) + (u * theta) @ v.T)


@pytest.fixture(scope="session")
def model() -> dict[str, Any]:
    """A linear layer, a convolution, fused queries, keys and values; biases."""
    conv = planted((48, 32 * 9), 8, 2).reshape(48, 32, 3, 3)
    arrays = {
        "fc.weight": planted((96, 160), 6, 1),
        "fc.bias": np.linspace(-1, 1, 96),
        "conv.weight": conv,
        "attention.in_proj_weight": np.concatenate([planted((64, 64), 3, 3 + k) for k in range(3)]),
        "out.weight": planted((120, 72), 9, 9),
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="session")
def analysis(model: dict[str, Any]) -> pastur.Analysis:
    """Its analysis."""
    return pastur.analyze(model, noise="white")


@pytest.fixture(scope="session")
def inputs(
    model: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> pastur.compression.InputMoments:
    """Inputs of all its layers, twelve documents of 40 each."""
    rng = np.random.default_rng(20)
    sizes = {
        name: model[name].reshape(len(model[name]), -1).shape[1]
        for name in model
        if "bias" not in name
    }
    mixings = {name: rng.normal(size=(size, size)) for name, size in sizes.items()}

    def run(seed: int, add: Any) -> None:
        drawn = np.random.default_rng([21, seed])
        for name, mixing in mixings.items():
            axes = "oiss" if name == "conv.weight" else "oi"
            add(name, drawn.normal(size=(40, len(mixing))) @ mixing, axes=axes)

    path = tmp_path_factory.mktemp("inputs") / "inputs.safetensors"
    return pastur.compression.collect_inputs(model, range(12), run=run, path=path)


@pytest.fixture
def saved(model: dict[str, Any], tmp_path: Path) -> Path:
    """Its safetensors file, with metadata."""
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    save_file(model, path, metadata={"format": "pt", "author": "Ada"})
    return path


@pytest.fixture
def plan(analysis: pastur.Analysis, saved: Path) -> CompressionPlan:
    """A plan for that file."""
    return pastur.plan_compression(analysis, saved, target={"size": 0.6})


@pytest.fixture(scope="session")
def images() -> Any:
    """For the study on Fashion-MNIST: ten classes, each a prototype in little noise."""
    torch = pytest.importorskip("torch")
    training = pytest.importorskip("fashion_training")
    generator = torch.Generator().manual_seed(1)
    prototypes = torch.randn(10, 784, generator=generator)
    classes = torch.arange(640) % 10
    noise = 0.1 * torch.randn(640, 784, generator=generator)
    return training.Images(prototypes[classes] + noise, classes)
