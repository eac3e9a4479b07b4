"""Matrices in tensors: what is cut and unfolded is what the network multiplies by."""

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Skipped, TensorInfo, Weights, iter_matrices, open_weights
from pastur.weights._axes.layout import Layout
from pastur.weights._axes.tensor_parts import UNFOLDINGS, tensor_parts


def with_layout(array: AnyArray, layout: Layout, name: str = "w") -> Weights:
    """Weights of one tensor of which the file tells the layout."""
    info = TensorInfo(name, array.shape, str(array.dtype), array.nbytes, layout=layout)
    return Weights("memory", (info,), {}, lambda _: array)


def matrices(source: Mapping[str, Any] | Weights, **options: Any) -> dict[str, AnyArray]:
    weights = source if isinstance(source, Weights) else open_weights(source)
    items = list(iter_matrices(weights, **options))
    return {item.name: item.load() for item in items if isinstance(item, Matrix)}


def numbered(*shape: int) -> FloatArray:
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def naive_unfolded(kernel: FloatArray, unfold: str) -> list[FloatArray]:
    """Loop over a kernel of outputs × inputs × height × width."""
    o, i, h, w = kernel.shape
    if unfold == "window":
        return [
            np.array([[kernel[a, b, y, x] for b in range(i)] for a in range(o)])
            for y in range(h)
            for x in range(w)
        ]
    rows = []
    for row in range(o if unfold == "outputs" else i):
        line = []
        for other in range(i if unfold == "outputs" else o):
            a, b = (row, other) if unfold == "outputs" else (other, row)
            line += [kernel[a, b, y, x] for y in range(h) for x in range(w)]
        rows.append(line)
    return [np.array(rows)]


@pytest.mark.parametrize("unfold", UNFOLDINGS)
@pytest.mark.parametrize("outputs", [4, 3])  # also as many as inputs
def test_a_convolution_is_unfolded(unfold: str, outputs: int) -> None:
    kernel = numbered(outputs, 3, 2, 5)
    expected = naive_unfolded(kernel, unfold)
    stored = {"oiss": kernel, "ssio": kernel.transpose(2, 3, 1, 0), "ioss": kernel.swapaxes(0, 1)}
    for axes, array in stored.items():
        found = list(matrices(with_layout(array, Layout(axes)), unfold=unfold).values())
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(list(matrices({"c": kernel}, unfold=unfold).values()), expected)


def test_names_of_places_and_an_unfolding_there_is_not() -> None:
    kernel = {"conv.weight": numbered(4, 3, 1, 2)}
    assert list(matrices(kernel, unfold="window")) == [
        "conv.weight:place 0",
        "conv.weight:place 1",
    ]
    with pytest.raises(InvalidInputError, match="`unfold` must be"):
        matrices(kernel, unfold="rows")


def test_an_unfolded_convolution_times_patches_is_the_convolution() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(6, 8, 3, groups=2, bias=False).double()
    image = torch.randn(1, 6, 7, 7, dtype=torch.float64)
    array = layer.weight.detach().numpy()
    found = matrices(with_layout(array, Layout("oiss", groups=2)))
    assert list(found) == ["w:group 0", "w:group 1"]
    patches = torch.nn.functional.unfold(image, 3)[0].numpy().reshape(2, 27, -1)
    outputs = [w @ p for w, p in zip(found.values(), patches, strict=True)]
    expected = layer(image)[0].detach().numpy().reshape(8, -1)
    np.testing.assert_allclose(np.vstack(outputs), expected, atol=1e-12)


def test_depthwise_is_one_matrix_of_windows() -> None:
    kernel = numbered(6, 1, 3, 3)
    for layout in (Layout("oiss", groups=6), Layout()):
        (found,) = matrices(with_layout(kernel, layout), unfold="window").values()
        np.testing.assert_array_equal(found, kernel.reshape(6, 9))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_gates_of_every_layer_and_direction(kind: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    layer = getattr(torch.nn, kind)(5, 4, num_layers=2, bidirectional=True)
    state = {f"rnn.{name}": value.detach() for name, value in layer.named_parameters()}
    parts = {"LSTM": "ifgo", "GRU": "rzn", "RNN": ""}[kind]
    found = matrices(state)
    assert len(found) == 8 * max(1, len(parts))
    for number, part in enumerate(parts):
        block = found[f"rnn.weight_hh_l1_reverse:{part}"]
        expected = layer.weight_hh_l1_reverse.detach()[4 * number : 4 * number + 4]
        np.testing.assert_array_equal(block, expected)


def test_the_gates_are_those_of_the_cell() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(2)
    cell = torch.nn.LSTMCell(3, 5, bias=False).double()
    x, h, c = (torch.randn(1, n, dtype=torch.float64) for n in (3, 5, 5))
    found = matrices({name: value.detach() for name, value in cell.named_parameters()})
    i, f, g, o = (
        found[f"weight_ih:{gate}"] @ x[0].numpy() + found[f"weight_hh:{gate}"] @ h[0].numpy()
        for gate in "ifgo"
    )

    def sigmoid(value: AnyArray) -> AnyArray:
        return np.asarray(1 / (1 + np.exp(-value)))

    state = sigmoid(f) * c[0].numpy() + sigmoid(i) * np.tanh(g)
    new_h, new_c = cell(x, (h, c))
    np.testing.assert_allclose(state, new_c[0].detach(), atol=1e-12)
    np.testing.assert_allclose(sigmoid(o) * np.tanh(state), new_h[0].detach(), atol=1e-12)


def test_projected_states_and_strangers_of_that_name() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.LSTM(5, 6, proj_size=2)
    found = matrices({name: value.detach() for name, value in layer.named_parameters()})
    assert [name for name in found if "hr" in name] == ["weight_hr_l0"]
    assert found["weight_hh_l0:o"].shape == (6, 2)
    assert list(matrices({"weight_ih_l0": numbered(8, 3)})) == ["weight_ih_l0"]


def test_queries_keys_and_values_of_an_attention() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    layer = torch.nn.MultiheadAttention(8, 2, bias=False, batch_first=True).double()
    x = torch.randn(1, 5, 8, dtype=torch.float64)
    found = matrices({name: value.detach() for name, value in layer.named_parameters()})
    q, k, v = (
        (x[0].numpy() @ found[f"in_proj_weight:{part}"].T).reshape(5, 2, 4).swapaxes(0, 1)
        for part in "qkv"
    )
    scores = np.exp(q @ k.swapaxes(1, 2) / 2)
    heads = scores / scores.sum(axis=2, keepdims=True) @ v
    out = heads.swapaxes(0, 1).reshape(5, 8) @ found["out_proj.weight"].T
    np.testing.assert_allclose(out, layer(x, x, x)[0][0].detach(), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "parts"),
    [
        ("h.0.attn.c_attn.weight", (4, 12), ["q", "k", "v"]),
        ("blocks.0.attn.qkv.weight", (12, 4), ["q", "k", "v"]),
        ("layers.0.self_attn.qkv_proj.weight", (8, 4), [""]),  # fewer keys than queries
        ("h.0.self_attention.query_key_value.weight", (12, 4), [""]),  # they alternate by heads
        ("layers.0.mlp.gate_up_proj.weight", (6, 4), ["gate", "up"]),
        ("layers.0.mlp.up_proj.weight", (12, 4), [""]),
        ("x.in_proj_weight.initial", (12, 4), ["q", "k", "v"]),
        ("layers.0.conv.in_proj.weight", (12, 4), [""]),  # of a gated convolution
        ("main_proj_weight", (12, 4), [""]),  # ends in the word by chance
        ("raw12.weight", (6, 4), [""]),
    ],
)
def test_fused_matrices_by_name_and_shape(
    name: str, shape: tuple[int, int], parts: Sequence[str]
) -> None:
    array = numbered(*shape)
    found = matrices({name: array})
    assert list(found) == [f"{name}:{part}" if part else name for part in parts]
    side = 0 if shape[0] > shape[1] else 1
    expected = np.split(array, len(parts), axis=side)
    for block, value in zip(expected, found.values(), strict=True):
        np.testing.assert_array_equal(value, block if side == 0 or len(parts) == 1 else block.T)


def test_experts_one_by_one() -> None:
    experts = numbered(3, 6, 40)
    found = matrices({"layers.0.experts.w1.weight": experts, "moe.gate_up_proj": experts})
    assert len(found) == 6
    np.testing.assert_array_equal(found["layers.0.experts.w1.weight:2"], experts[2])


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("blk.0.ffn_gate_exps.weight", 8),
        ("mlp.experts_w1", 8),
        ("block_sparse_moe.input_linear.weight", 8),
        ("moe.0.experts.w1", 8),
        ("experts.0.conv.weight", 1),  # a convolution of one expert
        ("remoe.conv.weight", 1),
    ],
)
def test_stacks_are_told_by_a_word_of_the_name(name: str, count: int) -> None:
    assert len(matrices({name: numbered(8, 16, 3)})) == count


def test_a_stack_of_too_many_is_a_reason_before_they_are_listed() -> None:
    # As a stored array it would be 40 GB; only the header is looked at.
    array = np.broadcast_to(np.int8(1), (10**10, 2, 2))
    (item,) = iter_matrices(with_layout(array, Layout("eoi")))
    assert isinstance(item, Skipped)
    assert item.reason == "is of 10000000000 matrices; pastur takes 10000 at most from one tensor"
    kernel = numbered(2, 2, 101, 100)
    (item,) = iter_matrices(with_layout(kernel, Layout("oiss")), unfold="window")
    assert isinstance(item, Skipped)
    assert "10100 matrices" in item.reason
    assert len(matrices(with_layout(kernel, Layout("oiss")))) == 1


def test_no_two_matrices_have_one_name() -> None:
    tensors = {
        "in_proj_weight": numbered(12, 4),
        "in_proj_weight:q": 100 + numbered(4, 4),
        "experts": numbered(2, 4, 40),
        "experts:": 100 + numbered(2, 4, 40),
        "experts:0": 200 + numbered(4, 40),
    }
    items = list(iter_matrices(open_weights(tensors)))
    assert len({item.name for item in items}) == len(items) == 3 + 1 + 2 + 2 + 1
    by_name = {item.name: item for item in items}
    assert isinstance(by_name["in_proj_weight::q"], Matrix)
    assert by_name["in_proj_weight::q"].tensor == "in_proj_weight"
    assert isinstance(by_name["in_proj_weight:q"], Matrix)
    np.testing.assert_array_equal(by_name["in_proj_weight:q"].load(), tensors["in_proj_weight:q"])
    assert list(matrices(tensors, include=["in_proj_weight:q"])) == ["in_proj_weight:q"]


def test_every_tensor_of_whole_models_is_accounted_for() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    block = [nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 1)]
    model = nn.ModuleDict(
        {
            "stem": nn.Conv2d(3, 8, 7),
            "layer1": nn.Sequential(*block),
            "depthwise": nn.Conv2d(8, 8, 3, groups=8),
            "lstm": nn.LSTM(6, 5, num_layers=2, bidirectional=True),
            "gru": nn.GRU(6, 5, num_layers=2, bidirectional=True),
            "attention": nn.MultiheadAttention(8, 2),
            "embedding": nn.Embedding(11, 8),
        }
    )
    state = {name: value.detach() for name, value in model.state_dict().items()}
    state |= {f"block_sparse_moe.experts.{w}": torch.ones(4, 6, 40) for w in ("w1", "w2", "w3")}
    entries = 0
    tensors = set()
    for item in iter_matrices(open_weights(state)):
        if isinstance(item, Matrix):
            tensors.add(item.tensor)
            entries += int(np.prod(item.shape))
        else:
            assert state[item.name].ndim < 2
            tensors.add(item.name)
    assert tensors == set(state)
    assert entries == sum(value.numel() for value in state.values() if value.ndim > 1)


def test_a_table_with_an_axis_in_front() -> None:
    table = numbered(1, 10, 64)
    (found,) = matrices({"pos_embed": table}).values()
    np.testing.assert_array_equal(found, table[0])


def test_layouts_of_other_frameworks() -> None:
    stacked = numbered(2, 12, 5)  # both directions of ONNX
    found = matrices(with_layout(stacked, Layout("eoi", ("i", "o", "f", "c"))))
    np.testing.assert_array_equal(found["w:1, f"], stacked[1, 6:9])
    keras = numbered(5, 12)
    found = matrices(with_layout(keras, Layout("io", ("i", "f", "c", "o"))))
    np.testing.assert_array_equal(found["w:c"], keras[:, 6:9].T)
    heads = numbered(8, 2, 4)
    (whole,) = matrices(with_layout(heads, Layout("ioo"))).values()
    np.testing.assert_array_equal(whole, heads.reshape(8, 8).T)


def test_a_layout_that_does_not_suit_is_a_reason() -> None:
    (item,) = iter_matrices(with_layout(numbered(7, 3), Layout("oi", ("q", "k"))))
    assert item == Skipped("w", (7, 3), "float64", "its 7 outputs do not fall into 2 equal parts")


def test_parts_too_thin_are_one_reason() -> None:
    (item,) = iter_matrices(with_layout(numbered(4, 3), Layout("oi", ("i", "f", "g", "o"))))
    assert isinstance(item, Skipped)
    assert item.reason == "is of 4 matrices, each with one row only: a spectrum of one value"


def test_parts_are_chosen_by_name() -> None:
    fused = {"a.in_proj_weight": numbered(12, 4), "b.weight": numbered(3, 3)}
    assert list(matrices(fused, include=["*:q"])) == ["a.in_proj_weight:q"]
    assert list(matrices(fused, include=["a.*"])) == [f"a.in_proj_weight:{p}" for p in "qkv"]
    left = {item.name: item for item in iter_matrices(open_weights(fused), exclude=["*:k"])}
    assert isinstance(left["a.in_proj_weight:k"], Skipped)
    assert left["a.in_proj_weight:k"].reason == "excluded by '*:k'"
    assert isinstance(left["a.in_proj_weight:v"], Matrix)
    whole = {item.name for item in iter_matrices(open_weights(fused), include=["b.*"])}
    assert whole == {"a.in_proj_weight", "b.weight"}
    with pytest.raises(InvalidInputError, match=r"Did you mean 'a\.in_proj_weight:q'"):
        matrices(fused, include=["a.in_proj_weight:qq"])


def test_a_tensor_of_many_parts_is_read_once() -> None:
    reads: list[str] = []
    array = numbered(12, 4)

    def fetch(name: str) -> AnyArray:
        reads.append(name)
        return array

    info = TensorInfo("in_proj_weight", array.shape, "float64", array.nbytes)
    weights = Weights("memory", (info,), {}, fetch)
    items = list(iter_matrices(weights))
    for item in items:
        assert isinstance(item, Matrix)
        item.load()
    assert reads == ["in_proj_weight"]
    assert isinstance(items[1], Matrix)
    items[1].load()
    assert len(reads) == 2


def test_what_is_kept_of_a_tensor_does_not_travel() -> None:
    big = {"in_proj_weight": np.ones((3000, 1000), np.float32)}
    first, *_ = iter_matrices(open_weights(big))
    size = len(pickle.dumps(first))
    assert isinstance(first, Matrix)
    first.load()
    assert len(pickle.dumps(first)) == pytest.approx(size, abs=100)


AXES = ["oi", "io", "eoi", "oiss", "ssio", "ois", "iosss", "eeio", "ioo", "iio", "osi"]


@pytest.mark.lengthy
@settings(deadline=None, derandomize=True)
@given(
    axes=st.sampled_from(AXES),
    sides=st.lists(st.integers(1, 5), min_size=5, max_size=5),
    unfold=st.sampled_from(UNFOLDINGS),
    groups=st.sampled_from([1, 2]),
    names=st.sampled_from([(), ("a", "b", "c")]),
)
def test_every_entry_is_in_exactly_one_matrix(
    axes: str, sides: Sequence[int], unfold: str, groups: int, names: tuple[str, ...]
) -> None:
    shape = tuple(sides[: len(axes)])
    layout = Layout(axes, () if groups > 1 else names, groups)
    tensor = numbered(*shape)
    found = tensor_parts(shape, layout, unfold)
    outputs = np.prod([n for n, axis in zip(shape, axes, strict=True) if axis == "o"])
    if isinstance(found, str):
        assert "only: a spectrum of one value" in found or outputs % (3 if layout.parts else groups)
        return
    blocks = [part.cut(tensor) for part in found]
    assert [block.shape for block in blocks] == [part.shape for part in found]
    entries = np.concatenate([block.ravel() for block in blocks])
    np.testing.assert_array_equal(np.sort(entries), tensor.ravel())
    assert len({part.label for part in found}) == len(found)


@pytest.mark.parametrize(
    ("tensors", "shape"),
    [
        ({"conv1.weight": numbered(16, 8, 64, 1)}, (16, 512)),
        ({"encoder.Conv_0.kernel": numbered(16, 8, 400)}, (16, 3200)),
        ({"front.weight": numbered(16, 1, 512, 1), "front.bias": numbered(16)}, (16, 512)),
        ({"basis.weight": numbered(16, 8, 64), "basis.bias": numbered(8)}, None),
        ({"stft.basis": numbered(258, 1, 256)}, None),
    ],
)
def test_windows_of_sound_are_long(
    tensors: Mapping[str, FloatArray], shape: tuple[int, int] | None
) -> None:
    """Beyond 32 a kernel is told by its name, or by a bias with a number for each output."""
    found = matrices(tensors)
    assert [array.shape for array in found.values()] == ([] if shape is None else [shape])
