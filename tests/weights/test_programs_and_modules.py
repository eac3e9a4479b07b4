"""TorchScript archives and modules of PyTorch: every tensor, under its name, and nothing run."""

import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import FileFormatError, InvalidInputError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

torch = pytest.importorskip("torch")


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = torch.nn.Linear(3, 4)
        self.layers = torch.nn.ModuleList([torch.nn.Conv1d(4, 2, 1), torch.nn.LSTM(3, 4)])
        self.register_buffer("table", torch.ones(2, 3))
        self.plain = torch.arange(25.0).reshape(5, 5)
        self.words = ["x"]

    # TorchScript takes an argument without a type for a tensor, and knows no Any.
    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.model(x) @ torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network()


def saved(network: Network, path: Path, *, traced: bool) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = (
            torch.jit.trace(network, torch.ones(2, 3)) if traced else torch.jit.script(network)
        )
        torch.jit.save(program, str(path))
    return path


@pytest.mark.parametrize("traced", [False, True])
def test_programs(network: Network, tmp_path: Path, traced: bool) -> None:
    weights = open_weights(saved(network, tmp_path / "program.pt", traced=traced))
    names = {entry.name for entry in weights.entries}
    state = network.state_dict()
    # A trace keeps the parts that it met, a program all that is there.
    expected = set(state) if not traced else {name for name in state if name in names}
    assert {"model.weight", "model.bias"} <= expected <= names
    for name in expected:
        np.testing.assert_array_equal(weights.read(name), state[name].numpy())
    if traced:
        assert weights.read("constants.0").shape == (4, 2)
    else:
        np.testing.assert_array_equal(weights.read("plain"), network.plain)
        gates = [item.name for item in iter_matrices(weights) if "weight_ih" in item.name]
        assert gates == [f"layers.1.weight_ih_l0:{gate}" for gate in "ifgo"]


def test_the_code_of_a_program_is_not_run(network: Network, tmp_path: Path) -> None:
    sound = saved(network, tmp_path / "sound.pt", traced=False)
    bad = tmp_path / "bad.pt"
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(bad, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename.endswith(".py"):
                content = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
            new.writestr(item, content)
    assert open_weights(bad).entries == open_weights(sound).entries
    attack = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
    with zipfile.ZipFile(bad, "w") as new:
        new.writestr("m/data.pkl", attack)
        new.writestr("m/constants.pkl", b"\x80\x02).")
    with pytest.raises(FileFormatError, match=r"would execute code stored in it .*os\.system"):
        open_weights(bad)
    # An object of a class that is not the program's.
    with zipfile.ZipFile(bad, "w") as new:
        new.writestr("m/data.pkl", b"\x80\x02ccollections\nOrderedDict\n)\x81.")
        new.writestr("m/constants.pkl", b"\x80\x02).")
    with pytest.raises(FileFormatError, match="its pickle is damaged"):
        open_weights(bad)
    assert not (tmp_path / "ran").exists()


@pytest.mark.lengthy
def test_cut_off_and_changed_programs(network: Network, tmp_path: Path) -> None:
    sound = saved(network, tmp_path / "sound.pt", traced=False).read_bytes()
    path = tmp_path / "changed.pt"
    for end in np.linspace(1, len(sound) - 1, 64).astype(int):
        path.write_bytes(sound[:end])
        with pytest.raises(PasturError, match=r"changed\.pt"):
            open_weights(path)
    numbers = random.Random(1)
    for _ in range(600):
        changed = bytearray(sound)
        for _ in range(numbers.choice((1, 1, 4))):
            changed[numbers.randrange(len(changed))] = numbers.randrange(256)
        path.write_bytes(changed)
        try:
            weights = open_weights(path)
            for entry in weights.entries:
                if not entry.unreadable:
                    weights.read(entry.name)
        except PasturError as error:
            assert "changed.pt" in str(error)


# --- modules ---


def test_a_module_is_a_source(network: Network) -> None:
    weights = open_weights(network)
    assert weights.source == "Network"
    assert [entry.name for entry in weights.entries] == list(network.state_dict())
    np.testing.assert_array_equal(weights.read("model.weight"), network.model.weight.detach())


def test_groups_of_convolutions_are_known() -> None:
    torch.manual_seed(1)
    parts = torch.nn.Sequential(
        torch.nn.Conv2d(4, 6, 3, groups=2),
        torch.nn.ConvTranspose2d(6, 4, 3),
        torch.nn.ConvTranspose1d(4, 6, 3, groups=2),
    )
    found = {i.name: i for i in iter_matrices(open_weights(parts)) if isinstance(i, Matrix)}
    kernels = [part.weight.detach().numpy() for part in parts]
    expected = {
        "0.weight:group 1": kernels[0][3:].reshape(3, -1),
        "1.weight": kernels[1].swapaxes(0, 1).reshape(4, -1),
        "2.weight:group 0": kernels[2][:2].reshape(2, -1),
    }
    for name, matrix in expected.items():
        np.testing.assert_array_equal(found[name].load(), matrix)
    assert len(found) == 5


def test_tied_tensors_are_one() -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(7, 4)
            self.head = torch.nn.Linear(4, 7, bias=False)
            self.head.weight = self.embedding.weight

    first, second = iter_matrices(open_weights(Tied()))
    assert isinstance(first, Matrix)
    assert isinstance(second, Skipped)
    assert second.reason == "is the same tensor as 'embedding.weight'"


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64", "float8_e4m3fn"])
def test_types_that_numpy_does_not_know(kind: str) -> None:
    tensor = torch.randn(5, 4).to(getattr(torch, kind))
    (item,) = iter_matrices(open_weights({"w": tensor}))
    assert item.dtype == kind
    assert isinstance(item, Matrix)
    np.testing.assert_array_equal(item.load(), tensor.double().numpy())


def test_a_module_of_nothing_and_a_whole_analysis() -> None:
    with pytest.raises(InvalidInputError, match="a ReLU without parameters"):
        open_weights(torch.nn.ReLU())
    torch.manual_seed(2)
    analysis = analyze(torch.nn.MultiheadAttention(40, 2))
    assert [m.name for m in analysis.matrices] == [
        "in_proj_weight:q",
        "in_proj_weight:k",
        "in_proj_weight:v",
        "out_proj.weight",
    ]


def test_a_residual_network_of_convolutions(tmp_path: Path) -> None:
    class Block(torch.nn.Module):
        def __init__(self, old: int, new: int) -> None:
            super().__init__()
            self.conv1 = torch.nn.Conv2d(old, new, 3, padding=1, bias=False)
            self.bn1 = torch.nn.BatchNorm2d(new)
            self.conv2 = torch.nn.Conv2d(new, new, 3, padding=1, bias=False)
            self.downsample = torch.nn.Conv2d(old, new, 1)

    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 7), Block(8, 8), Block(8, 16), torch.nn.Linear(16, 10)
    )
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    for source in (network, tmp_path / "resnet.pth"):
        items = list(iter_matrices(open_weights(source)))
        assert [item.name for item in items] == list(network.state_dict())
        shapes = {item.name: item.shape for item in items if isinstance(item, Matrix)}
        assert shapes == {
            "0.weight": (8, 147),
            "1.conv1.weight": (8, 72),
            "1.conv2.weight": (8, 72),
            "1.downsample.weight": (8, 8),
            "2.conv1.weight": (16, 72),
            "2.conv2.weight": (16, 144),
            "2.downsample.weight": (16, 8),
            "3.weight": (10, 16),
        }


def kinds(module: Any) -> tuple[dict[str, AnyArray], dict[str, str]]:
    """Return the matrices of a module by name, and the reasons for the rest."""
    items = list(iter_matrices(open_weights(module)))
    loaded = {item.name: item.load() for item in items if isinstance(item, Matrix)}
    return loaded, {item.name: item.reason for item in items if not isinstance(item, Matrix)}


def quantised(layer: Any) -> Any:
    """Return a layer with its weights in 8 bits, by PyTorch's own way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which it calls old
        whole = torch.nn.Sequential(layer)
        if isinstance(layer, torch.nn.Linear):
            return torch.ao.quantization.quantize_dynamic(whole, {torch.nn.Linear})
        layer.qconfig = torch.ao.quantization.default_qconfig
        prepared = torch.ao.quantization.prepare(whole.eval())
        prepared(torch.randn(1, layer.in_channels, 9, 9))
        return torch.ao.quantization.convert(prepared)


def test_a_quantised_layer_is_read_as_the_numbers_it_stands_for() -> None:
    torch.manual_seed(4)
    linear = quantised(torch.nn.Linear(20, 10))
    loaded, _ = kinds(torch.nn.Sequential(torch.nn.Linear(30, 20), linear))
    name = "1.0.weight"
    assert set(loaded) == {"0.weight", name}
    np.testing.assert_array_equal(loaded[name], linear[0].weight().dequantize())
    convolution = quantised(torch.nn.Conv2d(8, 6, 3, groups=2))
    loaded, _ = kinds(convolution)
    kernel = convolution[0].weight().dequantize().numpy()
    np.testing.assert_array_equal(loaded["0.weight:group 0"], kernel[:3].reshape(3, -1))
    np.testing.assert_array_equal(loaded["0.weight:group 1"], kernel[3:].reshape(3, -1))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda: torch.nn.LazyLinear(10), "has no values yet: call its module once"),
        (lambda: torch.nn.LazyConv2d(4, 3), "has no values yet"),
        (lambda: torch.nn.Linear(20, 10, device="meta"), "on the device 'meta'"),
        (lambda: torch.nn.Conv2d(4, 6, 3, device="meta"), "on the device 'meta'"),
        (lambda: torch.nn.Linear(20, 10, dtype=torch.complex64), "holds complex numbers"),
    ],
)
def test_a_layer_that_cannot_be_read_does_not_hide_the_others(
    bad: Callable[[], Any], reason: str
) -> None:
    good = torch.nn.Linear(30, 20)
    loaded, reasons = kinds(torch.nn.Sequential(good, bad()))
    np.testing.assert_array_equal(loaded["0.weight"], good.weight.detach())
    assert set(loaded) == {"0.weight"}
    assert reason in reasons["1.weight"]


def test_buffers_of_every_kind() -> None:
    class WithMore(torch.nn.Linear):
        def get_extra_state(self) -> dict[str, int]:
            return {"step": 1}

    module = WithMore(30, 20)
    matrix = torch.round(8 * torch.randn(12, 10)).clamp(-14, 14) / 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls some of these a beta
        compressed = matrix.to_sparse_csr()
        nested = torch.nested.nested_tensor([torch.ones(3), torch.ones(2)])
    readable = {
        "b16": matrix.bfloat16(),
        "f8": matrix.to(torch.float8_e5m2),
        "coo": matrix.to_sparse(),
        "csr": compressed,
    }
    for name, value in readable.items():
        module.register_buffer(name, value)
    module.register_buffer("nested", nested)
    loaded, reasons = kinds(module)
    assert set(loaded) == {"weight", *readable}
    for name, value in readable.items():
        np.testing.assert_array_equal(loaded[name], value.to_dense().float())
    assert "cannot be converted to a NumPy array" in reasons["nested"]
    assert "holds Python objects (dict)" in reasons["_extra_state"]
