"""No tensor vanishes: two that would share a name are both listed, or their file is refused."""

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attack_files import gguf, gguf_tensor, torch_tensor, torch_zip, word

from pastur._errors import FileFormatError
from pastur.weights import TensorInfo, Weights, iter_matrices, open_weights
from pastur.weights.tensors import distinct


def tensor(key: int) -> bytes:
    return torch_tensor((2, 2), (2, 1), key=str(key))


def numbers(key: int) -> bytes:
    return np.full(4, key + 1, "<f4").tobytes()


def dictionary(*items: bytes) -> bytes:
    return b"}(" + b"".join(items) + b"u"


ONE, TWO = b"K\x01", b"K\x02"
# What a checkpoint holds; the names of its tensors 0, 1, …, in this order.
CHECKPOINTS = {
    "a dot in a key": (
        dictionary(word("a"), dictionary(word("b"), tensor(0)), word("a.b"), tensor(1)),
        ["a.b", "a.b (2)"],
    ),
    "a number and a word": (
        dictionary(ONE, tensor(0), word("1"), tensor(1)),
        ["1", "1 (2)"],
    ),
    "a truth and a word": (
        dictionary(b"\x88", tensor(0), word("True"), tensor(1), b"N", tensor(2)),
        ["True", "True (2)", "None"],
    ),
    "a list and a dictionary": (
        dictionary(word("a"), b"](" + tensor(0) + tensor(1) + b"e", word("a.1"), tensor(2)),
        ["a.0", "a.1", "a.1 (2)"],
    ),
    "the name that would be given": (
        dictionary(ONE, tensor(0), word("1"), tensor(1), word("1 (2)"), tensor(2)),
        ["1", "1 (3)", "1 (2)"],
    ),
    "half a character": (
        dictionary(
            b"X\x03\x00\x00\x00\xed\xa0\x80", tensor(0), b"X\x03\x00\x00\x00\xed\xa0\x81", tensor(1)
        ),
        ["?", "? (2)"],
    ),
    "no key at all": (
        dictionary(word(""), tensor(0), word("tensor"), tensor(1)),
        ["tensor", "tensor (2)"],
    ),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_torch_lists_both(tmp_path: Path, kind: str) -> None:
    content, names = CHECKPOINTS[kind]
    members = {str(key): numbers(key) for key in range(len(names))}
    path = tmp_path / "m.pt"
    torch_zip(b"\x80\x02" + content + b".", members)(path)
    weights = open_weights(path)
    assert [entry.name for entry in weights.entries] == names
    for key, name in enumerate(names):
        assert weights.read(name).tolist() == [[key + 1.0] * 2] * 2


def test_forms_of_one_letter_are_two_names(tmp_path: Path) -> None:
    """é as one letter and as two: alike on paper, and not to anybody who looks them up."""
    content = dictionary(word("\u00e9"), tensor(0), word("e\u0301"), tensor(1))
    path = tmp_path / "m.pt"
    torch_zip(b"\x80\x02" + content + b".", {"0": numbers(0), "1": numbers(1)})(path)
    weights = open_weights(path)
    assert [float(weights.read(e.name)[0, 0]) for e in weights.entries] == [1.0, 2.0]


def test_views_of_two_types_are_two_tensors(tmp_path: Path) -> None:
    """The same bytes as float32 and as int32."""
    content = dictionary(
        word("a"), tensor(0), word("b"), torch_tensor((2, 2), (2, 1), kind="IntStorage")
    )
    path = tmp_path / "m.pt"
    torch_zip(b"\x80\x02" + content + b".", {"0": numbers(0)})(path)
    weights = open_weights(path)
    assert [weights.read(name).dtype.name for name in ("a", "b")] == ["float32", "int32"]


def test_onnx_lists_all_of_one_name(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper, save

    def number(value: int, name: str = "w") -> Any:
        return numpy_helper.from_array(np.full((2, 2), value, np.float32), name)

    def branch(value: int) -> Any:
        return helper.make_graph([], "branch", [], [], [number(value)])

    choice = helper.make_node(
        "If", ["c"], ["y"], name="if", then_branch=branch(2), else_branch=branch(3)
    )
    constant = helper.make_node("Constant", [], ["w"], value=number(4))
    sparse = helper.make_node(
        "Constant", [], ["s"],
        sparse_value=helper.make_sparse_tensor(
            helper.make_tensor("v", TensorProto.FLOAT, [1], [5.0]),
            helper.make_tensor("i", TensorProto.INT64, [1], [0]), [2, 2]
        ),
    )  # fmt: skip
    graph = helper.make_graph([choice, constant, sparse], "g", [], [], [number(0), number(1)])
    path = tmp_path / "m.onnx"
    save(helper.make_model(graph), path)
    weights = open_weights(path)
    names = [entry.name for entry in weights.entries]
    assert len(set(names)) == len(names) == 6
    found = {e.name: float(weights.read(e.name)[0, 0]) for e in weights.entries if not e.unreadable}
    assert Counter(found.values()) == Counter([0.0, 1.0, 2.0, 3.0, 4.0])
    assert found["w"] == 0 and found["w (2)"] == 1
    (reason,) = (entry.unreadable for entry in weights.entries if entry.unreadable)
    assert reason == "is stored sparsely"


def test_onnx_names_mean_something_in_their_own_graph(tmp_path: Path) -> None:
    """A scale of a function is not that of the main graph, though they have one name."""
    pytest.importorskip("onnx")
    from onnx import helper, numpy_helper, save

    def scaled(scale: float) -> Any:
        codes = numpy_helper.from_array(np.full((2, 3), 2, np.int8), "q")
        factor = numpy_helper.from_array(np.float32(scale), "s")
        node = helper.make_node("DequantizeLinear", ["q", "s"], ["d"])
        product = helper.make_node("MatMul", ["x", "d"], ["y"])
        return helper.make_graph([node, product], "g", [], [], [codes, factor])

    outer, inner = scaled(10.0), scaled(0.5)
    outer.node.append(helper.make_node("If", ["c"], ["z"], name="if", then_branch=inner))
    path = tmp_path / "m.onnx"
    save(helper.make_model(outer), path)
    weights = open_weights(path)
    assert float(weights.read("q")[0, 0]) == 20.0
    assert float(weights.read("if.q")[0, 0]) == 1.0


def npz(path: Path, *names: str) -> Path:
    stream = io.BytesIO()
    np.save(stream, np.eye(2))
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, stream.getvalue())
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("x.npy", "x"), ("x.npy", "x.npy"), ("y.npy", "x", "x")])
def test_npz_of_one_name_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(FileFormatError, match=r"m\.npz'? .*two (tensors|members) named 'x"):
        open_weights(npz(tmp_path / "m.npz", *names))


def test_gguf_spells_out_what_is_no_text(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    path = tmp_path / "m.gguf"
    tensors = [gguf_tensor(b"\xff", (4, 3)), gguf_tensor(b"\xfe", (4, 3), offset=64)]
    gguf(tensors=tensors)(path)
    assert [entry.name for entry in open_weights(path).entries] == [r"\xff", r"\xfe"]
    gguf(tensors=[tensors[0], gguf_tensor(rb"\xff", (4, 3), offset=64)])(path)
    with pytest.raises(FileFormatError, match="two tensors named"):
        open_weights(path)


def test_whoever_makes_weights_names_them_apart() -> None:
    one = TensorInfo("w", (2, 2), "float32", 16)
    with pytest.raises(FileFormatError, match="source holds two tensors named 'w'"):
        Weights("source", (one, one), {}, lambda name: np.eye(2))


def test_parts_of_a_tensor_are_no_other_tensors(tmp_path: Path) -> None:
    names = {"in_proj_weight", "in_proj_weight:q", "in_proj_weight::k"}
    rng = np.random.default_rng(0)
    found = iter_matrices(open_weights({name: rng.standard_normal((12, 4)) for name in names}))
    listed = [item.name for item in found]
    assert len(listed) == len(set(listed)) >= 5


def test_distinct_names_are_given_in_time_and_keep_the_first() -> None:
    assert distinct(["a", "b"]) == ["a", "b"]
    assert distinct(["a", "a", "a (2)", "a"]) == ["a", "a (3)", "a (2)", "a (4)"]
    many = distinct(["a"] * 100_000)
    assert len(set(many)) == 100_000 and many[-1] == "a (100000)"
