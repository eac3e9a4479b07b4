"""Keras' own quantised models: the weights are those that Keras computes with."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._typing import AnyArray
from pastur.weights import Matrix, Weights, iter_matrices, open_weights

pytest.importorskip("h5py")
pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
# Of Keras itself, with the versions of NumPy and torch of today.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def network(*, bias: bool = True, inputs: int = 24) -> Any:
    layers = [
        keras.layers.Input((inputs,)),
        keras.layers.Dense(11, use_bias=bias, name="first"),
        keras.layers.Dense(7, use_bias=bias, name="second"),
    ]
    model = keras.Sequential(layers)
    for variable in model.weights:
        if len(variable.shape) == 1:
            variable.assign(np.arange(variable.shape[0]) / 10)
    return model


def quantize(model: Any, *arguments: str, **options: Any) -> None:
    """Quantise what can be; Keras warns of each layer that cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.quantize(*arguments, **options)


def applied(layer: Any) -> AnyArray:
    """The kernel that a layer applies: what it makes of unit vectors, less of zeros."""
    size = layer.input_spec.axes[-1]
    unit, none = np.eye(size, dtype=np.float32), np.zeros((1, size), np.float32)
    return np.asarray(keras.ops.convert_to_numpy(layer(unit) - layer(none)))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Weights]:
    def save(model: Any, name: str = "model.keras") -> Weights:
        path = tmp_path / name
        if path.suffix == ".keras":
            model.save(path)
        else:
            model.save_weights(path)
        return open_weights(path)

    return save


def matrices(weights: Weights) -> dict[str, Matrix]:
    return {i.name: i for i in iter_matrices(weights) if isinstance(i, Matrix)}


@pytest.mark.lengthy
@pytest.mark.parametrize(("bias", "name"), [(True, "model.keras"), (False, "model.weights.h5")])
def test_int8(saved: Callable[..., Weights], bias: bool, name: str) -> None:
    model = network(bias=bias)
    quantize(model, "int8")
    # Unit vectors are exact in int8 but for the rounding of 127 steps.
    expected = [applied(layer) for layer in model.layers]
    weights = saved(model, name)
    found = matrices(weights)
    assert len(found) == 2
    assert {item.dtype for item in found.values()} == {"Keras int8"}
    for (name, item), kernel, layer in zip(found.items(), expected, model.layers, strict=True):
        np.testing.assert_allclose(item.load(), kernel.T, rtol=1e-5, atol=1e-6)
        scale = keras.ops.convert_to_numpy(layer.kernel_scale)
        assert weights.steps is not None
        steps = np.asarray(weights.steps(name))
        np.testing.assert_allclose(steps[0], 1 / scale**2 / 12, rtol=1e-5)


@pytest.mark.lengthy
@pytest.mark.parametrize(("block", "bias"), [(None, True), (None, False), (8, True)])
def test_int4(saved: Callable[..., Weights], bias: bool, block: int | None) -> None:
    config = keras.quantizers.Int4QuantizationConfig(block_size=block, activation_quantizer=None)
    model = network(bias=bias)
    quantize(model, "int4", config=config)
    expected = [applied(layer) for layer in model.layers]
    found = matrices(saved(model))
    assert {item.dtype for item in found.values()} == {"Keras int4"}
    for item, kernel in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(item.load(), kernel.T, rtol=1e-5, atol=1e-6)


@pytest.mark.lengthy
@pytest.mark.parametrize("rows", [13, 6])
def test_embedding(saved: Callable[..., Weights], rows: int) -> None:
    """A table has a scale for each row; one of as many rows as columns is no exception."""
    layer = keras.layers.Embedding(rows, 6, name="embedding")
    model = keras.Sequential([keras.layers.Input((4,), dtype="int32"), layer])
    quantize(model, "int8")
    expected = keras.ops.convert_to_numpy(layer(np.arange(rows)))
    (item,) = matrices(saved(model)).values()
    np.testing.assert_allclose(item.load(), expected, rtol=1e-6)


@pytest.mark.lengthy
def test_what_is_not_undone_is_left_out(saved: Callable[..., Weights]) -> None:
    """Attention keeps kernels of three axes; their codes are no weights, nor are their scales."""
    layer = keras.layers.EinsumDense("abc,cde->abde", (None, 3, 8), name="einsum")
    model = keras.Sequential([keras.layers.Input((5, 12)), layer])
    quantize(model, "int8")
    weights = saved(model)
    assert not matrices(weights)
    assert any("packed by Keras" in entry.unreadable for entry in weights.entries)
