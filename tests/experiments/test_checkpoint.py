"""A training that was stopped goes on to the same bits."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pastur._errors import FileFormatError, PasturWarning
from pastur._typing import AnyArray
from pastur.datasets import FashionMnist
from pastur.experiments import TrainingConfig, initial_parameters, train_network
from pastur.experiments._training.checkpoint import (
    TrainingState,
    epochs_done,
    load_state,
    save_state,
)

VERSIONS = {"torch": "2"}


@pytest.fixture
def torch() -> ModuleType:
    result: ModuleType = pytest.importorskip(
        "torch", reason="training needs torch: pip install pastur[torch]"
    )
    return result


class Stopped(Exception):
    pass


@pytest.mark.lengthy
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("when", ["before the state", "after the state"])
def test_stopped_and_resumed_it_has_the_same_bits(
    torch: ModuleType, tiny_data: FashionMnist, tmp_path: Path, optimizer: str, when: str
) -> None:
    rate = {"adam": 1e-3, "sgd": 0.01}[optimizer]
    config = TrainingConfig(
        size=12, epochs=5, batch_size=32, optimizer=optimizer, learning_rate=rate, seed=3
    )
    whole = train_network(config, data=tiny_data)
    path = tmp_path / "state"

    def stop(epoch: int, *_: Mapping[str, AnyArray] | str | int) -> None:
        if epoch in stops:
            stops.remove(epoch)
            raise Stopped

    stops, trained = [2, 4], []
    name = {"before the state": "watch", "after the state": "progress"}[when]
    hook: dict[str, Any] = {name: stop}
    for _ in range(2):
        with pytest.raises(Stopped):
            train_network(config, data=tiny_data, checkpoint=path, **hook)
        trained.append(epochs_done(path))
    assert trained == ([1, 3] if when == "before the state" else [2, 4])
    seen = []
    resumed = train_network(
        config, data=tiny_data, checkpoint=path, watch=lambda epoch, _: seen.append(epoch)
    )
    assert seen == list(range(trained[-1] + 1, 6))
    assert resumed.losses == whole.losses
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value)
    np.testing.assert_array_equal(resumed.initial_middle, whole.initial_middle)


@pytest.mark.lengthy
def test_a_finished_state_is_not_trained_again(
    torch: ModuleType, tiny_data: FashionMnist, tmp_path: Path
) -> None:
    config = TrainingConfig(size=8, epochs=2, batch_size=32)
    first = train_network(config, data=tiny_data, checkpoint=tmp_path / "state")
    again = train_network(
        config,
        data=tiny_data,
        checkpoint=tmp_path / "state",
        watch=lambda *_: pytest.fail("trained again"),
    )
    assert again.losses == first.losses
    assert again.test_accuracy == first.test_accuracy


CONFIG = TrainingConfig(size=3, epochs=4)


@pytest.fixture
def state() -> TrainingState:
    parameters = initial_parameters(CONFIG)
    moments = {
        name: {"step": np.float32(7), "exp_avg": 2 * value, "exp_avg_sq": value**2}
        for name, value in parameters.items()
    }
    return TrainingState(parameters, moments, [1.5, 1.25])


def test_a_state_comes_back(state: TrainingState, tmp_path: Path) -> None:
    save_state(tmp_path / "s", CONFIG, state, VERSIONS)
    loaded = load_state(tmp_path / "s", CONFIG, VERSIONS)
    assert state is not None
    for name, value in state.parameters.items():
        assert loaded is not None
        np.testing.assert_array_equal(loaded.parameters[name], value)
        assert loaded is not None
        np.testing.assert_array_equal(loaded.moments[name]["exp_avg"], 2 * value)
    assert loaded is not None
    assert loaded.moments["fc1.weight"]["step"].shape == ()
    assert loaded.moments["fc1.weight"]["step"] == 7
    assert loaded.losses == [1.5, 1.25]
    assert epochs_done(tmp_path / "s") == 2
    assert epochs_done(tmp_path / "s", VERSIONS) == 2


def test_a_state_of_other_versions_is_passed_over(state: TrainingState, tmp_path: Path) -> None:
    save_state(tmp_path / "s", CONFIG, state, VERSIONS)
    assert load_state(tmp_path / "s", CONFIG, {"torch": "3"}) is None
    assert epochs_done(tmp_path / "s", {"torch": "3"}) == 0


def test_no_state(tmp_path: Path) -> None:
    assert load_state(tmp_path / "s", TrainingConfig(), VERSIONS) is None
    assert epochs_done(tmp_path / "s") == 0


def test_a_state_of_another_training_is_refused(state: TrainingState, tmp_path: Path) -> None:
    save_state(tmp_path / "s", CONFIG, state, VERSIONS)
    with pytest.raises(FileFormatError, match="is the state of another training"):
        load_state(tmp_path / "s", dataclasses.replace(CONFIG, seed=1), VERSIONS)
    assert (tmp_path / "s").exists()


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_header(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        header, data = parts(path)
        edit(header)
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data)

    return damage


def metadata(**values: Any) -> Callable[[Path], None]:
    return with_header(lambda header: header["__metadata__"].update(values))


def with_tensors(
    edit: Callable[[dict[str, AnyArray]], AnyArray | None],
) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        header, _ = parts(path)
        tensors = load_file(path)
        edit(tensors)
        save_file(tensors, path, metadata=header["__metadata__"])

    return damage


def rename(tensors: dict[str, AnyArray]) -> None:
    tensors["other"] = tensors.pop("fc1.bias")


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off in the header": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "cut off in the data": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "text": lambda path: path.write_text("hello" * 100),
    "no metadata": with_header(lambda header: header.pop("__metadata__")),
    "no losses": with_header(lambda header: header["__metadata__"].pop("losses")),
    "losses = 3": metadata(losses="3"),
    "losses = []": metadata(losses="[]"),
    "losses are texts": metadata(losses='["1.5"]'),
    "losses are no JSON": metadata(losses="[1.5"),
    "losses of more epochs": metadata(losses="[1.0, 1.0, 1.0, 1.0, 1.0]"),
    "versions nested": metadata(versions="[" * 100_000),
    "versions are a list": metadata(versions="[]"),
    "config is no JSON": metadata(config="{"),
    "config is nested": metadata(config='{"size":' * 100_000),
    "a parameter missing": with_tensors(lambda tensors: tensors.pop("fc2.weight")),
    "a moment missing": with_tensors(lambda tensors: tensors.pop("optimizer.fc2.bias.exp_avg")),
    "a parameter too many": with_tensors(lambda tensors: tensors.update(x=np.ones(3, "f4"))),
    "a parameter renamed": with_tensors(rename),
    "another shape": with_tensors(lambda tensors: tensors.update({"fc2.bias": np.ones(4, "f4")})),
    "another type": with_tensors(lambda tensors: tensors.update({"fc2.bias": np.ones(3, "i4")})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_kept_and_the_training_begins_anew(
    state: TrainingState, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "s"
    save_state(path, CONFIG, state, VERSIONS)
    DAMAGES[damage](path)
    content = path.read_bytes()
    assert epochs_done(path) <= 5
    assert path.read_bytes() == content
    with pytest.warns(PasturWarning, match=r"s' is damaged \(.*\): it was renamed to 's\.damaged'"):
        assert load_state(path, CONFIG, VERSIONS) is None
    assert not path.exists()
    assert (tmp_path / "s.damaged").read_bytes() == content


def test_losses_of_a_training_that_ran_away_are_no_damage(
    state: TrainingState, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    save_state(path, CONFIG, state._replace(losses=[1.5, float("nan")]), VERSIONS)
    found = load_state(path, CONFIG, VERSIONS)
    assert found is not None and np.isnan(found.losses[1])
    save_state(path, CONFIG, state._replace(losses=[float("inf")]), VERSIONS)
    assert epochs_done(path) == 1


@pytest.mark.lengthy
def test_a_training_with_a_damaged_checkpoint_is_whole(
    torch: ModuleType, tiny_data: FashionMnist, tmp_path: Path
) -> None:
    config = TrainingConfig(size=8, epochs=2, batch_size=32)
    whole = train_network(config, data=tiny_data)
    (tmp_path / "state").write_bytes(b"\0" * 100)
    with pytest.warns(PasturWarning, match="the training begins anew"):
        again = train_network(config, data=tiny_data, checkpoint=tmp_path / "state")
    assert again.losses == whole.losses
