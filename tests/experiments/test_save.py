"""The file of a trained network: its contents, equal bytes for equal networks, never half of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from pastur._errors import FileAccessError
from pastur.experiments import TrainedNetwork, TrainingConfig, initial_parameters, save_network


@pytest.fixture
def network() -> TrainedNetwork:
    config = TrainingConfig(size=5, epochs=2, optimizer="sgd", learning_rate=0.01, seed=9)
    parameters = initial_parameters(config)
    return TrainedNetwork(
        config=config,
        parameters={name: value + 1 for name, value in parameters.items()},
        initial_middle=parameters["fc2.weight"],
        losses=(1.5, 1.25),
        test_accuracy=0.8125,
        versions={"torch": "2.99", "numpy": "2.88"},
    )


def test_the_tensors_come_back_bit_for_bit(network: TrainedNetwork, tmp_path: Path) -> None:
    path = save_network(network, tmp_path / "network.safetensors")
    tensors = load_file(path)
    np.testing.assert_array_equal(tensors.pop("fc2.weight.initial"), network.initial_middle)
    assert tensors.keys() == network.parameters.keys()
    for name, value in tensors.items():
        np.testing.assert_array_equal(value, network.parameters[name])


def test_the_metadata_tell_the_configuration_and_the_result(
    network: TrainedNetwork, tmp_path: Path
) -> None:
    with safe_open(save_network(network, tmp_path / "n", command="do it"), "np") as file:
        metadata = file.metadata()
    assert "momentum 0.9" in metadata["optimizer"]
    assert metadata["architecture"].startswith("784×5, 5×5, 5×10")
    kept = ("epochs", "learning_rate", "batch_size", "weight_decay", "seed", "test_accuracy")
    assert [metadata[key] for key in kept] == ["2", "0.01", "128", "0.0", "9", "0.8125"]
    assert (metadata["version_torch"], metadata["command"]) == ("2.99", "do it")


def test_equal_networks_give_equal_files(network: TrainedNetwork, tmp_path: Path) -> None:
    # The writer of safetensors shuffles the metadata anew each time: 20 equal orders by luck are
    # out of the question.
    files = {save_network(network, tmp_path / f"{i}").read_bytes() for i in range(20)}
    assert len(files) == 1
    content = files.pop()
    size = int.from_bytes(content[:8], "little")
    assert size % 8 == 0
    keys = list(json.loads(content[8 : 8 + size])["__metadata__"])
    assert keys == sorted(keys)


def test_replaces_a_file_and_leaves_nothing_beside_it(
    network: TrainedNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "network.safetensors"
    path.write_text("old")
    save_network(network, path)
    assert load_file(path)
    assert list(tmp_path.iterdir()) == [path]


def test_says_what_cannot_be_written(network: TrainedNetwork, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"Cannot write '.*': no folder '.*absent'"):
        save_network(network, tmp_path / "absent" / "file")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileAccessError, match=r"Cannot write '.*folder': Is a directory"):
        save_network(network, folder)
    assert list(tmp_path.iterdir()) == [folder]
