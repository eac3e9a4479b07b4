"""The command that makes the shipped network, run on data that take no time."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from safetensors import safe_open

from pastur.datasets import FashionMnist, shipped_network_path
from pastur.experiments import TrainingConfig, shipped_network
from pastur.experiments._training.saved_network import describe
from pastur.experiments._training.train import TrainedNetwork


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tiny_data: FashionMnist) -> Callable[..., Result]:
    """Run the command as it stands, but with a tiny network and data set."""
    monkeypatch.setattr(shipped_network, "CONFIG", TrainingConfig(size=8, epochs=2))
    monkeypatch.setattr(shipped_network, "load_fashion_mnist", lambda folder: tiny_data)
    return lambda *arguments: CliRunner().invoke(shipped_network.main, arguments)


def test_writes_the_network_and_tells_accuracy_and_checksum(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
    monkeypatch.setattr(shipped_network, "LEAST_ACCURACY", 0.0)
    path = tmp_path / "network.safetensors"
    result = run("--output", str(path))
    assert result.exit_code == 0
    assert hashlib.sha256(path.read_bytes()).hexdigest() in result.stdout
    assert "test accuracy" in result.stdout
    assert "epoch 2 of 2: loss" in result.stderr


def test_writes_nothing_where_the_accuracy_is_too_low(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")
    result = run("--output", str(tmp_path / "network"))
    assert result.exit_code == 1
    assert "less than the 88% it must have. Nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_torch_one_line_says_what_to_install(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("--output", str(tmp_path / "network"))
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines() == [
        "Error: Training a network needs PyTorch, which is not installed. "
        "Install it with `pip install pastur[torch]`."
    ]


def test_without_data_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    arguments = ["--output", str(tmp_path / "network"), "--data", str(tmp_path / "nowhere")]
    result = CliRunner().invoke(shipped_network.main, arguments)
    assert result.exit_code == 1
    assert "apt install dataset-fashion-mnist" in result.stderr


def test_the_shipped_file_is_described_by_the_configuration_of_the_command() -> None:
    with safe_open(shipped_network_path(), "np") as file:
        metadata = file.metadata()
    versions = {
        key.removeprefix("version_"): value
        for key, value in metadata.items()
        if key.startswith("version_")
    }
    accuracy = float(metadata["test_accuracy"])
    no_matrix: Any = None
    network = TrainedNetwork(shipped_network.CONFIG, {}, no_matrix, (0.0,), accuracy, versions)
    assert metadata == describe(network) | {"command": shipped_network.COMMAND}
