"""Weights in parts: what `module.weight` of PyTorch is, from the module and from its state."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._typing import FloatArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

torch = pytest.importorskip("torch")
nn = torch.nn
prune = pytest.importorskip("torch.nn.utils.prune")
parametrizations = pytest.importorskip("torch.nn.utils.parametrizations")
parametrize = pytest.importorskip("torch.nn.utils.parametrize")

LAYERS: dict[str, Callable[[], Any]] = {
    "linear": lambda: nn.Linear(12, 7),
    "square": lambda: nn.Linear(9, 9),
    "conv1d": lambda: nn.Conv1d(4, 6, 3),
    "conv2d": lambda: nn.Conv2d(4, 6, (3, 2)),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3),
    "square transposed": lambda: nn.ConvTranspose1d(6, 6, 3),
    "embedding": lambda: nn.Embedding(11, 5),
}


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(3)
    return LAYERS[request.param]()


def old(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call what PyTorch calls deprecated, and still writes into files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return function(*arguments, **options)


def uneven(tensor: Any) -> None:
    with torch.no_grad():
        tensor.mul_(torch.exp(torch.randn(tensor.shape)))


def assert_weight(
    module: Any,
    tmp_path: Path,
    *,
    of: Callable[[Any], Any] = lambda module: module.weight,
    name: str = "weight",
) -> None:
    """Assert that module, dictionary and files give what the module computes with."""
    state = {key: value.numpy().copy() for key, value in module.state_dict().items()}
    expected = of(module).detach().numpy().copy()
    save_file(state, tmp_path / "m.safetensors")
    torch.save(module.state_dict(), tmp_path / "m.pt")
    sources = [module, state, tmp_path / "m.safetensors", tmp_path / "m.pt"]
    for source in sources:
        weights = open_weights(source)
        read = weights.read(name)
        assert read.dtype == np.float32
        np.testing.assert_allclose(read, expected, rtol=2e-5, atol=1e-7)
        matrices = {i.tensor for i in iter_matrices(weights) if isinstance(i, Matrix)}
        assert matrices == {name}
        listed = [entry.name for entry in weights.entries]
        assert sorted(listed) == sorted({*state, name})
    after = module.state_dict()
    for key, value in state.items():
        np.testing.assert_array_equal(after[key].numpy(), value)


def test_pruned(layer: Any, tmp_path: Path) -> None:
    prune.l1_unstructured(layer, "weight", amount=0.7)
    assert_weight(layer, tmp_path)


def test_pruned_by_units(layer: Any, tmp_path: Path) -> None:
    prune.ln_structured(layer, "weight", amount=0.5, n=2, dim=0)
    assert_weight(layer, tmp_path)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(layer: Any, dim: int | None, tmp_path: Path) -> None:
    parametrizations.weight_norm(layer, dim=dim)
    uneven(layer.parametrizations.weight.original0)
    uneven(layer.parametrizations.weight.original1)
    assert_weight(layer, tmp_path)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_old_weight_norm(layer: Any, dim: int | None, tmp_path: Path) -> None:
    old(torch.nn.utils.weight_norm, layer, dim=dim)
    uneven(layer.weight_g)
    uneven(layer.weight_v)
    inputs = {"Embedding": torch.zeros(1, dtype=torch.long)}
    shape = [2, layer.weight.shape[1], *([5] * (layer.weight.ndim - 2))]
    if "Transpose" in type(layer).__name__:
        shape[1] = layer.weight.shape[0]
    layer(inputs.get(type(layer).__name__, torch.zeros(shape)))
    assert_weight(layer, tmp_path)


@pytest.mark.parametrize("training", [True, False])
def test_spectral_norm(layer: Any, training: bool, tmp_path: Path) -> None:
    """In training, PyTorch improves the two vectors at each look: here none may change."""
    parametrizations.spectral_norm(layer)
    layer.eval()
    expected = layer.weight.detach().clone()
    layer.train(training)
    assert_weight(layer, tmp_path, of=lambda _: expected)
    assert layer.training is training


def test_old_spectral_norm(layer: Any, tmp_path: Path) -> None:
    old(torch.nn.utils.spectral_norm, layer, n_power_iterations=5)
    layer.train()
    shape = [2, layer.weight.shape[1], *([5] * (layer.weight.ndim - 2))]
    if "Transpose" in type(layer).__name__:
        shape[1] = layer.weight.shape[0]
    batch = torch.zeros(1, dtype=torch.long) if isinstance(layer, nn.Embedding) else None
    layer(torch.randn(shape) if batch is None else batch)
    layer.eval()
    layer(torch.randn(shape) if batch is None else batch)
    assert_weight(layer, tmp_path)


@pytest.mark.parametrize("make", [parametrizations.weight_norm, prune.identity, "old"])
@pytest.mark.filterwarnings("ignore")
def test_groups_and_transpositions_of_a_convolution_in_parts(
    make: Callable[..., Any] | str, tmp_path: Path
) -> None:
    """What a module, or one that was saved whole, says of its kernel holds for the weight."""
    torch.manual_seed(3)
    layers = nn.ModuleDict(
        {"groups": nn.Conv2d(8, 6, 3, groups=2), "back": nn.ConvTranspose2d(8, 6, 3)}
    )
    shapes = {item.name: item.shape for item in iter_matrices(open_weights(layers))}
    for layer in layers.values():
        function: Any = nn.utils.weight_norm if make == "old" else make
        function(layer, "weight")
    sources = [layers]
    if make is not parametrizations.weight_norm:  # which refuses to be saved whole
        torch.save(layers, tmp_path / "m.pt")
        sources.append(tmp_path / "m.pt")
    for source in sources:
        items = iter_matrices(open_weights(source))
        found = {item.name: item.shape for item in items if isinstance(item, Matrix)}
        assert found == {name: shape for name, shape in shapes.items() if "weight" in name}


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).T


PARAMETRISED: dict[str, Callable[[Any], Any]] = {
    "orthogonal": lambda m: parametrizations.orthogonal(m),
    "cayley": lambda m: parametrizations.orthogonal(m, orthogonal_map="cayley"),
    "symmetric": lambda m: parametrize.register_parametrization(m, "weight", Symmetric()),
    "two": lambda m: parametrizations.spectral_norm(
        parametrize.register_parametrization(m, "weight", Symmetric()) or m
    ),
}


@pytest.mark.parametrize("kind", PARAMETRISED)
def test_other_parametrisations(kind: str) -> None:
    """A module computes them; from a state, which does not name the function, none is made."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 4)).eval()
    PARAMETRISED[kind](module[0])
    expected = module[0].weight.detach().numpy()
    weights = open_weights(module)
    np.testing.assert_allclose(weights.read("0.weight"), expected, rtol=1e-5, atol=1e-6)
    found = {i.name for i in iter_matrices(weights) if isinstance(i, Matrix)}
    assert found == {"0.weight", "1.weight"}
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    weights = open_weights(state)
    reasons = {i.name: getattr(i, "reason", "") for i in iter_matrices(weights)}
    assert "by a function that a state does not name" in reasons["0.weight"]
    assert "pass the module itself" in reasons["0.weight"]
    assert not reasons["1.weight"]


def test_names_that_only_look_like_parts() -> None:
    """Tensors that end like parts and are none stay what they are."""
    arrays = {
        "attn.proj_v": np.ones((4, 6)),
        "attn.proj_g": np.ones((4, 1)),
        "layer.weight_orig": np.ones((4, 6)),
        "parametrizations.original": np.ones((4, 6)),
        "x.weight_mask": np.ones((4, 6)),
    }
    found = [i.name for i in iter_matrices(open_weights(arrays)) if isinstance(i, Matrix)]
    assert found == [name for name in arrays if name != "attn.proj_g"]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"l.weight_orig": np.ones((4, 6)), "l.weight_mask": np.ones((4, 5))}, "pruned"),
        ({"l.weight_g": np.ones((4, 6)), "l.weight_v": np.ones((4, 6))}, "do not fit weight_norm"),
        ({"l.weight_g": np.ones((3, 1)), "l.weight_v": np.ones((4, 6))}, "do not fit weight_norm"),
        ({"l.weight_orig": np.ones((4, 6)), "l.weight_u": np.ones(4)}, "do not fit spectral_norm"),
    ],
)
def test_parts_that_do_not_fit(arrays: Mapping[str, FloatArray], words: str) -> None:
    items = list(iter_matrices(open_weights(arrays)))
    assert not any(isinstance(item, Matrix) for item in items)
    assert isinstance(items[0], Skipped)
    assert words in items[0].reason and items[0].name == "l.weight"
    assert {item.name for item in items} == {*arrays, "l.weight"}


def test_masked_is_zero_even_where_it_was_not_finite() -> None:
    whole, mask = np.array([[1.0, np.inf], [np.nan, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    weights = open_weights({"l.weight_orig": whole, "l.weight_mask": mask})
    np.testing.assert_array_equal(weights.read("l.weight"), [[1, 0], [0, 2]])


def test_one_bad_layer_never_ends_the_listing() -> None:
    """Quantised, lazy, on no device, of no shape: each is listed, and the rest is read."""
    torch.manual_seed(3)
    quantised = torch.ao.nn.quantized
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linear, conv = quantised.Linear(8, 5), quantised.Conv2d(3, 4, 3)
        channels = torch.quantize_per_channel(
            torch.randn(5, 8), torch.rand(5).double() + 0.1, torch.zeros(5).long(), 0, torch.qint8
        )
        plain = torch.quantize_per_tensor(torch.randn(4, 3, 3, 3), 0.03, 2, torch.qint8)
        linear.set_weight_bias(channels, torch.randn(5))
        conv.set_weight_bias(plain, None)
        lstm = torch.ao.nn.quantized.dynamic.LSTM(6, 4)
        lazy = nn.LazyLinear(4)
        torn = quantised.Linear(8, 5)
        torn._packed_params._packed_params = None
    broken = nn.Linear(5, 5)
    parametrize.register_parametrization(broken, "weight", Broken())
    Broken.fails = True
    module = nn.ModuleDict(
        {
            "linear": linear,
            "conv": conv,
            "lstm": lstm,
            "lazy": lazy,
            "meta": nn.Linear(6, 5, device="meta"),
            "broken": broken,
            "torn": torn,
            "good": nn.Linear(6, 5),
        }
    )
    with pytest.raises(RuntimeError):
        module.state_dict()
    weights = open_weights(module)
    np.testing.assert_array_equal(weights.read("linear.weight"), channels.dequantize().numpy())
    np.testing.assert_array_equal(weights.read("conv.weight"), plain.dequantize().numpy())
    scales = channels.q_per_channel_scales().numpy()[:, None]
    assert weights.steps is not None
    np.testing.assert_allclose(
        np.asarray(weights.steps("linear.weight")), np.broadcast_to(scales**2 / 12, (5, 8))
    )
    np.testing.assert_allclose(
        np.asarray(weights.steps("conv.weight")), np.full((4, 3, 3, 3), 0.03**2 / 12)
    )
    items = {i.name: i for i in iter_matrices(weights)}
    found = {name for name, item in items.items() if isinstance(item, Matrix)}
    assert found == {"linear.weight", "conv.weight", "good.weight"}
    assert items["linear.weight"].dtype == "qint8"
    assert isinstance(items["torn._packed_params"], Skipped)
    assert "does not give its state" in items["torn._packed_params"].reason
    assert "lstm._all_weight_values.0.param" in items
    assert isinstance(items["lazy.weight"], Skipped)
    assert "has no values yet" in items["lazy.weight"].reason
    assert isinstance(items["meta.weight"], Skipped)
    assert "the device 'meta'" in items["meta.weight"].reason
    assert isinstance(items["broken.weight"], Skipped)
    assert "cannot be computed from its parts (ArithmeticError)" in items["broken.weight"].reason


@pytest.mark.filterwarnings("ignore")
def test_quantised_tensors_in_files(tmp_path: Path) -> None:
    """Codes, scales and zero points of PyTorch's own quantised layers: what `dequantize` gives."""
    torch.manual_seed(3)
    tall = torch.randn(7, 9)
    scales, zeros = torch.rand(9).double() + 0.1, torch.randint(-5, 5, (9,))
    dynamic = torch.ao.quantization.quantize_dynamic(
        nn.Sequential(nn.Linear(9, 7), nn.LSTM(7, 4)), {nn.Linear, nn.LSTM}
    )
    tensors = {
        "whole": torch.quantize_per_tensor(tall, 0.07, 3, torch.quint8),
        "turned": torch.quantize_per_tensor(tall, 0.07, -3, torch.qint8).t(),
        "columns": torch.quantize_per_channel(tall, scales, zeros, 1, torch.qint8),
        "floats": torch.quantize_per_channel(
            tall.t().contiguous(), scales.float(), zeros.float() + 0.5, 0, torch.quint8
        ),
        **dynamic.state_dict(),
    }
    expected = {k: v for k, v in tensors.items() if getattr(v, "is_quantized", False)}
    expected["0.weight"] = dynamic[0].weight()
    torch.save(tensors, tmp_path / "m.pt")
    weights = open_weights(tmp_path / "m.pt")
    assert weights.read("0.bias").shape == (7,)
    for name, tensor in expected.items():
        np.testing.assert_allclose(
            weights.read(name), tensor.dequantize().numpy(), rtol=1e-6, atol=1e-6
        )
    found = {i.name: i for i in iter_matrices(weights) if isinstance(i, Matrix)}
    assert {found[name].dtype for name in expected} == {"qint8", "quint8"}
    assert weights.steps is not None
    np.testing.assert_allclose(
        np.asarray(weights.steps("whole")), np.full((7, 9), 0.07**2 / 12), rtol=1e-6
    )
    columns = np.asarray(weights.steps("columns"))
    np.testing.assert_allclose(columns[0], scales.numpy() ** 2 / 12, rtol=1e-6)
    small = torch.quantize_per_channel(tall, scales.float(), zeros.float(), 1, torch.quint4x2)
    torch.save({"small": small, "plain": tall}, tmp_path / "m.pt")
    entries = {entry.name: entry for entry in open_weights(tmp_path / "m.pt").entries}
    assert "quint4x2" in entries["small"].unreadable
    assert not entries["plain"].unreadable


class Broken(nn.Module):
    fails = False

    def forward(self, x: Any) -> Any:
        if self.fails:
            raise ArithmeticError("broken on purpose")
        return x
