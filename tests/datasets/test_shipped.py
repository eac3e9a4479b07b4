"""The shipped network is what its metadata says; read without torch and without pastur."""

from collections.abc import Callable

import numpy as np
import pytest
from safetensors import safe_open

from pastur._typing import AnyArray, FloatArray
from pastur.datasets import FashionMnist, shipped_network_path

N = 300


@pytest.fixture(scope="module")
def shipped() -> tuple[dict[str, AnyArray], dict[str, str]]:
    with safe_open(shipped_network_path(), "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def quarter_circle_cdf(x: FloatArray, sigma: float) -> FloatArray:
    """The law of the singular values of square noise, Marchenko–Pastur at ratio 1."""
    u = np.clip(x / (2 * sigma), 0, 1)
    return (2 / np.pi) * (u * np.sqrt(1 - u**2) + np.arcsin(u))


def kolmogorov(values: FloatArray, cdf: Callable[..., FloatArray]) -> float:
    values = np.sort(values)
    steps = np.arange(len(values) + 1) / len(values)
    return float(max(np.abs(cdf(values) - steps[1:]).max(), np.abs(cdf(values) - steps[:-1]).max()))


def test_it_holds_three_layers_and_the_initial_middle_matrix(
    shipped: tuple[dict[str, AnyArray], dict[str, str]],
) -> None:
    tensors, _ = shipped
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "fc1.weight": (N, 784),
        "fc1.bias": (N,),
        "fc2.weight": (N, N),
        "fc2.weight.initial": (N, N),
        "fc2.bias": (N,),
        "fc3.weight": (10, N),
        "fc3.bias": (10,),
    }
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_it_is_light() -> None:
    assert shipped_network_path().stat().st_size <= 2_000_000


def test_the_metadata_tell_how_it_was_made(
    shipped: tuple[dict[str, AnyArray], dict[str, str]],
) -> None:
    _, metadata = shipped
    assert metadata["epochs"] == "25"
    assert metadata["activation"] == "absolute value"
    assert "Gaussian" in metadata["initialization"]
    assert "Fashion-MNIST" in metadata["data"]
    assert metadata["command"] == "python -m pastur.experiments.shipped_network --output FILE"
    expected = {"optimizer", "learning_rate", "batch_size", "weight_decay", "seed", "loss"}
    assert expected | {"architecture", "version_torch", "version_numpy"} <= metadata.keys()


@pytest.mark.lengthy
def test_the_recorded_accuracy_is_true(
    shipped: tuple[dict[str, AnyArray], dict[str, str]], real_data: FashionMnist
) -> None:
    tensors, metadata = shipped
    w1, w2, w3 = (tensors[f"fc{i}.weight"].astype(np.float64) for i in (1, 2, 3))
    b1, b2, b3 = (tensors[f"fc{i}.bias"].astype(np.float64) for i in (1, 2, 3))
    images = real_data.test_images.reshape(10000, 784) / 255
    scores = np.abs(np.abs(images @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    right = int((scores.argmax(axis=1) == real_data.test_labels).sum())
    # Ten thousand images: the decimals recorded are exact.
    assert round(float(metadata["test_accuracy"]) * 10000) == right
    assert right >= 8800


def test_the_initial_middle_matrix_is_pure_gaussian_noise(
    shipped: tuple[dict[str, AnyArray], dict[str, str]],
) -> None:
    from scipy.special import ndtr

    entries = shipped[0]["fc2.weight.initial"].ravel() * np.sqrt(N)
    # Dvoretzky–Kiefer–Wolfowitz: chance 1e-6 of a false alarm, for a file that never changes.
    bound = np.sqrt(np.log(2 / 1e-6) / (2 * entries.size))
    assert kolmogorov(entries, ndtr) < bound
    uniform = np.random.default_rng(0).uniform(-(3**0.5), 3**0.5, entries.size)
    assert kolmogorov(uniform, ndtr) > bound


def test_training_left_a_noise_bulk_and_drew_spikes_out_of_it(
    shipped: tuple[dict[str, AnyArray], dict[str, str]],
) -> None:
    before = np.linalg.svd(shipped[0]["fc2.weight.initial"].astype(float), compute_uv=False)
    after = np.linalg.svd(shipped[0]["fc2.weight"].astype(float), compute_uv=False)
    # The edge of the initial noise is 2. The largest of its singular values fluctuates by
    # 2 (2N)^(-2/3) = 0.03: 2.2 is far outside, and nothing was there before.
    assert before[0] < 2.2
    spikes = int((after > 2.2).sum())
    assert 5 <= spikes <= 20
    bulk = after[spikes:]
    assert kolmogorov(before, lambda x: quarter_circle_cdf(x, 1)) < 0.02
    sigmas = np.linspace(0.9, 1.1, 41)
    distances = [kolmogorov(bulk, lambda x, s=s: quarter_circle_cdf(x, s)) for s in sigmas]
    # Eigenvalues of noise are rigid: the distance is of order log(N)/N = 0.019.
    assert min(distances) < 0.02
    # A matrix of the same shape without a bulk of this law, all directions alike.
    assert (
        kolmogorov(np.random.default_rng(0).uniform(0, 2, N), lambda x: quarter_circle_cdf(x, 1))
        > 0.05
    )
