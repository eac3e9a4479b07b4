"""ONNX models, written by torch's exporter and by onnx's own helpers."""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from attack_files import onnx_nested

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
TensorProto = onnx.TensorProto
RNG_CODES = np.random.default_rng(11)


def model(
    path: Path,
    nodes: Sequence[Any],
    tensors: Mapping[str, Any],
    *,
    functions: Sequence[Any] = (),
    **options: Any,
) -> Path:
    """Write a model of these nodes and arrays (or ready tensors)."""
    ready = [
        numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
        for name, value in tensors.items()
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "graph", [x], [y], ready)
    onnx.save(helper.make_model(graph, functions=list(functions)), path, **options)
    return path


def items(path: Path) -> dict[str, Any]:
    weights = open_weights(path)
    return {item.name: item for item in iter_matrices(weights)}


def numbers(*shape: int, seed: int = 0) -> AnyArray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


# --- torch's exporter ---


@pytest.fixture(scope="module")
def export() -> Callable[[Any, Any, Path], Path]:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")

    def write(network: Any, example: Any, path: Path) -> Path:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.eval()
            torch.onnx.export(
                network, (example,), path, dynamo=True, verbose=False, external_data=False
            )
        logging.disable(logging.NOTSET)
        return path

    return write


def same_values(found: Mapping[Any, Matrix | Skipped], expected: AnyArray) -> bool:
    """Whether some matrix of `found` has the singular values of the matrix expected."""
    truth = np.linalg.svd(expected, compute_uv=False)
    return any(
        sorted(item.shape) == sorted(expected.shape)
        and np.allclose(np.linalg.svd(item.load(), compute_uv=False), truth, rtol=1e-5)
        for item in found.values()
        if isinstance(item, Matrix)
    )


@pytest.mark.lengthy
def test_a_network_of_torch(export: Callable[[Any, Any, Path], Path], path: Path) -> None:
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, groups=2),
        torch.nn.Flatten(),
        torch.nn.Linear(72, 6),
        torch.nn.ReLU(),
        torch.nn.Linear(6, 3),
    )
    found = items(export(network, torch.randn(1, 4, 5, 5), path))
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    for name in ("2.weight", "4.weight"):
        assert same_values(found, state[name])
    for block in np.split(state["0.weight"], 2):
        assert same_values(found, block.reshape(4, -1))
    assert sum(isinstance(item, Matrix) for item in found.values()) == 4
    reasons = {item.reason for item in found.values() if isinstance(item, Skipped)}
    assert all(reason.startswith("not a matrix") for reason in reasons)


@pytest.mark.lengthy
def test_an_lstm_and_an_attention_of_torch(
    export: Callable[[Any, Any, Path], Path], path: Path, tmp_path: Path
) -> None:
    import torch

    torch.manual_seed(1)
    lstm = torch.nn.LSTM(5, 4, bidirectional=True)
    found = items(export(lstm, torch.randn(3, 1, 5), path))
    for gate in np.split(lstm.weight_ih_l0_reverse.detach().numpy(), 4):
        assert same_values(found, gate)
    assert sum(isinstance(item, Matrix) for item in found.values()) == 16

    class Attention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.inner(x, x, x, need_weights=False)[0]

    network = Attention()
    found = items(export(network, torch.randn(1, 3, 8), tmp_path / "attention.onnx"))
    assert same_values(found, network.inner.out_proj.weight.detach().numpy())
    fused = network.inner.in_proj_weight.detach().numpy()
    blocks = [fused, *np.split(fused, 3)]
    assert any(same_values(found, block) for block in blocks)


# --- layouts ---


def test_how_a_matrix_is_used_tells_its_axes(path: Path) -> None:
    w, k, r = numbers(6, 5), numbers(4, 2, 3, 3), numbers(2, 16, 4)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["a", "v"], ["b"], transB=1),
        helper.make_node("Conv", ["b", "k"], ["c"], group=2),
        helper.make_node("ConvTranspose", ["c", "t"], ["d"]),
        helper.make_node("LSTM", ["d", "r", "r2"], ["e"], hidden_size=4),
        helper.make_node("Transpose", ["u"], ["ut"], perm=[1, 0]),
        helper.make_node("MatMul", ["e", "ut"], ["y"]),
    ]
    tensors = {"w": w, "v": numbers(3, 7), "k": k, "t": k, "r": r, "r2": numbers(2, 16, 4), "u": w}
    found = items(model(path, nodes, tensors))
    assert isinstance(found["w"], Matrix)
    np.testing.assert_array_equal(found["w"].load(), w.T)
    assert isinstance(found["u"], Matrix)
    np.testing.assert_array_equal(found["u"].load(), w)
    assert isinstance(found["v"], Matrix)
    np.testing.assert_array_equal(found["v"].load(), tensors["v"])
    assert isinstance(found["k:group 1"], Matrix)
    np.testing.assert_array_equal(found["k:group 1"].load(), k[2:].reshape(2, 18))
    assert isinstance(found["t"], Matrix)
    np.testing.assert_array_equal(found["t"].load(), k.swapaxes(0, 1).reshape(2, 36))
    assert isinstance(found["r:1, f"], Matrix)
    np.testing.assert_array_equal(found["r:1, f"].load(), r[1, 8:12])  # i, o, f, c
    assert sum(isinstance(item, Matrix) for item in found.values()) == 22


def test_blocks_that_the_names_tell(path: Path) -> None:
    """Gemm tells outputs from inputs, the name that they are queries, keys and values, or gates."""
    tensors = {
        "blocks.0.attn.qkv.weight": numbers(24, 8),
        "turned.qkv.weight": numbers(8, 24, seed=1),
        "rnn.weight_ih": numbers(20, 7, seed=2),
        "rnn.weight_hh": numbers(20, 5, seed=3),
        "plain.weight": numbers(24, 8, seed=4),
    }
    nodes = [
        helper.make_node(
            "Gemm", [f"x{i}", name], [f"y{i}"], transB=int(name != "turned.qkv.weight")
        )
        for i, name in enumerate(tensors)
    ]
    found = items(model(path, nodes, tensors))
    for name, axis in (("blocks.0.attn.qkv.weight", 0), ("turned.qkv.weight", 1)):
        for part, block in zip("qkv", np.split(tensors[name], 3, axis=axis), strict=True):
            assert same_values({0: found[f"{name}:{part}"]}, block)
    for gate, block in zip("ifgo", np.split(tensors["rnn.weight_hh"], 4), strict=True):
        assert same_values({0: found[f"rnn.weight_hh:{gate}"]}, block)
    assert "rnn.weight_ih:o" in found and "plain.weight" in found
    assert len(found) == 3 + 3 + 4 + 4 + 1


def test_constants_subgraphs_and_functions(path: Path) -> None:
    inner = helper.make_graph(
        [helper.make_node("MatMul", ["x", "deep"], ["z"], name="inner")],
        "then",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(numbers(3, 4), "deep")],
    )
    other = helper.make_graph(
        [helper.make_node("Constant", [], ["z"], value=numpy_helper.from_array(numbers(2, 2)))],
        "else",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(numbers(5, 3))),
        helper.make_node("If", ["x"], ["y"], name="choice", then_branch=inner, else_branch=other),
    ]
    function = helper.make_function(
        "local",
        "f",
        ["x"],
        ["y"],
        [helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(numbers(4, 4)))],
        [helper.make_opsetid("", 20)],
    )
    found = items(model(path, nodes, {}, functions=[function]))
    assert {name: item.shape for name, item in found.items()} == {
        "c": (5, 3),
        "choice.deep": (4, 3),
        "choice.z": (2, 2),
        "f.k": (4, 4),
    }


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64", "int8", "float8_e4m3fn"])
def test_types_are_read_packed_or_not(path: Path, kind: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, kind, kind))
    array = (8 * numbers(4, 3)).astype(dtype)
    code = helper.np_dtype_to_tensor_dtype(dtype)
    listed = helper.make_tensor("listed", code, (4, 3), array.ravel().astype(np.float64))
    found = items(model(path, [], {"raw": array, "listed": listed}))
    for name in ("raw", "listed"):
        expected = array.astype(np.float64)
        np.testing.assert_array_equal(found[name].load(), expected)
    assert found["listed"].dtype == kind


def test_four_bits_texts_and_complex_numbers(path: Path) -> None:
    small = np.array([[1, -2, 3], [4, -5, 6]], ml_dtypes.int4)
    tensors = {
        "small": numpy_helper.from_array(small, "small"),
        "words": helper.make_tensor("words", TensorProto.STRING, (2, 2), [b"a"] * 4),
        "complex": numpy_helper.from_array(np.ones((2, 2), np.complex64), "complex"),
    }
    found = items(model(path, [], tensors))
    assert isinstance(found["small"], Matrix)
    np.testing.assert_array_equal(found["small"].load(), small.astype(float))
    assert isinstance(found["words"], Skipped)
    assert found["words"].reason == "is of a type that holds no numbers"
    assert isinstance(found["complex"], Skipped)
    assert "complex numbers" in found["complex"].reason


def test_quantised_weights_are_unpacked(path: Path) -> None:
    q = np.arange(-10, 10, dtype=np.int8).reshape(4, 5)
    scale, zero = numbers(5) ** 2 + 0.1, np.arange(5, dtype=np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("DequantizeLinear", ["b", "made"], ["v"]),
        helper.make_node("MatMul", ["a", "v"], ["y"]),
        helper.make_node("MatMulNBits", ["x", "packed"], ["p"], domain="com.microsoft"),
    ]
    tensors = {"q": q, "s": scale, "z": zero, "b": q, "packed": np.ones((4, 2, 16), np.uint8)}
    found = items(model(path, nodes, tensors))
    expected = ((q - zero.astype(np.float32)) * scale).T
    assert isinstance(found["q"], Matrix)
    np.testing.assert_allclose(found["q"].load(), expected, rtol=1e-6)
    assert found["q"].dtype == "int8"
    assert isinstance(found["b"], Skipped)
    assert "scale is computed while the model runs" in found["b"].reason
    assert isinstance(found["packed"], Skipped)
    assert "MatMulNBits, whose matrices pastur does not know" in found["packed"].reason


def test_scales_by_blocks_and_behind_a_transposition(path: Path) -> None:
    q = np.arange(-12, 12, dtype=np.int8).reshape(4, 6)
    blocked, scale = numbers(2, 6) ** 2 + 0.1, numbers(4) ** 2 + 0.1
    nodes = [
        helper.make_node("DequantizeLinear", ["b", "sb"], ["w"], axis=0, block_size=2),
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Transpose", ["t"], ["tt"], perm=[1, 0]),
        helper.make_node("DequantizeLinear", ["tt", "st"], ["v"], axis=1),
        helper.make_node("MatMul", ["a", "v"], ["y"]),
        helper.make_node("DequantizeLinear", ["c", "sc"], ["u"], axis=0, block_size=4),
    ]
    tensors = {"b": q, "sb": blocked, "t": q, "st": scale, "c": q, "sc": blocked}
    found = items(model(path, nodes, tensors))
    expected = np.array([[q[i, o] * blocked[i // 2, o] for i in range(4)] for o in range(6)])
    assert isinstance(found["b"], Matrix)
    np.testing.assert_allclose(found["b"].load(), expected, rtol=1e-6)
    assert isinstance(found["t"], Matrix)
    np.testing.assert_allclose(found["t"].load(), q * scale[:, None], rtol=1e-6)
    assert isinstance(found["c"], Skipped)
    assert "by blocks, which pastur does not undo" in found["c"].reason
    assert isinstance(found["sb"], Skipped)
    assert isinstance(found["sc"], Skipped)
    assert found["sb"].reason == found["sc"].reason == "is the scale or zero point of codes"
    weights = open_weights(path)
    assert weights.steps is not None
    steps = np.asarray(weights.steps("b"))
    np.testing.assert_allclose(steps, np.repeat(blocked, 2, 0) ** 2 / 12, rtol=1e-6)


def dynamic(
    scale_inputs: Sequence[str], *, shaped: bool = False, bias: tuple[str, ...] = ()
) -> list[Any]:
    """Return the nodes that multiply by integers, with the scale far behind."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        helper.make_node("MatMulInteger", ["xq", "q", "xz", "z"], ["i"]),
        *([helper.make_node("Add", bias, ["b"])] if bias else []),
        helper.make_node("Cast", ["b" if bias else "i"], ["f"], to=1),
        helper.make_node("Mul", scale_inputs, ["ss"]),
    ]
    if shaped:
        nodes.append(helper.make_node("Unsqueeze", ["ss", "axes"], ["st"]))
    nodes.append(helper.make_node("Mul", ["st" if shaped else "ss", "f"], ["y"]))
    return nodes


@pytest.mark.parametrize("bias", [(), ("i", "bias"), ("computed", "i")], ids=str)
@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize("inputs", [["xs", "s"], ["s", "xs"]], ids=str)
def test_codes_whose_scale_is_applied_behind_the_product(
    path: Path, inputs: Sequence[str], shaped: bool, bias: tuple[str, ...]
) -> None:
    q = RNG_CODES.integers(-128, 128, (5, 7)).astype(np.int8)
    scale, zero = numbers(7) ** 2 + 0.1, np.arange(7, dtype=np.int8)
    tensors = {"q": q, "s": scale, "z": zero, "axes": np.array([0])}
    tensors["bias"] = np.arange(7, dtype=np.int32)
    found = items(model(path, dynamic(inputs, shaped=shaped, bias=bias), tensors))
    expected = ((q.astype(float) - zero) * scale).T
    assert isinstance(found["q"], Matrix)
    np.testing.assert_allclose(found["q"].load(), expected, rtol=1e-6)
    assert found["q"].dtype == "int8"


def test_a_sum_of_two_products_has_no_scale(path: Path) -> None:
    q = RNG_CODES.integers(-128, 128, (5, 7)).astype(np.int8)
    second = helper.make_node("MatMulInteger", ["xq", "p", "xz", "z"], ["j"])
    nodes = dynamic(["xs", "s"], bias=("i", "j"))
    nodes.insert(1, second)
    tensors = {"q": q, "p": q, "s": numbers(7) ** 2 + 0.1, "z": np.array(0, np.int8)}
    found = items(model(path, nodes, tensors))
    assert isinstance(found["p"], Skipped)
    assert isinstance(found["q"], Skipped)
    assert found["q"].reason == found["p"].reason == "is codes whose scale the graph does not show"


def test_codes_whose_scale_is_not_in_the_graph(path: Path) -> None:
    q = RNG_CODES.integers(-128, 128, (5, 7)).astype(np.int8)
    nodes = [
        *dynamic(["xs", "computed"]),
        helper.make_node("Unknown", ["x", "other"], ["u"], domain="com.example"),
        helper.make_node("MatMulInteger", ["other2", "x"], ["v"]),
        helper.make_node("Gather", ["table", "x"], ["rows"]),
    ]
    tensors = {"q": q, "z": np.array(0, np.int8), "other": q, "other2": q, "table": q}
    found = items(model(path, nodes, tensors))
    for name in ("q", "other", "other2", "table"):
        assert found[name].reason == "is codes whose scale the graph does not show"


def test_a_quantised_table_whose_rows_are_scaled(path: Path) -> None:
    q = RNG_CODES.integers(0, 256, (9, 7)).astype(np.uint8)
    nodes = [
        helper.make_node("Gather", ["t", "x"], ["rows"]),
        helper.make_node("DequantizeLinear", ["rows", "s", "z"], ["y"]),
        helper.make_node("Gather", ["u", "x"], ["others"]),
        helper.make_node("DequantizeLinear", ["others", "by_column"], ["z"], axis=2),
    ]
    tensors = {"t": q, "s": np.array(0.25, np.float32), "z": np.array(128, np.uint8)}
    found = items(model(path, nodes, {**tensors, "u": q, "by_column": numbers(7)}))
    assert isinstance(found["t"], Matrix)
    np.testing.assert_array_equal(found["t"].load(), (q.astype(float) - 128) / 4)
    assert isinstance(found["u"], Skipped)
    assert "by blocks" in found["u"].reason


MICROSOFT = {
    "QGemm": ["x", "xs", "xz", "q", "s", "z"],
    "DynamicQuantizeMatMul": ["x", "q", "s", "z"],
    "MatMulIntegerToFloat": ["x", "q", "xs", "s", "xz", "z"],
    "QLinearMatMul": ["x", "xs", "xz", "q", "s", "z", "ys", "yz"],
}


@pytest.mark.parametrize(
    ("operation", "turned"), [("QGemm", True), *((operation, False) for operation in MICROSOFT)]
)
def test_products_with_codes(path: Path, operation: str, turned: bool) -> None:
    q = RNG_CODES.integers(-128, 128, (5, 7)).astype(np.int8)
    count = 5 if turned else 7
    scale, zero = numbers(count) ** 2 + 0.1, np.arange(count, dtype=np.int8)
    options = {"transB": 1} if turned else {}
    nodes = [helper.make_node(operation, MICROSOFT[operation], ["y"], **options)]
    found = items(model(path, nodes, {"q": q, "s": scale, "z": zero}))
    plain = q.astype(float).T if not turned else q.astype(float)
    expected = (plain - zero[:, None]) * scale[:, None]
    assert isinstance(found["q"], Matrix)
    np.testing.assert_allclose(found["q"].load(), expected, rtol=1e-6)


@pytest.mark.parametrize("per_channel", [False, True])
def test_what_onnxruntime_quantises(path: Path, per_channel: bool) -> None:
    """The codes of `quantize_dynamic`, as onnxruntime's own scales and zero points undo them."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    tensors = {"w": numbers(8, 12), "k": numbers(8, 3, 3, 3, seed=1), "g": numbers(6, 8, seed=2)}
    before = {name: value.copy() for name, value in tensors.items()}
    nodes = [
        helper.make_node("Conv", ["img", "k"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"]),
        helper.make_node("Flatten", ["p"], ["x"]),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Gemm", ["x", "g"], ["y"], transB=1),
    ]
    image = helper.make_tensor_value_info("img", TensorProto.FLOAT, [1, 3, 6, 6])
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("h", "y")]
    kept = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "g", [image], outputs, kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    made = path.with_name("quantised.onnx")
    kind = quantization.QuantType.QInt8 if per_channel else quantization.QuantType.QUInt8
    logging.disable(logging.WARNING)
    quantization.quantize_dynamic(path, made, per_channel=per_channel, weight_type=kind)
    logging.disable(logging.NOTSET)
    weights = open_weights(made)
    found = {item.name: item for item in iter_matrices(weights) if isinstance(item, Matrix)}
    assert set(found) == {"w_quantized", "k_quantized", "g_Transposed_quantized"}
    inits = {t.name: numpy_helper.to_array(t) for t in onnx.load(made).graph.initializer}
    for name, entry in found.items():
        stem = name.removesuffix("_quantized")
        scale, zero = (inits[f"{stem}_{word}"].astype(float) for word in ("scale", "zero_point"))
        expected = (inits[name].astype(float) - zero) * scale
        read = weights.read(name)
        np.testing.assert_allclose(read, expected, rtol=1e-5, atol=1e-7)
        plain = before[stem] if stem in before else before["g"].T
        # Half a step, and what onnxruntime loses where it rounds the step itself.
        assert np.abs(read - plain).max() <= 0.6 * scale.max()
        assert entry.dtype in ("int8", "uint8")


# --- data beside the model ---


def test_numbers_in_a_file_beside_the_model(path: Path) -> None:
    tensors = {"w": numbers(40, 30), "v": numbers(30, 40, seed=1)}
    written = {name: value.copy() for name, value in tensors.items()}
    model(path, [], tensors, save_as_external_data=True, location="w.data", size_threshold=0)
    assert (path.parent / "w.data").stat().st_size >= 2 * 40 * 30 * 4
    found = items(path)
    for name, value in written.items():
        np.testing.assert_array_equal(found[name].load(), value)
    (path.parent / "w.data").unlink()
    assert "which is not in the folder of the model" in items(path)["w"].reason


def outside(**fields: Any) -> Any:
    tensor = TensorProto(dims=(4, 3), data_type=TensorProto.FLOAT, name="w", data_location=1)
    for key, value in fields.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": "../secret"}, "may lie in the model's own folder only"),
        ({"location": "/etc/passwd"}, "may lie in the model's own folder only"),
        ({"location": "a\\..\\b"}, "may lie in the model's own folder only"),
        ({"location": ""}, "may lie in the model's own folder only"),
        ({"location": "here", "offset": 2**63}, "reaches beyond 'here', of 64 bytes"),
        ({"location": "here", "offset": -8}, "reaches beyond 'here'"),
        ({"location": "here", "offset": 60}, "reaches beyond 'here'"),
        ({"location": "here", "length": 2**63}, "bytes of 'here' are named"),
        ({"location": "here", "offset": "x"}, "does not state readably where"),
    ],
)
def test_places_outside_are_not_followed(
    path: Path, fields: Mapping[str, Any], reason: str
) -> None:
    (path.parent / "here").write_bytes(bytes(64))
    (path.parent.parent / "secret").write_bytes(bytes(64))
    assert reason in items(model(path, [], {"w": outside(**fields)}))["w"].reason


@pytest.mark.parametrize(
    ("dims", "reason"),
    [
        ((2**62, 4), "which no tensor can have"),
        ((-4, -3), "which no tensor can have"),
        ((2**40, 2**40), "bytes are there"),
        ((5, 3), "takes 60 bytes, and 48 bytes are there"),
    ],
)
def test_shapes_that_are_not_the_data(
    path: Path, dims: tuple[int, int], reason: str, small_memory: None
) -> None:
    tensor = TensorProto(dims=dims, data_type=1, name="w", raw_data=bytes(48))
    listed = TensorProto(dims=dims, data_type=1, name="v", float_data=[1.0] * 12)
    found = items(model(path, [], {"w": tensor, "v": listed}))
    assert isinstance(found["w"], Skipped)
    assert reason in found["w"].reason
    assert isinstance(found["v"], Skipped)


def test_graphs_nested_too_deeply(path: Path) -> None:
    onnx_nested(path)
    with pytest.raises(FileFormatError, match=r"model\.onnx"):
        open_weights(path)


@pytest.fixture
def sound(path: Path) -> bytes:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("DequantizeLinear", ["q", "s"], ["d"]),
        helper.make_node("LSTM", ["a", "r", "r"], ["y"], hidden_size=2),
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(numbers(3, 3))),
    ]
    q = np.ones((4, 4), np.int8)
    tensors = {"w": numbers(6, 5), "q": q, "s": np.array([2.0], np.float32), "r": numbers(1, 8, 2)}
    return model(path, nodes, tensors).read_bytes()


def test_cut_off_anywhere(path: Path, sound: bytes, read_all: Callable[[Path], None]) -> None:
    for end in np.linspace(1, len(sound) - 1, 64).astype(int):
        path.write_bytes(sound[:end])
        try:
            read_all(path)
        except PasturError as error:
            assert "model.onnx" in str(error)


@pytest.mark.lengthy
def test_mutations_raise_nothing_but_our_errors(
    path: Path, sound: bytes, refused_mutants: Callable[..., int]
) -> None:
    assert 50 < refused_mutants(path, sound, seed=7) < 1450
