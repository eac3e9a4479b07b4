"""A training that was stopped goes on to the same bits."""

import dataclasses

import numpy as np
import pytest

from pastur._errors import FileFormatError
from pastur.experiments import TrainingConfig, train_network
from pastur.experiments._checkpoint import (
    TrainingState,
    epochs_done,
    load_state,
    save_state,
)

VERSIONS = {"torch": "2"}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="training needs torch: pip install pastur[torch]")


class Stopped(Exception):
    pass


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("when", ["before the state", "after the state"])
def test_stopped_and_resumed_it_has_the_same_bits(torch, tiny_data, tmp_path, optimizer, when):
    rate = {"adam": 1e-3, "sgd": 0.01}[optimizer]
    config = TrainingConfig(
        size=12, epochs=5, batch_size=32, optimizer=optimizer, learning_rate=rate, seed=3
    )
    whole = train_network(config, data=tiny_data)
    path = tmp_path / "state"

    def stop(epoch, *_):
        if epoch in stops:
            stops.remove(epoch)
            raise Stopped

    stops, trained = [2, 4], []
    hook = {"before the state": "watch", "after the state": "progress"}[when]
    for _ in range(2):
        with pytest.raises(Stopped):
            train_network(config, data=tiny_data, checkpoint=path, **{hook: stop})
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


def test_a_finished_state_is_not_trained_again(torch, tiny_data, tmp_path):
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


@pytest.fixture
def state():
    parameters = {"fc1.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}
    moments = {"fc1.weight": {"exp_avg": np.ones((2, 3), np.float32), "step": np.float32(7)}}
    return TrainingState(parameters, moments, [1.5, 1.25])


def test_a_state_comes_back(state, tmp_path):
    config = TrainingConfig(size=3)
    save_state(tmp_path / "s", config, state, VERSIONS)
    loaded = load_state(tmp_path / "s", config, VERSIONS)
    np.testing.assert_array_equal(loaded.parameters["fc1.weight"], state.parameters["fc1.weight"])
    assert loaded.moments["fc1.weight"]["step"].shape == ()
    assert loaded.moments["fc1.weight"]["step"] == 7
    assert loaded.losses == [1.5, 1.25]
    assert epochs_done(tmp_path / "s") == 2
    assert epochs_done(tmp_path / "s", VERSIONS) == 2


def test_a_state_of_other_versions_is_passed_over(state, tmp_path):
    config = TrainingConfig(size=3)
    save_state(tmp_path / "s", config, state, VERSIONS)
    assert load_state(tmp_path / "s", config, {"torch": "3"}) is None
    assert epochs_done(tmp_path / "s", {"torch": "3"}) == 0


def test_no_state(tmp_path):
    assert load_state(tmp_path / "s", TrainingConfig(), VERSIONS) is None
    assert epochs_done(tmp_path / "s") == 0


def test_a_state_of_another_training_is_refused(state, tmp_path):
    config = TrainingConfig(size=3)
    save_state(tmp_path / "s", config, state, VERSIONS)
    with pytest.raises(FileFormatError, match="is the state of another training"):
        load_state(tmp_path / "s", dataclasses.replace(config, seed=1), VERSIONS)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_state_is_named(state, tmp_path, share):
    config, path = TrainingConfig(size=3), tmp_path / "s"
    save_state(path, config, state, VERSIONS)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileFormatError, match="is no state of a training"):
        load_state(path, config, VERSIONS)
    assert epochs_done(path) == 0
