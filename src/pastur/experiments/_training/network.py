"""The network of the experiment in NumPy: its shapes, its initial values, its forward pass.

None of this needs torch, so that a trained network can be checked without it.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from pastur._checks import one_of
from pastur._typing import AnyArray, FloatArray
from pastur.experiments._training.configuration import ACTIVATIONS, TrainingConfig

PIXELS = 784
CLASSES = 10
LAYERS = ("fc1", "fc2", "fc3")

Parameters = dict[str, npt.NDArray[np.float32]]

# Independent random streams of one seed, so that each can be entered anywhere.
_WEIGHTS, _ORDER = 0, 1


def layer_shapes(size: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name and the shape, outputs × inputs, of each weight matrix."""
    widths = (PIXELS, size, size, CLASSES)
    for layer, inputs, outputs in zip(LAYERS, widths[:-1], widths[1:], strict=True):
        yield layer, (outputs, inputs)


def parameter_shapes(size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and the shape of each weight matrix and each bias."""
    for layer, shape in layer_shapes(size):
        yield f"{layer}.weight", shape
        yield f"{layer}.bias", shape[:1]


def initial_parameters(config: TrainingConfig) -> Parameters:
    """Return the weights and biases before training.

    By default weights are Gaussian with variance 1/inputs, biases zero. The middle matrix is then
    R/√N with standard Gaussian R, the noise of W = R/√N + S with σ = 1; and because the absolute
    value keeps mean squares, a signal passes the layers at its own size. With "he" σ is √2, with
    "uniform" 1/√3.

    Parameters
    ----------
    config : TrainingConfig
        Only `size`, `seed` and `initialization` matter here.

    Returns
    -------
    dict of str to ndarray of float32
        ``fc1.weight`` (N × 784), ``fc1.bias``, ``fc2.weight`` (N × N), ``fc2.bias``,
        ``fc3.weight`` (10 × N), ``fc3.bias``.

    Examples
    --------
    >>> initial_parameters(TrainingConfig(size=32))["fc2.weight"].shape
    (32, 32)
    """
    rng = _stream(config.seed, _WEIGHTS)
    parameters: Parameters = {}
    for layer, (outputs, inputs) in layer_shapes(config.size):
        weight = _draw(config.initialization, (outputs, inputs), rng) / np.sqrt(inputs)
        parameters[f"{layer}.weight"] = weight.astype(np.float32)
        parameters[f"{layer}.bias"] = np.zeros(outputs, dtype=np.float32)
    return parameters


def _draw(initialization: str, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    if initialization == "uniform":
        return rng.uniform(-1, 1, shape)
    scale = np.sqrt(2) if initialization == "he" else 1.0
    return np.asarray(scale * rng.standard_normal(shape))


def image_order(config: TrainingConfig, *, epoch: int, count: int) -> npt.NDArray[np.int64]:
    """Return the order in which an epoch (counted from 0) visits `count` images."""
    return _stream(config.seed, _ORDER, epoch).permutation(count)


def scale_images(images: AnyArray, dtype: npt.DTypeLike) -> AnyArray:
    """Return images as rows of grey values from 0 to 1."""
    rows: AnyArray = images.reshape(len(images), -1).astype(dtype)
    rows /= 255
    return rows


def predict(
    parameters: Mapping[str, AnyArray], images: AnyArray, *, activation: str = "absolute"
) -> npt.NDArray[np.int64]:
    """Return the class that the network gives to each image.

    With h₀ the grey values over 255 and hᵢ = λ(Wᵢ hᵢ₋₁ + bᵢ), the class is the index of the largest
    entry of W₃ h₂ + b₃, as in (1.10) of the paper. Computed in double precision, so that the
    answer does not depend on the order in which a machine adds.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Weights and biases under the names that `initial_parameters` gives them.
    images : ndarray, shape (count, 28, 28)
        Grey values, 0 to 255.
    activation : {"absolute", "relu", "tanh"}
        λ, that of the training.

    Returns
    -------
    ndarray of int64, shape (count,)
        Classes, 0 to 9.

    Examples
    --------
    >>> blank = np.zeros((2, 28, 28), dtype=np.uint8)
    >>> predict(initial_parameters(TrainingConfig(size=8)), blank)
    array([0, 0])
    """
    act = _ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]
    hidden = scale_images(images, np.float64)
    for layer in LAYERS[:-1]:
        hidden = act(_affine(parameters, layer, hidden))
    scores = _affine(parameters, LAYERS[-1], hidden)
    return np.asarray(np.argmax(scores, axis=1), dtype=np.int64)


def _affine(parameters: Mapping[str, AnyArray], layer: str, inputs: FloatArray) -> FloatArray:
    weight = parameters[f"{layer}.weight"].astype(np.float64)
    return np.asarray(inputs @ weight.T + parameters[f"{layer}.bias"], dtype=np.float64)


_ACTIVATIONS: dict[str, Callable[[FloatArray], AnyArray]] = {
    "absolute": np.abs,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
