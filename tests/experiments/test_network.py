"""Initial values and forward pass, without torch."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from safetensors.numpy import load_file

from pastur._typing import FloatArray
from pastur.datasets import FashionMnist, shipped_network_path
from pastur.experiments import TrainingConfig, initial_parameters, predict
from pastur.experiments._training.network import image_order
from pastur.experiments.shipped_network import CONFIG


def test_the_shipped_initial_matrix_is_the_one_drawn_here() -> None:
    shipped = load_file(shipped_network_path())
    drawn = initial_parameters(CONFIG)
    np.testing.assert_array_equal(drawn["fc2.weight"], shipped["fc2.weight.initial"])
    assert {name: value.shape for name, value in drawn.items()} == {
        name: value.shape for name, value in shipped.items() if name != "fc2.weight.initial"
    }


@pytest.mark.parametrize(
    ("name", "inputs"), [("fc1.weight", 784), ("fc2.weight", 400), ("fc3.weight", 400)]
)
def test_initial_weights_have_variance_one_over_inputs(name: str, inputs: int) -> None:
    weight = initial_parameters(TrainingConfig(size=400, seed=5))[name].astype(float)
    # The mean square of n Gaussians has relative standard deviation sqrt(2/n); five of them are a
    # false alarm in a million.
    allowed = 5 * np.sqrt(2 / weight.size)
    assert np.mean(weight**2) * inputs == pytest.approx(1, abs=allowed)
    assert np.mean(weight**2) * (inputs * 1.2) != pytest.approx(1, abs=allowed)


def test_seeds_and_layers_draw_different_numbers() -> None:
    first, again, other = (initial_parameters(TrainingConfig(size=50, seed=s)) for s in (1, 1, 2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    pairs = [(first[name], other[name]) for name in ("fc1.weight", "fc2.weight", "fc3.weight")]
    pairs.append((first["fc2.weight"][:10], first["fc3.weight"]))
    for a, b in pairs:
        # Five standard deviations of the correlation of independent numbers.
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_each_epoch_visits_every_image_once_in_its_own_order() -> None:
    config = TrainingConfig(seed=3)
    orders = [image_order(config, epoch=epoch, count=1000) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    # Two random orders agree at one place on average; at 15 with chance below 1e-12.
    assert max((orders[i] == orders[j]).sum() for i, j in ((0, 1), (0, 2), (1, 2))) < 15
    np.testing.assert_array_equal(orders[2], image_order(config, epoch=2, count=1000))


def test_predict_is_the_network_of_the_paper_entry_by_entry(tiny_data: FashionMnist) -> None:
    rng = np.random.default_rng(1)
    parameters = {
        k: rng.normal(size=v.shape) for k, v in initial_parameters(TrainingConfig(size=3)).items()
    }

    def layer(values: Sequence[float], i: int, activate: bool) -> list[float]:
        out = []
        for row, bias in zip(parameters[f"fc{i}.weight"], parameters[f"fc{i}.bias"], strict=True):
            score = bias + sum(float(w) * float(v) for w, v in zip(row, values, strict=True))
            out.append(abs(score) if activate else score)
        return out

    images = tiny_data.test_images[:20]
    expected = []
    for image in images:
        values = [pixel / 255 for line in image.tolist() for pixel in line]
        scores = layer(layer(layer(values, 1, True), 2, True), 3, False)
        expected.append(scores.index(max(scores)))
    assert len(set(expected)) > 1
    np.testing.assert_array_equal(predict(parameters, images), expected)


@pytest.mark.parametrize(
    ("initialization", "sigma", "largest"),
    [("gaussian", 1.0, np.inf), ("he", 2**0.5, np.inf), ("uniform", 3**-0.5, 1.0)],
)
def test_initializations_have_their_variance(
    initialization: str, sigma: float, largest: float
) -> None:
    """Of 160 000 entries: the standard error of the standard deviation is 0.2 %."""
    config = TrainingConfig(size=400, seed=5, initialization=initialization)
    entries = initial_parameters(config)["fc2.weight"].astype(float) * np.sqrt(400)
    assert entries.std() == pytest.approx(sigma, rel=0.008)
    assert np.abs(entries).max() <= largest * (1 + 1e-6)


@pytest.mark.parametrize("activation", ["absolute", "relu", "tanh"])
def test_predict_takes_the_activation_of_the_training(activation: str) -> None:
    functions: dict[str, Callable[[FloatArray], FloatArray]] = {
        "absolute": np.abs,
        "relu": lambda x: x * (x > 0),
        "tanh": np.tanh,
    }
    act = functions[activation]
    rng = np.random.default_rng(3)
    parameters = {
        k: rng.normal(size=v.shape) for k, v in initial_parameters(TrainingConfig(size=6)).items()
    }
    images = rng.integers(0, 256, size=(40, 28, 28)).astype(np.uint8)
    hidden = images.reshape(40, -1) / 255
    for layer in ("fc1", "fc2"):
        hidden = act(hidden @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"])
    scores = hidden @ parameters["fc3.weight"].T + parameters["fc3.bias"]
    classes = predict(parameters, images, activation=activation)
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))
