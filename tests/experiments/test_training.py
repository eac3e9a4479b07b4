"""Training in torch: the steps are the textbook's, and the same seed gives the same bits."""

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from pastur._errors import MissingExtraError
from pastur._typing import AnyArray, FloatArray
from pastur.datasets import FashionMnist, shipped_network_path
from pastur.experiments import TrainingConfig, initial_parameters, train_network
from pastur.experiments._training.network import image_order
from pastur.experiments.shipped_network import CONFIG

NEEDS_TORCH = "training needs torch: pip install pastur[torch]"


@pytest.fixture
def torch() -> ModuleType:
    result: ModuleType = pytest.importorskip("torch", reason=NEEDS_TORCH)
    return result


# Each activation with its slope.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "absolute": (np.abs, np.sign),
    "relu": (lambda z: np.where(z > 0, z, 0.0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


def naive_gradients(
    p: Mapping[str, FloatArray], x: FloatArray, y: AnyArray, activation: str
) -> tuple[float, dict[str, FloatArray]]:
    """Mean cross-entropy of one batch and its gradient, written out layer by layer."""
    act, slope = ACTIVATIONS[activation]
    z1 = x @ p["fc1.weight"].T + p["fc1.bias"]
    z2 = act(z1) @ p["fc2.weight"].T + p["fc2.bias"]
    z3 = act(z2) @ p["fc3.weight"].T + p["fc3.bias"]
    chances = np.exp(z3) / np.exp(z3).sum(axis=1, keepdims=True)
    loss = -np.log(chances[np.arange(len(y)), y]).mean()
    d3 = (chances - np.eye(10)[y]) / len(y)
    d2 = d3 @ p["fc3.weight"] * slope(z2)
    d1 = d2 @ p["fc2.weight"] * slope(z1)
    gradients = {"fc1.weight": d1.T @ x, "fc2.weight": d2.T @ act(z1)}
    gradients |= {"fc3.weight": d3.T @ act(z2), "fc1.bias": d1.sum(0)}
    return loss, gradients | {"fc2.bias": d2.sum(0), "fc3.bias": d3.sum(0)}


def naive_training(
    config: TrainingConfig, data: FashionMnist
) -> tuple[dict[str, FloatArray], list[float]]:
    """Train in double precision, by the formulas of each optimiser's paper."""
    p = {name: value.astype(float) for name, value in initial_parameters(config).items()}
    first, second = ({name: np.zeros_like(value) for name, value in p.items()} for _ in range(2))
    x = data.train_images.reshape(len(data.train_images), -1) / 255
    step, losses = 0, []
    for epoch in range(config.epochs):
        order = image_order(config, epoch=epoch, count=len(x))
        batches = [order[i : i + config.batch_size] for i in range(0, len(x), config.batch_size)]
        batch_losses = []
        for batch in batches:
            step += 1
            loss, gradients = naive_gradients(
                p, x[batch], data.train_labels[batch], config.activation
            )
            batch_losses.append(loss)
            for name, g in gradients.items():
                g = g + config.weight_decay * p[name]
                if config.optimizer == "sgd":
                    first[name] = 0.9 * first[name] + g
                    p[name] -= config.learning_rate * first[name]
                else:
                    first[name] = 0.9 * first[name] + 0.1 * g
                    second[name] = 0.999 * second[name] + 0.001 * g**2
                    mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
                    p[name] -= config.learning_rate * mean / (np.sqrt(square) + 1e-8)
        losses.append(float(np.mean(batch_losses)))
    return p, losses


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd", "learning_rate": 0.01},
        {"optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 0.1},
        {"optimizer": "adam", "learning_rate": 1e-3},
        {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.1},
        {"optimizer": "sgd", "learning_rate": 0.01, "activation": "relu"},
        {"optimizer": "adam", "learning_rate": 1e-3, "activation": "tanh"},
        {"optimizer": "sgd", "learning_rate": 0.01, "initialization": "he"},
    ],
    ids=lambda options: " ".join(str(value) for value in options.values()),
)
def test_training_is_the_naive_one_in_double_precision(
    torch: ModuleType, tiny_data: FashionMnist, options: Mapping[str, Any]
) -> None:
    # 100 images in batches of 32: the last batch, of 4, is used as well.
    config = TrainingConfig(size=12, epochs=3, batch_size=32, seed=2, **options)
    network = train_network(config, data=tiny_data)
    expected, losses = naive_training(config, tiny_data)
    np.testing.assert_allclose(network.losses, losses, rtol=1e-5)
    for name, value in expected.items():
        # Single precision, 12 steps; a weight moves by up to 0.01 and more.
        np.testing.assert_allclose(network.parameters[name], value, rtol=0, atol=2e-5)
        assert np.abs(value - initial_parameters(config)[name]).max() > 1e-3


@pytest.mark.lengthy
def test_two_trainings_on_the_real_data_give_the_same_bits(
    torch: ModuleType, real_data: FashionMnist
) -> None:
    config = TrainingConfig(size=32, epochs=2)
    first, second = (train_network(config, data=real_data) for _ in range(2))
    for name, value in first.parameters.items():
        assert value.tobytes() == second.parameters[name].tobytes()
    assert first.losses == second.losses
    assert first.losses[1] < first.losses[0]
    # Chance is 0.1; the real thing is above 0.8 after an epoch.
    assert first.test_accuracy == second.test_accuracy > 0.8


def test_the_number_of_threads_is_of_no_effect_and_is_put_back(
    torch: ModuleType, tiny_data: FashionMnist
) -> None:
    before = torch.get_num_threads()
    config = TrainingConfig(size=64, epochs=1)
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(train_network(config, data=tiny_data))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name, value in results[0].parameters.items():
        assert value.tobytes() == results[1].parameters[name].tobytes()


def test_another_seed_gives_another_network(torch: ModuleType, tiny_data: FashionMnist) -> None:
    first, other = (
        train_network(TrainingConfig(size=8, epochs=1, seed=s), data=tiny_data) for s in (0, 1)
    )
    assert not np.array_equal(first.parameters["fc2.weight"], other.parameters["fc2.weight"])


def test_training_as_shipped_starts_from_the_shipped_initial_matrix(
    torch: ModuleType, tiny_data: FashionMnist
) -> None:
    network = train_network(CONFIG, data=tiny_data)
    shipped = load_file(shipped_network_path())["fc2.weight.initial"]
    assert network.initial_middle.tobytes() == shipped.tobytes()
    assert not np.array_equal(network.parameters["fc2.weight"], shipped)


def test_the_result_says_what_made_it(torch: ModuleType, tiny_data: FashionMnist) -> None:
    seen = []
    config = TrainingConfig(size=8, epochs=3, optimizer="sgd", learning_rate=0.01)
    network = train_network(config, data=tiny_data, progress=lambda *report: seen.append(report))
    assert network.config == config
    assert network.versions["torch"] == torch.__version__
    assert {"python", "numpy", "instructions"} <= network.versions.keys()
    assert [report[:2] for report in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1][2] == f"loss {network.losses[-1]:.3f}"
    assert not network.diverged


def test_a_training_that_diverges_says_so_and_stops(
    torch: ModuleType, tiny_data: FashionMnist
) -> None:
    config = TrainingConfig(size=8, epochs=40, optimizer="sgd", learning_rate=1000)
    network = train_network(config, data=tiny_data)
    assert network.diverged
    assert np.isnan(network.test_accuracy)
    assert len(network.losses) < 40


def test_without_torch_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tiny_data: FashionMnist
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install pastur\[torch\]"):
        train_network(TrainingConfig(), data=tiny_data)
